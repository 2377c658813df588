"""What PyTorch computes of a pretrained model: gradients, and log-probabilities at several depths.

    python real_reference.py DIR GOLDEN.json OUT.safetensors [--dtype float64] [--angles exact] [--weights bfloat16]

DIR is a Hugging Face directory, GOLDEN.json names the token sequences. OUT holds

* `grad.NAME`: gradient, by every weight, of the mean negative log-probability of all tokens but the first of each
  sequence, cut to 256 tokens; rounded to f32. The sequences are in the file's metadata.
* `logprobs.I`: log-probabilities of all tokens but the first of the whole sequence I.
* `depth.L`: the same of the first sequence by the first L blocks, the last norm and the head, for L = 1, 2, 4, ...

In float64 everything is: where transformers turns to f32 whatever the model's type (norms, softmax, cosines), this does
not. Angles are rounded to f32 as there, which is how these models are defined, unless they are asked to be exact. With
weights in bfloat16 every matrix of a product is rounded, and nothing else.
"""

import argparse
import json
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

GRADIENT_TOKENS = 256
HEAD_ROWS = 128


def attention(module, query, key, value, attention_mask, scaling, dropout=0.0, **_):
    """Plain attention in the type of its arguments."""
    key = key.repeat_interleave(module.num_key_value_groups, dim=1)
    value = value.repeat_interleave(module.num_key_value_groups, dim=1)
    scores = query @ key.transpose(2, 3) * scaling + attention_mask
    weights = scores.softmax(-1)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def norm(self, hidden):
    return self.weight * (hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def keep_the_type(model, exact_angles: bool):
    """Takes the turns to f32 out of a model."""
    sys.modules[type(model).__module__].eager_attention_forward = attention
    type(model.model.norm).forward = norm
    rotary = model.model.rotary_emb
    if exact_angles:
        base, count = model.config.rope_parameters["rope_theta"], 2 * len(rotary.inv_freq)
        frequencies = base ** (-torch.arange(0, count, 2, dtype=torch.float64) / count)
    else:
        frequencies = rotary.inv_freq.float()

    def turns(x, position_ids):
        angles = (position_ids[..., None].to(frequencies.dtype) * frequencies).double()
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)

    rotary.forward = turns


def chosen(logits, tokens):
    scores = torch.log_softmax(logits, dim=-1)
    return scores.gather(1, torch.tensor(tokens)[:, None])[:, 0]


@torch.no_grad()
def head(model, hidden, tokens):
    """Log-probabilities of the tokens by rows of normed hidden states, a part at a time."""
    parts = zip(hidden.split(HEAD_ROWS), torch.tensor(tokens).split(HEAD_ROWS))
    return torch.cat([chosen(model.lm_head(rows), part.tolist()) for rows, part in parts]).double()


@torch.no_grad()
def scores(model, tokens, depths: bool) -> dict:
    """Log-probabilities by the whole model, under 0, and by its first blocks, under their number."""
    out = model.model(torch.tensor([tokens[:-1]]), output_hidden_states=depths, use_cache=False)
    found = {0: head(model, out.last_hidden_state[0], tokens[1:])}
    depth = 1
    while depths and depth < len(model.model.layers):
        found[depth] = head(model, model.model.norm(out.hidden_states[depth][0]), tokens[1:])
        depth *= 2
    return found


def round_products(model):
    """Rounds what products multiply with. A head that is the embedding, too, gets a matrix of its own."""
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            weight = module.weight.detach()
            module.weight = torch.nn.Parameter(weight.bfloat16().to(weight.dtype))


def gradients(model, sequences) -> dict:
    count = sum(len(tokens) - 1 for tokens in sequences)
    for tokens in sequences:
        logits = model(torch.tensor([tokens[:-1]]), use_cache=False).logits[0]
        (-chosen(logits, tokens[1:]).sum() / count).backward()
    found = {f"grad.{name}": weight.grad for name, weight in model.named_parameters()}
    if model.config.tie_word_embeddings and "grad.lm_head.weight" in found:
        found["grad.model.embed_tokens.weight"] += found.pop("grad.lm_head.weight")
    return {name: gradient.float() for name, gradient in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("golden")
    parser.add_argument("out")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--angles", choices=["float32", "exact"], default="float32")
    parser.add_argument("--weights", choices=["bfloat16"])
    arguments = parser.parse_args()
    with open(arguments.golden, encoding="utf-8") as file:
        sequences = [one["tokens"] for one in json.load(file)["logprobs"]]
    model = AutoModelForCausalLM.from_pretrained(
        arguments.directory, dtype=getattr(torch, arguments.dtype), attn_implementation="eager").eval()
    # PyTorch leaves the gradient of the padding token out, and chats end their turns with that token.
    model.model.embed_tokens.padding_idx = None
    if arguments.dtype == "float64":
        keep_the_type(model, arguments.angles == "exact")
    if arguments.weights:
        round_products(model)
    found = {}
    for index, tokens in enumerate(sequences):
        for depth, values in scores(model, tokens, index == 0).items():
            found[f"depth.{depth}" if depth else f"logprobs.{index}"] = values
    cut = [tokens[:GRADIENT_TOKENS] for tokens in sequences]
    found.update(gradients(model, cut))
    metadata = {"dtype": arguments.dtype, "angles": arguments.angles, "torch": torch.__version__,
                "weights": arguments.weights or arguments.dtype,
                "sequences": json.dumps(sequences), "gradient_sequences": json.dumps(cut)}
    save_file(found, arguments.out, metadata=metadata)


if __name__ == "__main__":
    main()
