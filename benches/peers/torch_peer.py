"""One measurement of PyTorch with transformers, printed as one JSON object; started by `compare.py`.

The work is that of `azr bench`: `train` is forward and backward with the loss over every token but the first of
`batch` sequences, gradients added to those that are there; `decode` samples `new` tokens at temperature 1 after prompts
that share nothing, its time is what they add to reading the prompts and sampling one. Once for warmth, then by the clock.
"""

import argparse
import json
import time

import torch
from transformers import AutoModelForCausalLM

import memory


def tokens(batch, count, vocabulary):
    """The tokens that `azr bench` reads."""
    return torch.tensor(
        [[(index * 7_919 + position * 104_729 + 1) % vocabulary for position in range(count)] for index in range(batch)]
    )


def train(model, ids, dtype):
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16")
    started = time.perf_counter()
    with autocast:
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    return time.perf_counter() - started


def sample(model, ids, new):
    started = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                             max_new_tokens=new)
    seconds = time.perf_counter() - started
    assert out.shape == (ids.shape[0], ids.shape[1] + new), f"{tuple(out.shape)} came back"
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--what", choices=["train", "decode"], required=True)
    parser.add_argument("--dtype", choices=["f32", "bf16"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--prompt-tokens", type=int, required=True)
    parser.add_argument("--new-tokens", type=int, required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    # Training keeps f32 weights and computes in 16 bits where autocast thinks it good; sampling has 16-bit weights.
    stored = torch.bfloat16 if (options.what, options.dtype) == ("decode", "bf16") else torch.float32
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=stored, attn_implementation="sdpa")
    model.train(options.what == "train")
    # Nothing ends a sequence before its length.
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    ids = tokens(options.batch, options.prompt_tokens, model.config.vocab_size)
    memory.forget_peak()
    seconds = []
    for turn in range(options.repeat + 1):
        if options.what == "train":
            took = train(model, ids, options.dtype)
        else:
            took = sample(model, ids, options.new_tokens + 1) - sample(model, ids, 1)
        if 0 < turn:
            seconds.append(took)
    print(json.dumps({"seconds": seconds, "peak_memory_bytes": memory.peak_bytes()}))


if __name__ == "__main__":
    main()
