//! AdamW over the flat buffer of all weights.

use std::borrow::Cow;

use thiserror::Error;

use super::{
    options::TrainerOptions,
    terms::{StepOptions, StepReport},
};
use crate::{
    backend::{Backend, BackendError, CpuBackend, Draws, Factors, Moment, MomentKind, NarrowKind},
    transformer::Transformer,
};

/// The moments of every weight, in the order of the layout.
pub struct AdamW<B: Backend = CpuBackend> {
    steps: u64,
    /// What the draws of a step derive from, beside its number.
    seed: u64,
    first: Held<B>,
    second: Held<B>,
}

/// One moment of every weight.
enum Held<B: Backend> {
    F32(B::Buffer),
    Narrow(B::Narrow),
}

impl<B: Backend> Held<B> {
    fn zeros(backend: &B, kind: MomentKind, elements: usize) -> Result<Self, BackendError> {
        let narrow = |kind| backend.narrow(kind, elements).map(Self::Narrow);
        match kind {
            MomentKind::F32 => backend.allocate(elements).map(Self::F32),
            MomentKind::Bf16 => narrow(NarrowKind::Bf16),
            MomentKind::Float8 => narrow(NarrowKind::Float8),
        }
    }

    fn upload(backend: &B, moment: Moment<'static>) -> Result<Self, BackendError> {
        match moment {
            Moment::F32(values) => backend.upload(values.into_owned()).map(Self::F32),
            Moment::Narrow(narrow) => backend.upload_narrow(narrow).map(Self::Narrow),
        }
    }

    fn host<'a>(
        &'a self,
        backend: &B,
        elements: usize,
        staging: &'a mut Vec<f32>,
    ) -> Result<Moment<'a>, BackendError> {
        match self {
            Self::F32(buffer) => {
                let values = backend.host(backend.view(buffer, 0..elements), staging)?;
                Ok(Moment::F32(Cow::Borrowed(values)))
            }
            Self::Narrow(narrow) => backend.host_narrow(narrow).map(Moment::Narrow),
        }
    }
}

/// The optimizer as it is written to a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState<'a> {
    /// Steps taken.
    pub steps: u64,
    /// First moments, in the order of the layout.
    pub first: Moment<'a>,
    /// Second moments, or their roots in 8 bits; held as the first.
    pub second: Moment<'a>,
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
    pub(super) fn new(
        transformer: &Transformer<B>,
        options: &TrainerOptions,
    ) -> Result<Self, BackendError> {
        let (backend, elements) = (transformer.backend(), transformer.layout().elements());
        Ok(Self {
            steps: 0,
            seed: options.seed,
            first: Held::zeros(backend, options.moments, elements)?,
            second: Held::zeros(backend, options.moments, elements)?,
        })
    }

    /// Moments of a checkpoint, each as long as the layout.
    pub(super) fn resume(
        transformer: &Transformer<B>,
        options: &TrainerOptions,
        state: OptimizerState<'static>,
    ) -> Result<Self, BackendError> {
        let backend = transformer.backend();
        Ok(Self {
            steps: state.steps,
            seed: options.seed,
            first: Held::upload(backend, state.first)?,
            second: Held::upload(backend, state.second)?,
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
        let (first, second) = (&mut self.first, &mut self.second);
        let (seed, step) = (self.seed, self.steps);
        transformer.update(|backend, weights| {
            let weights = backend.view_mut(weights, 0..elements);
            let gradient = backend.view_mut(gradient, 0..elements);
            match (first, second) {
                (Held::F32(first), Held::F32(second)) => {
                    let moments = (
                        backend.view_mut(first, 0..elements),
                        backend.view_mut(second, 0..elements),
                    );
                    backend.adamw(weights, gradient, moments, factors);
                }
                (Held::Narrow(first), Held::Narrow(second)) => {
                    let draws = Draws { seed, step };
                    backend.adamw_narrow(weights, gradient, (first, second), factors, draws);
                }
                _ => unreachable!("both moments are held in one way"),
            }
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
        let (backend, elements) = (transformer.backend(), transformer.layout().elements());
        let (mut a, mut b) = (Vec::new(), Vec::new());
        Ok(read(OptimizerState {
            steps: self.steps,
            first: self.first.host(backend, elements, &mut a)?,
            second: self.second.host(backend, elements, &mut b)?,
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
