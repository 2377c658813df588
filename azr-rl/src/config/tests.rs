//! Run files: complete, strict, and the ones in the repository are right.

use super::*;

const TINY: &str = include_str!("../../../configs/tiny.toml");
const SMOLLM2: &str = include_str!("../../../configs/smollm2-135m.toml");
const QWEN: &str = include_str!("../../../configs/qwen2.5-coder-0.5b.toml");

fn error(assignments: &[&str]) -> String {
    Config::parse(TINY, assignments.iter().copied())
        .unwrap_err()
        .to_string()
}

#[test]
fn the_run_files_of_the_repository_are_complete_and_write_back_as_themselves() {
    for text in [TINY, SMOLLM2, QWEN] {
        let config = Config::parse(text, []).unwrap();
        let written = config.to_toml().unwrap();
        assert_eq!(Config::parse(&written, []).unwrap(), config);
    }
}

#[test]
fn an_assignment_changes_one_key_and_nothing_else() {
    let config = Config::parse(TINY, []).unwrap();
    let changed = Config::parse(
        TINY,
        [
            "steps=3",
            "optimizer.learning_rate=1",
            "model.source=some/dir",
            "reward.signal=random",
            "self_play.proposer=frozen",
        ],
    )
    .unwrap();
    let mut expected = config;
    expected.steps = 3;
    expected.optimizer.learning_rate = 1.0;
    expected.model.source = "some/dir".to_owned();
    expected.reward.signal = crate::reward::Signal::Random;
    expected.self_play.proposer = Proposer::Frozen;
    assert_eq!(changed, expected);
}

#[test]
fn text_that_looks_like_a_number_stays_text_where_the_file_has_text() {
    assert_eq!(
        Config::parse(TINY, ["model.source=1e6"])
            .unwrap()
            .model
            .source,
        "1e6"
    );
    assert_eq!(
        Config::parse(TINY, ["model.source=\"a b\""])
            .unwrap()
            .model
            .source,
        "a b"
    );
}

#[test]
fn a_section_is_replaced_by_a_word_or_an_inline_table() {
    let off = Config::parse(TINY, ["evaluation.held_out=none"]).unwrap();
    assert_eq!(off.evaluation.held_out, HeldOut::None);
    let table = "evaluation.held_out={files={triplets=\"a\",induction=\"b\",tasks_per_kind_max=3}}";
    let files = Config::parse(TINY, [table]).unwrap();
    assert!(matches!(files.evaluation.held_out, HeldOut::Files(it) if it.tasks_per_kind_max == 3));
    let again = Config::parse(QWEN, [table]).unwrap();
    assert!(matches!(again.evaluation.held_out, HeldOut::Files(_)));
}

#[test]
fn a_key_that_does_not_exist_is_named_with_those_that_do() {
    let text = error(&["optimizer.learning_rat=1"]);
    assert!(
        text.contains("learning_rat`") && text.contains("learning_rate"),
        "{text}"
    );
    let text = error(&["optimiser.learning_rate=1"]);
    assert!(text.contains("optimizer"), "{text}");
    let text = error(&["steps.x=1"]);
    assert!(text.contains("not a section"), "{text}");
}

#[test]
fn what_is_not_an_assignment_is_refused_with_an_example() {
    for text in ["steps", "=3", "steps=", "steps=[1"] {
        assert!(
            error(&[text]).contains("section.key=value"),
            "{text}: {}",
            error(&[text])
        );
    }
}

#[test]
fn a_number_of_too_many_digits_is_called_that() {
    let text = error(&["steps=99999999999999999999"]);
    assert!(text.contains("too large"), "{text}");
}

#[test]
fn nothing_is_said_twice_and_no_quotation_is_long() {
    use std::error::Error;
    let wrong = Config::parse(TINY, ["steps=\"many\""]).unwrap_err();
    assert!(
        wrong.source().is_none(),
        "the cause is a part of the sentence"
    );
    assert!(wrong.to_string().contains("steps"), "{wrong}");
    let long = "x".repeat(1 << 16);
    for text in [
        error(&[&format!("steps=\"{long}\"")]),
        error(&[&long]),
        error(&[&format!("{long}=1")]),
        error(&[&format!("reward.signal={long}")]),
        Config::parse(&format!("seed = 1\nsteps = {long}"), [])
            .unwrap_err()
            .to_string(),
    ] {
        assert!(
            text.chars().count() < 700,
            "{} characters",
            text.chars().count()
        );
    }
    let text = Config::parse("seed = 1\nsteps = [", [])
        .unwrap_err()
        .to_string();
    assert!(text.contains("line 2"), "{text}");
}

#[test]
fn unknown_missing_and_mistyped_keys_are_named() {
    let unknown = TINY.replace("[loss]", "[loss]\nclip = 3");
    let text = Config::parse(&unknown, []).unwrap_err().to_string();
    assert!(text.contains("clip") && text.contains("loss"), "{text}");
    let missing = TINY.replace("clip_low = 0.2\n", "");
    let text = Config::parse(&missing, []).unwrap_err().to_string();
    assert!(text.contains("clip_low"), "{text}");
    let text = error(&["steps=many"]);
    assert!(text.contains("section.key=value"), "{text}");
    let text = error(&["reward.signal=coin"]);
    assert!(text.contains("coin") && text.contains("verdicts"), "{text}");
    assert!(
        Config::parse("seed = ", [])
            .unwrap_err()
            .to_string()
            .contains("not TOML")
    );
}

#[test]
fn values_that_make_no_sense_are_refused_with_the_key_and_a_remedy() {
    for (assignment, key) in [
        ("sampling.temperature=0", "sampling.temperature"),
        ("sampling.sequences_max=0", "sampling.sequences_max"),
        ("self_play.kinds=[]", "self_play.kinds"),
        (
            "self_play.kinds=[\"deduction\", \"deduction\"]",
            "self_play.kinds",
        ),
        ("self_play.rating_samples=1", "advantage.solver"),
        ("self_play.solver_batch=both", "advantage.solver"),
        ("advantage.proposer=per_task", "advantage.proposer"),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate"),
        ("optimizer.beta2=1", "optimizer.beta2"),
        ("loss.clip_low=1", "loss.clip_low"),
        ("advantage.negative_scale=-0.1", "advantage.negative_scale"),
        ("reward.solver_correct=inf", "reward.solver_correct"),
        ("sandbox.workers=0", "sandbox.workers"),
        ("checkpoint.every_steps=0", "checkpoint.every_steps"),
        ("checkpoint.keep=0", "checkpoint.keep"),
        (
            "evaluation.samples_per_task=0",
            "evaluation.samples_per_task",
        ),
    ] {
        let text = error(&[assignment]);
        assert!(
            text.starts_with(&format!("`{key}` is")),
            "{assignment}: {text}"
        );
    }
}

#[test]
fn values_that_would_panic_or_do_nothing_later_are_refused() {
    for assignment in [
        "model.source=\"\"",
        "grammar.text_bytes_max=0",
        "standards.sizes.message_bytes_max=0",
        "standards.induction.inputs=1",
        "standards.induction.inputs_valid_min=1",
        "standards.induction.inputs_valid_min=7",
        "sandbox.cpu_ms_max=0",
        "sandbox.wall_ms_max=0",
        "sandbox.memory_bytes_max=16777215",
        "sandbox.memory_bytes_max=1099511627777",
        "sandbox.output_bytes_max=0",
        "sandbox.source_bytes_max=0",
        "optimizer.learning_rate=1e300",
        "optimizer.learning_rate=1.01",
        "optimizer.epsilon=1e-300",
        "optimizer.beta1=0.99999999999",
        "optimizer.weight_decay=1.01",
        "loss.clip_high=101",
        "loss.entropy_coefficient=-0.1",
        "loss.entropy_coefficient=1e300",
        "sampling.temperature=1e-30",
    ] {
        let key = assignment.split_once('=').unwrap().0;
        let text = error(&[assignment]);
        let refused = text.starts_with(&format!("`{key}` is")) && text.contains("; ");
        assert!(refused && text.len() < 300, "{assignment}: {text}");
    }
}

#[test]
fn a_generator_that_could_draw_nothing_is_refused() {
    for section in ["seeding.source.generated", "evaluation.held_out.generated"] {
        for assignment in [
            "tasks_per_kind=0",
            "tasks_per_kind=9223372036854775807",
            "statements=[]",
            "statements=[0.0, 0.0]",
            "statements=[1.0, -0.5]",
            "statements=[nan]",
            "induction_statements=[]",
            "induction_statements=[inf]",
            "induction_inputs=0",
            "induction_inputs=1",
            "induction_inputs=9223372036854775807",
        ] {
            let key = assignment.split_once('=').unwrap().0;
            let text = error(&[&format!("{section}.{assignment}")]);
            let start = format!("`{section}.{key}` is");
            assert!(text.starts_with(&start), "{section}.{assignment}: {text}");
        }
    }
}

#[test]
fn no_count_may_be_so_large_that_its_sums_overflow() {
    for key in [
        "steps",
        "standards.sizes.program_bytes_max",
        "standards.induction.inputs",
        "sampling.prompt_tokens_max",
        "sampling.proposal_tokens_max",
        "sampling.answer_tokens_max",
        "sampling.sequences_max",
        "sampling.cache_tokens_max",
        "self_play.proposals_per_kind",
        "self_play.rating_samples",
        "self_play.solver_tasks_per_kind",
        "optimizer.warmup_steps",
        "optimizer.updates_per_step",
        "optimizer.micro_batch_tokens_max",
        "sandbox.workers",
        "sandbox.cpu_ms_max",
        "buffer.tasks_max",
        "buffer.examples",
        "buffer.ingredients",
        "buffer.recent_steps",
        "seeding.rounds_max",
        "seeding.tasks_per_kind_enough",
        "evaluation.samples_per_task",
        "evaluation.every_steps",
        "checkpoint.keep",
        "checkpoint.every_steps",
    ] {
        let text = error(&[&format!("{key}=9223372036854775807")]);
        assert!(text.starts_with(&format!("`{key}` is")), "{key}: {text}");
        let text = error(&[&format!("{key}=-1")]);
        assert!(
            text.contains(key.rsplit('.').next().unwrap()),
            "{key}: {text}"
        );
    }
    let text = error(&["self_play.proposals_per_kind=1000000"]);
    assert!(Config::parse(TINY, ["self_play.proposals_per_kind=20000"]).is_ok());
    assert!(text.contains("12000000 answers"), "{text}");
}

#[test]
fn the_step_size_rises_over_the_warm_up_and_then_stays() {
    let config = Config::parse(
        TINY,
        ["optimizer.warmup_steps=4", "optimizer.learning_rate=1"],
    )
    .unwrap();
    let sizes: Vec<f64> = (1..=6)
        .map(|step| config.optimizer.learning_rate_at(step))
        .collect();
    assert_eq!(sizes, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
}

#[test]
fn the_embedded_model_has_never_seen_the_tasks_that_its_run_holds_out() {
    let recipe: crate::pretrain::PretrainConfig =
        toml::from_str(include_str!("../../../configs/pretrain/azr-tiny.toml")).unwrap();
    let run = Config::parse(TINY, []).unwrap();
    assert_eq!(run.evaluation.held_out, HeldOut::Generated(recipe.held_out));
}
