//! The decoder: weights on a device, one forward and one backward pass, written once for every device.
//!
//! `x = embed(tokens)`; each block: `x += o(attention(rope(head_norm(qkv(norm(x))))))` (qwen3 alone has head norms), `x += down(swiglu(gate_up(norm(x))))`;
//! then the last norm and the head. Nothing here knows sampling, losses or files.

use std::sync::Arc;

use thiserror::Error;

use crate::{
    backend::{Backend, BackendError, CpuBackend, Heads},
    config::ModelConfig,
    kernels::rope,
    parameters::{Layout, Parameters},
};

pub(crate) mod arena;
mod backward;
mod forward;
mod head_norm;
pub(crate) mod packing;
#[cfg(test)]
pub(crate) mod specimens;
#[cfg(test)]
mod tests;

pub(crate) use backward::ScoreGradients;
pub(crate) use forward::Cache;

/// The prepared matrices of one block.
struct LayerWeights<W> {
    qkv: W,
    output: W,
    gate_up: W,
    down: W,
}

/// The prepared matrices of a model.
pub(crate) struct Prepared<W> {
    layers: Vec<LayerWeights<W>>,
    head: W,
}

impl<W> Prepared<W> {
    /// Asks for each by its outputs and inputs: the one place that knows what there is.
    pub(crate) fn with<E>(
        config: &ModelConfig,
        mut weights: impl FnMut(usize, usize) -> Result<W, E>,
    ) -> Result<Self, E> {
        let (hidden, ffn) = (config.hidden_size, config.ffn_size);
        let layers = (0..config.layers)
            .map(|_| {
                Ok(LayerWeights {
                    qkv: weights(config.qkv_width(), hidden)?,
                    output: weights(hidden, config.query_width())?,
                    gate_up: weights(2 * ffn, hidden)?,
                    down: weights(hidden, ffn)?,
                })
            })
            .collect::<Result<_, E>>()?;
        let head = weights(config.vocab_size, hidden)?;
        Ok(Self { layers, head })
    }
}

/// A model on a device, ready to compute.
pub struct Transformer<B: Backend = CpuBackend> {
    backend: B,
    layout: Arc<Layout>,
    weights: B::Buffer,
    prepared: Prepared<B::Weights>,
    frequencies: Vec<f32>,
}

/// Why tokens cannot be read by a model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// There is nothing to continue.
    #[error(
        "the sequence is empty; give at least one token (a beginning-of-text token where the model has one)"
    )]
    Empty,
    /// No such token.
    #[error(
        "token {token} at position {position} is not in the vocabulary of {vocab_size}; was it made by another tokenizer?"
    )]
    UnknownToken {
        /// The id.
        token: u32,
        /// Where.
        position: usize,
        /// Ids below this exist.
        vocab_size: usize,
    },
    /// The model was not made for so much.
    #[error(
        "{tokens} tokens exceed the model's context of {context_tokens_max}; shorten the prompt or the response"
    )]
    TooLong {
        /// Prompt and response together.
        tokens: usize,
        /// The limit.
        context_tokens_max: usize,
    },
}

impl Transformer<CpuBackend> {
    /// A model on the processor.
    ///
    /// # Errors
    /// There is no memory for the prepared weights.
    pub fn on_cpu(parameters: Parameters) -> Result<Self, BackendError> {
        Self::new(CpuBackend::default(), parameters)
    }
}

impl<B: Backend> Transformer<B> {
    /// Brings the weights to a device and prepares them.
    ///
    /// # Errors
    /// The device has no memory for them.
    pub fn new(backend: B, parameters: Parameters) -> Result<Self, BackendError> {
        let layout = Arc::clone(parameters.layout());
        Self::with(backend, layout, |backend| backend.upload(parameters.data))
    }

    /// A model whose weights are zeros, made on the device: nothing of their size is on the host.
    pub(crate) fn zeros(backend: B, layout: Arc<Layout>) -> Result<Self, BackendError> {
        let elements = layout.elements();
        Self::with(backend, layout, |backend| backend.allocate(elements))
    }

    fn with(
        backend: B,
        layout: Arc<Layout>,
        weights: impl FnOnce(&B) -> Result<B::Buffer, BackendError>,
    ) -> Result<Self, BackendError> {
        let config = layout.config();
        let prepared = Prepared::with(config, |outputs, inputs| backend.weights(outputs, inputs))?;
        let frequencies =
            rope::frequencies(config.rope_theta, config.head_dim, &config.rope_scaling);
        let weights = weights(&backend)?;
        let mut model = Self {
            backend,
            layout,
            weights,
            prepared,
            frequencies,
        };
        model.prepare();
        Ok(model)
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        self.layout.config()
    }

    /// Which weight is where in the flat buffer.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Hands all weights, in the order of the layout, to `read`.
    ///
    /// # Errors
    /// The device failed before.
    pub fn with_weights<R>(&self, read: impl FnOnce(&[f32]) -> R) -> Result<R, BackendError> {
        let mut staging = Vec::new();
        let all = self.backend.view(&self.weights, 0..self.layout.elements());
        Ok(read(self.backend.host(all, &mut staging)?))
    }

    /// A copy of the weights.
    ///
    /// # Errors
    /// The device failed before.
    pub fn to_parameters(&self) -> Result<Parameters, BackendError> {
        let mut parameters = Parameters::zeros(Arc::clone(&self.layout));
        self.with_weights(|weights| parameters.data.copy_from_slice(weights))?;
        Ok(parameters)
    }

    /// Fails unless the model can read these tokens and `new_tokens` more.
    ///
    /// # Errors
    /// No tokens, an id that does not exist, or more than the context.
    pub fn check_tokens(&self, tokens: &[u32], new_tokens: usize) -> Result<(), InputError> {
        let config = self.config();
        let vocab_size = config.vocab_size;
        if tokens.is_empty() {
            return Err(InputError::Empty);
        }
        if let Some(position) = tokens
            .iter()
            .position(|token| vocab_size <= *token as usize)
        {
            return Err(InputError::UnknownToken {
                token: tokens[position],
                position,
                vocab_size,
            });
        }
        let total = tokens.len().saturating_add(new_tokens);
        if config.context_tokens_max < total {
            return Err(InputError::TooLong {
                tokens: total,
                context_tokens_max: config.context_tokens_max,
            });
        }
        Ok(())
    }

    pub(crate) fn backend(&self) -> &B {
        &self.backend
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads::of(self.config())
    }

    /// Changes the weights in place, then prepares them again.
    pub(crate) fn update(&mut self, change: impl FnOnce(&B, &mut B::Buffer)) {
        change(&self.backend, &mut self.weights);
        self.prepare();
    }

    fn prepare(&mut self) {
        let (backend, weights) = (&self.backend, &self.weights);
        for (layer, ranges) in self.prepared.layers.iter_mut().zip(&self.layout.layers) {
            backend.pack(backend.view(weights, ranges.qkv.clone()), &mut layer.qkv);
            backend.pack(
                backend.view(weights, ranges.output.clone()),
                &mut layer.output,
            );
            backend.pack(
                backend.view(weights, ranges.gate_up.clone()),
                &mut layer.gate_up,
            );
            backend.pack(backend.view(weights, ranges.down.clone()), &mut layer.down);
        }
        backend.pack(
            backend.view(weights, self.layout.head.clone()),
            &mut self.prepared.head,
        );
    }
}
