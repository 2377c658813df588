//! Every weight of a model in one flat buffer, and the list that says which is where.
//!
//! The order is canonical: weights that are read together lie together (query, key and value rows follow each other,
//! so do gate and up), and a fused product sees one matrix. Gradients and optimizer moments use the same layout.

use std::{collections::HashMap, ops::Range, sync::Arc};

use crate::config::{Architecture, ModelConfig};

mod fresh;

pub use fresh::Initialization;

/// What a weight does, and so how a fresh model draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Rows are token vectors, `[vocab, hidden]`.
    Embedding,
    /// Untied output rows, `[vocab, hidden]`.
    Head,
    /// Scale of an RMSNorm, `[hidden]`, or `[head_dim]` of those of heads.
    Norm,
    /// A projection into a block, `[outputs, inputs]`.
    Linear,
    /// A projection back into the residual stream, `[outputs, inputs]`.
    Residual,
    /// An additive bias, `[outputs]`.
    Bias,
}

/// One weight: its Hugging Face name, its shape and where it begins in the flat buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As in a Hugging Face checkpoint, e.g. `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// Row-major; a matrix is `[outputs, inputs]`.
    pub shape: Vec<usize>,
    /// First element in the flat buffer.
    pub offset: usize,
    /// What it does.
    pub role: Role,
}

impl Entry {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where it lies in the flat buffer.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.elements()
    }
}

/// The weights of one block as ranges of the flat buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerRanges {
    pub(crate) attention_norm: Range<usize>,
    /// Query, key and value rows: one matrix `[query + 2 kv, hidden]`.
    pub(crate) qkv: Range<usize>,
    /// Empty where the model has no biases.
    pub(crate) qkv_bias: Range<usize>,
    /// Scales of query heads, then of key heads, `[2 head_dim]`; empty where heads have no norm.
    pub(crate) qk_norm: Range<usize>,
    pub(crate) output: Range<usize>,
    pub(crate) ffn_norm: Range<usize>,
    /// Gate and up rows: one matrix `[2 ffn, hidden]`.
    pub(crate) gate_up: Range<usize>,
    pub(crate) down: Range<usize>,
}

/// Every weight of a model in canonical order.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    config: ModelConfig,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    elements: usize,
    pub(crate) embedding: Range<usize>,
    pub(crate) layers: Vec<LayerRanges>,
    pub(crate) final_norm: Range<usize>,
    /// The embedding itself where the model ties them.
    pub(crate) head: Range<usize>,
}

impl Layout {
    /// The layout of a model with this configuration.
    pub fn of(config: &ModelConfig) -> Self {
        let mut list = Listing::default();
        let (hidden, vocab) = (config.hidden_size, config.vocab_size);
        let embedding = list.push(
            "model.embed_tokens.weight".into(),
            vec![vocab, hidden],
            Role::Embedding,
        );
        let layers = (0..config.layers)
            .map(|index| layer(&mut list, config, index))
            .collect();
        let final_norm = list.push("model.norm.weight".into(), vec![hidden], Role::Norm);
        let head = if config.tied_embeddings {
            embedding.clone()
        } else {
            list.push("lm_head.weight".into(), vec![vocab, hidden], Role::Head)
        };
        let Listing { entries, elements } = list;
        let by_name = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.name.clone(), index))
            .collect();
        Self {
            config: config.clone(),
            entries,
            by_name,
            elements,
            embedding,
            layers,
            final_norm,
            head,
        }
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// All weights, in the order in which they lie.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The weight with this Hugging Face name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|index| &self.entries[*index])
    }

    /// Number of elements of all weights together.
    pub fn elements(&self) -> usize {
        self.elements
    }
}

#[derive(Default)]
struct Listing {
    entries: Vec<Entry>,
    elements: usize,
}

impl Listing {
    fn push(&mut self, name: String, shape: Vec<usize>, role: Role) -> Range<usize> {
        let entry = Entry {
            name,
            shape,
            offset: self.elements,
            role,
        };
        let range = entry.range();
        self.elements = range.end;
        self.entries.push(entry);
        range
    }
}

fn layer(list: &mut Listing, config: &ModelConfig, index: usize) -> LayerRanges {
    let (hidden, ffn) = (config.hidden_size, config.ffn_size);
    let (query, kv) = (config.query_width(), config.kv_width());
    let name = |tail: &str| format!("model.layers.{index}.{tail}");
    let attention_norm = list.push(name("input_layernorm.weight"), vec![hidden], Role::Norm);
    let first = list.push(
        name("self_attn.q_proj.weight"),
        vec![query, hidden],
        Role::Linear,
    );
    list.push(
        name("self_attn.k_proj.weight"),
        vec![kv, hidden],
        Role::Linear,
    );
    let last = list.push(
        name("self_attn.v_proj.weight"),
        vec![kv, hidden],
        Role::Linear,
    );
    let qkv = first.start..last.end;
    let qkv_bias = if config.qkv_bias {
        let first = list.push(name("self_attn.q_proj.bias"), vec![query], Role::Bias);
        list.push(name("self_attn.k_proj.bias"), vec![kv], Role::Bias);
        let last = list.push(name("self_attn.v_proj.bias"), vec![kv], Role::Bias);
        first.start..last.end
    } else {
        qkv.end..qkv.end
    };
    let qk_norm = if config.qk_norm() {
        let width = vec![config.head_dim];
        let first = list.push(name("self_attn.q_norm.weight"), width.clone(), Role::Norm);
        let last = list.push(name("self_attn.k_norm.weight"), width, Role::Norm);
        first.start..last.end
    } else {
        qkv_bias.end..qkv_bias.end
    };
    let output = list.push(
        name("self_attn.o_proj.weight"),
        vec![hidden, query],
        Role::Residual,
    );
    let ffn_norm = list.push(
        name("post_attention_layernorm.weight"),
        vec![hidden],
        Role::Norm,
    );
    let gate = list.push(
        name("mlp.gate_proj.weight"),
        vec![ffn, hidden],
        Role::Linear,
    );
    let up = list.push(name("mlp.up_proj.weight"), vec![ffn, hidden], Role::Linear);
    let down = list.push(
        name("mlp.down_proj.weight"),
        vec![hidden, ffn],
        Role::Residual,
    );
    LayerRanges {
        attention_norm,
        qkv,
        qkv_bias,
        qk_norm,
        output,
        ffn_norm,
        gate_up: gate.start..up.end,
        down,
    }
}

/// The weights of a model: a layout and one flat buffer of it, f32, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    layout: Arc<Layout>,
    /// All weights; as long as [`Layout::elements`].
    pub data: Vec<f32>,
}

impl Parameters {
    /// All zeros.
    pub fn zeros(layout: Arc<Layout>) -> Self {
        let data = vec![0.0; layout.elements()];
        Self { layout, data }
    }

    /// Which weight is where.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        self.layout.config()
    }

    /// The values of one weight, by its Hugging Face name.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.layout
            .find(name)
            .map(|entry| &self.data[entry.range()])
    }

    /// The same, to write.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        self.layout
            .find(name)
            .map(|entry| &mut self.data[entry.range()])
    }
}

impl Architecture {
    /// The name in the `model_type` field of a Hugging Face configuration.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigError, Dimensions, RopeScaling};

    fn layout(tied: bool, bias: bool) -> Result<Layout, ConfigError> {
        Ok(Layout::of(&ModelConfig::new(Dimensions {
            architecture: Architecture::Qwen2,
            hidden_size: 8,
            layers: 2,
            heads: 2,
            kv_heads: 1,
            head_dim: 4,
            ffn_size: 12,
            vocab_size: 11,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::Unscaled,
            rms_norm_eps: 1e-5,
            tied_embeddings: tied,
            qkv_bias: bias,
            context_tokens_max: 32,
        })?))
    }

    #[test]
    fn entries_follow_each_other_without_gaps_and_names_are_unique() -> Result<(), ConfigError> {
        for (tied, bias) in [(true, false), (true, true), (false, false), (false, true)] {
            let layout = layout(tied, bias)?;
            let mut end = 0;
            for entry in layout.entries() {
                assert_eq!(
                    entry.offset, end,
                    "{} begins where the one before it ends",
                    entry.name
                );
                end = entry.range().end;
                assert_eq!(layout.find(&entry.name), Some(entry));
            }
            assert_eq!(end, layout.elements());
            assert_eq!(layout.find("lm_head.weight").is_none(), tied);
            assert_eq!(
                layout
                    .find("model.layers.1.self_attn.k_proj.bias")
                    .is_some(),
                bias
            );
        }
        Ok(())
    }
}
