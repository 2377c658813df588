"""PyTorch beside the kernels of `gpu-report time`: reads its lines, does the same work on the same shapes where PyTorch has
it, prints a line for each. `cargo xtask gpu` carries this file; it is used where torch can be imported.

Each computes in the numbers of the line that it stands beside: in bf16 that is flash attention, and tensor cores.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

WARM_CALLS = 3
ROUNDS = 7
ROUND_SECONDS_MIN = 0.02
CALLS_MAX = 1000


def numbers(shape, dtype=torch.float32, grad=False):
    return (torch.rand(shape, device=DEVICE, dtype=torch.float32) * 2 - 1).to(dtype).requires_grad_(grad)


def back(out, *leaves):
    """The backward pass of what is there already."""
    above = torch.randn_like(out)
    return lambda: torch.autograd.grad(out, leaves, above, retain_graph=True)


def copy(shape, dtype):
    source, out = numbers(shape), numbers(shape)
    return lambda: out.copy_(source)


def gradient_norm(shape, dtype):
    values = numbers(shape)
    return lambda: torch.linalg.vector_norm(values).item()


def adamw(shape, dtype):
    weights = numbers(shape, grad=True)
    weights.grad = numbers(shape)
    optimizer = torch.optim.AdamW([weights], fused=True)
    return optimizer.step


def norm(shape, dtype):
    x, w = numbers(shape), numbers(shape[-1:])
    return lambda: F.rms_norm(x, shape[-1:], w, 1e-6)


def norm_back(shape, dtype):
    x, w = numbers(shape, grad=True), numbers(shape[-1:], grad=True)
    return back(F.rms_norm(x, shape[-1:], w, 1e-6), x, w)


def gate(shape, dtype):
    gate, up = numbers(shape), numbers(shape)
    return lambda: F.silu(gate) * up


def gate_back(shape, dtype):
    gate, up = numbers(shape, grad=True), numbers(shape, grad=True)
    return back(F.silu(gate) * up, gate, up)


def token_vectors(shape, dtype):
    rows, width, words = shape
    table, tokens = numbers((words, width)), torch.randint(words, (rows,), device=DEVICE)
    return lambda: F.embedding(tokens, table)


def linear(shape, dtype):
    rows, inputs, outputs = shape
    x, w = numbers((rows, inputs), dtype), numbers((outputs, inputs), dtype)
    return lambda: F.linear(x, w)


def linear_by_input(shape, dtype):
    rows, inputs, outputs = shape
    dy, w = numbers((rows, outputs), dtype), numbers((outputs, inputs), dtype)
    return lambda: dy @ w


def linear_by_weights(shape, dtype):
    rows, inputs, outputs = shape
    dy, x = numbers((rows, outputs), dtype), numbers((rows, inputs), dtype)
    return lambda: dy.T @ x


def heads_of(shape):
    sequences, length, heads, kv_heads, width = shape
    query = (sequences, heads, length, width)
    return query, (sequences, kv_heads, length, width)


def attend(q, k, v, **how):
    return F.scaled_dot_product_attention(q, k, v, enable_gqa=True, **how)


def attention(shape, dtype):
    query, key = heads_of(shape)
    q, k, v = [numbers(it, dtype) for it in (query, key, key)]
    return lambda: attend(q, k, v, is_causal=True)


def attention_back(shape, dtype):
    query, key = heads_of(shape)
    q, k, v = [numbers(it, dtype, grad=True) for it in (query, key, key)]
    return back(attend(q, k, v, is_causal=True), q, k, v)


def attention_decode(shape, dtype):
    query, key = heads_of(shape)
    q = numbers((query[0], query[1], 1, query[3]), dtype)
    k, v = numbers(key, dtype), numbers(key, dtype)
    return lambda: attend(q, k, v)


def loss(shape, dtype):
    rows, width, words = shape
    hidden, w = numbers((rows, width), dtype, grad=True), numbers((words, width), dtype, grad=True)
    targets = torch.randint(words, (rows,), device=DEVICE)
    return lambda: F.cross_entropy(F.linear(hidden, w).float(), targets, reduction="none"), hidden, w


def head(shape, dtype):
    forward, _, _ = loss(shape, dtype)

    def work():
        with torch.no_grad():
            forward()

    return work


def head_back(shape, dtype):
    forward, hidden, w = loss(shape, dtype)
    return back(forward(), hidden, w)


def draw(shape, dtype):
    """With the log-probability; the host waits for both."""
    logits = 12 * numbers(shape)

    def work():
        scores = F.log_softmax(logits / 0.8, dim=-1)
        tokens = torch.multinomial(scores.exp(), 1)
        return tokens.cpu(), scores.gather(-1, tokens).cpu()

    return work


def draw_filtered(shape, dtype):
    """Of the 200 likeliest, in order, those that hold 0.9, and no less than a hundredth of the likeliest."""
    logits = 12 * numbers(shape)

    def work():
        scores, words = torch.topk(logits / 0.8, min(200, shape[-1]))
        shares = F.softmax(scores, dim=-1)
        out = (0.9 <= shares.cumsum(-1) - shares) | (shares < 0.01 * shares[:, :1])
        scores = F.log_softmax(scores.masked_fill(out, -torch.inf), dim=-1)
        places = torch.multinomial(scores.exp(), 1)
        return words.gather(-1, places).cpu(), scores.gather(-1, places).cpu()

    return work


PEERS = {
    "copy": copy,
    "gradient norm": gradient_norm,
    "AdamW": adamw,
    "norm": norm,
    "norm back": norm_back,
    "gate": gate,
    "gate back": gate_back,
    "token vectors": token_vectors,
    "draw": draw,
    "draw filtered": draw_filtered,
    "linear": linear,
    "linear back by input": linear_by_input,
    "linear back by weights": linear_by_weights,
    "attention": attention,
    "attention back": attention_back,
    "attention decode": attention_decode,
    "head": head,
    "head back": head_back,
}


def clock(work, calls):
    started = time.perf_counter()
    for _ in range(calls):
        work()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def measure(work):
    """Seconds of one call: the median of several rounds."""
    clock(work, WARM_CALLS)
    calls = min(max(1, int(ROUND_SECONDS_MIN / clock(work, 1))), CALLS_MAX)
    return statistics.median(clock(work, calls) / calls for _ in range(ROUNDS))


def main():
    for text in open(OPTIONS.lines):
        line = json.loads(text)
        peer = PEERS.get(line["kernel"])
        if peer is None:
            continue
        narrow = line["dtype"] == "bf16"
        seconds = measure(peer(tuple(line["shape"]), torch.bfloat16 if narrow else torch.float32))
        about = {key: line[key] for key in ("kernel", "dtype", "shape")}
        named = {"peer": f"PyTorch {torch.__version__}", "computed_in": "bf16" if narrow else "f32"}
        print(json.dumps(named | about | {"seconds": seconds}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("lines", help="what `gpu-report time` printed")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    OPTIONS = parser.parse_args()
    DEVICE = OPTIONS.device
    torch.manual_seed(1)
    main()
