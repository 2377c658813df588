//! How a model can be trained on a GPU, and what of its memory that takes.

mod gpu;
mod report;

use azr_model::learn::MomentKind;
use azr_model::memory::gpu::{Fit, PlanError, Wishes, Work, available, choose};
use azr_model::{ModelConfig, Precision as Held};
use clap::{Args, ValueEnum};

use super::Options;
use crate::device::Device;
use crate::flag_value::whole;
use crate::precision::Precision;
use crate::request::WrongRequest;
use crate::{Ended, Surroundings, model_name};
use gpu::{Assumed, Gpu};
use report::Report;

/// What is planned.
#[derive(Debug, Args)]
pub struct PlanOptions {
    /// Plan the training of a model: Hugging Face directory or its config.json alone, GGUF file, hub id, run directory, or
    /// azr-tiny
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// The GPU to plan for: cuda or cuda:N [default: cuda]
    #[arg(long, value_name = "D", requires = "model", conflicts_with = "assume")]
    device: Option<Device>,
    /// A GPU that need not be here, by what its maker calls it
    #[arg(long, value_name = "GPU", requires = "model")]
    assume: Option<Assumed>,
    /// Tokens of each prompt
    #[arg(long, value_name = "N", default_value_t = 1024, requires = "model", value_parser = whole(1..=TOKENS_MAX))]
    prompt_tokens: usize,
    /// Tokens of each response
    #[arg(long, value_name = "N", default_value_t = 256, requires = "model", value_parser = whole(1..=TOKENS_MAX))]
    new_tokens: usize,
    /// Responses that grow at the same time
    #[arg(long, value_name = "N", default_value_t = 16, requires = "model", value_parser = whole(1..=BATCH_MAX))]
    batch: usize,
    /// How products hold the weights [default: f32 where it fits]
    #[arg(long, value_name = "PRECISION", requires = "model")]
    precision: Option<Precision>,
    /// How the optimizer holds its moments [default: f32 where it fits, then bf16, then float8]
    #[arg(long, value_name = "KIND", requires = "model")]
    moments: Option<Moments>,
}

/// How moments are held, as the flag says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Moments {
    /// 32 bits: 8 bytes a weight
    F32,
    /// 16 bits: 4 bytes a weight
    Bf16,
    /// 8 bits in blocks: 2 bytes a weight
    Float8,
}

impl From<Moments> for MomentKind {
    fn from(moments: Moments) -> Self {
        match moments {
            Moments::F32 => Self::F32,
            Moments::Bf16 => Self::Bf16,
            Moments::Float8 => Self::Float8,
        }
    }
}

const TOKENS_MAX: usize = 1 << 20;
const BATCH_MAX: usize = 1 << 12;

/// Plans and reports.
///
/// # Errors
/// A wrong request, when nothing fits, with what would.
pub fn run(model: &str, options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let plan = &options.plan;
    let gpu = match plan.assume {
        Some(assumed) => assumed.gpu(),
        None => gpu::of_this_machine(plan.device)?,
    };
    let config = model_name::shape(model, surroundings)?;
    let work = Work {
        sequences: plan.batch,
        prompt_tokens: plan.prompt_tokens,
        new_tokens: plan.new_tokens,
    };
    let wishes = Wishes {
        precision: plan.precision.map(Held::from),
        moments: plan.moments.map(MomentKind::from),
        ..Wishes::default()
    };
    let choice = match fit(&config, &work, &wishes, &gpu)? {
        Fit::Fits(choice) => choice,
        Fit::TooSmall(smallest) => {
            let words = report::refusal(model, &work, &gpu, &smallest);
            return Err(WrongRequest::new(words));
        }
    };
    // In f32 there is no second copy of the weights, and no tensor core.
    let is_free = plan.precision.is_none() && choice.precision == Held::F32;
    let rounded = Wishes {
        precision: Some(Held::Bf16),
        ..wishes
    };
    let has_faster = is_free && matches!(fit(&config, &work, &rounded, &gpu)?, Fit::Fits(_));
    let report = Report {
        model,
        gpu: &gpu,
        work: &work,
        choice: &choice,
        has_faster,
    };
    if options.json {
        surroundings.sink.json(&report.json())?;
    } else {
        for line in report.lines() {
            surroundings.sink.result(line)?;
        }
    }
    Ok(Ended::Done)
}

fn fit(config: &ModelConfig, work: &Work, wishes: &Wishes, gpu: &Gpu) -> anyhow::Result<Fit> {
    choose(config, work, wishes, available(gpu.memory_bytes)).map_err(|error| match error {
        PlanError::Model(_) => anyhow::Error::new(error),
        _ => WrongRequest::because("this work cannot be planned", error),
    })
}
