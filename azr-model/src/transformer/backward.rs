//! The backward pass: from the gradients of the scores to those of every weight.

use super::{
    Transformer,
    arena::{Arena, GradientBuffers, Keep, LayerBuffers},
    forward::{Cache, Size},
};
use crate::backend::{AttentionSaved, Backend, HeadSaved, Turn};

/// Gradients of a loss by the scores of the outputs of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoreGradients<'a> {
    pub(crate) logprobs: &'a [f32],
    pub(crate) entropies: &'a [f32],
    /// The temperature of the scores.
    pub(crate) temperature: f32,
}

impl<B: Backend> Transformer<B> {
    /// Adds the gradients of the pass before to `gradient`, a buffer of the model's layout.
    ///
    /// # Panics
    /// The pass kept nothing.
    pub(crate) fn backward(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        (size, pages): (Size, usize),
        scores: ScoreGradients<'_>,
        gradient: &mut B::Buffer,
    ) {
        let config = self.config();
        let (backend, rows, d) = (&self.backend, size.rows, config.hidden_size);
        let elements = pages * self.heads().page_elements();
        self.outputs_backward(arena, batch, size, scores, gradient);
        let Arena {
            streams,
            layers,
            turns,
            cache,
            keep,
            gradients,
            ..
        } = arena;
        let gradients = gradients
            .as_mut()
            .unwrap_or_else(|| unreachable!("the arena keeps what learning needs"));
        for layer in (0..config.layers).rev() {
            let buffers = &mut layers[if *keep == Keep::Everything { layer } else { 0 }];
            if *keep == Keep::Inputs {
                let mut cache = Cache {
                    buffer: &mut *cache,
                    elements,
                    layers: 1,
                };
                self.attention_half(
                    layer,
                    batch,
                    size,
                    &streams[layer],
                    buffers,
                    turns,
                    &mut cache,
                );
                self.gated(layer, size, buffers);
            }
            self.ffn_half_backward(layer, size, buffers, gradients, gradient);
            self.attention_half_backward(
                layer,
                batch,
                size,
                (&streams[layer], turns),
                buffers,
                gradients,
                gradient,
            );
        }
        let dtable = backend.view_mut(gradient, self.layout.embedding.clone());
        backend.embed_backward(batch, backend.view(&gradients.stream, 0..rows * d), dtable);
    }

    fn outputs_backward(
        &self,
        arena: &mut Arena<B::Buffer>,
        batch: &B::Batch,
        Size { rows, outputs }: Size,
        scores: ScoreGradients<'_>,
        gradient: &mut B::Buffer,
    ) {
        let (backend, d) = (&self.backend, self.config().hidden_size);
        let gradients = arena
            .gradients
            .as_mut()
            .unwrap_or_else(|| unreachable!("the arena keeps what learning needs"));
        backend.write(
            scores.logprobs,
            backend.view_mut(&mut gradients.logprobs, 0..outputs),
        );
        backend.write(
            scores.entropies,
            backend.view_mut(&mut gradients.entropies, 0..outputs),
        );
        let saved = HeadSaved {
            hidden: backend.view(&arena.hidden, 0..outputs * d),
            packed: &self.prepared.head,
            weights: backend.view(&self.weights, self.layout.head.clone()),
            inverse_temperature: 1.0 / scores.temperature,
            dlogprobs: backend.view(&gradients.logprobs, 0..outputs),
            dentropies: backend.view(&gradients.entropies, 0..outputs),
        };
        // There are never more outputs than rows, so the hidden rows' gradient fits where those of norms go.
        let dhidden = backend.view_mut(&mut gradients.normed, 0..outputs * d);
        backend.head_backward(
            batch,
            saved,
            dhidden,
            backend.view_mut(gradient, self.layout.head.clone()),
        );
        backend.clear(backend.view_mut(&mut gradients.picked, 0..outputs * d));
        backend.rms_norm_backward(
            backend.view(&gradients.normed, 0..outputs * d),
            (
                backend.view(&arena.picked, 0..outputs * d),
                backend.view(&self.weights, self.layout.final_norm.clone()),
                backend.view(&arena.hidden_root, 0..outputs),
            ),
            backend.view_mut(&mut gradients.picked, 0..outputs * d),
            backend.view_mut(gradient, self.layout.final_norm.clone()),
        );
        let dpicked = backend.view(&gradients.picked, 0..outputs * d);
        backend.pick_backward(
            batch,
            dpicked,
            backend.view_mut(&mut gradients.stream, 0..rows * d),
        );
    }

    fn ffn_half_backward(
        &self,
        layer: usize,
        Size { rows, .. }: Size,
        buffers: &LayerBuffers<B::Buffer>,
        gradients: &mut GradientBuffers<B::Buffer>,
        gradient: &mut B::Buffer,
    ) {
        let (config, backend, ranges) = (self.config(), &self.backend, &self.layout.layers[layer]);
        let (d, f) = (config.hidden_size, config.ffn_size);
        let parameter = |range: &std::ops::Range<usize>| backend.view(&self.weights, range.clone());
        let dstream = backend.view(&gradients.stream, 0..rows * d);
        let dgated = backend.view_mut(&mut gradients.gated, 0..rows * f);
        backend.linear_backward_input(dstream, parameter(&ranges.down), d, dgated);
        let gated = backend.view(&buffers.gated, 0..rows * f);
        backend.linear_backward_weights(
            dstream,
            gated,
            d,
            backend.view_mut(gradient, ranges.down.clone()),
        );
        let gate_up = backend.view(&buffers.gate_up, 0..rows * 2 * f);
        let dgated = backend.view(&gradients.gated, 0..rows * f);
        backend.swiglu_backward(
            gate_up,
            dgated,
            f,
            backend.view_mut(&mut gradients.gate_up, 0..rows * 2 * f),
        );
        let dgate_up = backend.view(&gradients.gate_up, 0..rows * 2 * f);
        let dnormed = backend.view_mut(&mut gradients.normed, 0..rows * d);
        backend.linear_backward_input(dgate_up, parameter(&ranges.gate_up), 2 * f, dnormed);
        let normed = backend.view(&buffers.ffn_normed, 0..rows * d);
        backend.linear_backward_weights(
            dgate_up,
            normed,
            2 * f,
            backend.view_mut(gradient, ranges.gate_up.clone()),
        );
        backend.rms_norm_backward(
            backend.view(&gradients.normed, 0..rows * d),
            (
                backend.view(&buffers.middle, 0..rows * d),
                parameter(&ranges.ffn_norm),
                backend.view(&buffers.ffn_root, 0..rows),
            ),
            backend.view_mut(&mut gradients.stream, 0..rows * d),
            backend.view_mut(gradient, ranges.ffn_norm.clone()),
        );
    }

    #[allow(clippy::too_many_arguments)]
    fn attention_half_backward(
        &self,
        layer: usize,
        batch: &B::Batch,
        Size { rows, .. }: Size,
        (stream, turns): (&B::Buffer, &B::Buffer),
        buffers: &LayerBuffers<B::Buffer>,
        gradients: &mut GradientBuffers<B::Buffer>,
        gradient: &mut B::Buffer,
    ) {
        let (config, heads, backend) = (self.config(), self.heads(), &self.backend);
        let ranges = &self.layout.layers[layer];
        let (d, query, width) = (config.hidden_size, config.query_width(), config.qkv_width());
        let parameter = |range: &std::ops::Range<usize>| backend.view(&self.weights, range.clone());
        let dstream = backend.view(&gradients.stream, 0..rows * d);
        let dmixed = backend.view_mut(&mut gradients.mixed, 0..rows * query);
        backend.linear_backward_input(dstream, parameter(&ranges.output), d, dmixed);
        let mixed = backend.view(&buffers.mixed, 0..rows * query);
        backend.linear_backward_weights(
            dstream,
            mixed,
            d,
            backend.view_mut(gradient, ranges.output.clone()),
        );
        let saved = AttentionSaved {
            qkv: backend.view(&buffers.qkv, 0..rows * width),
            out: mixed,
            lse: backend.view(&buffers.lse, 0..rows * config.heads),
            dout: backend.view(&gradients.mixed, 0..rows * query),
        };
        backend.attention_backward(
            batch,
            &heads,
            saved,
            backend.view_mut(&mut gradients.qkv, 0..rows * width),
        );
        let turns = backend.view(turns, 0..rows * config.head_dim);
        backend.rope(
            &heads,
            turns,
            Turn::Backward,
            backend.view_mut(&mut gradients.qkv, 0..rows * width),
        );
        self.normalize_heads_backward(layer, rows, buffers, gradients, gradient);
        let dqkv = backend.view(&gradients.qkv, 0..rows * width);
        let dnormed = backend.view_mut(&mut gradients.normed, 0..rows * d);
        backend.linear_backward_input(dqkv, parameter(&ranges.qkv), width, dnormed);
        let normed = backend.view(&buffers.attention_normed, 0..rows * d);
        backend.linear_backward_weights(
            dqkv,
            normed,
            width,
            backend.view_mut(gradient, ranges.qkv.clone()),
        );
        if config.qkv_bias {
            backend.linear_backward_bias(dqkv, backend.view_mut(gradient, ranges.qkv_bias.clone()));
        }
        backend.rms_norm_backward(
            backend.view(&gradients.normed, 0..rows * d),
            (
                backend.view(stream, 0..rows * d),
                parameter(&ranges.attention_norm),
                backend.view(&buffers.attention_root, 0..rows),
            ),
            backend.view_mut(&mut gradients.stream, 0..rows * d),
            backend.view_mut(gradient, ranges.attention_norm.clone()),
        );
    }
}
