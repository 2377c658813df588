//! The operations that the transformer is made of, as one device offers them.
//!
//! The transformer is written once against this trait. Operations are enqueued and cannot fail by themselves; what goes
//! wrong on a device shows where memory is taken or results are read, which is where [`BackendError`] can come from.
//! Shapes are those of the kernels' own documents; every view is row-major f32.

use std::{collections::TryReserveError, error::Error, ops::Range, sync::Arc};

use thiserror::Error;

pub mod batch;
pub mod cpu;
pub mod cuda;

pub use crate::{
    kernels::{
        adamw::{Draws, Factors, Moment, MomentKind, Narrow, NarrowKind},
        attention::{BLOCK as PAGE_TOKENS, Heads, Saved as AttentionSaved},
        matmul::Plus,
        rope::Turn,
        sample::{Draw, Drawn, Sampling},
    },
    simd::team::Team,
};
pub use batch::{Batch, Segment};
pub use cpu::CpuBackend;
pub use cuda::CudaBackend;

/// Why a device could not do its part.
#[derive(Debug, Error)]
pub enum BackendError {
    /// There is no memory left.
    #[error("no memory for {elements} more f32 numbers; choose a smaller model, batch or cache")]
    Allocate {
        /// Elements asked for.
        elements: usize,
        /// What the allocator said.
        source: TryReserveError,
    },
    /// A device that is not the host went wrong, in its own words. What was enqueued after that was not done.
    #[error(transparent)]
    Device(Arc<dyn Error + Send + Sync>),
}

/// Where the keys and values of one layer go: pages of `layers` layers in one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLayer {
    /// This layer.
    pub layer: usize,
    /// Layers that share the buffer.
    pub layers: usize,
}

/// What the backward pass of the head reads.
pub struct HeadSaved<'a, V, W> {
    /// Hidden rows of the outputs of the batch, `[outputs, d]`.
    pub hidden: V,
    /// The head, prepared.
    pub packed: &'a W,
    /// The head as it lies, `[v, d]`.
    pub weights: V,
    /// One over the temperature.
    pub inverse_temperature: f32,
    /// Loss by log-probability, `[outputs]`.
    pub dlogprobs: V,
    /// Loss by entropy, `[outputs]`.
    pub dentropies: V,
}

/// A device with its memory and its forms of the kernels.
pub trait Backend: Send + Sync {
    /// Memory of the device.
    type Buffer: Send + Sync;
    /// A part of a buffer, to read.
    type View<'a>: Copy;
    /// A part of a buffer, to write.
    type ViewMut<'a>;
    /// A weight matrix prepared for products.
    type Weights: Send + Sync;
    /// A batch the device can read.
    type Batch: Send + Sync;
    /// A moment of every weight, rounded.
    type Narrow: Send + Sync;

    /// Threads of the host, for what is computed there.
    fn team(&self) -> &Team;

    /// Zeros.
    ///
    /// # Errors
    /// The device has no memory left.
    fn allocate(&self, elements: usize) -> Result<Self::Buffer, BackendError>;

    /// Takes host memory over.
    ///
    /// # Errors
    /// The device has no memory left.
    fn upload(&self, values: Vec<f32>) -> Result<Self::Buffer, BackendError>;

    /// A part of a buffer.
    fn view<'a>(&self, buffer: &'a Self::Buffer, range: Range<usize>) -> Self::View<'a>;

    /// A part of a buffer, to write.
    fn view_mut<'a>(&self, buffer: &'a mut Self::Buffer, range: Range<usize>) -> Self::ViewMut<'a>;

    /// The values of a view on the host; `staging` holds them where the device's memory is not the host's.
    ///
    /// # Errors
    /// An operation enqueued before went wrong.
    fn host<'a>(
        &self,
        view: Self::View<'a>,
        staging: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], BackendError>;

    /// Copies host values into the beginning of a view.
    fn write(&self, values: &[f32], out: Self::ViewMut<'_>);

    /// Zeros.
    fn clear(&self, out: Self::ViewMut<'_>);

    /// Brings a batch to the device.
    ///
    /// # Errors
    /// The device has no memory left.
    fn stage(&self, batch: Batch) -> Result<Self::Batch, BackendError>;

    /// Room for a prepared `[outputs, inputs]` matrix.
    ///
    /// # Errors
    /// The device has no memory left.
    fn weights(&self, outputs: usize, inputs: usize) -> Result<Self::Weights, BackendError>;

    /// Prepares new values, `[outputs, inputs]`.
    fn pack(&self, matrix: Self::View<'_>, weights: &mut Self::Weights);

    /// `x [n, d]`: the rows of `table [v, d]` that the batch's tokens name.
    fn embed(&self, batch: &Self::Batch, table: Self::View<'_>, x: Self::ViewMut<'_>);

    /// `dtable[token] += dx`.
    fn embed_backward(&self, batch: &Self::Batch, dx: Self::View<'_>, dtable: Self::ViewMut<'_>);

    /// `picked [outputs, d]`: the rows of `x` that the batch's outputs name.
    fn pick(&self, batch: &Self::Batch, x: Self::View<'_>, picked: Self::ViewMut<'_>);

    /// `dx [n, d]`: zero, but for the rows that the outputs name.
    fn pick_backward(&self, batch: &Self::Batch, dpicked: Self::View<'_>, dx: Self::ViewMut<'_>);

    /// `y = x r w`; see `kernels/rms_norm`.
    fn rms_norm(
        &self,
        x: Self::View<'_>,
        w: Self::View<'_>,
        eps: f32,
        y: Self::ViewMut<'_>,
        r: Self::ViewMut<'_>,
    );

    /// Adds to `dx` and `dw`; `saved` is `(x, w, r)`.
    fn rms_norm_backward(
        &self,
        dy: Self::View<'_>,
        saved: (Self::View<'_>, Self::View<'_>, Self::View<'_>),
        dx: Self::ViewMut<'_>,
        dw: Self::ViewMut<'_>,
    );

    /// `y = x w^T + plus`.
    fn linear(
        &self,
        x: Self::View<'_>,
        weights: &Self::Weights,
        plus: Plus<Self::View<'_>>,
        y: Self::ViewMut<'_>,
    );

    /// `dx = dy w`, with `w` as it lies, `[outputs, inputs]`.
    fn linear_backward_input(
        &self,
        dy: Self::View<'_>,
        w: Self::View<'_>,
        outputs: usize,
        dx: Self::ViewMut<'_>,
    );

    /// `dw += dy^T x`.
    fn linear_backward_weights(
        &self,
        dy: Self::View<'_>,
        x: Self::View<'_>,
        outputs: usize,
        dw: Self::ViewMut<'_>,
    );

    /// `db += sum of the rows of dy`.
    fn linear_backward_bias(&self, dy: Self::View<'_>, db: Self::ViewMut<'_>);

    /// `turns [n, head_dim]`: cosines and sines of the batch's positions.
    fn angles(&self, batch: &Self::Batch, frequencies: &[f32], turns: Self::ViewMut<'_>);

    /// Turns the queries and keys of `qkv [n, width]` in place.
    fn rope(&self, heads: &Heads, turns: Self::View<'_>, way: Turn, qkv: Self::ViewMut<'_>);

    /// Normalizes the query and key heads of `qkv [n, width]` in place, with the scales `w [2 head_dim]`; keeps what was
    /// there in `raw [n, turned heads * head_dim]` and the inverse roots in `r [n, turned heads]`.
    fn head_norm(
        &self,
        heads: &Heads,
        w: Self::View<'_>,
        eps: f32,
        qkv: Self::ViewMut<'_>,
        raw: Self::ViewMut<'_>,
        r: Self::ViewMut<'_>,
    );

    /// Turns `dqkv` into the gradient before that norm, in place, and adds to `dw`; `saved` is `(w, raw, r)`.
    fn head_norm_backward(
        &self,
        heads: &Heads,
        saved: (Self::View<'_>, Self::View<'_>, Self::View<'_>),
        dqkv: Self::ViewMut<'_>,
        dw: Self::ViewMut<'_>,
    );

    /// Writes keys and values to `cache`, then attends: `out [n, query_width]`, `lse [n, heads]`.
    #[allow(clippy::too_many_arguments)]
    fn attention(
        &self,
        batch: &Self::Batch,
        heads: &Heads,
        qkv: Self::View<'_>,
        layer: CacheLayer,
        cache: Self::ViewMut<'_>,
        out: Self::ViewMut<'_>,
        lse: Self::ViewMut<'_>,
    );

    /// Writes `dqkv [n, width]`; every sequence of the batch begins at position 0.
    fn attention_backward(
        &self,
        batch: &Self::Batch,
        heads: &Heads,
        saved: AttentionSaved<Self::View<'_>>,
        dqkv: Self::ViewMut<'_>,
    );

    /// Copies one page of all layers; `elements` is the size of that.
    fn copy_page(&self, from: u32, to: u32, elements: usize, cache: Self::ViewMut<'_>);

    /// `y [n, f] = silu(gate) up`.
    fn swiglu(&self, gate_up: Self::View<'_>, f: usize, y: Self::ViewMut<'_>);

    /// Writes `dgate_up [n, 2 f]`.
    fn swiglu_backward(
        &self,
        gate_up: Self::View<'_>,
        dy: Self::View<'_>,
        f: usize,
        dgate_up: Self::ViewMut<'_>,
    );

    /// Log-probabilities of the batch's targets and entropies, `[outputs]` each.
    fn head(
        &self,
        batch: &Self::Batch,
        hidden: Self::View<'_>,
        weights: &Self::Weights,
        inverse_temperature: f32,
        logprobs: Self::ViewMut<'_>,
        entropies: Self::ViewMut<'_>,
    );

    /// Writes `dhidden [outputs, d]` and adds to `dw [v, d]`.
    fn head_backward(
        &self,
        batch: &Self::Batch,
        saved: HeadSaved<'_, Self::View<'_>, Self::Weights>,
        dhidden: Self::ViewMut<'_>,
        dw: Self::ViewMut<'_>,
    );

    /// Draws tokens from rows of `logits [_, vocab]`; `None` where a row has no distribution, for a logit is no number or
    /// infinite. Where nothing is filtered out, the log-probability is the one that [`Self::head`] gives the token, to the
    /// bit. A draw depends on its row and on what is asked of it, not on the other draws.
    ///
    /// # Errors
    /// An operation enqueued before went wrong, or the device has no memory left.
    fn draw(
        &self,
        logits: (Self::View<'_>, usize),
        draws: &[Draw],
    ) -> Result<Vec<Option<Drawn>>, BackendError>;

    /// Sum of squares in a fixed order; not finite if any element is not.
    ///
    /// # Errors
    /// An operation enqueued before went wrong.
    fn sum_of_squares(&self, values: Self::View<'_>) -> Result<f64, BackendError>;

    /// One AdamW step; empties the gradient.
    fn adamw(
        &self,
        weights: Self::ViewMut<'_>,
        gradient: Self::ViewMut<'_>,
        moments: (Self::ViewMut<'_>, Self::ViewMut<'_>),
        factors: Factors,
    );

    /// A rounded moment of zeros.
    ///
    /// # Errors
    /// The device has no memory left.
    fn narrow(&self, kind: NarrowKind, elements: usize) -> Result<Self::Narrow, BackendError>;

    /// Takes a rounded moment over.
    ///
    /// # Errors
    /// The device has no memory left.
    fn upload_narrow(&self, moment: Narrow<'static>) -> Result<Self::Narrow, BackendError>;

    /// A rounded moment on the host.
    ///
    /// # Errors
    /// An operation enqueued before went wrong.
    fn host_narrow<'a>(&self, moment: &'a Self::Narrow) -> Result<Narrow<'a>, BackendError>;

    /// One AdamW step with moments that are rounded, both in one way; empties the gradient.
    fn adamw_narrow(
        &self,
        weights: Self::ViewMut<'_>,
        gradient: Self::ViewMut<'_>,
        moments: (&mut Self::Narrow, &mut Self::Narrow),
        factors: Factors,
        draws: Draws,
    );
}
