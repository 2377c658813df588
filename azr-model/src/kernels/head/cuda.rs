//! The head on a GPU, in chunks of rows: products, then sums or gradients over each row of logits.

use crate::{
    cuda::{Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size},
    kernels::matmul::{
        Plus,
        cuda::{self as matmul, Matrix},
    },
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "head",
    text: include_str!("kernel.cu"),
};

/// Tokens whose probability is asked, on the device.
pub(crate) struct Targets {
    tokens: Buffer<u32>,
    /// Words that the vocabulary must have.
    least: usize,
}

impl Targets {
    /// Brings them there.
    pub(crate) fn new(device: &Device, tokens: &[u32]) -> Result<Self, DeviceError> {
        Ok(Self {
            tokens: device.upload(tokens)?,
            least: tokens.iter().max().map_or(0, |token| *token as usize + 1),
        })
    }
}

/// The head at work.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) device: &'a Device,
    /// `[n, d]`, after the last norm.
    pub(crate) hidden: View<'a>,
    /// `[v, d]`.
    pub(crate) weights: Matrix<'a>,
    pub(crate) vocab_size: usize,
    /// `[n]`.
    pub(crate) targets: &'a Targets,
    pub(crate) inverse_temperature: f32,
    /// Logits that may be held at once; a row's are held in any case.
    pub(crate) logits_max: usize,
}

/// Scores rows of logits; `shape` is the vocabulary and one over the temperature.
fn score(
    device: &Device,
    logits: View<'_>,
    targets: View<'_, u32>,
    shape: [Argument; 2],
    (mut logprobs, mut entropies): (ViewMut<'_>, ViewMut<'_>),
) -> Result<(), DeviceError> {
    let launch = Launch {
        kernel: "head_scores",
        grid: [targets.len(), 1, 1],
        block: [512, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            logits.argument(),
            targets.argument(),
            logprobs.argument(),
            entropies.argument(),
            shape[0],
            shape[1],
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Writes `logprobs [n]` of drawn `tokens [n]`, which are words, by `logits [n, v]` that are there already: the kernel of
/// [`Head::forward`] over the same numbers, so the same bits.
///
/// `head_scores`: grid n, block 512, shared memory 3 * 16 floats. Any n, any vocabulary from 1. What the tokens are is not
/// checked: they are on the device.
pub(crate) fn logprobs_of(
    device: &Device,
    logits: View<'_>,
    tokens: View<'_, u32>,
    inverse_temperature: f32,
    logprobs: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "log-probabilities of logits";
    let n = tokens.len();
    let v = logits.len() / n.max(1);
    check(
        CALL,
        "logits are [n, v], tokens and scores [n]",
        logits.len() == n * v && logprobs.len() == n,
        &[logits.len(), v, n, logprobs.len()],
    )?;
    let shape = [
        size(CALL, "the vocabulary", v)?,
        Argument::Number(inverse_temperature),
    ];
    let mut entropies: Buffer = device.allocate(n)?;
    score(
        device,
        logits,
        tokens,
        shape,
        (logprobs, entropies.view_mut()),
    )
}

impl Head<'_> {
    /// Writes `logprobs [n]` and `entropies [n]`.
    ///
    /// For each chunk of rows the product of `matmul`, then `head_scores`: grid rows, block 512, shared memory 3 * 16
    /// floats. Any n, any vocabulary from 1; the logits of one row are held in any case. Targets that are no words
    /// are refused.
    pub(crate) fn forward(
        &self,
        mut logprobs: ViewMut<'_>,
        mut entropies: ViewMut<'_>,
    ) -> Result<(), DeviceError> {
        const CALL: &str = "head forward";
        let n = self.targets.tokens.view().len();
        self.check(CALL, [logprobs.len(), entropies.len()] == [n; 2])?;
        self.each_chunk(CALL, |logits, rows, shape| {
            let targets = self.targets.tokens.view().part(rows.clone());
            let scores = (logprobs.part(rows.clone()), entropies.part(rows));
            score(self.device, logits.view(), targets, shape, scores)
        })
    }

    /// Writes `dhidden [n, d]` and adds to `dw [v, d]`; `gradients` are by the log-probabilities and the entropies, `w` is
    /// the head as it lies, `[v, d]`.
    ///
    /// For each chunk of rows the product of `matmul`, `head_differentiate` in its place (grid rows, block 512,
    /// shared memory 3 * 16 floats), then two products. Shapes as in [`Self::forward`].
    pub(crate) fn backward(
        &self,
        gradients: (View<'_>, View<'_>),
        w: View<'_>,
        mut dhidden: ViewMut<'_>,
        mut dw: ViewMut<'_>,
    ) -> Result<(), DeviceError> {
        const CALL: &str = "head backward";
        let n = self.targets.tokens.view().len();
        let fits = [gradients.0.len(), gradients.1.len()] == [n; 2]
            && [dw.len(), w.len()] == [self.weights.len(); 2];
        self.check(CALL, fits && dhidden.len() == self.hidden.len())?;
        let (v, d) = (self.vocab_size, self.weights.len() / self.vocab_size);
        self.each_chunk(CALL, |logits, rows, shape| {
            let launch = Launch {
                kernel: "head_differentiate",
                grid: [rows.len(), 1, 1],
                block: [512, 1, 1],
                dynamic_shared_bytes: 0,
                arguments: &[
                    logits.view_mut().argument(),
                    self.targets.tokens.view().part(rows.clone()).argument(),
                    gradients.0.part(rows.clone()).argument(),
                    gradients.1.part(rows.clone()).argument(),
                    shape[0],
                    shape[1],
                ],
            };
            self.device.launch(&SOURCE, launch)?;
            let dz = logits.view();
            let part = rows.start * d..rows.end * d;
            let precision = self.weights.precision();
            matmul::backward_input(self.device, precision, dz, w, v, dhidden.part(part.clone()))?;
            let all = 0..dw.len();
            matmul::backward_weights(
                self.device,
                precision,
                dz,
                self.hidden.part(part),
                v,
                dw.part(all),
            )
        })
    }

    /// That what goes in has the sizes that it should, as what comes out has.
    fn check(&self, call: &'static str, results_fit: bool) -> Result<(), DeviceError> {
        let (v, n) = (self.vocab_size, self.targets.tokens.view().len());
        let (hidden, weights) = (self.hidden.len(), self.weights.len());
        let d = weights / v.max(1);
        let fits = weights == v * d && hidden == n * d && self.targets.least <= v;
        check(
            call,
            "hidden is [n, d], the head [v, d], scores [n], targets are words",
            fits && results_fit,
            &[hidden, weights, v, n, self.targets.least],
        )
    }

    /// Calls with the logits of some rows at a time.
    fn each_chunk(
        &self,
        call: &'static str,
        mut each: impl FnMut(
            &mut Buffer,
            std::ops::Range<usize>,
            [Argument; 2],
        ) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        let (v, n) = (self.vocab_size, self.targets.tokens.view().len());
        let d = self.weights.len() / v.max(1);
        let rows_max = (self.logits_max / v.max(1)).max(1);
        let shape = [
            size(call, "the vocabulary", v)?,
            Argument::Number(self.inverse_temperature),
        ];
        for first in (0..n).step_by(rows_max) {
            let rows = first..n.min(first + rows_max);
            let mut logits: Buffer = self.device.allocate(rows.len() * v)?;
            let hidden = self.hidden.part(rows.start * d..rows.end * d);
            matmul::linear(
                self.device,
                hidden,
                self.weights,
                v,
                Plus::Nothing,
                logits.view_mut(),
            )?;
            each(&mut logits, rows, shape)?;
        }
        Ok(())
    }
}
