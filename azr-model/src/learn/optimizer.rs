//! AdamW over the flat buffer of all weights.

use thiserror::Error;

use super::terms::{StepOptions, StepReport};
use crate::{
    backend::{Backend, BackendError, CpuBackend, Factors},
    transformer::Transformer,
};

/// The moments of every weight, f32, in the order of the layout.
pub struct AdamW<B: Backend = CpuBackend> {
    steps: u64,
    first: B::Buffer,
    second: B::Buffer,
}

/// The optimizer as it is written to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerState<'a> {
    /// Steps taken.
    pub steps: u64,
    /// First moments, in the order of the layout.
    pub first: &'a [f32],
    /// Second moments.
    pub second: &'a [f32],
}

/// Why a step was not taken. Weights and moments are as before.
#[derive(Debug, Error)]
pub enum StepError {
    /// The gradient has an element that is infinite or not a number.
    #[error(
        "the gradient is not finite (squared norm {squared_norm}); nothing was changed. Lower the learning rate"
    )]
    GradientNotFinite {
        /// What its squares add up to.
        squared_norm: f64,
    },
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl<B: Backend> AdamW<B> {
    /// Moments of zero.
    pub(super) fn new(transformer: &Transformer<B>) -> Result<Self, BackendError> {
        let backend = transformer.backend();
        let elements = transformer.layout().elements();
        Ok(Self {
            steps: 0,
            first: backend.allocate(elements)?,
            second: backend.allocate(elements)?,
        })
    }

    /// Moments of a checkpoint, each as long as the layout.
    pub(super) fn resume(
        transformer: &Transformer<B>,
        steps: u64,
        first: Vec<f32>,
        second: Vec<f32>,
    ) -> Result<Self, BackendError> {
        let backend = transformer.backend();
        Ok(Self {
            steps,
            first: backend.upload(first)?,
            second: backend.upload(second)?,
        })
    }

    /// Clips, updates, empties the gradient and prepares the weights again.
    pub(super) fn step(
        &mut self,
        transformer: &mut Transformer<B>,
        gradient: &mut B::Buffer,
        options: &StepOptions,
    ) -> Result<StepReport, StepError> {
        let elements = transformer.layout().elements();
        let backend = transformer.backend();
        let squared_norm = backend.sum_of_squares(backend.view(gradient, 0..elements))?;
        if !squared_norm.is_finite() {
            backend.clear(backend.view_mut(gradient, 0..elements));
            return Err(StepError::GradientNotFinite { squared_norm });
        }
        let norm = squared_norm.sqrt();
        self.steps += 1;
        let factors = factors(self.steps, norm, options);
        transformer.update(|backend, weights| {
            let moments = (
                backend.view_mut(&mut self.first, 0..elements),
                backend.view_mut(&mut self.second, 0..elements),
            );
            let weights = backend.view_mut(weights, 0..elements);
            backend.adamw(
                weights,
                backend.view_mut(gradient, 0..elements),
                moments,
                factors,
            );
        });
        Ok(StepReport {
            gradient_norm: norm as f32,
        })
    }

    /// Hands the state to `read`.
    pub(super) fn with_state<R>(
        &self,
        transformer: &Transformer<B>,
        read: impl FnOnce(OptimizerState<'_>) -> R,
    ) -> Result<R, BackendError> {
        let (backend, all) = (transformer.backend(), 0..transformer.layout().elements());
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let first = backend.host(backend.view(&self.first, all.clone()), &mut a)?;
        let second = backend.host(backend.view(&self.second, all), &mut b)?;
        Ok(read(OptimizerState {
            steps: self.steps,
            first,
            second,
        }))
    }
}

fn factors(step: u64, norm: f64, options: &StepOptions) -> Factors {
    let limit = f64::from(options.gradient_norm_max);
    let bias = |beta: f32| 1.0 - f64::from(beta).powf(step as f64);
    Factors {
        gradient_scale: if limit < norm {
            (limit / norm) as f32
        } else {
            1.0
        },
        keep: (1.0 - f64::from(options.lr) * f64::from(options.weight_decay)) as f32,
        beta1: options.beta1,
        beta2: options.beta2,
        rate: (f64::from(options.lr) / bias(options.beta1)) as f32,
        second_scale: (1.0 / bias(options.beta2).sqrt()) as f32,
        eps: options.eps,
    }
}
