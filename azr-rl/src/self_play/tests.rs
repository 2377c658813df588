//! Whole steps, with a scripted policy and a sandbox that runs nothing.

mod batches;

use std::sync::atomic::Ordering;

use azr_executor::testing::FakeSandbox;
use azr_tasks::{Lane, Role, TaskKind};

use super::*;
use crate::observer::Unobserved;
use crate::scripted::{Delivery, ScriptedPolicy, config, sandbox};

struct Stage {
    play: SelfPlay,
    policy: ScriptedPolicy,
    sandbox: FakeSandbox,
    state: State,
}

impl Stage {
    fn new(assignments: &[&str]) -> Self {
        let play = SelfPlay::new(config(assignments), []);
        let (mut policy, sandbox) = (ScriptedPolicy::new(), sandbox());
        let seeds = TaskKind::ALL.map(|kind| kind.rules().identity()).to_vec();
        let mut means = Means {
            policy: &mut policy,
            sandbox: &sandbox,
            observer: &mut Unobserved,
        };
        let (state, _) = play.seed(seeds, &mut means).unwrap();
        Self {
            play,
            policy,
            sandbox,
            state,
        }
    }

    fn step(&mut self) -> Result<StepOutput, StepError> {
        let observer = &mut Unobserved;
        let mut means = Means {
            policy: &mut self.policy,
            sandbox: &self.sandbox,
            observer,
        };
        self.play.step(&mut self.state, &mut means)
    }

    /// Everything that a run leaves behind, times aside, and the weights.
    fn trace(&mut self, steps: usize) -> (Vec<(StepOutput, [f64; 3])>, Vec<u8>) {
        let outputs = (0..steps)
            .map(|_| (timeless(self.step().unwrap()), self.policy.weights))
            .collect();
        let mut buffer = Vec::new();
        self.state.buffers.write_jsonl(&mut buffer).unwrap();
        (outputs, buffer)
    }
}

fn timeless(mut output: StepOutput) -> StepOutput {
    output.metrics.seconds = Seconds::default();
    output.metrics.tokens.generated_per_second = 0.0;
    output.metrics.tokens.trained_per_second = 0.0;
    output
}

#[test]
fn a_step_proposes_solves_rewards_and_updates_once() {
    let mut stage = Stage::new(&[]);
    let before = stage.policy.weights;
    let output = stage.step().unwrap();
    assert_eq!(stage.policy.updates.load(Ordering::SeqCst), 1);
    assert_ne!(stage.policy.weights, before);
    let metrics = &output.metrics;
    assert_eq!((metrics.step, stage.state.step), (1, 1));
    for kind in TaskKind::ALL {
        let (propose, solve) = (
            metrics.lanes[&Role::Propose][&kind],
            metrics.lanes[&Role::Solve][&kind],
        );
        assert_eq!(propose.rollouts, 6);
        let tasks = metrics.learnability[&kind].tasks;
        assert!(
            0 < tasks,
            "no {kind} task was admitted, so the step shows nothing"
        );
        assert_eq!(propose.valid_rate, Some(tasks as f64 / 6.0));
        assert_eq!(
            solve.rollouts,
            tasks * 3,
            "three rating samples for every {kind} task"
        );
        assert_eq!(
            solve.trained, solve.rollouts,
            "rating samples are the solver's batch"
        );
    }
    assert_eq!(metrics.buffer.admitted, output.tasks.len());
    assert_eq!(
        metrics.buffer.admitted_total,
        3 + output.tasks.len() as u64,
        "three seeds"
    );
    let refused: usize = metrics.rejections.values().sum();
    assert_eq!(refused + output.tasks.len(), 18);
    assert_eq!(output.rollouts.len(), 18 + 3 * output.tasks.len());
    assert!(
        output
            .rollouts
            .iter()
            .all(|it| it.advantage.is_some() && it.policy_step == 0)
    );
    assert_eq!(
        metrics.tokens.generated,
        output
            .rollouts
            .iter()
            .map(|it| it.tokens.len())
            .sum::<usize>()
    );
}

#[test]
fn rejected_proposals_and_wrong_answers_are_never_rewarded() {
    let mut stage = Stage::new(&[]);
    let (mut rejected, mut wrong) = (0, 0);
    for _ in 0..6 {
        for rollout in stage.step().unwrap().rollouts {
            match rollout.verdict.as_str() {
                "correct" => assert_eq!(rollout.reward, 1.0),
                "accepted" => assert!(
                    rollout.reward < 1.0,
                    "a task that everybody solves is worth nothing"
                ),
                "incorrect" | "malformed" => {
                    assert!(rollout.reward < 0.0, "{rollout:?}");
                    wrong += 1;
                }
                _ => {
                    assert!(rollout.reward < 0.0, "{rollout:?}");
                    assert!(rollout.task.is_none(), "a rejected proposal became a task");
                    rejected += 1;
                }
            }
        }
    }
    assert!(
        10 < rejected && 10 < wrong,
        "{rejected} rejected, {wrong} wrong: too few to show anything"
    );
}

#[test]
fn a_copy_of_what_was_shown_is_no_task_and_costs_what_a_duplicate_costs() {
    let mut stage = Stage::new(&["reward.proposer_duplicate=-0.25"]);
    let rollouts: Vec<RolloutRecord> = (0..6)
        .flat_map(|_| stage.step().unwrap().rollouts)
        .collect();
    for verdict in ["copy_of_reference", "duplicate"] {
        let found: Vec<_> = rollouts.iter().filter(|it| it.verdict == verdict).collect();
        assert!(!found.is_empty(), "nothing was refused as {verdict}");
        assert!(
            found
                .iter()
                .all(|it| it.reward == -0.25 && it.task.is_none())
        );
    }
}

#[test]
fn a_held_out_program_never_becomes_a_task() {
    let held_out = "def f(x):\n    # layout and comments do not count\n    return x   + 4";
    let mut stage = Stage::new(&[]);
    stage.play = SelfPlay::new(config(&[]), [held_out]);
    let rollouts: Vec<RolloutRecord> = (0..8)
        .flat_map(|_| stage.step().unwrap().rollouts)
        .collect();
    let refused: Vec<_> = rollouts
        .iter()
        .filter(|it| it.verdict == "held_out")
        .collect();
    assert!(!refused.is_empty(), "the program was never proposed");
    assert!(
        refused
            .iter()
            .all(|it| it.response.contains("x + 4") && it.reward < 0.0)
    );
    let kept = TaskKind::ALL
        .into_iter()
        .flat_map(|kind| stage.state.buffers.entries(kind));
    assert!(
        kept.into_iter()
            .all(|it| !it.task.program.contains("x + 4"))
    );
}

#[test]
fn a_task_that_nobody_can_be_asked_is_refused() {
    // Answers are asked with the program, the input and a prefill; proposals of induction with the program alone.
    let mut stage = Stage::new(&["self_play.kinds=[\"deduction\"]"]);
    stage.play = SelfPlay::new(
        config(&[
            "self_play.kinds=[\"deduction\"]",
            "sampling.prompt_tokens_max=62",
        ]),
        [],
    );
    let output = stage.step().unwrap();
    assert!(
        output.metrics.rejections.contains_key("prompt_too_long"),
        "{:?}",
        output.metrics.rejections
    );
    assert!(
        output
            .rollouts
            .iter()
            .all(|it| it.prompt_tokens + it.prefill.len() <= 62)
    );
    let mut narrow = Stage::new(&[]);
    narrow.play = SelfPlay::new(config(&["sampling.prompt_tokens_max=20"]), []);
    let error = narrow.step().unwrap_err().to_string();
    assert!(error.contains("sampling.prompt_tokens_max"), "{error}");
}

#[test]
fn neither_threads_nor_the_order_of_delivery_change_anything() {
    let expected = Stage::new(&["sandbox.workers=1"]).trace(4);
    for (workers, delivery) in [
        ("sandbox.workers=1", Delivery::Backward),
        ("sandbox.workers=4", Delivery::Forward),
        ("sandbox.workers=7", Delivery::Shuffled(1)),
        ("sandbox.workers=2", Delivery::Shuffled(2)),
    ] {
        let mut stage = Stage::new(&[workers]);
        stage.policy.delivery = delivery;
        assert!(
            stage.trace(4) == expected,
            "{workers}, {delivery:?} left something else behind"
        );
    }
}

#[test]
fn another_seed_is_another_run() {
    assert!(Stage::new(&["seed=2"]).trace(2) != Stage::new(&["seed=1"]).trace(2));
}

/// The rule that everything else rests on: what the sandbox fails at is an error, whichever call it is, and nothing is
/// learned from a step that it failed in.
#[test]
fn a_lost_sandbox_is_an_error_and_never_a_reward() {
    let mut good = Stage::new(&[]);
    good.step().unwrap();
    let calls = good.sandbox.jobs_run();
    assert!(20 < calls, "a good step makes only {calls} calls");
    for nth in 1..=calls {
        let mut stage = Stage::new(&[]);
        stage.sandbox = sandbox().failing_at(nth);
        let before = stage.policy.weights;
        match stage.step() {
            Err(StepError::Sandbox(_)) => {}
            other => panic!("call {nth} of {calls} failed and the step gave {other:?}"),
        }
        assert_eq!(
            stage.policy.weights, before,
            "call {nth}: something was learned"
        );
        assert_eq!(
            stage.policy.updates.load(Ordering::SeqCst),
            0,
            "call {nth}: an update was made"
        );
    }
}

#[test]
fn a_lost_device_is_an_error_in_either_wave() {
    for lost_after in [0, 1, 17, 18, 19] {
        let mut stage = Stage::new(&[]);
        stage.policy.lost_after = Some(lost_after);
        let error = stage.step().unwrap_err();
        assert!(
            matches!(error, StepError::Policy(PolicyError::Respond { .. })),
            "{lost_after}: {error:?}"
        );
        assert_eq!(stage.policy.updates.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn seeding_rounds_fill_the_buffer_without_an_update() {
    let play = SelfPlay::new(
        config(&["seeding.rounds_max=5", "seeding.tasks_per_kind_enough=6"]),
        [],
    );
    let (mut policy, sandbox) = (ScriptedPolicy::new(), sandbox());
    let seeds = TaskKind::ALL.map(|kind| kind.rules().identity()).to_vec();
    let mut means = Means {
        policy: &mut policy,
        sandbox: &sandbox,
        observer: &mut Unobserved,
    };
    let (state, lines) = play.seed(seeds, &mut means).unwrap();
    assert!(
        TaskKind::ALL
            .into_iter()
            .all(|kind| 6 <= state.buffers.len(kind))
    );
    assert_eq!(lines.len() as u64, state.admitted_total);
    assert_eq!((policy.updates.load(Ordering::SeqCst), state.step), (0, 0));
}

#[test]
fn a_step_says_how_long_its_policy_waited_for_workers() {
    let seconds = Stage::new(&[]).step().unwrap().metrics.seconds;
    assert!(
        0.0 < seconds.wait && seconds.wait <= seconds.propose + seconds.solve,
        "{seconds:?}"
    );
}

#[test]
fn the_metrics_of_a_step_have_the_agreed_keys() {
    let json = serde_json::to_value(Stage::new(&[]).step().unwrap().metrics).unwrap();
    let has = |path: &str| {
        path.split('.')
            .try_fold(&json, |value, key| value.get(key))
            .is_some()
    };
    let mut missing = Vec::new();
    let mut expect = |path: String| {
        if !has(&path) {
            missing.push(path);
        }
    };
    expect("step".to_owned());
    for key in ["propose", "solve", "verify", "wait", "update", "total"] {
        expect(format!("seconds.{key}"));
    }
    for lane in ["propose", "solve"] {
        for kind in ["deduction", "abduction", "induction"] {
            for key in [
                "rollouts",
                "reward_mean",
                "valid_rate",
                "solve_rate",
                "format_rate",
                "response_tokens_mean",
            ] {
                expect(format!("lanes.{lane}.{kind}.{key}"));
            }
        }
    }
    for key in [
        "loss",
        "grad_norm",
        "entropy",
        "kl_sampler_learner",
        "clip_fraction",
        "lr",
    ] {
        expect(format!("policy.{key}"));
    }
    for key in [
        "generated",
        "trained",
        "generated_per_second",
        "trained_per_second",
    ] {
        expect(format!("tokens.{key}"));
    }
    expect("learnability.deduction.mean".to_owned());
    expect("buffer.tasks.deduction".to_owned());
    assert!(missing.is_empty(), "{missing:?}");
}
