//! A GGUF file in the making: written by candle, with names and row order by llama.cpp's rules.

use super::super::{GgufError, GgufModel, read};
use crate::config::Architecture;
use crate::fixture;
use crate::parameters::Parameters;
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::io::Cursor;

/// A file to be, changed by tests before it is written.
pub(in super::super) struct Draft {
    pub metadata: Vec<(String, Value)>,
    pub tensors: Vec<(String, QTensor)>,
}

impl Draft {
    pub(in super::super) fn new(parameters: &Parameters, kind: GgmlDType) -> Self {
        let config = parameters.config();
        let name = config.architecture.model_type();
        let number = |key: &str, value: usize| (format!("{name}.{key}"), Value::U32(value as u32));
        let tokenizer = fixture::tokenizer();
        let tokens: Vec<Value> = (0..256)
            .map(|id| Value::String(tokenizer.token(id).unwrap()))
            .chain([Value::String("<end>".into())])
            .collect();
        let kinds = (0..257)
            .map(|id| Value::I32(if id == 256 { 3 } else { 1 }))
            .collect();
        let metadata = vec![
            (
                "general.architecture".to_owned(),
                Value::String(name.to_owned()),
            ),
            number("block_count", config.layers),
            number("context_length", config.context_tokens_max),
            number("embedding_length", config.hidden_size),
            number("feed_forward_length", config.ffn_size),
            number("attention.head_count", config.heads),
            number("attention.head_count_kv", config.kv_heads),
            (
                format!("{name}.rope.freq_base"),
                Value::F32(config.rope_theta),
            ),
            (
                format!("{name}.attention.layer_norm_rms_epsilon"),
                Value::F32(config.rms_norm_eps),
            ),
            (
                "tokenizer.ggml.model".to_owned(),
                Value::String("gpt2".to_owned()),
            ),
            (
                "tokenizer.ggml.pre".to_owned(),
                Value::String("qwen2".to_owned()),
            ),
            ("tokenizer.ggml.tokens".to_owned(), Value::Array(tokens)),
            ("tokenizer.ggml.token_type".to_owned(), Value::Array(kinds)),
            ("tokenizer.ggml.merges".to_owned(), Value::Array(Vec::new())),
            (
                "tokenizer.ggml.scores".to_owned(),
                Value::Array(vec![Value::F32(0.5); 257]),
            ),
            ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(256)),
            (
                "tokenizer.chat_template".to_owned(),
                Value::String("{{ messages[0].content }}".to_owned()),
            ),
        ];
        Self {
            metadata,
            tensors: tensors(parameters, kind),
        }
    }

    pub(in super::super) fn set(mut self, key: &str, value: Value) -> Self {
        self.metadata.retain(|(known, _)| known != key);
        self.metadata.push((key.to_owned(), value));
        self
    }

    pub(in super::super) fn without(mut self, key: &str) -> Self {
        self.metadata.retain(|(known, _)| known != key);
        self.tensors.retain(|(known, _)| known != key);
        self
    }

    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        let metadata: Vec<(&str, &Value)> = self
            .metadata
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        let tensors: Vec<(&str, &QTensor)> = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
            .collect();
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &metadata, &tensors).unwrap();
        file.into_inner()
    }

    pub(in super::super) fn read(&self) -> Result<GgufModel, GgufError> {
        read(&mut Cursor::new(self.bytes()))
    }
}

/// Every weight under llama.cpp's name, with llama.cpp's order of rows.
fn tensors(parameters: &Parameters, kind: GgmlDType) -> Vec<(String, QTensor)> {
    let config = parameters.config();
    let tensors = parameters.layout().entries().iter().map(|entry| {
        let values = &parameters.data[entry.range()];
        let tensor = Tensor::new(values, &Device::Cpu)
            .unwrap()
            .reshape(entry.shape.clone())
            .unwrap();
        let turned = config.architecture == Architecture::Llama
            && (entry.name.contains("q_proj") || entry.name.contains("k_proj"));
        let tensor = if turned {
            interleaved(&tensor, config.head_dim)
        } else {
            tensor
        };
        let kind = if entry.shape.len() == 1 {
            GgmlDType::F32
        } else {
            kind
        };
        (
            llama_cpp_name(&entry.name),
            QTensor::quantize(&tensor, kind).unwrap(),
        )
    });
    tensors.collect()
}

/// The rule of llama.cpp's converter: `reshape(heads, 2, half, width).swapaxes(1, 2)`.
fn interleaved(tensor: &Tensor, head_dim: usize) -> Tensor {
    let (rows, width) = tensor.dims2().unwrap();
    let halves = tensor
        .reshape((rows / head_dim, 2, head_dim / 2, width))
        .unwrap();
    halves
        .transpose(1, 2)
        .unwrap()
        .contiguous()
        .unwrap()
        .reshape((rows, width))
        .unwrap()
}

fn llama_cpp_name(name: &str) -> String {
    let mut name = name.to_owned();
    for (from, to) in [
        ("model.layers.", "blk."),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("post_attention_layernorm", "ffn_norm"),
        ("input_layernorm", "attn_norm"),
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
    ] {
        name = name.replace(from, to);
    }
    name
}
