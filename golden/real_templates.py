"""Renders chat templates of real models, as transformers does, over conversations of many kinds.

    VENV/bin/python real_templates.py FOLDER CASES.json
    cargo run -p azr-model --example check_templates -- CASES.json real_templates.json

FOLDER holds templates as `*.jinja` files, which belong to their makers and are not kept here. CASES.json has them and what
transformers renders; `check_templates` compares and writes which templates were compared, by their SHA-256.
"""

import hashlib
import json
import sys
from pathlib import Path

import chat_templates
from chat_template_cases import TOOL

SYSTEM = {"role": "system", "content": "You are \"brief\" & <careful>.\n"}
ASK = {"role": "user", "content": "Hi, it's 2 < 3?  "}
ANSWER = {"role": "assistant", "content": "Yes.\n\nIt is."}
THANKS = {"role": "user", "content": "Merci — ça va 👍?"}
CALL = {"id": "call12345", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "São Paulo", "days": 2, "deep": {"a": [1, 2.5, None, True]}}}}
CALLING = {"role": "assistant", "content": "", "tool_calls": [CALL]}
BARE_CALLING = {"role": "assistant", "tool_calls": [CALL, dict(CALL, id="call12346")]}
TEXT_CALLING = {"role": "assistant", "content": None, "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Rome\"}"}}]}
RESULT = {"role": "tool", "name": "get_weather", "tool_call_id": "call12345", "content": "{\"temp\": 21.5}"}
SECOND = {"role": "tool", "name": "get_weather", "tool_call_id": "call12346", "content": {"temp": -3, "sky": None}}
PARTS = {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "image"}, {"type": "text", "text": "two"}]}
REASONED = {"role": "assistant", "content": "It is 4.", "reasoning_content": "\n2 + 2 = 4\n"}
INLINE = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nFour."}
OTHER = {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {"zone": {"type": ["string", "null"], "enum": ["a", "b"]}, "more": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}}}}}}
DOCUMENTS = [{"title": "One", "text": "First."}, {"title": "Two", "text": "Second\ntext."}]

CONVERSATIONS = [
    [ASK],
    [SYSTEM, ASK],
    [ASK, ANSWER, THANKS],
    [SYSTEM, ASK, ANSWER, THANKS],
    [SYSTEM, ASK, ANSWER],
    [ASK, dict(ANSWER, content=""), dict(THANKS, content="")],
    [dict(SYSTEM, content=""), dict(ASK, content="")],
    [ASK, THANKS],
    [SYSTEM],
    [dict(SYSTEM, role="developer"), ASK],
    [ASK, REASONED, THANKS],
    [SYSTEM, ASK, REASONED, THANKS, dict(REASONED, reasoning_content="again")],
    [ASK, INLINE, THANKS],
    [PARTS],
    [dict(SYSTEM, content=[{"type": "text", "text": "System parts."}]), PARTS, dict(ANSWER, content=[{"type": "text", "text": "Parts."}]), THANKS],
]
WITH_TOOLS = [
    [ASK],
    [SYSTEM, ASK],
    [SYSTEM, ASK, CALLING, RESULT],
    [ASK, BARE_CALLING, RESULT, SECOND, ANSWER, THANKS],
    [ASK, TEXT_CALLING, dict(RESULT, tool_call_id="abcdefghi")],
    [SYSTEM, ASK, dict(CALLING, reasoning_content="Look it up."), RESULT, dict(REASONED, content="21.5"), THANKS],
    [ASK, dict(CALLING, content="Let me see."), dict(RESULT, content=[{"type": "text", "text": "sunny"}])],
    [PARTS, CALLING, RESULT],
]
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def contexts():
    """Every conversation, with and without the start of an answer."""
    def of(messages, tools, documents, prompt):
        return {"messages": messages, "tools": tools, "documents": documents, "special": SPECIAL, "add_generation_prompt": prompt}

    found = []
    for prompt in (True, False):
        found += [of(messages, None, None, prompt) for messages in CONVERSATIONS]
        found += [of(messages, [TOOL, OTHER], None, prompt) for messages in WITH_TOOLS]
        found += [of(messages, None, DOCUMENTS, prompt) for messages in CONVERSATIONS[:3]]
        found.append(of(WITH_TOOLS[3], None, None, prompt))
        found.append(of(CONVERSATIONS[0], [], None, prompt))
    return found


def main():
    folder, path = sys.argv[1:]
    files = sorted(Path(folder).glob("*.jinja"))
    templates = [file.read_bytes().decode() for file in files]
    all_contexts = contexts()
    pairs = [(template, context) for template in range(len(templates)) for context in range(len(all_contexts))]
    names = [[file.stem, hashlib.sha256(file.read_bytes()).hexdigest()] for file in files]
    chat_templates.write(path, templates, all_contexts, pairs, names=names)


if __name__ == "__main__":
    main()
