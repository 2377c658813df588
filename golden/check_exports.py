"""Checks that what `azr export` writes loads in transformers and in llama.cpp, and gives the same greedy tokens there.

    python check_exports.py AZR OUT MODEL... [--prompts N] [--new-tokens N]

AZR is the binary, OUT a directory for the exports (it must not exist), MODEL whatever `azr export` takes. Each model is
exported as a Hugging Face directory, as gguf-f16 and as gguf-q8_0, and each export is continued greedily from the same
token ids by azr, by transformers (f32, eager attention) and, if it is a GGUF file, by llama.cpp (f32 cache).

Where the three computed the same numbers they would choose the same tokens. They do not quite, so a first difference is
accepted where the leading token of transformers leads by less than the tolerance (1e-3 nats for azr, 0.01 for llama.cpp
at F16), and every one is printed. llama.cpp also rounds whatever a Q8_0 matrix is multiplied with to 8 bits, which moves
its numbers by tenths of a nat. So there its tokens are printed and decide nothing: those of the Q8_0 file that llama.cpp
itself makes of our F16 file are printed beside them, and what decides is that no tensor of our file is further (by more
than 1 %, root mean square) from the F16 file than the same tensor of that one.
Texts are encoded by both tokenizers as well; differences are printed and decide nothing, because llama.cpp knows no
normal forms and finds words of the user in another order.
"""

import argparse
import ctypes
import json
import math
import os
import subprocess
import sys

import llama_cpp
import numpy
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from transformers import AutoModelForCausalLM, AutoTokenizer

import texts

FORMATS = {"hf": "hf", "gguf-f16": "f16.gguf", "gguf-q8_0": "q8_0.gguf"}
AZR_NATS = 1e-3
LLAMA_NATS = 0.01
ROUNDING_RATIO_MAX = 1.01
SCORES_NATS = 1e-3


def azr_lines(azr, arguments, stdin=None):
    done = subprocess.run([azr, *arguments], input=stdin, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_azr(azr, export, prompts, new_tokens):
    """Greedy tokens; a response that its stop token ended is shorter than the others."""
    file = export + ".prompts.jsonl"
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(json.dumps({"tokens": prompt}) + "\n" for prompt in prompts)
    return [line["tokens"] for line in azr_lines(azr, [
        "generate", "--model", export, "--prompts", file, "--temperature", "0", "--top-k", "0", "--top-p", "1",
        "--max-new-tokens", str(new_tokens), "--json"])]


@torch.no_grad()
def of_transformers(model, prompt, new_tokens):
    """Greedy tokens, past any stop token, and by how much each led, in nats."""
    cache, feed, tokens, margins = None, torch.tensor([prompt]), [], []
    for _ in range(new_tokens):
        out = model(feed, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        best = out.logits[0, -1].topk(2)
        tokens.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        feed = torch.tensor([[tokens[-1]]])
    return tokens, margins


def of_llama(llama, prompt, new_tokens):
    """Greedy tokens, past any stop token, and by how much each led, in nats."""
    llama.reset()
    feed, tokens, margins = prompt, [], []
    for _ in range(new_tokens):
        llama.eval(feed)
        logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), shape=(llama.n_vocab(),))
        tokens.append(int(logits.argmax()))
        best = numpy.partition(logits, -2)[-2:]
        margins.append(float(best[1] - best[0]))
        feed = [tokens[-1]]
    return tokens, margins


def llama_of(file):
    return llama_cpp.Llama(file, n_ctx=512, n_threads=2, verbose=False, type_k=0, type_v=0)


def quantized_by_llama(file):
    """The Q8_0 file that llama.cpp makes of an F16 file."""
    out = file.replace("f16.gguf", "by-llama.gguf")
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype, settings.nthread = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, 2
    assert llama_cpp.llama_model_quantize(file.encode(), out.encode(), ctypes.byref(settings)) == 0
    return out


def rounding(ours, theirs, halves):
    """The largest ratio of what one file and another lost of a third one, and the share of equal bytes."""
    files = [{tensor.name: tensor for tensor in GGUFReader(file).tensors} for file in (ours, theirs, halves)]
    assert files[0].keys() == files[1].keys(), "the files hold different tensors"
    worst, equal, total = 0.0, 0, 0
    for name, (a, b, whole) in {name: [file[name] for file in files] for name in files[0]}.items():
        assert a.tensor_type == b.tensor_type and list(a.shape) == list(b.shape), name
        bytes_a, bytes_b = numpy.asarray(a.data).view(numpy.uint8), numpy.asarray(b.data).view(numpy.uint8)
        equal, total = equal + int((bytes_a == bytes_b).sum()), total + bytes_a.size
        truth = dequantize(whole.data, whole.tensor_type)
        lost = [float(((dequantize(it.data, it.tensor_type) - truth) ** 2).mean()) ** 0.5 for it in (a, b)]
        if lost[1]:
            worst = max(worst, lost[0] / lost[1])
    return worst, equal / total


def compare(name, found, expected, margins, tolerance):
    """Prints how many responses are equal; whether every first difference is a close call."""
    equal, fine, closest = 0, True, []
    for one, (other, margin) in zip(found, zip(expected, margins)):
        differs = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), None)
        if differs is None:
            equal += 1
        else:
            closest.append(f"token {differs} (lead {margin[differs]:.3g} nats)")
            fine &= margin[differs] < tolerance
    print(f"  {name}: {equal} of {len(found)} equal" + "".join(f"; {one}" for one in closest), flush=True)
    return fine


@torch.no_grad()
def scores_differ(azr, export, model, sequences):
    lines = "".join(json.dumps({"id": i, "tokens": tokens}) + "\n" for i, tokens in enumerate(sequences))
    worst = 0.0
    for line, tokens in zip(azr_lines(azr, ["logprobs", "--model", export], lines), sequences):
        scores = torch.log_softmax(model(torch.tensor([tokens])).logits[0].float(), dim=-1)
        truth = scores[:-1].gather(1, torch.tensor(tokens[1:])[:, None])[:, 0]
        worst = max(worst, float((truth - torch.tensor(line["logprobs"][1:])).abs().max()))
    return worst


def load(export, format):
    arguments = dict(dtype=torch.float32, attn_implementation="eager")
    if format == "hf":
        return AutoModelForCausalLM.from_pretrained(export, **arguments).eval()
    directory, file = os.path.split(export)
    return AutoModelForCausalLM.from_pretrained(directory, gguf_file=file, **arguments).eval()


def check(azr, out, name, count, new_tokens):
    fine, prompts, tokenizer = True, None, None
    for format, suffix in FORMATS.items():
        export = os.path.join(out, suffix)
        subprocess.run([azr, "export", name, "--format", format, "--out", export], check=True, capture_output=True)
        if tokenizer is None:
            tokenizer = AutoTokenizer.from_pretrained(export)
            prompts = [tokenizer.encode(text) for text in texts.PROMPTS[:count]]
        model = load(export, format)
        print(f"{name} as {format}:", flush=True)
        expected, margins = zip(*(of_transformers(model, prompt, new_tokens) for prompt in prompts))
        fine &= compare("azr and transformers", of_azr(azr, export, prompts, new_tokens), expected, margins, AZR_NATS)
        worst = scores_differ(azr, export, model, [a + b for a, b in zip(prompts, expected)])
        print(f"  log-probabilities of azr and transformers: {worst:.2g} nats apart at most", flush=True)
        fine &= worst <= SCORES_NATS
        del model
        if format != "hf":
            llama = llama_of(export)
            found = [of_llama(llama, prompt, new_tokens)[0] for prompt in prompts]
            tolerance = LLAMA_NATS if format == "gguf-f16" else math.inf
            fine &= compare("llama.cpp and transformers", found, expected, margins, tolerance)
            if format == "gguf-q8_0":
                halves = os.path.join(out, FORMATS["gguf-f16"])
                file = quantized_by_llama(halves)
                own = llama_of(file)
                others, leads = zip(*(of_llama(own, prompt, new_tokens) for prompt in prompts))
                compare("llama.cpp and llama.cpp on its own file", found, others, leads, math.inf)
                compare("llama.cpp on its own file and transformers", others, expected, margins, math.inf)
                del own
                ratio, same = rounding(export, file, halves)
                print(f"  rounding error, ours over that of llama.cpp: {ratio:.4f} at most; {same:.1%} of bytes equal")
                fine &= ratio <= ROUNDING_RATIO_MAX
            other = [text for text in texts.EDGES + texts.PROMPTS
                     if llama.tokenize(text.encode("utf-8", "surrogatepass"), add_bos=False, special=True)
                     != tokenizer.encode(text, add_special_tokens=False)]
            print(f"  texts that llama.cpp encodes otherwise: {len(other)} of {len(texts.EDGES + texts.PROMPTS)} {other}")
            del llama
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("azr")
    parser.add_argument("out")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=32)
    arguments = parser.parse_args()
    fine = True
    for index, name in enumerate(arguments.models):
        out = os.path.join(arguments.out, str(index))
        os.makedirs(out)
        fine &= check(os.path.abspath(arguments.azr), out, name, arguments.prompts, arguments.new_tokens)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
