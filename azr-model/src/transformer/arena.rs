//! The memory of a pass, taken once and used again by every pass that fits.
//!
//! A buffer holds `rows` rows of its width; a smaller batch uses the beginning of each.

use crate::{
    backend::{Backend, BackendError, Heads},
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
pub(crate) struct Arena<T> {
    pub(crate) keep: Keep,
    capacity: Capacity,
    /// The residual stream at the input of each block and behind the last; one buffer where nothing is kept.
    pub(crate) streams: Vec<T>,
    /// One for each block, or one for all.
    pub(crate) layers: Vec<LayerBuffers<T>>,
    /// Cosines and sines, `[n, head_dim]`.
    pub(crate) turns: T,
    /// Keys and values of one block, for passes that read whole sequences.
    pub(crate) cache: T,
    /// Rows of the outputs before and after the last norm, `[outputs, d]`, and its roots.
    pub(crate) picked: T,
    pub(crate) hidden: T,
    pub(crate) hidden_root: T,
    /// `[outputs]` each.
    pub(crate) logprobs: T,
    pub(crate) entropies: T,
    /// Empty where nothing is kept.
    pub(crate) gradients: Option<GradientBuffers<T>>,
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

impl Capacity {
    /// For no pass.
    pub(crate) const NOTHING: Self = Self {
        rows: 0,
        outputs: 0,
        pages: 0,
    };

    /// What is enough for both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            rows: self.rows.max(other.rows),
            outputs: self.outputs.max(other.outputs),
            pages: self.pages.max(other.pages),
        }
    }

    fn holds(self, other: Self) -> bool {
        self.or(other) == self
    }
}

impl<T> Arena<T> {
    /// Takes memory for passes up to this capacity.
    pub(crate) fn new<B: Backend<Buffer = T>>(
        backend: &B,
        config: &ModelConfig,
        keep: Keep,
        capacity: Capacity,
    ) -> Result<Self, BackendError> {
        Self::with(config, keep, capacity, |elements| {
            backend.allocate(elements)
        })
    }

    /// Asks for each buffer by its number of elements: the one place that knows what there is.
    pub(crate) fn with<E>(
        config: &ModelConfig,
        keep: Keep,
        capacity: Capacity,
        allocate: impl Fn(usize) -> Result<T, E>,
    ) -> Result<Self, E> {
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
        let page = Heads::of(config).page_elements();
        let many = |width: usize| allocate(rows * width);
        let few = |width: usize| allocate(outputs * width);
        Ok(Self {
            keep,
            capacity,
            streams: (0..streams).map(|_| many(d)).collect::<Result<_, E>>()?,
            layers: (0..layers)
                .map(|_| layer_buffers(config, many))
                .collect::<Result<_, E>>()?,
            turns: many(config.head_dim)?,
            cache: allocate(pages * page)?,
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

    /// The passes that it is for.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Takes memory anew if a pass of this capacity would not fit.
    pub(crate) fn fit<B: Backend<Buffer = T>>(
        &mut self,
        backend: &B,
        config: &ModelConfig,
        capacity: Capacity,
    ) -> Result<(), BackendError> {
        if self.capacity.holds(capacity) {
            return Ok(());
        }
        // The old memory goes first: two arenas side by side may be more than there is.
        let (keep, larger) = (self.keep, self.capacity.or(capacity));
        *self = Self::new(backend, config, keep, Capacity::NOTHING)?;
        *self = Self::new(backend, config, keep, larger)?;
        Ok(())
    }
}

fn layer_buffers<T, E>(
    config: &ModelConfig,
    many: impl Fn(usize) -> Result<T, E>,
) -> Result<LayerBuffers<T>, E> {
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
