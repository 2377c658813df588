//! A run of a model that is stopped and goes on, with moments of every kind.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use azr_tasks::TaskKind;

use super::{ModelPolicy, ModelPolicyOptions, policy_with, restored};
use crate::config::Config;
use crate::material::Material;
use crate::observer::Unobserved;
use crate::policy::{Policy, PolicyError};
use crate::run::{Origin, Run};
use crate::scripted::{StopAfterStep, config, sandbox};

#[test]
fn a_run_of_a_model_that_is_resumed_ends_with_the_same_weights() {
    for moments in ["f32", "bf16", "float8"] {
        let weights = |stop_after_one| weights(moments, stop_after_one);
        let uninterrupted = weights(false);
        assert!(
            uninterrupted == weights(true),
            "the resumed run has other weights, moments in {moments}"
        );
    }
}

/// Weights and moments after two steps.
fn weights(moments: &str, stop_after_one: bool) -> Vec<u8> {
    let moments = format!("optimizer.moments={moments}");
    let assignments = [
        moments.as_str(),
        "steps=2",
        "self_play.proposals_per_kind=2",
        "self_play.rating_samples=2",
        "sampling.proposal_tokens_max=24",
        "sampling.answer_tokens_max=12",
        "sampling.prompt_tokens_max=400",
        "checkpoint.every_steps=1",
        "evaluation.every_steps=1",
        // A random model earns the same for everything; the bonus makes it move all the same.
        "loss.entropy_coefficient=0.1",
    ];
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    let seeds = TaskKind::ALL.map(|kind| kind.rules().identity()).to_vec();
    let material = Material {
        held_out: seeds.clone(),
        seeds,
    };
    let policy = Box::new(policy_with(&assignments));
    let mut run = Run::start(
        config(&assignments),
        &root,
        policy,
        Arc::new(sandbox()),
        material,
    )
    .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    if stop_after_one {
        let ending = run
            .drive(&mut StopAfterStep(Arc::clone(&stop)), &stop)
            .unwrap();
        assert_eq!(ending.step, 1);
        drop(run);
        let open = |config: &Config, origin: Origin<'_>| -> Result<Box<dyn Policy>, PolicyError> {
            let Origin::Checkpoint(path) = origin else {
                panic!("the stopped run was saved")
            };
            Ok(Box::new(restored(path, config)?))
        };
        run = Run::resume(&root, Arc::new(sandbox()), open).unwrap();
    }
    run.drive(&mut Unobserved, &AtomicBool::new(false)).unwrap();
    let step = root.join("checkpoints/step-2");
    [
        fs::read(step.join("model/model.safetensors")).unwrap(),
        fs::read(step.join("optimizer.bin")).unwrap(),
    ]
    .concat()
}

#[test]
fn moments_of_another_kind_are_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let policy = policy_with(&["optimizer.moments=bf16"]);
    policy.save(directory.path()).unwrap();
    let asked = config(&["optimizer.moments=float8"]);
    let options = ModelPolicyOptions::from(&asked);
    let backend = azr_model::CpuBackend::default();
    let refused = ModelPolicy::from_checkpoint(backend, directory.path(), options);
    let PolicyError::Open { source, .. } = refused.unwrap_err() else {
        panic!("the checkpoint cannot be opened")
    };
    let words = source.to_string();
    assert!(
        words.contains("in bf16 and bf16, and float8 is asked for"),
        "{words}"
    );
}
