//! Compares a model with what transformers and PyTorch compute of it:
//! `check_golden MODEL GOLDEN.json [REFERENCE.safetensors...]`.
//!
//! `MODEL` is the GGUF file that `golden/real_model.py` was given, or a directory saved from it; references are made by
//! `golden/real_reference.py`, the most exact one last; with them, they alone are compared. Fails (exit code 1) if a
//! token differs, a log-probability or a gradient is off by more than the tolerance (`docs/numerics.md`), a greedy
//! continuation departs at a choice that was not a near tie, or weights rounded to bfloat16 change the perplexity too
//! much.

mod compare;
mod reference;
mod rounded;

use azr_model::language_model::LanguageModel;
use azr_model::{CpuBackend, Parameters, Precision, Transformer};
use reference::{GradientErrors, Reference};
use std::error::Error;
use std::path::Path;

/// Two correct f32 implementations sum in different orders; the golden numbers are f32 themselves, so this is the error
/// of both.
const NATS_MAX: f32 = 1e-3;
/// Against a reference.
const REFERENCE_NATS_MAX: f64 = 1e-4;
/// A greedy choice won by less than this may fall the other way for the same reason.
const TIE_NATS: f32 = 1e-3;
/// Weights rounded to bfloat16.
const PERPLEXITY_BF16_CHANGE_MAX: f64 = 5e-3;
/// Of one token, for the same reason.
const ROUNDED_NATS_MAX: f64 = 0.25;
/// By weight: the norm of the difference by the norm of the reference.
const GRADIENT_ERROR_MAX: f64 = 1e-4;
const GRADIENT_ERROR_BF16_MAX: f64 = 2e-2;
/// Weights that are printed.
const SHOWN: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, golden, references @ ..] = arguments.as_slice() else {
        return Err("usage: check_golden MODEL GOLDEN.json [REFERENCE.safetensors...]".into());
    };
    let golden: compare::Golden = serde_json::from_str(&std::fs::read_to_string(golden)?)?;
    let model = LanguageModel::load_local(Path::new(model))?;
    let checked = compare::texts(&model, &golden)?;
    println!("texts and chats equal: {checked}");
    let parameters = model.parameters;
    let good = if references.is_empty() {
        plain(&parameters, &golden)?
    } else {
        let open = |path: &String| Reference::open(Path::new(path));
        let references = references.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        against(&parameters, references)?
    };
    if good {
        Ok(())
    } else {
        Err("the model does not agree with its golden numbers".into())
    }
}

/// Log-probabilities and greedy tokens, and what bfloat16 changes.
fn plain(parameters: &Parameters, golden: &compare::Golden) -> Result<bool, Box<dyn Error>> {
    let transformer = Transformer::on_cpu(parameters.clone())?;
    let agreement = compare::logprobs(&transformer, golden)?;
    println!(
        "log-probabilities: {} tokens, largest difference {:.3e} nats",
        agreement.tokens, agreement.nats_max
    );
    let departures = compare::greedy(&transformer, golden)?;
    for departure in &departures {
        println!("{departure}");
    }
    println!("greedy continuations that differ: {}", departures.len());
    let ties = departures
        .iter()
        .all(|departure| departure.margin_min < TIE_NATS);
    let exact = compare::scores(&transformer, golden)?;
    drop(transformer);
    let backend = CpuBackend::default().with_precision(Precision::Bf16);
    let transformer = Transformer::new(backend, parameters.clone())?;
    let change = rounded::change(&exact, &compare::scores(&transformer, golden)?);
    println!(
        "in bf16: perplexity of {} tokens {:+.3} %, log-probabilities {:.2e} nats at most, {:.2e} root mean square",
        change.tokens,
        100.0 * change.perplexity,
        change.nats_max,
        change.nats_usual
    );
    let near = 0 < change.tokens
        && change.perplexity.abs() <= PERPLEXITY_BF16_CHANGE_MAX
        && change.nats_max <= ROUNDED_NATS_MAX;
    Ok(0 < agreement.tokens && agreement.nats_max <= NATS_MAX && ties && near)
}

/// Log-probabilities by depth and all gradients, in both precisions; in bfloat16 also against references whose matrices
/// were rounded as ours are.
fn against(parameters: &Parameters, references: Vec<Reference>) -> Result<bool, Box<dyn Error>> {
    let (mut rounded, mut exact): (Vec<_>, Vec<_>) =
        references.into_iter().partition(Reference::is_rounded);
    let mut good = true;
    if !exact.is_empty() {
        announce(&exact);
        good &= reference::logprobs(parameters, &mut exact)? <= REFERENCE_NATS_MAX;
        for (precision, error_max) in [
            (Precision::F32, GRADIENT_ERROR_MAX),
            (Precision::Bf16, GRADIENT_ERROR_BF16_MAX),
        ] {
            good &= gradients(parameters, precision, &mut exact)? <= error_max;
        }
    }
    if !rounded.is_empty() {
        announce(&rounded);
        good &= gradients(parameters, Precision::Bf16, &mut rounded)? <= GRADIENT_ERROR_BF16_MAX;
    }
    Ok(good)
}

fn announce(references: &[Reference]) {
    for (index, reference) in references.iter().enumerate() {
        println!("reference {index} is {}", reference.name());
    }
}

/// The largest error against the last reference.
fn gradients(
    parameters: &Parameters,
    precision: Precision,
    references: &mut [Reference],
) -> Result<f64, Box<dyn Error>> {
    println!(
        "relative errors of gradients against each reference (and of the first against the last), the largest:"
    );
    let mut errors = reference::gradients(parameters, precision, references)?;
    let last = |it: &GradientErrors| it.ours.last().copied().unwrap_or(f64::NAN);
    errors.sort_by(|a, b| last(b).total_cmp(&last(a)));
    for it in errors.iter().take(SHOWN) {
        let ours: Vec<String> = it.ours.iter().map(|it| format!("{it:.2e}")).collect();
        let (name, ours) = (precision.torch_name(), ours.join(", "));
        println!("  azr in {name}: {ours} ({:.2e}), {}", it.theirs, it.weight);
    }
    Ok(errors.first().map_or(f64::NAN, last))
}
