//! The policy on a small random model: it samples, agrees with itself, learns, and comes back from a file.

mod markers;
mod resumed;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use azr_model::language::{Language, LanguageParts, SamplingDefaults};
use azr_model::parameters::{Initialization, Layout, Parameters};
use azr_model::tokenizer::TextTokenizer;
use azr_model::tokenizer::phrases::phrase_tokenizer_json;
use azr_model::{Architecture, Dimensions, ModelConfig, RopeScaling};
use azr_tasks::Lane;

use super::*;
use crate::rollout::{Judgement, Purpose, Rollout, Scored};
use crate::scripted::config;

const END: u32 = 258;

fn model(seed: u64) -> LanguageModel {
    let shape = ModelConfig::new(Dimensions {
        architecture: Architecture::Llama,
        hidden_size: 24,
        layers: 2,
        heads: 3,
        kv_heads: 3,
        head_dim: 8,
        ffn_size: 40,
        vocab_size: 259,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings: false,
        qkv_bias: false,
        context_tokens_max: 512,
    })
    .unwrap();
    let spread = Initialization {
        embedding_std: 1.0,
        head_std: 0.3,
        linear_gain: 1.0,
        residual_gain: 0.5,
    };
    let parameters = Parameters::random(Arc::new(Layout::of(&shape)), &spread, seed);
    let phrases = ["```python\n", "```input\n"].map(String::from);
    let special = BTreeMap::from([("eos_token".to_owned(), "<end>".to_owned())]);
    let json = phrase_tokenizer_json(&phrases, "<end>").to_string();
    let parts = LanguageParts {
        tokenizer: TextTokenizer::from_json(&json, special).unwrap(),
        chat_template: None,
        stop_tokens: vec![END],
        defaults: SamplingDefaults::default(),
    };
    LanguageModel::from_parts(parameters, Language::new(parts, 259).unwrap(), "random").unwrap()
}

fn policy_with(assignments: &[&str]) -> ModelPolicy {
    policy_of(1, assignments)
}

fn policy_of(seed: u64, assignments: &[&str]) -> ModelPolicy {
    let config = config(assignments);
    let backend = CpuBackend::default().with_precision(config.model.precision);
    ModelPolicy::new(backend, model(seed), ModelPolicyOptions::from(&config)).unwrap()
}

fn restored(directory: &Path, config: &Config) -> Result<ModelPolicy, PolicyError> {
    let backend = CpuBackend::default().with_precision(config.model.precision);
    ModelPolicy::from_checkpoint(backend, directory, ModelPolicyOptions::from(config))
}

fn requests(count: u64, temperature: f32) -> Vec<Request> {
    let request = |seed| Request {
        prompt: Prompt {
            user: format!("question {}", seed % 3),
            prefill: "<think>".to_owned(),
            last_marker: None,
        },
        new_tokens_max: 5 + seed as usize % 7,
        temperature,
        seed,
    };
    (0..count).map(request).collect()
}

fn respond(policy: &mut ModelPolicy, requests: &[Request]) -> Vec<Response> {
    let mut responses: Vec<Option<Response>> = vec![None; requests.len()];
    let mut deliver = |index: usize, response| {
        assert!(
            responses[index].replace(response).is_none(),
            "request {index} was answered twice"
        );
        ControlFlow::Continue(())
    };
    policy.respond(requests, &mut deliver).unwrap();
    responses.into_iter().map(Option::unwrap).collect()
}

/// Samples that are pulled up and down in turn, every third one not at all.
fn batch(responses: &[Response]) -> Vec<Sample> {
    let sample = |(index, response): (usize, &Response)| {
        let rollout = Rollout {
            lane: Lane::ALL[3],
            purpose: Purpose::Rate,
            index,
            policy_step: 0,
            task: None,
            prompt: Prompt {
                user: String::new(),
                prefill: String::new(),
                last_marker: None,
            },
            response: response.clone(),
        };
        let judgement = Judgement {
            verdict: "correct",
            detail: String::new(),
            well_formed: true,
            good: true,
        };
        Scored::new(rollout, judgement, 1.0).into_sample([1.0, -0.5, 0.0][index % 3])
    };
    responses.iter().enumerate().map(sample).collect()
}

fn plan(learning_rate: f64, temperature: f32) -> UpdatePlan {
    let it = config(&[]);
    UpdatePlan {
        learning_rate,
        beta1: it.optimizer.beta1,
        beta2: it.optimizer.beta2,
        epsilon: it.optimizer.epsilon,
        weight_decay: it.optimizer.weight_decay,
        gradient_norm_max: it.optimizer.gradient_norm_max,
        updates: 1,
        temperature,
        loss: it.loss,
    }
}

#[test]
fn sequences_that_the_context_cannot_hold_are_refused_with_the_keys() {
    // The model's context is 512 tokens.
    let sampling = |assignment: &str| {
        config(&[
            "sampling.prompt_tokens_max=256",
            "sampling.answer_tokens_max=256",
            assignment,
        ])
        .sampling
    };
    let refused = |assignment: &str| {
        policy_with(&[])
            .holding(&sampling(assignment))
            .err()
            .map(|it| it.to_string())
    };
    assert_eq!(refused("sampling.proposal_tokens_max=256"), None);
    for key in ["sampling.proposal_tokens_max", "sampling.answer_tokens_max"] {
        let text = refused(&format!("{key}=257")).unwrap();
        assert!(text.contains(key) && text.contains("512"), "{text}");
    }
}

#[test]
fn sampler_and_learner_agree_on_every_token_to_the_last_bit() {
    for temperature in [1.0, 0.7] {
        let mut policy = policy_with(&[]);
        let responses = respond(&mut policy, &requests(12, temperature));
        let report = policy
            .update(&batch(&responses), &plan(1e-3, temperature))
            .unwrap();
        assert_eq!(
            report.kl_sampler_learner, 0.0,
            "at temperature {temperature}"
        );
        assert!(0.0 < report.gradient_norm && report.gradient_norm.is_finite());
        assert!(0.0 < report.entropy && report.entropy < (259f64).ln() + 1e-3);
        assert_eq!(report.clip_fraction, 0.0);
    }
}

#[test]
fn a_learner_at_another_temperature_than_the_sampler_s_is_found_out() {
    let mut policy = policy_with(&[]);
    let responses = respond(&mut policy, &requests(6, 1.0));
    let report = policy.update(&batch(&responses), &plan(1e-3, 0.8)).unwrap();
    assert!(
        1e-4 < report.kl_sampler_learner,
        "{}",
        report.kl_sampler_learner
    );
}

#[test]
fn what_was_rewarded_becomes_likelier_and_what_was_punished_less_likely() {
    let mut policy = policy_with(&[]);
    let responses = respond(&mut policy, &requests(9, 1.0));
    let before = batch(&responses);
    let gain = |policy: &mut ModelPolicy| -> f64 {
        // At a step size of nearly nothing, the loss is minus the mean of ratio times advantage.
        policy.update(&before, &plan(1e-12, 1.0)).unwrap().loss
    };
    let first = gain(&mut policy);
    for _ in 0..3 {
        policy.update(&before, &plan(1e-3, 1.0)).unwrap();
    }
    let then = gain(&mut policy);
    assert!(then < first - 1e-4, "the loss went from {first} to {then}");
}

#[test]
fn a_response_does_not_depend_on_its_neighbors() {
    let all = requests(10, 1.0);
    let together = respond(&mut policy_with(&[]), &all);
    let narrow = respond(
        &mut policy_with(&["sampling.sequences_max=2", "sampling.cache_tokens_max=64"]),
        &all,
    );
    assert_eq!(together, narrow);
    for (request, expected) in all.iter().zip(&together) {
        assert_eq!(
            respond(&mut policy_with(&[]), std::slice::from_ref(request)),
            std::slice::from_ref(expected)
        );
    }
    assert!(
        together
            .iter()
            .any(|it| it.tokens.len() != together[0].tokens.len())
    );
}

#[test]
fn a_response_keeps_its_tokens_and_leaves_the_stop_token_out_of_its_text() {
    let mut policy = policy_with(&[]);
    let mut request = requests(1, 1.0).remove(0);
    request.new_tokens_max = 400;
    let many: Vec<Request> = (0..20)
        .map(|seed| Request {
            seed,
            ..request.clone()
        })
        .collect();
    let responses = respond(&mut policy, &many);
    let stopped: Vec<&Response> = responses
        .iter()
        .filter(|it| it.finish == Finish::Stop)
        .collect();
    assert!(!stopped.is_empty(), "no response ended by itself");
    for it in &stopped {
        assert_eq!(it.tokens.last(), Some(&END));
        assert!(!it.text.contains("<end>"));
    }
    for it in &responses {
        assert_eq!(it.tokens.len(), it.logprobs.len());
        assert_eq!(
            it.prompt_tokens.len(),
            policy.prompt_tokens(&many[0].prompt).unwrap()
        );
    }
}

#[test]
fn the_mean_is_over_the_batch_however_it_is_cut() {
    let update = |assignments: &[&str]| {
        let mut policy = policy_with(assignments);
        let responses = respond(&mut policy, &requests(12, 1.0));
        policy.update(&batch(&responses), &plan(1e-3, 1.0)).unwrap()
    };
    let whole = update(&["optimizer.micro_batch_tokens_max=100000"]);
    let cut = update(&["optimizer.micro_batch_tokens_max=8"]);
    let recomputed = update(&[
        "optimizer.micro_batch_tokens_max=100000",
        "optimizer.activations=recomputed",
    ]);
    assert!(
        (whole.loss - cut.loss).abs() < 1e-12,
        "{} {}",
        whole.loss,
        cut.loss
    );
    // Sums of f32 in another order.
    assert!((whole.gradient_norm / cut.gradient_norm - 1.0).abs() < 1e-4);
    assert_eq!(whole, recomputed);
}

#[test]
fn a_batch_that_has_no_finite_loss_changes_nothing() {
    let mut policy = policy_with(&[]);
    let mut responses = respond(&mut policy, &requests(3, 1.0));
    responses[0].logprobs[0] = f32::NEG_INFINITY;
    let before = policy.trainer().transformer().to_parameters().unwrap();
    policy
        .update(&batch(&responses), &plan(1e-3, 1.0))
        .unwrap_err();
    assert_eq!(
        policy.trainer().transformer().to_parameters().unwrap().data,
        before.data
    );
}

#[test]
fn a_policy_that_was_saved_goes_on_as_if_it_had_not_been() {
    let directory = tempfile::tempdir().unwrap();
    let mut policy = policy_with(&[]);
    let responses = respond(&mut policy, &requests(9, 1.0));
    policy.update(&batch(&responses), &plan(1e-3, 1.0)).unwrap();
    policy.save(directory.path()).unwrap();
    let mut restored = restored(directory.path(), &config(&[])).unwrap();
    let after = [&mut policy, &mut restored].map(|it| {
        let responses = respond(it, &requests(9, 1.0));
        let report = it.update(&batch(&responses), &plan(1e-3, 1.0)).unwrap();
        (
            responses,
            report,
            it.trainer().transformer().to_parameters().unwrap().data,
        )
    });
    assert!(after[0] == after[1]);
}

#[test]
fn a_fingerprint_tells_models_apart() {
    let of = |seed| policy_of(seed, &[]).fingerprint();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}
