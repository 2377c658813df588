//! Compares a model with its golden numbers: `check_golden MODEL GOLDEN.json`.
//!
//! `MODEL` is the GGUF file that `golden/real_model.py` was given, or a directory saved from it. Fails (exit code 1) if a
//! token differs, a log-probability is off by more than the tolerance, or a greedy continuation departs at a choice that
//! was not a near tie.

mod compare;

use azr_model::language_model::{LanguageModel, ModelSource};
use azr_model::transformer::Transformer;
use azr_model::weights::hub::{ENDPOINT, Hub};
use std::error::Error;
use std::path::PathBuf;

/// Two correct f32 implementations sum in different orders; over 30 layers that is some 1e-5 nats.
const NATS_MAX: f32 = 1e-3;
/// A greedy choice won by less than this may fall the other way for the same reason.
const TIE_NATS: f32 = 1e-3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, golden] = arguments.as_slice() else {
        return Err("usage: check_golden MODEL GOLDEN.json".into());
    };
    let golden: compare::Golden = serde_json::from_str(&std::fs::read_to_string(golden)?)?;
    let hub = Hub {
        endpoint: ENDPOINT.to_owned(),
        cache: PathBuf::new(),
        token: None,
        report: None,
    };
    let model = LanguageModel::load(&ModelSource::parse(model)?, &hub)?;
    println!(
        "texts and chats equal: {}",
        compare::texts(&model, &golden)?
    );
    let transformer = Transformer::on_cpu(model.parameters)?;
    let agreement = compare::logprobs(&transformer, &golden)?;
    println!(
        "log-probabilities: {} tokens, largest difference {:.3e} nats",
        agreement.tokens, agreement.nats_max
    );
    let departures = compare::greedy(&transformer, &golden)?;
    for departure in &departures {
        println!("{departure}");
    }
    let ties = departures
        .iter()
        .all(|departure| departure.margin_min < TIE_NATS);
    println!("greedy continuations that differ: {}", departures.len());
    if agreement.nats_max <= NATS_MAX && ties {
        Ok(())
    } else {
        Err("the model does not agree with its golden numbers".into())
    }
}
