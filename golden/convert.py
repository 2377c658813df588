"""Turns a GGUF file into a Hugging Face model in memory, f32, as transformers understands the file."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM


def model_of(gguf_directory: str, gguf_file: str):
    """The model of a GGUF file, free of its quantization."""
    loaded = AutoModelForCausalLM.from_pretrained(gguf_directory, gguf_file=gguf_file, dtype=torch.float32)
    config = AutoConfig.from_pretrained(gguf_directory, gguf_file=gguf_file)
    for name in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(config, name):
            delattr(config, name)
    state = {name: tensor.detach().to(torch.float32) for name, tensor in loaded.state_dict().items()}
    head, embedding = state["lm_head.weight"], state["model.embed_tokens.weight"]
    config.tie_word_embeddings = bool(torch.equal(head, embedding))
    config.dtype = torch.float32
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    model.load_state_dict(state)
    return model.eval()
