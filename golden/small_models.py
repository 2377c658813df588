"""Golden numbers of small random models: log-probabilities, gradients and training steps, by transformers in f32.

    python small_models.py DIR [NAME...]          (DIR is golden/small; without names, all of them)

Each model becomes a Hugging Face directory as people have them, in different storage formats, with `golden.json`:
tokens, log-probabilities, greedy continuations, encodings of texts. Some also get
`gradients.safetensors` (`grad.NAME`, of the mean negative log-probability of a sequence) and `steps` in `golden.json`
(losses, gradient norms and a weight over ten AdamW steps).
"""

import json
import os
import shutil
import sys

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
                          Qwen3ForCausalLM)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

import measure
import texts

VOCABULARY = 320
SEQUENCE_TOKENS = [1100, 257, 33, 2, 1]
STEPS = 10
STEP_TOKENS = 48
TEMPLATE = ("{% for message in messages %}<|turn|>{{ message['role'] }}\n{{ message['content'] | trim }}<|end|>\n"
            "{% endfor %}{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}")

COMMON = dict(vocab_size=VOCABULARY, max_position_embeddings=2048, bos_token_id=0, eos_token_id=1, pad_token_id=2)
MODELS = {
    "llama-tied-gqa": dict(
        kind="llama", dtype=torch.float32, gradients=True,
        config=dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=2,
                    intermediate_size=80, rms_norm_eps=1e-5, tie_word_embeddings=True,
                    rope_parameters={"rope_type": "default", "rope_theta": 10000.0})),
    "llama-untied-wide-heads": dict(
        kind="llama", dtype=torch.float16, gradients=False,
        config=dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, head_dim=20,
                    intermediate_size=56, rms_norm_eps=1e-6, tie_word_embeddings=False,
                    rope_parameters={"rope_type": "default", "rope_theta": 500000.0})),
    "qwen2-tied-one-kv-head": dict(
        kind="qwen2", dtype=torch.float32, gradients=False,
        config=dict(hidden_size=56, num_hidden_layers=2, num_attention_heads=7, num_key_value_heads=1,
                    intermediate_size=72, rms_norm_eps=1e-6, tie_word_embeddings=True,
                    rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    "qwen2-untied-sharded": dict(
        kind="qwen2", dtype=torch.bfloat16, gradients=True, shard_bytes="48KB",
        config=dict(hidden_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                    intermediate_size=64, rms_norm_eps=1e-6, tie_word_embeddings=False,
                    rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    # Sequences of 1100 tokens reach far beyond the original context, and head_dim 16 has waves in all three bands.
    "llama3-scaled-rope": dict(
        kind="llama", dtype=torch.float32, gradients=True,
        config=dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1, head_dim=16,
                    intermediate_size=64, rms_norm_eps=1e-5, tie_word_embeddings=True,
                    rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                                     "high_freq_factor": 4.0, "original_max_position_embeddings": 256})),
    "llama-linear-rope": dict(
        kind="llama", dtype=torch.float32, gradients=False,
        config=dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                    intermediate_size=48, rms_norm_eps=1e-5, tie_word_embeddings=False,
                    rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0})),
    "qwen3-tied-wide-heads": dict(
        kind="qwen3", dtype=torch.float32, gradients=True,
        config=dict(hidden_size=40, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=24,
                    intermediate_size=64, rms_norm_eps=1e-6, tie_word_embeddings=True,
                    rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    "qwen3-untied-bf16": dict(
        kind="qwen3", dtype=torch.bfloat16, gradients=False,
        config=dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
                    intermediate_size=56, rms_norm_eps=1e-6, tie_word_embeddings=False,
                    rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
}
FAMILIES = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM),
            "qwen3": (Qwen3Config, Qwen3ForCausalLM)}


def build(spec: dict, seed: int):
    """A random model whose weights are exactly representable in the type they are stored in."""
    generator = torch.Generator().manual_seed(seed)
    config_class, model_class = FAMILIES[spec["kind"]]
    config = config_class(**COMMON, **spec["config"])
    config._attn_implementation = "eager"
    model = model_class(config).float()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if "norm" in name:
                weight.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                weight.copy_(0.5 * noise)
            elif "embed" in name:
                weight.copy_(0.4 * noise)
            else:
                weight.copy_(noise * 1.2 / weight.shape[1] ** 0.5)
            weight.copy_(weight.to(spec["dtype"]).float())
    return model.eval()


def build_tokenizer(kind: str):
    """A small byte-level BPE tokenizer. The qwen kinds cut words and normalize as those families do (transformers 5
    sees to that for every qwen2 model, whatever its tokenizer.json says); the llama kind sets a first token."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if kind != "llama":
        words = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 8, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|start|>", "<|end|>", "<|pad|>", "<|turn|>"])
    backend.train_from_iterator([texts.PROSE, texts.code(20)], trainer)
    backend.add_special_tokens([AddedToken(t, normalized=False) for t in ("<|start|>", "<|end|>", "<|pad|>", "<|turn|>")])
    if kind != "llama":
        backend.normalizer = normalizers.NFC()
    else:
        backend.post_processor = processors.TemplateProcessing(single="<|start|> $A", special_tokens=[("<|start|>", 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|start|>", eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def loss_of(model, tokens):
    """Mean negative log-probability of all tokens but the first."""
    logits = model(torch.tensor([tokens])).logits[0].float()
    return torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(tokens[1:]))


def clear_greedy(model, tokens, count) -> list:
    """Continuations of pieces of `tokens` in which no choice is so close that rounding decides it."""
    found = (measure.greedy(model, tokens[i * 9:i * 9 + 5], 64) for i in range(len(tokens) // 9))
    clear = (one for one in found if 1e-3 <= one["margin_min"])
    return [next(clear) for _ in range(count)]


def gradients(model, tokens) -> dict:
    model.zero_grad()
    loss_of(model, tokens).backward()
    return {f"grad.{name}": weight.grad.clone() for name, weight in model.named_parameters()}


def training(model, tokens) -> dict:
    """Ten steps of AdamW on one sequence, with the gradient clipped to norm 1."""
    settings = dict(lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), **settings)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, tokens)
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        optimizer.step()
        losses.append(float(loss.detach()))
    watched = "model.layers.1.self_attn.q_proj.weight"
    values = dict(model.named_parameters())[watched].detach().flatten()[:16].tolist()
    return {**settings, "gradient_norm_max": 1.0, "tokens": tokens, "losses": measure.significant(losses),
            "gradient_norms": measure.significant(norms), "weight": watched, "values": measure.significant(values)}


def write(directory: str, name: str, spec: dict, seed: int):
    place = os.path.join(directory, name)
    shutil.rmtree(place, ignore_errors=True)
    model, tokenizer = build(spec, seed), build_tokenizer(spec["kind"])
    model.to(spec["dtype"]).save_pretrained(place, max_shard_size=spec.get("shard_bytes", "1GB"))
    tokenizer.save_pretrained(place)
    model = build(spec, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    sequences = [torch.randint(0, VOCABULARY, (n,), generator=generator).tolist() for n in SEQUENCE_TOKENS]
    golden = {
        "logprobs": [{"tokens": tokens, "logprobs": measure.significant(measure.logprobs(model, tokens))}
                     for tokens in sequences],
        "greedy": clear_greedy(model, sequences[0], 20),
        "encodings": [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False),
                       "with_markers": tokenizer.encode(text)} for text in texts.EDGES],
        "chats": [{"messages": messages,
                   "text": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)}
                  for messages in texts.CHATS],
    }
    if spec["gradients"]:
        tokens = sequences[0][:STEP_TOKENS]
        save_file(gradients(model, tokens), os.path.join(place, "gradients.safetensors"))
        golden["gradient_tokens"] = tokens
        golden["steps"] = training(model, tokens)
    with open(os.path.join(place, "golden.json"), "w", encoding="utf-8") as out:
        json.dump(golden, out, separators=(",", ":"))
        out.write("\n")


def main():
    torch.set_num_threads(1)
    wanted = sys.argv[2:] or list(MODELS)
    for seed, (name, spec) in enumerate(MODELS.items()):
        if name in wanted:
            write(sys.argv[1], name, spec, seed)


if __name__ == "__main__":
    main()
