//! The processor: f32 arithmetic, a team of threads, the same bits for any number of them.

use std::ops::Range;

use super::{
    AttentionSaved, Backend, BackendError, Batch, CacheLayer, Draw, Drawn, Draws, Factors,
    HeadSaved, Heads, Narrow, NarrowKind, Plus, Team, Turn,
};
use crate::{
    kernels::{
        adamw,
        attention::{Attention, Pages},
        embedding, head, head_norm, matmul, rms_norm, rope, sample,
        scratch::Scratch,
        swiglu,
    },
    precision::Precision,
    simd::aligned,
};

/// The host's processor and memory.
#[derive(Debug, Default)]
pub struct CpuBackend {
    scratch: Scratch,
    precision: Precision,
}

fn out_of_memory(elements: usize) -> impl Fn(std::collections::TryReserveError) -> BackendError {
    move |source| BackendError::Allocate { elements, source }
}

impl CpuBackend {
    /// Computes with so many threads, the caller's among them; the default is one for each processor.
    pub fn with_threads(threads: usize) -> Self {
        let team = Team::new(threads);
        Self {
            scratch: Scratch {
                team,
                ..Scratch::default()
            },
            ..Self::default()
        }
    }

    /// Holds the weights of products this exactly; the default is f32. All else is f32 in either case: the weights that
    /// learn, the rows of the embedding, norms and biases, activations, keys and values, sums and gradients.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    fn attention_of<'a>(&'a self, batch: &'a Batch, heads: &'a Heads) -> Attention<'a> {
        Attention {
            scratch: &self.scratch,
            heads,
            segments: &batch.segments,
        }
    }
}

impl Backend for CpuBackend {
    type Buffer = Vec<f32>;
    type View<'a> = &'a [f32];
    type ViewMut<'a> = &'a mut [f32];
    type Weights = matmul::Weights;
    type Batch = Batch;
    type Narrow = Narrow<'static>;

    fn team(&self) -> &Team {
        &self.scratch.team
    }

    fn allocate(&self, elements: usize) -> Result<Vec<f32>, BackendError> {
        aligned::zeros(elements).map_err(out_of_memory(elements))
    }

    fn upload(&self, values: Vec<f32>) -> Result<Vec<f32>, BackendError> {
        Ok(values)
    }

    fn view<'a>(&self, buffer: &'a Vec<f32>, range: Range<usize>) -> &'a [f32] {
        &buffer[range]
    }

    fn view_mut<'a>(&self, buffer: &'a mut Vec<f32>, range: Range<usize>) -> &'a mut [f32] {
        &mut buffer[range]
    }

    fn host<'a>(
        &self,
        view: &'a [f32],
        _staging: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], BackendError> {
        Ok(view)
    }

    fn write(&self, values: &[f32], out: &mut [f32]) {
        out[..values.len()].copy_from_slice(values);
    }

    fn clear(&self, out: &mut [f32]) {
        out.fill(0.0);
    }

    fn stage(&self, batch: Batch) -> Result<Batch, BackendError> {
        Ok(batch)
    }

    fn weights(&self, outputs: usize, inputs: usize) -> Result<matmul::Weights, BackendError> {
        matmul::Weights::new(outputs, inputs, self.precision)
            .map_err(out_of_memory(outputs * inputs))
    }

    fn pack(&self, matrix: &[f32], weights: &mut matmul::Weights) {
        weights.pack(&self.scratch.team, matrix);
    }

    fn embed(&self, batch: &Batch, table: &[f32], x: &mut [f32]) {
        let d = x.len() / batch.tokens.len().max(1);
        embedding::forward(&self.scratch.team, table, &batch.tokens, d, x);
    }

    fn embed_backward(&self, batch: &Batch, dx: &[f32], dtable: &mut [f32]) {
        let d = dx.len() / batch.tokens.len().max(1);
        embedding::backward(&self.scratch.team, dx, &batch.tokens, d, dtable);
    }

    fn pick(&self, batch: &Batch, x: &[f32], picked: &mut [f32]) {
        let d = x.len() / batch.tokens.len().max(1);
        embedding::forward(&self.scratch.team, x, &batch.outputs, d, picked);
    }

    fn pick_backward(&self, batch: &Batch, dpicked: &[f32], dx: &mut [f32]) {
        let d = dx.len() / batch.tokens.len().max(1);
        dx.fill(0.0);
        embedding::backward(&self.scratch.team, dpicked, &batch.outputs, d, dx);
    }

    fn rms_norm(&self, x: &[f32], w: &[f32], eps: f32, y: &mut [f32], r: &mut [f32]) {
        rms_norm::forward(&self.scratch.team, x, w, eps, y, r);
    }

    fn rms_norm_backward(
        &self,
        dy: &[f32],
        (x, w, r): (&[f32], &[f32], &[f32]),
        dx: &mut [f32],
        dw: &mut [f32],
    ) {
        rms_norm::backward(&self.scratch.team, dy, x, w, r, dx, dw);
    }

    fn linear(&self, x: &[f32], weights: &matmul::Weights, plus: Plus<&[f32]>, y: &mut [f32]) {
        matmul::forward(&self.scratch, x, weights, plus, y);
    }

    fn linear_backward_input(&self, dy: &[f32], w: &[f32], outputs: usize, dx: &mut [f32]) {
        matmul::backward_input(&self.scratch, dy, w, outputs, dx);
    }

    fn linear_backward_weights(&self, dy: &[f32], x: &[f32], outputs: usize, dw: &mut [f32]) {
        matmul::backward_weights(&self.scratch, dy, x, outputs, dw);
    }

    fn linear_backward_bias(&self, dy: &[f32], db: &mut [f32]) {
        matmul::backward_bias(&self.scratch.team, dy, db);
    }

    fn angles(&self, batch: &Batch, frequencies: &[f32], turns: &mut [f32]) {
        rope::angles(&self.scratch.team, &batch.positions, frequencies, turns);
    }

    fn rope(&self, heads: &Heads, turns: &[f32], way: Turn, qkv: &mut [f32]) {
        rope::turn(
            &self.scratch.team,
            qkv,
            heads.width(),
            heads.heads + heads.kv_heads,
            turns,
            heads.head_dim,
            way,
        );
    }

    fn head_norm(
        &self,
        heads: &Heads,
        w: &[f32],
        eps: f32,
        qkv: &mut [f32],
        raw: &mut [f32],
        r: &mut [f32],
    ) {
        head_norm::forward(&self.scratch.team, heads, w, eps, qkv, raw, r);
    }

    fn head_norm_backward(
        &self,
        heads: &Heads,
        (w, raw, r): (&[f32], &[f32], &[f32]),
        dqkv: &mut [f32],
        dw: &mut [f32],
    ) {
        head_norm::backward(&self.scratch.team, heads, w, raw, r, dqkv, dw);
    }

    fn attention(
        &self,
        batch: &Batch,
        heads: &Heads,
        qkv: &[f32],
        CacheLayer { layer, layers }: CacheLayer,
        cache: &mut [f32],
        out: &mut [f32],
        lse: &mut [f32],
    ) {
        let pages = Pages {
            table: &batch.pages,
            layer,
            layers,
        };
        self.attention_of(batch, heads)
            .forward(qkv, pages, cache, out, lse);
    }

    fn attention_backward(
        &self,
        batch: &Batch,
        heads: &Heads,
        saved: AttentionSaved<&[f32]>,
        dqkv: &mut [f32],
    ) {
        self.attention_of(batch, heads).backward(saved, dqkv);
    }

    fn copy_page(&self, from: u32, to: u32, elements: usize, cache: &mut [f32]) {
        let (from, to) = (from as usize * elements, to as usize * elements);
        cache.copy_within(from..from + elements, to);
    }

    fn swiglu(&self, gate_up: &[f32], f: usize, y: &mut [f32]) {
        swiglu::forward(&self.scratch.team, gate_up, f, y);
    }

    fn swiglu_backward(&self, gate_up: &[f32], dy: &[f32], f: usize, dgate_up: &mut [f32]) {
        swiglu::backward(&self.scratch.team, gate_up, dy, f, dgate_up);
    }

    fn head(
        &self,
        batch: &Batch,
        hidden: &[f32],
        weights: &matmul::Weights,
        inverse_temperature: f32,
        logprobs: &mut [f32],
        entropies: &mut [f32],
    ) {
        let targets = &batch.targets;
        let scratch = &self.scratch;
        head::Head {
            scratch,
            weights,
            hidden,
            targets,
            inverse_temperature,
        }
        .forward(logprobs, entropies);
    }

    fn head_backward(
        &self,
        batch: &Batch,
        saved: HeadSaved<'_, &[f32], matmul::Weights>,
        dhidden: &mut [f32],
        dw: &mut [f32],
    ) {
        let head = head::Head {
            scratch: &self.scratch,
            weights: saved.packed,
            hidden: saved.hidden,
            targets: &batch.targets,
            inverse_temperature: saved.inverse_temperature,
        };
        let by_scores = (saved.dlogprobs, saved.dentropies);
        head.backward(by_scores, saved.weights, dhidden, dw);
    }

    fn draw(
        &self,
        (logits, vocab): (&[f32], usize),
        draws: &[Draw],
    ) -> Result<Vec<Option<Drawn>>, BackendError> {
        let mut drawn = vec![None; draws.len()];
        let parts = draws.iter().zip(&mut drawn);
        self.scratch.team.each(parts, |(draw, drawn)| {
            let row = &logits[draw.row * vocab..][..vocab];
            *drawn = sample::draw(row, &draw.sampling, draw.unit);
        });
        Ok(drawn)
    }

    fn sum_of_squares(&self, values: &[f32]) -> Result<f64, BackendError> {
        Ok(adamw::sum_of_squares(&self.scratch.team, values))
    }

    fn adamw(
        &self,
        weights: &mut [f32],
        gradient: &mut [f32],
        moments: (&mut [f32], &mut [f32]),
        factors: Factors,
    ) {
        adamw::step(
            &self.scratch.team,
            weights,
            gradient,
            moments.0,
            moments.1,
            factors,
        );
    }

    fn narrow(&self, kind: NarrowKind, elements: usize) -> Result<Narrow<'static>, BackendError> {
        Narrow::zeros(kind, elements).map_err(out_of_memory(elements))
    }

    fn upload_narrow(&self, moment: Narrow<'static>) -> Result<Narrow<'static>, BackendError> {
        Ok(moment)
    }

    fn host_narrow<'a>(&self, moment: &'a Narrow<'static>) -> Result<Narrow<'a>, BackendError> {
        Ok(moment.borrowed())
    }

    fn adamw_narrow(
        &self,
        weights: &mut [f32],
        gradient: &mut [f32],
        moments: (&mut Narrow<'static>, &mut Narrow<'static>),
        factors: Factors,
        draws: Draws,
    ) {
        let team = &self.scratch.team;
        adamw::narrow::step(team, weights, gradient, moments, factors, draws);
    }
}
