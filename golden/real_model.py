"""Golden numbers of a pretrained model, from its GGUF file, by Hugging Face transformers in f32.

    python real_model.py MODEL.gguf OUT.json [--hf DIR]

Writes tokens of texts, rendered chats, log-probabilities and greedy continuations. With `--hf`, the model is also
saved as a Hugging Face directory, for comparing by hand.
"""

import argparse
import json
import os

import torch
from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Tokenizer

import convert
import measure
import texts
from reference_bpe import ReferenceBpe

NEW_TOKENS = 64
LONG_TOKENS = 1024
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5


def field(reader, name):
    return reader.fields[name].contents() if name in reader.fields else None


def tokenizer_of(reader):
    """The tokenizer class of the model family, on the vocabulary of the file, and the plain reference beside it."""
    tokens, kinds = field(reader, "tokenizer.ggml.tokens"), field(reader, "tokenizer.ggml.token_type")
    merges, words = field(reader, "tokenizer.ggml.merges"), field(reader, "tokenizer.ggml.pre")
    vocab = {token: i for i, token in enumerate(tokens) if kinds[i] != UNUSED}
    special = [token for token, kind in zip(tokens, kinds) if kind in (CONTROL, USER_DEFINED)]
    names = {role: tokens[field(reader, f"tokenizer.ggml.{key}_token_id")]
             for role, key in (("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"))}
    pairs = [tuple(merge.split(" ")) for merge in merges]
    if words == "qwen2":
        tokenizer = Qwen2Tokenizer(vocab=vocab, merges=pairs, **names)
    else:
        backend = Tokenizer(models.BPE(vocab=vocab, merges=pairs))
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        backend.decoder = decoders.ByteLevel()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **names)
    added = [AddedToken(token, special=kinds[vocab[token]] == CONTROL, normalized=False) for token in special]
    tokenizer.add_tokens(added, special_tokens=True)
    tokenizer.chat_template = field(reader, "tokenizer.chat_template")
    return tokenizer, ReferenceBpe(vocab, merges, special, words)


def encode(tokenizer, reference, text):
    """Ids of a text, on which both tokenizers must agree."""
    ids = tokenizer.encode(text, add_special_tokens=False)
    plain = reference.encode(text)
    assert ids == plain, (text, ids, plain)
    return ids


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf")
    parser.add_argument("out")
    parser.add_argument("--hf")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    reader = GGUFReader(arguments.gguf)
    tokenizer, reference = tokenizer_of(reader)
    directory, file = os.path.split(os.path.abspath(arguments.gguf))
    model = convert.model_of(directory, file)
    if arguments.hf:
        model.save_pretrained(arguments.hf)
        tokenizer.save_pretrained(arguments.hf)

    chats = []
    for messages in texts.CHATS:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        chats.append({"messages": messages, "text": text, "ids": encode(tokenizer, reference, text)})
    long = encode(tokenizer, reference, texts.PROSE + "\n\n" + texts.code(20))[:LONG_TOKENS]
    sequences = [long, *(chat["ids"] for chat in chats[:2])]
    prompts = [encode(tokenizer, reference, prompt) for prompt in texts.PROMPTS]
    golden = {
        "model": file,
        "encodings": [{"text": text, "ids": encode(tokenizer, reference, text)} for text in texts.EDGES],
        "chats": chats,
        "logprobs": [{"tokens": tokens, "logprobs": measure.significant(measure.logprobs(model, tokens))}
                     for tokens in sequences],
        "greedy": [measure.greedy(model, prompt, NEW_TOKENS) for prompt in prompts],
    }
    with open(arguments.out, "w", encoding="utf-8") as out:
        out.write("{\n" + ",\n".join(
            f"{json.dumps(key)}: " + (json.dumps(value, ensure_ascii=True) if not isinstance(value, list) else
            "[\n" + ",\n".join(json.dumps(item, ensure_ascii=True, separators=(",", ":")) for item in value) + "\n]")
            for key, value in golden.items()) + "\n}\n")


if __name__ == "__main__":
    main()
