//! `azr bench`: how fast the engine is on this machine.

mod measure;
mod memory;
mod peak;
mod work;

use std::path::PathBuf;

use azr_model::backend::Backend;
use azr_model::generate::Usage;
use azr_model::learn::{Checkpointing, TrainerOptions};
use azr_model::{CpuBackend, LanguageModel};
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::measure::{Measured, Shape, Subject};
use crate::chart::short;
use crate::device::{self, Device};
use crate::flag_value::whole;
use crate::precision::Precision;
use crate::request::WrongRequest;
use crate::table::{Align, Table};
use crate::{Ended, Surroundings, model_name, threads};

/// Times the engine like llama-bench: the same work several times over, median and spread, peak memory, and the share of
/// what this machine's matrix products and its memory reach at best. Loading and packing weights are timed apart.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  azr bench --model azr-tiny
  azr bench --model MODEL.gguf --what decode --batch 32 --prompt-tokens 103 --new-tokens 48 --repeat 5 --json

prefill reads --prompt-tokens of every sequence; decode then samples --new-tokens more (its time is what they add);
train is forward and backward with the loss over whole sequences of --prompt-tokens; step adds the optimizer.

GFLOP/s and GB/s are what the work needs at least by the time it took: products and attention; weights, gradients, moments,
keys and values once a pass. Their shares are of what this machine was seen to reach at the start, with products that fit
the caches and by reading memory; the larger one says how near the work is to the floor.

memory is the most that the process held while it worked. Below the table stands what was planned: the weights as they
learn and as products read them, what learning adds (activations kept, or computed again), and what sampling adds.")]
pub struct Options {
    /// Hugging Face directory, GGUF file, hub id, run directory, or azr-tiny
    #[arg(long, value_name = "M")]
    model: PathBuf,
    /// What to time [default: the first four]
    #[arg(long, value_name = "WHAT")]
    what: Vec<What>,
    /// Sequences at a time
    #[arg(long, value_name = "B", default_value_t = 8, value_parser = whole(1..=BATCH_MAX))]
    batch: usize,
    /// Tokens of a prompt, or of a sequence to learn from
    #[arg(long, value_name = "P", default_value_t = 128, value_parser = whole(2..=SEQUENCE_TOKENS_MAX))]
    prompt_tokens: usize,
    /// Tokens to sample
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = whole(1..=SEQUENCE_TOKENS_MAX))]
    new_tokens: usize,
    /// Times that each is measured, after one that is not counted
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = whole(1..=REPEAT_MAX))]
    repeat: usize,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, value_name = "D", default_value = "cpu")]
    device: Device,
    /// How products hold the weights
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
    /// Learn with the input of every layer kept and the rest computed again: less memory, more arithmetic
    #[arg(long)]
    recompute_activations: bool,
    /// Print a JSON object for each measurement on standard output
    #[arg(long)]
    json: bool,
}

/// Sequences at a time, at most.
const BATCH_MAX: usize = 4_096;

/// Tokens of one sequence, at most; a model's context is shorter.
const SEQUENCE_TOKENS_MAX: usize = 1 << 20;

/// Tokens of all sequences together, at most.
const TOKENS_MAX: usize = 1 << 20;

/// Measurements of one kind, at most.
const REPEAT_MAX: usize = 10_000;

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Reading prompts
    Prefill,
    /// Sampling
    Decode,
    /// Forward and backward
    Train,
    /// Forward, backward and the optimizer
    Step,
    /// --batch samples of one prompt, two tokens each, beside reading it once
    Share,
    /// 64 prompts with 20 to 400 new tokens each, --batch at a time
    Wave,
}

/// Median and spread of several measurements.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// What the machine reaches at best.
#[derive(Debug, Clone, Copy)]
struct Peak {
    flops_per_second: f64,
    bytes_per_second: f64,
}

/// One measurement.
#[derive(Debug, Serialize)]
struct Line {
    what: What,
    model: String,
    device: Device,
    dtype: &'static str,
    threads: usize,
    batch: usize,
    prompt_tokens: usize,
    new_tokens: usize,
    repeat: usize,
    tokens_per_second: Spread,
    seconds: Spread,
    flops_per_second: f64,
    peak_flops_per_second: f64,
    peak_share: f64,
    bytes_per_second: f64,
    peak_bytes_per_second: f64,
    bandwidth_share: f64,
    floor_share: f64,
    activations_recomputed: bool,
    peak_memory_bytes: Option<u64>,
    /// Of the processor's memory: what a device takes is not planned here.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_plan_bytes: Option<memory::Plan>,
    load_seconds: f64,
    pack_seconds: f64,
    /// Of `share`: by the time of reading the prompt once, in the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    times_one_prefill: Option<Spread>,
    /// Of `wave`: share of the places that were empty though somebody waited, and because nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    slots_empty_before_the_end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots_empty_at_the_end: Option<f64>,
}

/// Loads once, measures everything asked for, prints as it goes.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let shape = Shape {
        batch: options.batch,
        prompt_tokens: options.prompt_tokens,
        new_tokens: options.new_tokens,
    };
    check(&shape)?;
    threads::start()?;
    match options.device {
        Device::Cpu => {
            let backend = CpuBackend::default().with_precision(options.precision.into());
            // A product in f32, whatever is timed.
            let peak = || {
                Ok(Peak {
                    flops_per_second: peak::flops_per_second(&CpuBackend::default())?,
                    bytes_per_second: peak::bytes_per_second()?,
                })
            };
            time(backend, peak, &shape, options, surroundings)
        }
        Device::Cuda(index) => {
            let open = || device::cuda(index, options.precision, &surroundings.environment);
            let (backend, other) = (open()?, open()?);
            let peak = || {
                Ok(Peak {
                    flops_per_second: peak::flops_per_second(&other)?,
                    bytes_per_second: peak::copied_bytes_per_second(&other)?,
                })
            };
            time(backend, peak, &shape, options, surroundings)
        }
    }
}

/// The model, and how long it took to load.
fn load(options: &Options, surroundings: &Surroundings) -> anyhow::Result<(LanguageModel, f64)> {
    let started = std::time::Instant::now();
    let model = model_name::load(&options.model, surroundings)?;
    Ok((model, started.elapsed().as_secs_f64()))
}

/// Measures everything asked for on a device.
fn time<B: Backend>(
    backend: B,
    peak: impl Fn() -> anyhow::Result<Peak>,
    shape: &Shape,
    options: &Options,
    surroundings: &Surroundings,
) -> anyhow::Result<Ended> {
    let (model, load_seconds) = load(options, surroundings)?;
    let all = [What::Prefill, What::Decode, What::Train, What::Step];
    let whats = if options.what.is_empty() {
        all.to_vec()
    } else {
        options.what.clone()
    };
    shape.check_fits(&whats, model.config())?;
    let training = TrainerOptions {
        checkpointing: if options.recompute_activations {
            Checkpointing::EveryLayer
        } else {
            Checkpointing::None
        },
        ..TrainerOptions::default()
    };
    let mut subject = Subject::new(backend, model, options.precision.into(), training)?;
    let peak = peak()?;
    let plan = (options.device == Device::Cpu).then(|| subject.plan(shape));
    let mut table = headings();
    let mut notes: Vec<String> = plan.iter().map(ToString::to_string).collect();
    for what in whats {
        memory::forget_peak();
        let measured = subject.measure(what, shape, options.repeat)?;
        let line = line(
            options,
            what,
            &measured,
            peak,
            plan,
            (load_seconds, subject.pack_seconds()),
        );
        if options.json {
            surroundings.sink.json(&line)?;
        } else {
            table.row(row(&line));
            notes.extend(note(&line));
        }
    }
    for text in table.lines().iter().chain(&notes).filter(|_| !options.json) {
        surroundings.sink.result(text)?;
    }
    Ok(Ended::Done)
}

fn check(shape: &Shape) -> anyhow::Result<()> {
    let tokens = shape.batch * (shape.prompt_tokens + shape.new_tokens);
    if TOKENS_MAX < tokens {
        return Err(WrongRequest::new(format!(
            "{tokens} tokens at a time are more than {TOKENS_MAX}; lower --batch, --prompt-tokens or --new-tokens"
        )));
    }
    Ok(())
}

fn line<'a>(
    options: &'a Options,
    what: What,
    measured: &Measured,
    peak: Peak,
    memory_plan_bytes: Option<memory::Plan>,
    (load_seconds, pack_seconds): (f64, f64),
) -> Line {
    let seconds = spread(measured.seconds.clone());
    let rates = measured
        .seconds
        .iter()
        .map(|it| measured.work.tokens as f64 / it)
        .collect();
    let slots = |of: fn(&Usage) -> usize| {
        let used = measured.usage.as_ref()?;
        Some(of(used) as f64 / used.slots as f64)
    };
    let flops_per_second = measured.work.flops / seconds.median;
    let bytes_per_second = measured.work.bytes / seconds.median;
    let peak_share = flops_per_second / peak.flops_per_second;
    let bandwidth_share = bytes_per_second / peak.bytes_per_second;
    Line {
        what,
        model: options.model.display().to_string(),
        device: options.device,
        dtype: match options.precision {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        },
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        batch: options.batch,
        prompt_tokens: options.prompt_tokens,
        new_tokens: options.new_tokens,
        repeat: options.repeat,
        tokens_per_second: spread(rates),
        seconds,
        flops_per_second,
        peak_flops_per_second: peak.flops_per_second,
        peak_share,
        bytes_per_second,
        peak_bytes_per_second: peak.bytes_per_second,
        bandwidth_share,
        floor_share: peak_share.max(bandwidth_share),
        activations_recomputed: options.recompute_activations,
        peak_memory_bytes: memory::peak_bytes(),
        memory_plan_bytes,
        load_seconds,
        pack_seconds,
        times_one_prefill: (!measured.prefills.is_empty())
            .then(|| spread(measured.prefills.clone())),
        slots_empty_before_the_end: slots(|it| it.slots_empty_before_the_end),
        slots_empty_at_the_end: slots(|it| it.slots_empty_at_the_end),
    }
}

/// Of at least one measurement.
fn spread(mut numbers: Vec<f64>) -> Spread {
    numbers.sort_by(f64::total_cmp);
    let (low, high) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
    Spread {
        median: (low + high) / 2.0,
        min: numbers[0],
        max: numbers[numbers.len() - 1],
    }
}

fn headings() -> Table {
    Table::new(&[
        ("what", Align::Left),
        ("tokens/s", Align::Right),
        ("least", Align::Right),
        ("most", Align::Right),
        ("ms", Align::Right),
        ("GFLOP/s", Align::Right),
        ("of peak", Align::Right),
        ("GB/s", Align::Right),
        ("of peak", Align::Right),
        ("memory", Align::Right),
    ])
}

fn row(line: &Line) -> [String; 10] {
    let rates = line.tokens_per_second;
    let memory = line.peak_memory_bytes.map_or_else(
        || "-".to_string(),
        |it| format!("{:.0} MiB", it as f64 / (1 << 20) as f64),
    );
    [
        format!("{:?}", line.what).to_lowercase(),
        short(rates.median),
        short(rates.min),
        short(rates.max),
        short(line.seconds.median * 1e3),
        short(line.flops_per_second / 1e9),
        format!("{:.0} %", line.peak_share * 100.0),
        short(line.bytes_per_second / 1e9),
        format!("{:.0} %", line.bandwidth_share * 100.0),
        memory,
    ]
}

/// What the columns do not say.
fn note(line: &Line) -> Option<String> {
    if let Some(times) = line.times_one_prefill {
        let (batch, median) = (line.batch, times.median);
        return Some(format!(
            "share: {batch} samples took {median:.2} times reading the prompt once"
        ));
    }
    let (before, end) = (
        line.slots_empty_before_the_end?,
        line.slots_empty_at_the_end?,
    );
    Some(format!(
        "wave: {:.1} % of the places were empty while somebody waited, {:.1} % because nobody did",
        before * 100.0,
        end * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        let odd = spread(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        assert_eq!(spread(vec![4.0, 1.0, 2.0, 3.0]).median, 2.5);
    }
}
