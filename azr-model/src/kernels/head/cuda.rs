//! The head on a GPU, in chunks of rows: products, then sums or gradients over each row of logits.

use crate::{
    cuda::{Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size},
    kernels::matmul::{Plus, cuda as matmul},
};

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
    pub(crate) weights: View<'a>,
    pub(crate) vocab_size: usize,
    /// `[n]`.
    pub(crate) targets: &'a Targets,
    pub(crate) inverse_temperature: f32,
    /// Logits that may be held at once; a row's are held in any case.
    pub(crate) logits_max: usize,
}

impl Head<'_> {
    /// Writes `logprobs [n]` and `entropies [n]`.
    pub(crate) fn forward(
        &self,
        mut logprobs: ViewMut<'_>,
        mut entropies: ViewMut<'_>,
    ) -> Result<(), DeviceError> {
        const CALL: &str = "head forward";
        let n = self.targets.tokens.view().len();
        let fits = [logprobs.len(), entropies.len()] == [n; 2] && self.fits();
        check(
            CALL,
            "hidden is [n, d], the head [v, d], scores [n], targets are words",
            fits,
            &self.sizes(),
        )?;
        self.each_chunk(CALL, |logits, rows, shape| {
            let launch = Launch {
                kernel: "head_scores",
                grid: [rows.len(), 1, 1],
                block: [512, 1, 1],
                dynamic_shared_bytes: 0,
                arguments: &[
                    logits.view().argument(),
                    self.targets.tokens.view().part(rows.clone()).argument(),
                    logprobs.part(rows.clone()).argument(),
                    entropies.part(rows.clone()).argument(),
                    shape[0],
                    shape[1],
                ],
            };
            self.device.launch(&SOURCE, launch)
        })
    }

    /// Writes `dhidden [n, d]` and adds to `dw [v, d]`; `gradients` are by the log-probabilities and the entropies.
    pub(crate) fn backward(
        &self,
        gradients: (View<'_>, View<'_>),
        mut dhidden: ViewMut<'_>,
        mut dw: ViewMut<'_>,
    ) -> Result<(), DeviceError> {
        const CALL: &str = "head backward";
        let n = self.targets.tokens.view().len();
        let fits =
            [gradients.0.len(), gradients.1.len()] == [n; 2] && dw.len() == self.weights.len();
        let fits = fits && dhidden.len() == self.hidden.len() && self.fits();
        check(
            CALL,
            "hidden is [n, d], the head [v, d], scores [n], targets are words",
            fits,
            &self.sizes(),
        )?;
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
            matmul::backward_input(self.device, dz, self.weights, v, dhidden.part(part.clone()))?;
            let all = 0..dw.len();
            matmul::backward_weights(self.device, dz, self.hidden.part(part), v, dw.part(all))
        })
    }

    fn fits(&self) -> bool {
        let (v, n) = (self.vocab_size, self.targets.tokens.view().len());
        let d = self.weights.len() / v.max(1);
        self.weights.len() == v * d && self.hidden.len() == n * d && self.targets.least <= v
    }

    fn sizes(&self) -> [usize; 5] {
        let n = self.targets.tokens.view().len();
        [
            self.hidden.len(),
            self.weights.len(),
            self.vocab_size,
            n,
            self.targets.least,
        ]
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
            matmul::forward(
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
