//! The norms of query and key heads, of the models that have them.

use super::{
    Transformer,
    arena::{GradientBuffers, LayerBuffers},
};
use crate::backend::Backend;

impl<B: Backend> Transformer<B> {
    /// Normalizes the query and key heads of a block's `qkv` in place.
    pub(super) fn normalize_heads(
        &self,
        layer: usize,
        rows: usize,
        buffers: &mut LayerBuffers<B::Buffer>,
    ) {
        let (config, backend) = (self.config(), &self.backend);
        if !config.qk_norm() {
            return;
        }
        let turned = config.heads + config.kv_heads;
        let scales = self.layout.layers[layer].qk_norm.clone();
        backend.head_norm(
            &self.heads(),
            backend.view(&self.weights, scales),
            config.rms_norm_eps,
            backend.view_mut(&mut buffers.qkv, 0..rows * config.qkv_width()),
            backend.view_mut(&mut buffers.qk_raw, 0..rows * turned * config.head_dim),
            backend.view_mut(&mut buffers.qk_root, 0..rows * turned),
        );
    }

    /// Takes the gradient of a block's `qkv` back before that.
    pub(super) fn normalize_heads_backward(
        &self,
        layer: usize,
        rows: usize,
        buffers: &LayerBuffers<B::Buffer>,
        gradients: &mut GradientBuffers<B::Buffer>,
        gradient: &mut B::Buffer,
    ) {
        let (config, backend) = (self.config(), &self.backend);
        if !config.qk_norm() {
            return;
        }
        let turned = config.heads + config.kv_heads;
        let scales = self.layout.layers[layer].qk_norm.clone();
        backend.head_norm_backward(
            &self.heads(),
            (
                backend.view(&self.weights, scales.clone()),
                backend.view(&buffers.qk_raw, 0..rows * turned * config.head_dim),
                backend.view(&buffers.qk_root, 0..rows * turned),
            ),
            backend.view_mut(&mut gradients.qkv, 0..rows * config.qkv_width()),
            backend.view_mut(gradient, scales),
        );
    }
}
