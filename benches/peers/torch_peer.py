"""One measurement of PyTorch with transformers, printed as one JSON object; started by `compare.py`.

The work is that of `azr bench`: `train` is forward and backward with the loss over every token but the first of
`batch` sequences, gradients added to those that are there; `decode` samples `new` tokens at temperature 1 after prompts
that share nothing, its time is what they add to reading the prompts and sampling one. Once for warmth, then by the clock.
"""

import time

import torch
from transformers import AutoModelForCausalLM

import peer


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
    options = peer.arguments(dtypes=["f32", "bf16"])
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    # Training keeps f32 weights and computes in 16 bits where autocast thinks it good; sampling has 16-bit weights.
    stored = torch.bfloat16 if (options.what, options.dtype) == ("decode", "bf16") else torch.float32
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=stored, attn_implementation="sdpa")
    model.train(options.what == "train")
    # Nothing ends a sequence before its length.
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    ids = torch.tensor(peer.tokens(options.batch, options.prompt_tokens, model.config.vocab_size))
    if options.what == "train":
        work = lambda: train(model, ids, options.dtype)
    else:
        work = lambda: sample(model, ids, options.new_tokens + 1) - sample(model, ids, 1)
    peer.measure(work, options.repeat)


if __name__ == "__main__":
    main()
