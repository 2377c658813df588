//! For tests: a policy whose answers follow from a hash and whose "weights" remember every update, and a sandbox that
//! runs the one kind of program that this policy writes. A whole step takes milliseconds.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use azr_executor::testing::FakeSandbox;
use azr_executor::{Arguments, Exception, Job, Limit, Outcome, Value};
use azr_tasks::Prompt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::observer::{Event, Observer};
use crate::policy::{
    Deliver, Finish, Policy, PolicyError, Request, Response, UpdatePlan, UpdateReport,
};
use crate::randomness::{below, shuffle};
use crate::rollout::Sample;

/// Configuration of tests: the embedded default with small numbers, and `assignments` on top.
pub(crate) fn config(assignments: &[&str]) -> Config {
    let small = [
        "steps=4",
        "self_play.proposals_per_kind=6",
        "self_play.rating_samples=3",
        "sandbox.workers=3",
        "standards.induction.inputs=2",
        "standards.induction.inputs_valid_min=2",
        "sampling.prompt_tokens_max=2000",
        "seeding.source=identity",
        "evaluation.held_out=none",
        "evaluation.samples_per_task=2",
        "evaluation.every_steps=2",
        "checkpoint.every_steps=2",
    ];
    let text = include_str!("../../configs/tiny.toml");
    Config::parse(text, small.into_iter().chain(assignments.iter().copied())).unwrap()
}

/// Asks for a stop as soon as a step is done.
pub(crate) struct StopAfterStep(pub Arc<AtomicBool>);

impl Observer for StopAfterStep {
    fn notice(&mut self, event: &Event<'_>) {
        if let Event::Step(_) = event {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// The order in which responses are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Forward,
    Backward,
    Shuffled(u64),
}

/// A policy without a model.
#[derive(Debug, Clone)]
pub(crate) struct ScriptedPolicy {
    pub weights: [f64; 3],
    pub delivery: Delivery,
    pub updates: Arc<AtomicUsize>,
    /// Fails after delivering this many responses of any call.
    pub lost_after: Option<usize>,
}

impl ScriptedPolicy {
    pub(crate) fn new() -> Self {
        Self {
            weights: [0.25; 3],
            delivery: Delivery::Forward,
            updates: Arc::default(),
            lost_after: None,
        }
    }

    pub(crate) fn open(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join("weights.json")).unwrap();
        let bits: [u64; 3] = serde_json::from_str(&text).unwrap();
        Self {
            weights: bits.map(f64::from_bits),
            ..Self::new()
        }
    }

    pub(crate) fn boxed(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }

    fn answer(&self, request: &Request) -> Response {
        let mut hash = Sha256::new();
        hash.update(&request.prompt.user);
        hash.update(request.seed.to_le_bytes());
        for weight in self.weights {
            hash.update(weight.to_bits().to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(hash.finalize().into());
        let text = write(&request.prompt.user, &mut rng);
        let mut tokens: Vec<u32> = text.bytes().map(u32::from).collect();
        tokens.push(0);
        let logprobs = tokens
            .iter()
            .map(|_| -(below(&mut rng, 1000) as f32) / 500.0)
            .collect();
        let prompt_tokens: Vec<u32> = request.prompt.user.bytes().map(u32::from).collect();
        Response {
            prompt_tokens: prompt_tokens.into(),
            tokens,
            logprobs,
            text,
            finish: Finish::Stop,
        }
    }
}

impl Policy for ScriptedPolicy {
    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize, PolicyError> {
        Ok(prompt.user.len() + prompt.prefill.len())
    }

    fn respond(&mut self, requests: &[Request], deliver: Deliver<'_>) -> Result<(), PolicyError> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        match self.delivery {
            Delivery::Forward => {}
            Delivery::Backward => order.reverse(),
            Delivery::Shuffled(seed) => shuffle(&mut ChaCha8Rng::seed_from_u64(seed), &mut order),
        }
        for (delivered, index) in order.into_iter().enumerate() {
            if self.lost_after == Some(delivered) {
                return Err(PolicyError::Respond {
                    source: "the device is gone".into(),
                });
            }
            if let ControlFlow::Break(()) = deliver(index, self.answer(&requests[index])) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sums over samples in their order, so that a change of that order changes the last bits of the weights.
    fn update(&mut self, batch: &[Sample], plan: &UpdatePlan) -> Result<UpdateReport, PolicyError> {
        self.updates.fetch_add(1, Ordering::SeqCst);
        let mut tokens_trained = 0;
        for sample in batch {
            let length = sample.response().tokens.len();
            let logprob: f64 = sample
                .response()
                .logprobs
                .iter()
                .map(|&it| f64::from(it))
                .sum();
            let pull = plan.learning_rate * f64::from(sample.advantage()) * logprob;
            self.weights[length % 3] = self.weights[length % 3] * 0.999 + pull;
            tokens_trained += length;
        }
        let loss = self.weights.iter().sum();
        Ok(UpdateReport {
            loss,
            gradient_norm: 1.0,
            tokens_trained,
            ..UpdateReport::default()
        })
    }

    fn save(&self, directory: &Path) -> Result<(), PolicyError> {
        let path = directory.join("weights.json");
        let bits = serde_json::to_string(&self.weights.map(f64::to_bits)).unwrap();
        fs::write(&path, bits).map_err(|source| PolicyError::Save {
            directory: directory.to_path_buf(),
            source: source.into(),
        })
    }

    fn fingerprint(&self) -> String {
        "scripted".to_owned()
    }
}

/// What the policy writes: to each kind of prompt something right, wrong, or unreadable.
fn write(prompt: &str, rng: &mut ChaCha8Rng) -> String {
    let luck = below(rng, 8);
    let block = |label: &str, content: String| format!("```{label}\n{content}\n```\n");
    let number = |rng: &mut ChaCha8Rng| below(rng, 9) as i64 + 1;
    if luck == 0 {
        return "no block at all".to_owned();
    }
    if prompt.starts_with("# induction") {
        return block("input", number(rng).to_string())
            + &block("input", (number(rng) + 10).to_string());
    }
    if prompt.starts_with("# ") {
        let program = match luck {
            1 => "def f(x):\n    raise ValueError".to_owned(),
            2 => "def f(x):\n    while True: pass".to_owned(),
            3 => block_of(prompt, "python"),
            _ => format!("def f(x):\n    return x + {}", number(rng)),
        };
        return block("python", program) + &block("input", number(rng).to_string());
    }
    let off_by = i64::from(luck <= 3);
    let given = |label: &str| block_of(prompt, label).parse::<i64>().unwrap_or_default();
    let added = addend(&block_of(prompt, "python")).unwrap_or_default();
    if !prompt.contains("```python") {
        let difference = given("output") - given("input");
        block(
            "python",
            format!("def f(x):\n    return x + {}", difference + off_by),
        )
    } else if prompt.contains("```input") {
        block("output", (given("input") + added + off_by).to_string())
    } else {
        block("input", (given("output") - added + off_by).to_string())
    }
}

/// The first block with this label; empty when there is none.
fn block_of(text: &str, label: &str) -> String {
    let rest = text
        .split_once(&format!("```{label}\n"))
        .map(|it| it.1)
        .unwrap_or_default();
    rest.split("\n```").next().unwrap_or_default().to_owned()
}

/// `k` of `return x + k`.
fn addend(program: &str) -> Option<i64> {
    program.rsplit_once("return x + ")?.1.trim().parse().ok()
}

/// Runs `f(x) = x + k`; programs that raise and loop do so, and everything else is the identity.
pub(crate) fn sandbox() -> FakeSandbox {
    FakeSandbox::new(|job: &Job, input: &Arguments| {
        let raised = |class: &str| {
            Outcome::Raised(Exception {
                class: class.to_owned(),
                message: String::new(),
            })
        };
        if job.program.contains("raise") {
            return raised("ValueError");
        }
        if job.program.contains("while") {
            return Outcome::Exceeded(Limit::Cpu);
        }
        match (addend(&job.program), input.positional.first()) {
            (Some(addend), Some(Value::Int(number))) => {
                Outcome::Returned(Value::Int(number + addend))
            }
            (None, Some(value)) => Outcome::Returned(value.clone()),
            _ => raised("TypeError"),
        }
    })
}
