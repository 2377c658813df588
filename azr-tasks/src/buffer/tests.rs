//! Buffers: what they keep, what they give out, and that they come back from a file as they were.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::task::Case;
use azr_executor::value::Arguments;

fn task(kind: TaskKind, program: &str, input: i64) -> Task {
    let case = Case {
        input: Arguments::positional(vec![input.into()]),
        output: (input + 1).into(),
    };
    Task {
        kind,
        program: program.to_owned(),
        cases: vec![case],
        shown: 0,
        message: String::new(),
    }
}

fn numbered(kind: TaskKind, number: usize) -> Task {
    task(
        kind,
        &format!("def f(x):\n    return x + 1 + {number} - {number}"),
        4,
    )
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Deduction tasks 1..=count, one a step, with the identity as seed.
fn filled(options: BufferOptions, count: usize) -> Buffers {
    let mut buffers = Buffers::new(options);
    buffers
        .admit(TaskKind::Deduction.rules().identity(), Lineage::seed())
        .unwrap();
    for number in 1..=count {
        let lineage = Lineage::proposed(number as u64, Vec::new());
        buffers
            .admit(numbered(TaskKind::Deduction, number), lineage)
            .unwrap();
    }
    buffers
}

fn steps(buffers: &Buffers, drawn: &[Drawn]) -> Vec<u64> {
    let mut steps: Vec<u64> = drawn
        .iter()
        .map(|it| {
            buffers
                .get(TaskKind::Deduction, &it.id)
                .unwrap()
                .lineage
                .step
        })
        .collect();
    steps.sort_unstable();
    steps
}

#[test]
fn a_task_that_differs_only_in_layout_or_local_names_is_a_duplicate() {
    let mut buffers = Buffers::new(BufferOptions::default());
    let kind = TaskKind::Deduction;
    buffers
        .admit(
            task(kind, "def f(x):\n    return x + 1", 4),
            Lineage::seed(),
        )
        .unwrap();
    let same = task(
        kind,
        "def f(number):\n    # one more\n    return (number+1)\n",
        4,
    );
    assert!(buffers.has(&same));
    assert_eq!(
        buffers.admit(same, Lineage::seed()),
        Err(Rejection::Duplicate)
    );
    buffers
        .admit(
            task(kind, "def f(x):\n    return x + 1", 5),
            Lineage::seed(),
        )
        .unwrap();
    buffers
        .admit(
            task(TaskKind::Abduction, "def f(x):\n    return x + 1", 4),
            Lineage::seed(),
        )
        .unwrap();
    assert_eq!(
        (
            buffers.len(kind),
            buffers.len(TaskKind::Abduction),
            buffers.summary(kind).programs
        ),
        (2, 1, 1)
    );
}

#[test]
fn the_oldest_proposal_leaves_and_seeds_stay_when_they_are_kept() {
    let kept = |seeds| {
        let buffers = filled(
            BufferOptions {
                tasks_max: 3,
                seeds,
                ..BufferOptions::default()
            },
            5,
        );
        buffers
            .entries(TaskKind::Deduction)
            .map(|entry| entry.lineage.step)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(SeedPolicy::Keep), [0, 4, 5]);
    assert_eq!(kept(SeedPolicy::Age), [3, 4, 5]);
}

#[test]
fn a_task_that_left_may_come_again() {
    let mut buffers = filled(
        BufferOptions {
            tasks_max: 2,
            ..BufferOptions::default()
        },
        2,
    );
    assert!(!buffers.has(&numbered(TaskKind::Deduction, 1)));
    buffers
        .admit(
            numbered(TaskKind::Deduction, 1),
            Lineage::proposed(3, Vec::new()),
        )
        .unwrap();
    assert_eq!(buffers.len(TaskKind::Deduction), 2);
}

#[test]
fn a_proposer_sees_k_different_examples_of_its_own_kind() {
    let buffers = filled(
        BufferOptions {
            examples: 4,
            ingredients: 2,
            ..BufferOptions::default()
        },
        20,
    );
    let references = buffers.references(TaskKind::Deduction, &mut rng(1));
    let mut parents = references.parents();
    parents.sort();
    parents.dedup();
    assert_eq!((parents.len(), references.ingredients.len()), (4, 2));
    assert_eq!(
        references,
        buffers.references(TaskKind::Deduction, &mut rng(1))
    );
    assert_ne!(
        references,
        buffers.references(TaskKind::Deduction, &mut rng(2))
    );
    assert_eq!(
        buffers
            .references(TaskKind::Abduction, &mut rng(1))
            .examples,
        []
    );
}

#[test]
fn a_program_for_induction_comes_from_deduction_and_abduction_together() {
    let mut buffers = filled(BufferOptions::default(), 3);
    buffers
        .admit(numbered(TaskKind::Abduction, 9), Lineage::seed())
        .unwrap();
    buffers
        .admit(TaskKind::Induction.rules().identity(), Lineage::seed())
        .unwrap();
    let mut kinds = [0; 3];
    for seed in 0..200 {
        let references = buffers.references(TaskKind::Induction, &mut rng(seed));
        assert_eq!(references.examples.len(), 1);
        kinds[references.examples[0].task.kind as usize] += 1;
    }
    assert_eq!(kinds[2], 0);
    // One of five tasks: 40 of 200 are expected, with a standard deviation of 5.7.
    assert!((15..65).contains(&kinds[1]), "{kinds:?}");
}

#[test]
fn recent_examples_are_drawn_more_often_when_weighted_so() {
    let mean_step = |weighting| {
        let buffers = filled(
            BufferOptions {
                examples: 1,
                weighting,
                ..BufferOptions::default()
            },
            20,
        );
        let drawn = (0..300).flat_map(|seed| {
            buffers
                .references(TaskKind::Deduction, &mut rng(seed))
                .examples
        });
        let drawn: Vec<Drawn> = drawn.collect();
        steps(&buffers, &drawn).iter().sum::<u64>() as f64 / drawn.len() as f64
    };
    // Expected means: 10 and 13.7; the standard error is 0.35.
    assert!((8.5..11.5).contains(&mean_step(Weighting::Uniform)));
    assert!((12.3..15.1).contains(&mean_step(Weighting::Recent)));
}

#[test]
fn the_solver_gets_new_tasks_first_and_no_task_twice() {
    let draw = |solver_draw, count| {
        let buffers = filled(
            BufferOptions {
                solver_draw,
                recent_steps: 2,
                ..BufferOptions::default()
            },
            9,
        );
        let drawn = buffers.draw_for_solving(TaskKind::Deduction, count, 9, &mut rng(5));
        steps(&buffers, &drawn)
    };
    assert_eq!(draw(SolverDraw::MaxNew, 3), [7, 8, 9]);
    let five = draw(SolverDraw::MaxNew, 5);
    assert_eq!(five[2..], [7, 8, 9]);
    assert!(five[1] < 7 && five[0] != five[1]);
    assert!(
        2 <= draw(SolverDraw::HalfNew, 4)
            .iter()
            .filter(|&&step| 7 <= step)
            .count()
    );
    assert_eq!(
        draw(SolverDraw::Uniform, 100),
        (0..=9).collect::<Vec<u64>>()
    );
}

#[test]
fn solve_rates_run_and_show_in_the_summary() {
    let mut buffers = filled(BufferOptions::default(), 2);
    let ids: Vec<TaskId> = buffers
        .entries(TaskKind::Deduction)
        .map(|entry| entry.id.clone())
        .collect();
    buffers.record_solves(TaskKind::Deduction, &ids[1], 1, 4);
    buffers.record_solves(TaskKind::Deduction, &ids[1], 1, 4);
    buffers.record_solves(TaskKind::Deduction, &ids[2], 3, 4);
    buffers.record_solves(TaskKind::Abduction, &ids[2], 3, 4);
    let summary = buffers.summary(TaskKind::Deduction);
    assert_eq!((summary.tasks, summary.seeds, summary.attempted), (3, 1, 2));
    assert_eq!(summary.solve_rate_mean, 0.5);
    assert_eq!(
        buffers.get(TaskKind::Deduction, &ids[1]).unwrap().solves,
        Solves {
            attempts: 8,
            correct: 2
        }
    );
}

#[test]
fn buffers_come_back_from_a_file_and_draw_what_they_would_have_drawn() {
    let options = BufferOptions {
        examples: 3,
        ..BufferOptions::default()
    };
    let mut buffers = filled(options, 6);
    let first = buffers
        .entries(TaskKind::Deduction)
        .next()
        .unwrap()
        .id
        .clone();
    buffers.record_solves(TaskKind::Deduction, &first, 2, 3);
    let child = Lineage::proposed(7, vec![first]);
    buffers
        .admit(TaskKind::Induction.rules().identity(), child)
        .unwrap();
    let mut file = Vec::new();
    buffers.write_jsonl(&mut file).unwrap();
    let restored = Buffers::read_jsonl(options, &mut file.as_slice()).unwrap();
    for kind in TaskKind::ALL {
        assert!(buffers.entries(kind).eq(restored.entries(kind)));
        assert_eq!(
            buffers.references(kind, &mut rng(3)),
            restored.references(kind, &mut rng(3))
        );
        let draw = |from: &Buffers| from.draw_for_solving(kind, 4, 7, &mut rng(4));
        assert_eq!(draw(&buffers), draw(&restored));
    }
    let mut again = Vec::new();
    restored.write_jsonl(&mut again).unwrap();
    assert_eq!(file, again);
}

#[test]
fn a_task_is_one_line_of_json_with_the_fields_of_the_run_directory() {
    let mut buffers = Buffers::new(BufferOptions::default());
    let task = task(TaskKind::Abduction, "def f(x):\n    return x + 1", 4);
    let id = buffers.admit(task, Lineage::seed()).unwrap();
    let mut file = Vec::new();
    buffers.write_jsonl(&mut file).unwrap();
    let expected = format!(
        "{{\"id\":\"{id}\",\"kind\":\"abduction\",\"program\":\"def f(x):\\n    return x + 1\",\
         \"cases\":[{{\"input\":\"4\",\"output\":\"5\"}}],\"shown\":0,\"message\":\"\",\
         \"step\":0,\"origin\":\"seed\",\"parents\":[],\"attempts\":0,\"correct\":0}}\n"
    );
    assert_eq!(String::from_utf8(file).unwrap(), expected);
}

#[test]
fn a_broken_file_names_the_line() {
    let read = |text: &str| {
        Buffers::read_jsonl(BufferOptions::default(), &mut text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let line = |output: &str| {
        format!(
            "{{\"id\":\"a\",\"kind\":\"deduction\",\"program\":\"def f(x): return x\",\"cases\":[{{\"input\":\"1\",\
             \"output\":\"{output}\"}}],\"step\":0,\"origin\":\"seed\",\"parents\":[],\"attempts\":0,\"correct\":0}}\n"
        )
    };
    assert!(read("\n{\"id\":").starts_with("line 2 is not a task record"));
    assert!(
        read(&line("open(1)")).starts_with("line 1, case 0: the output is not a Python literal")
    );
    assert!(read(&[line("1"), line("1")].concat()).starts_with("line 2 repeats an earlier task"));
}
