//! A GPU behind the seam of `cuda.rs`: f32, deterministic, a row the same bits in any batch.
//!
//! Operations are enqueued. The first that goes wrong is kept, nothing is done after it, and whoever takes memory or reads
//! results is told.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    AttentionSaved, Backend, BackendError, Batch, CacheLayer, Draw, Drawn, Draws, Factors,
    HeadSaved, Heads, Narrow, NarrowKind, Plus, Team, Turn,
};
use crate::{
    cuda::{Buffer, Device, DeviceError, View, ViewMut},
    kernels::{
        adamw::cuda as adamw, attention::cuda as attention, embedding::cuda as embedding,
        head::cuda::Head, head_norm::cuda as head_norm, matmul::cuda as matmul,
        rms_norm::cuda as rms_norm, rope::cuda as rope, sample::cuda as sample,
        swiglu::cuda as swiglu,
    },
    precision::Precision,
};

mod held;
mod opening;
#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub use crate::{
    cuda::{Gpu, GpuOptions},
    kernels::adamw::cuda::CudaNarrow,
};
pub use held::{CudaBatch, CudaWeights};
pub use opening::{compiler, gpus};

/// Most logits that the head holds at once (256 MiB).
const LOGITS_MAX: usize = 1 << 26;

/// A GPU and its memory.
pub struct CudaBackend {
    device: Device,
    team: Team,
    precision: Precision,
    failure: Mutex<Option<Arc<DeviceError>>>,
}

fn told(error: DeviceError) -> BackendError {
    BackendError::Device(Arc::new(error))
}

impl CudaBackend {
    pub(crate) fn new(device: Device) -> Self {
        Self {
            device,
            team: Team::default(),
            precision: Precision::default(),
            failure: Mutex::default(),
        }
    }

    /// Holds the weights of products this exactly. In bf16 whatever else products multiply, forward and backward, is
    /// rounded too, as tensor cores take it; sums and all else are f32 in either case.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    fn failure(&self) -> MutexGuard<'_, Option<Arc<DeviceError>>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work whose result nobody waits for, unless something went wrong before.
    fn enqueue(&self, work: impl FnOnce(&Device) -> Result<(), DeviceError>) {
        let mut failure = self.failure();
        if failure.is_none() {
            *failure = work(&self.device).err().map(Arc::new);
        }
    }

    /// Does work whose result is wanted, or says what went wrong, now or before.
    fn ask<R>(
        &self,
        work: impl FnOnce(&Device) -> Result<R, DeviceError>,
    ) -> Result<R, BackendError> {
        if let Some(failure) = &*self.failure() {
            return Err(BackendError::Device(Arc::clone(failure) as _));
        }
        work(&self.device).map_err(told)
    }
}

/// The width of rows that `elements` are.
fn width(elements: usize, rows: usize) -> usize {
    elements / rows.max(1)
}

impl Backend for CudaBackend {
    type Buffer = Buffer;
    type View<'a> = View<'a>;
    type ViewMut<'a> = ViewMut<'a>;
    type Weights = CudaWeights;
    type Batch = CudaBatch;
    type Narrow = CudaNarrow;

    fn team(&self) -> &Team {
        &self.team
    }

    fn allocate(&self, elements: usize) -> Result<Buffer, BackendError> {
        self.ask(|device| device.zeros(elements))
    }

    fn upload(&self, values: Vec<f32>) -> Result<Buffer, BackendError> {
        self.ask(|device| device.upload(&values))
    }

    fn view<'a>(&self, buffer: &'a Buffer, range: Range<usize>) -> View<'a> {
        buffer.view().part(range)
    }

    fn view_mut<'a>(&self, buffer: &'a mut Buffer, range: Range<usize>) -> ViewMut<'a> {
        buffer.view_mut().into_part(range)
    }

    fn host<'a>(
        &self,
        view: View<'a>,
        staging: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], BackendError> {
        self.ask(|device| device.read(view, staging))?;
        Ok(staging)
    }

    fn write(&self, values: &[f32], out: ViewMut<'_>) {
        self.enqueue(|device| device.write(values, out));
    }

    fn clear(&self, out: ViewMut<'_>) {
        self.enqueue(|device| device.clear(out));
    }

    fn stage(&self, batch: Batch) -> Result<CudaBatch, BackendError> {
        self.ask(|device| CudaBatch::new(device, &batch, self.precision))
    }

    fn weights(&self, outputs: usize, inputs: usize) -> Result<CudaWeights, BackendError> {
        self.ask(|device| CudaWeights::new(device, outputs, inputs, self.precision))
    }

    fn pack(&self, matrix: View<'_>, weights: &mut CudaWeights) {
        self.enqueue(|device| weights.pack(device, matrix));
    }

    fn embed(&self, batch: &CudaBatch, table: View<'_>, x: ViewMut<'_>) {
        let d = width(x.len(), batch.rows);
        self.enqueue(|device| embedding::forward(device, table, &batch.tokens, d, x));
    }

    fn embed_backward(&self, batch: &CudaBatch, dx: View<'_>, dtable: ViewMut<'_>) {
        let d = width(dx.len(), batch.rows);
        self.enqueue(|device| embedding::backward(device, dx, &batch.tokens, d, dtable));
    }

    fn pick(&self, batch: &CudaBatch, x: View<'_>, picked: ViewMut<'_>) {
        let d = width(x.len(), batch.rows);
        self.enqueue(|device| embedding::forward(device, x, &batch.outputs, d, picked));
    }

    fn pick_backward(&self, batch: &CudaBatch, dpicked: View<'_>, mut dx: ViewMut<'_>) {
        let (all, d) = (0..dx.len(), width(dx.len(), batch.rows));
        self.enqueue(|device| {
            device.clear(dx.part(all))?;
            embedding::backward(device, dpicked, &batch.outputs, d, dx)
        });
    }

    fn rms_norm(&self, x: View<'_>, w: View<'_>, eps: f32, y: ViewMut<'_>, r: ViewMut<'_>) {
        self.enqueue(|device| rms_norm::forward(device, x, w, eps, y, r));
    }

    fn rms_norm_backward(
        &self,
        dy: View<'_>,
        saved: (View<'_>, View<'_>, View<'_>),
        dx: ViewMut<'_>,
        dw: ViewMut<'_>,
    ) {
        self.enqueue(|device| rms_norm::backward(device, dy, saved, dx, dw));
    }

    fn linear(&self, x: View<'_>, weights: &CudaWeights, plus: Plus<View<'_>>, y: ViewMut<'_>) {
        self.enqueue(|device| {
            matmul::linear(device, x, weights.matrix()?, weights.outputs, plus, y)
        });
    }

    fn linear_backward_input(&self, dy: View<'_>, w: View<'_>, outputs: usize, dx: ViewMut<'_>) {
        self.enqueue(|device| matmul::backward_input(device, self.precision, dy, w, outputs, dx));
    }

    fn linear_backward_weights(&self, dy: View<'_>, x: View<'_>, outputs: usize, dw: ViewMut<'_>) {
        self.enqueue(|device| matmul::backward_weights(device, self.precision, dy, x, outputs, dw));
    }

    fn linear_backward_bias(&self, dy: View<'_>, db: ViewMut<'_>) {
        self.enqueue(|device| matmul::backward_bias(device, dy, db));
    }

    fn angles(&self, batch: &CudaBatch, frequencies: &[f32], turns: ViewMut<'_>) {
        self.enqueue(|device| {
            let frequencies = device.upload(frequencies)?;
            rope::angles(device, batch.positions.view(), frequencies.view(), turns)
        });
    }

    fn rope(&self, heads: &Heads, turns: View<'_>, way: Turn, qkv: ViewMut<'_>) {
        let turned = heads.heads + heads.kv_heads;
        let (width, e) = (heads.width(), heads.head_dim);
        self.enqueue(|device| rope::turn(device, qkv, width, turned, turns, e, way));
    }

    fn head_norm(
        &self,
        heads: &Heads,
        w: View<'_>,
        eps: f32,
        qkv: ViewMut<'_>,
        raw: ViewMut<'_>,
        r: ViewMut<'_>,
    ) {
        self.enqueue(|device| head_norm::forward(device, heads, w, eps, qkv, (raw, r)));
    }

    fn head_norm_backward(
        &self,
        heads: &Heads,
        saved: (View<'_>, View<'_>, View<'_>),
        dqkv: ViewMut<'_>,
        dw: ViewMut<'_>,
    ) {
        self.enqueue(|device| head_norm::backward(device, heads, saved, dqkv, dw));
    }

    fn attention(
        &self,
        batch: &CudaBatch,
        heads: &Heads,
        qkv: View<'_>,
        CacheLayer { layer, layers }: CacheLayer,
        cache: ViewMut<'_>,
        out: ViewMut<'_>,
        lse: ViewMut<'_>,
    ) {
        let layer = attention::Layer { layer, layers };
        self.enqueue(|device| {
            attention::forward(device, &batch.tiles, heads, qkv, layer, cache, (out, lse))
        });
    }

    fn attention_backward(
        &self,
        batch: &CudaBatch,
        heads: &Heads,
        saved: AttentionSaved<View<'_>>,
        dqkv: ViewMut<'_>,
    ) {
        self.enqueue(|device| attention::backward(device, &batch.tiles, heads, saved, dqkv));
    }

    fn copy_page(&self, from: u32, to: u32, elements: usize, cache: ViewMut<'_>) {
        let place = |page: u32| page as usize * elements;
        self.enqueue(|device| device.copy_within(cache, place(from), place(to), elements));
    }

    fn swiglu(&self, gate_up: View<'_>, f: usize, y: ViewMut<'_>) {
        self.enqueue(|device| swiglu::forward(device, gate_up, f, y));
    }

    fn swiglu_backward(&self, gate_up: View<'_>, dy: View<'_>, f: usize, dgate_up: ViewMut<'_>) {
        self.enqueue(|device| swiglu::backward(device, gate_up, dy, f, dgate_up));
    }

    fn head(
        &self,
        batch: &CudaBatch,
        hidden: View<'_>,
        weights: &CudaWeights,
        inverse_temperature: f32,
        logprobs: ViewMut<'_>,
        entropies: ViewMut<'_>,
    ) {
        self.enqueue(|device| {
            let head = Head {
                device,
                hidden,
                weights: weights.matrix()?,
                vocab_size: weights.outputs,
                targets: &batch.targets,
                inverse_temperature,
                logits_max: LOGITS_MAX,
            };
            head.forward(logprobs, entropies)
        });
    }

    fn head_backward(
        &self,
        batch: &CudaBatch,
        saved: HeadSaved<'_, View<'_>, CudaWeights>,
        dhidden: ViewMut<'_>,
        dw: ViewMut<'_>,
    ) {
        self.enqueue(|device| {
            let head = Head {
                device,
                hidden: saved.hidden,
                weights: saved.packed.matrix()?,
                vocab_size: saved.packed.outputs,
                targets: &batch.targets,
                inverse_temperature: saved.inverse_temperature,
                logits_max: LOGITS_MAX,
            };
            let above = (saved.dlogprobs, saved.dentropies);
            head.backward(above, saved.weights, dhidden, dw)
        });
    }

    fn draw(
        &self,
        (logits, vocab): (View<'_>, usize),
        draws: &[Draw],
    ) -> Result<Vec<Option<Drawn>>, BackendError> {
        self.ask(|device| sample::draw(device, logits, vocab, draws))
    }

    fn sum_of_squares(&self, values: View<'_>) -> Result<f64, BackendError> {
        self.ask(|device| adamw::sum_of_squares(device, values))
    }

    fn adamw(
        &self,
        weights: ViewMut<'_>,
        gradient: ViewMut<'_>,
        moments: (ViewMut<'_>, ViewMut<'_>),
        factors: Factors,
    ) {
        self.enqueue(|device| adamw::step(device, weights, gradient, moments, factors));
    }

    fn narrow(&self, kind: NarrowKind, elements: usize) -> Result<CudaNarrow, BackendError> {
        self.ask(|device| CudaNarrow::zeros(device, kind, elements))
    }

    fn upload_narrow(&self, moment: Narrow<'static>) -> Result<CudaNarrow, BackendError> {
        self.ask(|device| CudaNarrow::upload(device, &moment))
    }

    fn host_narrow<'a>(&self, moment: &'a CudaNarrow) -> Result<Narrow<'a>, BackendError> {
        self.ask(|device| moment.download(device))
    }

    fn adamw_narrow(
        &self,
        weights: ViewMut<'_>,
        gradient: ViewMut<'_>,
        moments: (&mut CudaNarrow, &mut CudaNarrow),
        factors: Factors,
        draws: Draws,
    ) {
        self.enqueue(|device| {
            adamw::step_narrow(device, weights, gradient, moments, factors, draws)
        });
    }
}
