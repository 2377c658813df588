//! What of a step is trained on, and with which advantages.

use super::*;

#[test]
fn a_frozen_proposer_proposes_and_is_not_trained() {
    let mut stage = Stage::new(&["self_play.proposer=frozen"]);
    let output = stage.step().unwrap();
    for rollout in &output.rollouts {
        assert_eq!(
            rollout.advantage.is_some(),
            rollout.lane.role == Role::Solve,
            "{rollout:?}"
        );
    }
    assert_eq!(
        output.metrics.lanes[&Role::Propose][&TaskKind::Deduction].trained,
        0
    );
    assert_eq!(
        output.metrics.lanes[&Role::Propose][&TaskKind::Deduction].rollouts,
        6
    );
}

#[test]
fn the_solver_is_trained_on_the_buffer_on_ratings_or_on_both() {
    let trained = |batch: &str| {
        let solver = [
            "advantage.solver=lane_tokens",
            "self_play.solver_tasks_per_kind=5",
        ];
        let mut stage = Stage::new(&[&[batch], &solver[..]].concat());
        stage.step().unwrap();
        let output = stage.step().unwrap();
        let count = |purpose: &str| {
            let all = output.rollouts.iter().filter(|it| it.purpose == purpose);
            (
                all.clone().count(),
                all.filter(|it| it.advantage.is_some()).count(),
            )
        };
        (count("rate"), count("solve"))
    };
    let ((rated, trained_on), drawn) = trained("self_play.solver_batch=ratings");
    assert!(0 < rated && trained_on == rated && drawn == (0, 0));
    let ((rated, trained_on), drawn) = trained("self_play.solver_batch=buffer");
    assert!(0 < rated && trained_on == 0, "{rated} {trained_on}");
    assert_eq!(drawn, (15, 15));
    let ((rated, trained_on), drawn) = trained("self_play.solver_batch=both");
    assert!(0 < rated && trained_on == rated);
    assert_eq!(drawn, (15, 15));
}

#[test]
fn the_random_control_deals_out_the_same_rewards_and_says_nothing() {
    let lane = |output: &StepOutput, lane: Lane| -> Vec<f32> {
        let mut rewards: Vec<f32> = output
            .rollouts
            .iter()
            .filter(|it| it.lane == lane)
            .map(|it| it.reward)
            .collect();
        rewards.sort_by(f32::total_cmp);
        rewards
    };
    let (real, random) = (
        Stage::new(&[]).step().unwrap(),
        Stage::new(&["reward.signal=random"]).step().unwrap(),
    );
    for it in Lane::ALL {
        assert_eq!(lane(&real, it), lane(&random, it), "{it}");
    }
    let moved = real
        .rollouts
        .iter()
        .zip(&random.rollouts)
        .filter(|(a, b)| a.reward != b.reward)
        .count();
    assert!(5 < moved, "only {moved} rewards moved");
    // Answers are compared within their task, so the rewards of a task stay with it.
    let of_task = |output: &StepOutput, task: &str| -> f32 {
        let answers = output
            .rollouts
            .iter()
            .filter(|it| it.purpose == "rate" && it.task.as_deref() == Some(task));
        answers.map(|it| it.reward).sum()
    };
    for line in &real.tasks {
        let id = line.entry.id.to_string();
        assert_eq!(of_task(&real, &id), of_task(&random, &id));
    }
    assert!(
        random
            .rollouts
            .iter()
            .any(|it| it.verdict == "incorrect" && 0.0 < it.reward)
    );
}

#[test]
fn every_lane_of_a_batch_has_advantages_of_mean_zero() {
    let mut stage = Stage::new(&["advantage.solver=lane_tokens", "advantage.proposer_scale=1"]);
    let output = stage.step().unwrap();
    for lane in Lane::ALL {
        let mine = output.rollouts.iter().filter(|it| it.lane == lane);
        let sum: f64 = mine
            .map(|it| f64::from(it.advantage.unwrap()) * it.tokens.len() as f64)
            .sum();
        assert!(sum.abs() < 1e-2, "{lane}: {sum}");
    }
}

#[test]
fn the_proposer_s_scale_multiplies_its_advantages_alone() {
    let whole = Stage::new(&["advantage.proposer_scale=1"]).step().unwrap();
    let third = Stage::new(&["advantage.proposer_scale=0.25"])
        .step()
        .unwrap();
    for (a, b) in whole.rollouts.iter().zip(&third.rollouts) {
        let factor = if a.lane.role == Role::Propose {
            0.25
        } else {
            1.0
        };
        assert_eq!(a.advantage.unwrap() * factor, b.advantage.unwrap());
    }
}

#[test]
fn a_batch_that_teaches_nothing_makes_no_update() {
    // Nobody is rewarded or punished for anything.
    let zero = [
        "reward.solver_correct=0",
        "reward.solver_incorrect=0",
        "reward.solver_malformed=0",
        "self_play.proposer=frozen",
    ];
    let mut stage = Stage::new(&zero);
    let output = stage.step().unwrap();
    assert_eq!(stage.policy.updates.load(Ordering::SeqCst), 0);
    assert_eq!(output.metrics.tokens.trained, 0);
    assert_eq!(output.metrics.policy.loss, None);
}
