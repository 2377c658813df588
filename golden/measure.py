"""What is recorded of a model: log-probabilities of given tokens, and greedy continuations with their margins."""

import torch


def significant(values, digits: int = 8) -> list:
    """Numbers rounded to significant digits, `None` kept."""
    return [None if value is None else float(f"{value:.{digits}g}") for value in values]


@torch.no_grad()
def logprobs(model, tokens: list[int]) -> list:
    """Natural log-probability of each token given those before; the first has none."""
    logits = model(torch.tensor([tokens])).logits[0].float()
    scores = torch.log_softmax(logits[:-1], dim=-1)
    chosen = scores.gather(1, torch.tensor(tokens[1:])[:, None])[:, 0]
    return [None] + chosen.tolist()


@torch.no_grad()
def greedy(model, prompt: list[int], new_tokens: int) -> dict:
    """The most probable token, `new_tokens` times, past any stop token, and by how much it won (in nats)."""
    cache, tokens, margins, feed = None, [], [], torch.tensor([prompt])
    for _ in range(new_tokens):
        out = model(feed, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        best = out.logits[0, -1].float().topk(2)
        tokens.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        feed = torch.tensor([[tokens[-1]]])
    return {"prompt": prompt, "tokens": tokens, "margin_min": float(f"{min(margins):.4g}"),
            "margin_min_at": margins.index(min(margins))}
