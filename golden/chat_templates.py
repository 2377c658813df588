"""Writes `chat_templates.json`: small chat templates and what transformers renders from them.

    VENV/bin/python chat_templates.py chat_templates.json

Every template is rendered as `apply_chat_template` renders it, with the date at 26 July 2024. Where Python raises, the
class of the exception and its words stand instead of a text.
"""

import datetime
import json
import sys
from pathlib import Path

import jinja2
import transformers
from transformers.utils import chat_template_utils

import chat_template_statements  # noqa: F401, it adds its cases
from chat_template_cases import CASES, CONTEXTS


class Midnight:
    """The clock of `strftime_now`."""

    @staticmethod
    def now():
        return datetime.datetime(2024, 7, 26)


def rendered(template, context):
    """The text, or None and what was raised."""
    chat_template_utils.datetime = Midnight
    try:
        conversations = [chat_template_utils._normalize_chat_messages(context["messages"])]
        texts, _ = chat_template_utils.render_jinja_template(
            conversations=conversations,
            tools=context["tools"],
            documents=context["documents"],
            chat_template=template,
            add_generation_prompt=context["add_generation_prompt"],
            **context["special"],
        )
    except Exception as error:  # whatever a template raises is a result here
        return None, f"{type(error).__name__}: {error}"[:120]
    try:
        texts[0].encode()
    except UnicodeEncodeError:
        return None, "UnicodeEncodeError"
    if " at 0x" in texts[0]:
        return None, "a text with an address"
    return texts[0], None


def write(path, templates, contexts, pairs, **more):
    """Renders the pairs of a template and a context, and writes them with what came of them."""
    cases = []
    for template, context in pairs:
        cases.append([template, context, *rendered(templates[template], contexts[context])])
    content = {
        "transformers": transformers.__version__,
        "jinja2": jinja2.__version__,
        "templates": templates,
        "contexts": contexts,
        **more,
    }
    lines = [json.dumps(content, ensure_ascii=False)[:-1] + ', "cases": [']
    lines.append(",\n".join(json.dumps(case, ensure_ascii=False) for case in cases))
    lines.append("]}")
    Path(path).write_text("\n".join(lines) + "\n")
    texts = sum(case[2] is not None for case in cases)
    print(f"{len(cases)} cases, {texts} with a text")


def main():
    templates = list(dict.fromkeys(template for template, _ in CASES))
    place = {template: at for at, template in enumerate(templates)}
    write(sys.argv[1], templates, CONTEXTS, [(place[template], context) for template, context in CASES])


if __name__ == "__main__":
    main()
