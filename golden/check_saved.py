"""Checks that transformers loads a directory that azr saved, and computes the golden numbers from it.

    python check_saved.py DIRECTORY GOLDEN.json [--tolerance NATS]

Loads with AutoModelForCausalLM and AutoTokenizer, as people do. Encodings must be equal, log-probabilities within the
tolerance (default 1e-5 nats; for a bfloat16 directory give what bfloat16 costs, about 0.5).
"""

import argparse
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("golden")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()
    with open(arguments.golden, encoding="utf-8") as file:
        golden = json.load(file)
    model, loading = AutoModelForCausalLM.from_pretrained(
        arguments.directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    problems = {key: value for key, value in loading.items() if value}
    tokenizer = AutoTokenizer.from_pretrained(arguments.directory)
    GenerationConfig.from_pretrained(arguments.directory)
    for one in golden["encodings"]:
        assert tokenizer.encode(one["text"], add_special_tokens=False) == one["ids"], one["text"]
    for one in golden["chats"]:
        text = tokenizer.apply_chat_template(one["messages"], tokenize=False, add_generation_prompt=True)
        assert text == one["text"], one["messages"]
    worst = 0.0
    for one in golden["logprobs"]:
        found = measure.logprobs(model.eval(), one["tokens"])
        worst = max([worst, *(abs(a - b) for a, b in zip(found[1:], one["logprobs"][1:]))])
    print(f"{arguments.directory}: largest difference {worst:.3g} nats, loading: {problems or 'nothing missing'}")
    sys.exit(0 if worst <= arguments.tolerance and not problems else 1)


if __name__ == "__main__":
    main()
