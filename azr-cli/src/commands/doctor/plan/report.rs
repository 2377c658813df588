//! A plan in words: a table for people, an object for programs, and a refusal with what would fit.

use azr_model::Precision;
use azr_model::learn::Checkpointing;
use azr_model::memory::gpu::{Choice, GpuMemory, Work, available};
use serde_json::{Value, json};

use super::gpu::{self, Gpu};
use crate::table::{Align, Table};
use crate::visible::visible;

/// What there is to say of a model that fits.
pub struct Report<'a> {
    pub model: &'a str,
    pub gpu: &'a Gpu,
    pub work: &'a Work,
    pub choice: &'a Choice,
    /// Whether there would be room for weights in bf16 too.
    pub has_faster: bool,
}

/// GiB, as tables show them.
fn gibibytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / (1u64 << 30) as f64)
}

/// The parts of a plan by their names, and what they are.
fn parts(memory: &GpuMemory) -> [(&'static str, usize); 8] {
    [
        ("weights", memory.weights),
        ("prepared_weights", memory.prepared),
        ("gradient", memory.gradient),
        ("moments", memory.moments),
        ("activations", memory.activations),
        ("learning", memory.learning),
        ("keys_and_values", memory.keys_and_values),
        ("sampling", memory.sampling),
    ]
}

/// What the parts are, in their order.
const MEANINGS: [&str; 8] = [
    "f32, as they learn",
    "the same in bf16, as products read them; none in f32",
    "f32",
    "two for each weight",
    "of learning; they stay while the next wave is sampled",
    "logits and what else learning holds while it works",
    "of all responses that grow",
    "logits and what else sampling holds while it works",
];

/// The keys of a run file that make it work as planned.
fn keys(choice: &Choice) -> [(&'static str, Value); 4] {
    let activations = match choice.training.checkpointing {
        Checkpointing::None => "kept",
        Checkpointing::EveryLayer => "recomputed",
    };
    let micro_batch = choice.training.micro_batch_tokens_max;
    [
        ("model.precision", json!(precision(choice.precision))),
        ("optimizer.moments", json!(choice.training.moments.name())),
        ("optimizer.activations", json!(activations)),
        ("optimizer.micro_batch_tokens_max", json!(micro_batch)),
    ]
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
    }
}

fn work_in_words(work: &Work) -> String {
    let (sequences, prompt, new) = (work.sequences, work.prompt_tokens, work.new_tokens);
    format!("{sequences} responses at a time, prompts of {prompt} tokens, responses of {new}")
}

fn gpu_in_words(gpu: &Gpu) -> String {
    let whose = if gpu.is_assumed { "assumed" } else { "here" };
    let memory = gibibytes(gpu.memory_bytes);
    format!("{} ({whose}, {memory} GiB)", visible(&gpu.name))
}

impl Report<'_> {
    fn free(&self) -> u64 {
        let usable = available(self.gpu.memory_bytes);
        usable - self.choice.memory.peak() as u64
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let memory = &self.choice.memory;
        let usable = available(self.gpu.memory_bytes);
        let (model, gpu) = (visible(self.model), gpu_in_words(self.gpu));
        let mut lines = vec![format!(
            "{model} fits on {gpu}: {}",
            work_in_words(self.work)
        )];
        let mut table = Table::new(&[
            ("memory", Align::Left),
            ("GiB", Align::Right),
            ("", Align::Left),
        ]);
        for ((name, bytes), meaning) in parts(memory).into_iter().zip(MEANINGS) {
            table.row([
                name.replace('_', " "),
                gibibytes(bytes as u64),
                meaning.to_string(),
            ]);
        }
        let headroom = self.gpu.memory_bytes - usable;
        for (name, bytes, meaning) in [
            (
                "peak",
                memory.peak() as u64,
                "the larger of learning and sampling, and what stays",
            ),
            (
                "headroom",
                headroom,
                "6 % and 0.5 GiB: context, kernels, gaps",
            ),
            ("free", self.free(), ""),
        ] {
            table.row([name.to_string(), gibibytes(bytes), meaning.to_string()]);
        }
        lines.extend(table.lines());
        lines.push("with these values in the run file, and --device cuda:".to_string());
        lines.extend(keys(self.choice).map(|(key, value)| format!("  {key} = {value}")));
        if self.has_faster {
            lines.push("--precision bf16 fits too: another copy of the weights, and products on the tensor cores".to_string());
        }
        lines
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let object = |pairs: &[(&str, Value)]| -> Value {
            let pairs = pairs.iter().map(|(key, it)| (key.to_string(), it.clone()));
            Value::Object(pairs.collect())
        };
        let memory = &self.choice.memory;
        json!({
            "model": self.model,
            "gpu": {
                "name": self.gpu.name,
                "memory_bytes": self.gpu.memory_bytes,
                "assumed": self.gpu.is_assumed,
            },
            "work": {
                "batch": self.work.sequences,
                "prompt_tokens": self.work.prompt_tokens,
                "new_tokens": self.work.new_tokens,
            },
            "run_file": object(&keys(self.choice)),
            "bytes": object(&parts(memory).map(|(name, bytes)| (name, json!(bytes)))),
            "peak_bytes": memory.peak(),
            "headroom_bytes": self.gpu.memory_bytes - available(self.gpu.memory_bytes),
            "free_bytes": self.free(),
        })
    }
}

/// Why a model does not fit, and what would.
pub fn refusal(model: &str, work: &Work, gpu: &Gpu, smallest: &Choice) -> String {
    let (peak, usable) = (smallest.memory.peak() as u64, available(gpu.memory_bytes));
    let settings: Vec<String> = keys(smallest)
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    let larger = gpu::all()
        .map(gpu::Assumed::gpu)
        .find(|it| peak <= available(it.memory_bytes));
    let remedy = match larger {
        Some(larger) => format!("it would fit on {}", gpu_in_words(&larger)),
        None => "it would fit on no GPU that is known here".to_string(),
    };
    format!(
        "{} does not fit on {}: {} GiB are lacking. The least is {} GiB of the {} GiB that are left beside the headroom, with {}, {}; {remedy}, or choose a smaller model, fewer responses (--batch) or shorter ones (--new-tokens)",
        visible(model),
        gpu_in_words(gpu),
        gibibytes(peak - usable),
        gibibytes(peak),
        gibibytes(usable),
        settings.join(", "),
        work_in_words(work),
    )
}
