//! The memory of a pass, taken once and used again by every pass that fits.
//!
//! A buffer holds `rows` rows of its width; a smaller batch uses the beginning of each.

use crate::{
    backend::{Backend, BackendError},
    config::ModelConfig,
};

/// What of a forward pass is kept for the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nothing: there will be none.
    Nothing,
    /// The input of every block, from which the block is computed again.
    Inputs,
    /// Everything.
    Everything,
}

/// Activations of one block.
pub(crate) struct LayerBuffers<T> {
    /// First norm, `[n, d]`, and its roots, `[n]`.
    pub(crate) attention_normed: T,
    pub(crate) attention_root: T,
    /// `[n, qkv]`, after the rotation.
    pub(crate) qkv: T,
    /// Query and key heads before their norm, `[n, query + kv]`, and its roots, `[n, heads + kv_heads]`; empty where
    /// there is none.
    pub(crate) qk_raw: T,
    pub(crate) qk_root: T,
    /// Attention's result, `[n, query]`, and its log sums, `[n, heads]`.
    pub(crate) mixed: T,
    pub(crate) lse: T,
    /// The residual stream between the two halves, `[n, d]`.
    pub(crate) middle: T,
    /// Second norm and its roots.
    pub(crate) ffn_normed: T,
    pub(crate) ffn_root: T,
    /// `[n, 2 f]`, and `[n, f]` after the gate.
    pub(crate) gate_up: T,
    pub(crate) gated: T,
}

/// Gradients that flow between blocks and inside one.
pub(crate) struct GradientBuffers<T> {
    /// Of the residual stream, `[n, d]`.
    pub(crate) stream: T,
    /// Of a norm's result, `[n, d]`.
    pub(crate) normed: T,
    pub(crate) mixed: T,
    pub(crate) qkv: T,
    pub(crate) gate_up: T,
    pub(crate) gated: T,
    /// Of the picked rows before the last norm, `[outputs, d]`.
    pub(crate) picked: T,
    /// Of the scores, `[outputs]` each.
    pub(crate) logprobs: T,
    pub(crate) entropies: T,
}

/// All buffers of a pass.
pub(crate) struct Arena<B: Backend> {
    pub(crate) keep: Keep,
    rows: usize,
    outputs: usize,
    pages: usize,
    /// The residual stream at the input of each block and behind the last; one buffer where nothing is kept.
    pub(crate) streams: Vec<B::Buffer>,
    /// One for each block, or one for all.
    pub(crate) layers: Vec<LayerBuffers<B::Buffer>>,
    /// Cosines and sines, `[n, head_dim]`.
    pub(crate) turns: B::Buffer,
    /// Keys and values of one block, for passes that read whole sequences.
    pub(crate) cache: B::Buffer,
    /// Rows of the outputs before and after the last norm, `[outputs, d]`, and its roots.
    pub(crate) picked: B::Buffer,
    pub(crate) hidden: B::Buffer,
    pub(crate) hidden_root: B::Buffer,
    /// `[outputs]` each.
    pub(crate) logprobs: B::Buffer,
    pub(crate) entropies: B::Buffer,
    /// Empty where nothing is kept.
    pub(crate) gradients: Option<GradientBuffers<B::Buffer>>,
}

/// Sizes that a pass needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Packed tokens.
    pub(crate) rows: usize,
    /// Rows whose logits are asked.
    pub(crate) outputs: usize,
    /// Pages of one block.
    pub(crate) pages: usize,
}

impl<B: Backend> Arena<B> {
    /// Takes memory for passes up to this capacity.
    pub(crate) fn new(
        backend: &B,
        config: &ModelConfig,
        keep: Keep,
        capacity: Capacity,
    ) -> Result<Self, BackendError> {
        let Capacity {
            rows,
            outputs,
            pages,
        } = capacity;
        let d = config.hidden_size;
        let streams = if keep == Keep::Nothing {
            1
        } else {
            config.layers + 1
        };
        let layers = if keep == Keep::Everything {
            config.layers
        } else {
            1
        };
        let page = crate::kernels::attention::Heads {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
        }
        .page_elements();
        let many = |width: usize| backend.allocate(rows * width);
        let few = |width: usize| backend.allocate(outputs * width);
        Ok(Self {
            keep,
            rows,
            outputs,
            pages,
            streams: (0..streams).map(|_| many(d)).collect::<Result<_, _>>()?,
            layers: (0..layers)
                .map(|_| layer_buffers(config, many))
                .collect::<Result<_, _>>()?,
            turns: many(config.head_dim)?,
            cache: backend.allocate(pages * page)?,
            picked: few(d)?,
            hidden: few(d)?,
            hidden_root: few(1)?,
            logprobs: few(1)?,
            entropies: few(1)?,
            gradients: if keep == Keep::Nothing {
                None
            } else {
                Some(GradientBuffers {
                    stream: many(d)?,
                    normed: many(d)?,
                    mixed: many(config.query_width())?,
                    qkv: many(config.qkv_width())?,
                    gate_up: many(2 * config.ffn_size)?,
                    gated: many(config.ffn_size)?,
                    picked: few(d)?,
                    logprobs: few(1)?,
                    entropies: few(1)?,
                })
            },
        })
    }

    /// Takes memory anew if a pass of this capacity would not fit.
    pub(crate) fn fit(
        &mut self,
        backend: &B,
        config: &ModelConfig,
        capacity: Capacity,
    ) -> Result<(), BackendError> {
        let Capacity {
            rows,
            outputs,
            pages,
        } = capacity;
        if rows <= self.rows && outputs <= self.outputs && pages <= self.pages {
            return Ok(());
        }
        let larger = Capacity {
            rows: rows.max(self.rows),
            outputs: outputs.max(self.outputs),
            pages: pages.max(self.pages),
        };
        // The old memory goes first: two arenas side by side may be more than there is.
        let keep = self.keep;
        *self = Self::new(
            backend,
            config,
            keep,
            Capacity {
                rows: 0,
                outputs: 0,
                pages: 0,
            },
        )?;
        *self = Self::new(backend, config, keep, larger)?;
        Ok(())
    }
}

fn layer_buffers<T>(
    config: &ModelConfig,
    many: impl Fn(usize) -> Result<T, BackendError>,
) -> Result<LayerBuffers<T>, BackendError> {
    let d = config.hidden_size;
    let turned = if config.qk_norm() {
        config.heads + config.kv_heads
    } else {
        0
    };
    Ok(LayerBuffers {
        attention_normed: many(d)?,
        attention_root: many(1)?,
        qkv: many(config.qkv_width())?,
        qk_raw: many(turned * config.head_dim)?,
        qk_root: many(turned)?,
        mixed: many(config.query_width())?,
        lse: many(config.heads)?,
        middle: many(d)?,
        ffn_normed: many(d)?,
        ffn_root: many(1)?,
        gate_up: many(2 * config.ffn_size)?,
        gated: many(config.ffn_size)?,
    })
}
