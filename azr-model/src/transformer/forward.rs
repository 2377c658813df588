//! The forward pass: from tokens to the hidden rows of the outputs.

use super::{
    Transformer,
    arena::{Arena, Keep, LayerBuffers},
};
use crate::backend::{Backend, BackendError, CacheLayer, Plus, Turn};

/// Rows and outputs of the batch of a pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) outputs: usize,
}

/// Pages that a pass writes keys and values to and reads them from.
pub(crate) struct Cache<'a, B: Backend> {
    pub(crate) buffer: &'a mut B::Buffer,
    /// All of it, in elements.
    pub(crate) elements: usize,
    /// Layers that share it: all of the model, or one at a time.
    pub(crate) layers: usize,
}

/// Whose keys and values a pass reads.
enum Keys<'a, B: Backend> {
    /// Those of its own whole sequences; they live only as long as their block is computed.
    OfThisPass { elements: usize },
    /// Those of earlier passes too.
    Kept(Cache<'a, B>),
}

impl<B: Backend> Transformer<B> {
    /// Reads whole sequences.
    pub(crate) fn read(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        size: Size,
        pages: usize,
    ) {
        let elements = pages * self.heads().page_elements();
        self.blocks(arena, batch, size, Keys::OfThisPass { elements });
        self.outputs(arena, batch, size);
    }

    /// Reads the next tokens of sequences whose earlier ones are in the cache.
    pub(crate) fn continue_with(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        size: Size,
        cache: Cache<'_, B>,
    ) {
        self.blocks(arena, batch, size, Keys::Kept(cache));
        self.outputs(arena, batch, size);
    }

    /// Logits of the outputs of the pass before, `[outputs, vocab]`.
    pub(crate) fn logits(&self, arena: &Arena<B::Buffer>, size: Size, logits: &mut B::Buffer) {
        let config = self.config();
        let backend = &self.backend;
        let hidden = backend.view(&arena.hidden, 0..size.outputs * config.hidden_size);
        let out = backend.view_mut(logits, 0..size.outputs * config.vocab_size);
        backend.linear(hidden, &self.prepared.head, Plus::Nothing, out);
    }

    /// Log-probabilities of the batch's targets, then entropies, of the outputs of the pass before.
    ///
    /// # Errors
    /// The device failed.
    pub(crate) fn scores<R>(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        size: Size,
        temperature: f32,
        read: impl FnOnce(&[f32], &[f32]) -> R,
    ) -> Result<R, BackendError> {
        let (backend, outputs) = (&self.backend, size.outputs);
        let hidden = backend.view(&arena.hidden, 0..outputs * self.config().hidden_size);
        let logprobs = backend.view_mut(&mut arena.logprobs, 0..outputs);
        let entropies = backend.view_mut(&mut arena.entropies, 0..outputs);
        backend.head(
            batch,
            hidden,
            &self.prepared.head,
            1.0 / temperature,
            logprobs,
            entropies,
        );
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let logprobs = backend.host(backend.view(&arena.logprobs, 0..outputs), &mut first)?;
        let entropies = backend.host(backend.view(&arena.entropies, 0..outputs), &mut second)?;
        Ok(read(logprobs, entropies))
    }

    fn blocks(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        size: Size,
        keys: Keys<'_, B>,
    ) {
        let Arena {
            streams,
            layers,
            turns,
            cache,
            keep,
            ..
        } = arena;
        let mut cache = match keys {
            Keys::OfThisPass { elements } => Cache {
                buffer: cache,
                elements,
                layers: 1,
            },
            Keys::Kept(cache) => cache,
        };
        let config = self.config();
        let backend = &self.backend;
        let embedding = backend.view(&self.weights, self.layout.embedding.clone());
        backend.embed(
            batch,
            embedding,
            backend.view_mut(&mut streams[0], 0..size.rows * config.hidden_size),
        );
        backend.angles(
            batch,
            &self.frequencies,
            backend.view_mut(turns, 0..size.rows * config.head_dim),
        );
        for layer in 0..config.layers {
            let (input, output) = if *keep == Keep::Nothing {
                (0, 0)
            } else {
                (layer, layer + 1)
            };
            let buffers = &mut layers[if *keep == Keep::Everything { layer } else { 0 }];
            self.attention_half(
                layer,
                batch,
                size,
                &streams[input],
                buffers,
                turns,
                &mut cache,
            );
            self.ffn_half(layer, size, buffers, &mut streams[output]);
        }
    }

    /// `middle = stream + o(attention(rope(head_norm(qkv(norm(stream))))))`; not every model normalizes heads.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn attention_half(
        &self,
        layer: usize,
        batch: &B::Batch,
        Size { rows, .. }: Size,
        stream: &B::Buffer,
        buffers: &mut LayerBuffers<B::Buffer>,
        turns: &B::Buffer,
        cache: &mut Cache<'_, B>,
    ) {
        let (config, heads, backend) = (self.config(), self.heads(), &self.backend);
        let (ranges, weights) = (&self.layout.layers[layer], &self.prepared.layers[layer]);
        let (d, query, width) = (config.hidden_size, config.query_width(), config.qkv_width());
        let parameter = |range: &std::ops::Range<usize>| backend.view(&self.weights, range.clone());
        let stream = backend.view(stream, 0..rows * d);
        backend.rms_norm(
            stream,
            parameter(&ranges.attention_norm),
            config.rms_norm_eps,
            backend.view_mut(&mut buffers.attention_normed, 0..rows * d),
            backend.view_mut(&mut buffers.attention_root, 0..rows),
        );
        let bias = if config.qkv_bias {
            Plus::Bias(parameter(&ranges.qkv_bias))
        } else {
            Plus::Nothing
        };
        let normed = backend.view(&buffers.attention_normed, 0..rows * d);
        backend.linear(
            normed,
            &weights.qkv,
            bias,
            backend.view_mut(&mut buffers.qkv, 0..rows * width),
        );
        self.normalize_heads(layer, rows, buffers);
        let turns = backend.view(turns, 0..rows * config.head_dim);
        backend.rope(
            &heads,
            turns,
            Turn::Forward,
            backend.view_mut(&mut buffers.qkv, 0..rows * width),
        );
        backend.attention(
            batch,
            &heads,
            backend.view(&buffers.qkv, 0..rows * width),
            CacheLayer {
                layer: layer % cache.layers,
                layers: cache.layers,
            },
            backend.view_mut(cache.buffer, 0..cache.elements),
            backend.view_mut(&mut buffers.mixed, 0..rows * query),
            backend.view_mut(&mut buffers.lse, 0..rows * config.heads),
        );
        let mixed = backend.view(&buffers.mixed, 0..rows * query);
        let middle = backend.view_mut(&mut buffers.middle, 0..rows * d);
        backend.linear(mixed, &weights.output, Plus::Residual(stream), middle);
    }

    /// `stream = middle + down(swiglu(gate_up(norm(middle))))`.
    pub(super) fn ffn_half(
        &self,
        layer: usize,
        size: Size,
        buffers: &mut LayerBuffers<B::Buffer>,
        stream: &mut B::Buffer,
    ) {
        self.gated(layer, size, buffers);
        let (config, backend, rows) = (self.config(), &self.backend, size.rows);
        let (d, f) = (config.hidden_size, config.ffn_size);
        let gated = backend.view(&buffers.gated, 0..rows * f);
        let middle = backend.view(&buffers.middle, 0..rows * d);
        let stream = backend.view_mut(stream, 0..rows * d);
        backend.linear(
            gated,
            &self.prepared.layers[layer].down,
            Plus::Residual(middle),
            stream,
        );
    }

    /// `gated = swiglu(gate_up(norm(middle)))`.
    pub(super) fn gated(
        &self,
        layer: usize,
        Size { rows, .. }: Size,
        buffers: &mut LayerBuffers<B::Buffer>,
    ) {
        let (config, backend) = (self.config(), &self.backend);
        let (d, f) = (config.hidden_size, config.ffn_size);
        backend.rms_norm(
            backend.view(&buffers.middle, 0..rows * d),
            backend.view(&self.weights, self.layout.layers[layer].ffn_norm.clone()),
            config.rms_norm_eps,
            backend.view_mut(&mut buffers.ffn_normed, 0..rows * d),
            backend.view_mut(&mut buffers.ffn_root, 0..rows),
        );
        let normed = backend.view(&buffers.ffn_normed, 0..rows * d);
        let gate_up = backend.view_mut(&mut buffers.gate_up, 0..rows * 2 * f);
        backend.linear(
            normed,
            &self.prepared.layers[layer].gate_up,
            Plus::Nothing,
            gate_up,
        );
        let gate_up = backend.view(&buffers.gate_up, 0..rows * 2 * f);
        backend.swiglu(
            gate_up,
            f,
            backend.view_mut(&mut buffers.gated, 0..rows * f),
        );
    }

    /// Picks the rows of the outputs and takes the last norm of them.
    fn outputs(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        Size { rows, outputs }: Size,
    ) {
        let (config, backend) = (self.config(), &self.backend);
        let d = config.hidden_size;
        let last = arena.streams.len() - 1;
        let stream = backend.view(&arena.streams[last], 0..rows * d);
        backend.pick(
            batch,
            stream,
            backend.view_mut(&mut arena.picked, 0..outputs * d),
        );
        backend.rms_norm(
            backend.view(&arena.picked, 0..outputs * d),
            backend.view(&self.weights, self.layout.final_norm.clone()),
            config.rms_norm_eps,
            backend.view_mut(&mut arena.hidden, 0..outputs * d),
            backend.view_mut(&mut arena.hidden_root, 0..outputs),
        );
    }
}
