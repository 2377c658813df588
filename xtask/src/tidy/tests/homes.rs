//! Single homes: each fault planted.

use super::{broken, caught};

#[test]
fn a_channel_outside_the_wire_is_caught() {
    let text = "//! R.\nuse crossbeam_channel::bounded;\n";
    caught(&[("azr-rl/src/reward.rs", text)], "wire", "nowhere else");
    caught(
        &[("azr-executor/src/pool.rs", "//! P.\nuse std::sync::mpsc;\n")],
        "wire",
        "nowhere else",
    );
    assert_eq!(
        broken(&[("azr-rl/src/wire.rs", text)]),
        Vec::<String>::new()
    );
    caught(
        &[(
            "azr-rl/src/wire.rs",
            "//! W.\nuse crossbeam_channel::unbounded;\n",
        )],
        "wire",
        "bound",
    );
}

#[test]
fn a_second_match_on_the_kind_is_caught() {
    let second = "//! R.\nfn a(lane: Lane) { match lane { Lane { kind: TaskKind::Induction, .. } => 1, _ => 2 } }\n";
    caught(&[("azr-rl/src/reward.rs", second)], "kind", "only match");
    caught(
        &[(
            "azr-rl/src/reward.rs",
            "//! R.\nfn a() { if let TaskKind::Abduction = b {} }\n",
        )],
        "kind",
        "only match",
    );
    caught(
        &[(
            "azr-rl/src/reward.rs",
            "//! R.\nfn a() { matches!(b, TaskKind::Abduction) }\n",
        )],
        "kind",
        "only match",
    );
    let twice = "//! K.\nfn a() { match k { TaskKind::Deduction => 1 } }\nfn b() { match k { Self::Deduction => 1 } }\n";
    caught(&[("azr-tasks/src/kind.rs", twice)], "kind", "only match");
}

#[test]
fn a_kind_named_in_a_value_is_not_a_match() {
    let text =
        "//! R.\nfn a() { match b { C => TaskKind::Deduction, D => TaskKind::Induction } }\n";
    assert_eq!(
        broken(&[("azr-rl/src/reward.rs", text)]),
        Vec::<String>::new()
    );
}

#[test]
fn a_missing_match_on_the_kind_is_caught_once_there_are_rules() {
    let planted = [
        ("azr-tasks/src/kind.rs", "//! K.\n"),
        ("azr-tasks/src/kind/deduction.rs", "//! D.\n"),
    ];
    caught(&planted, "kind", "missing");
}

#[test]
fn a_kind_compared_as_text_is_caught() {
    caught(
        &[(
            "azr-rl/src/reward.rs",
            "//! R.\nfn a() { b == \"deduction\"; }\n",
        )],
        "kind",
        "as values",
    );
}

#[test]
fn unsafe_outside_its_homes_is_caught() {
    caught(
        &[(
            "azr-model/src/generate.rs",
            "//! G.\nfn a() { unsafe { b() } }\n",
        )],
        "unsafe",
        "lives in",
    );
    assert_eq!(
        broken(&[(
            "azr-executor/src/sys.rs",
            "//! S.\nfn a() { unsafe { b() } }\n"
        )]),
        Vec::<String>::new()
    );
}

#[test]
fn a_root_that_does_not_forbid_unsafe_is_caught() {
    caught(
        &[("azr-tasks/src/lib.rs", "//! Tasks.\n")],
        "unsafe",
        "must say",
    );
}

#[test]
fn candle_outside_the_model_is_caught() {
    caught(
        &[("azr-rl/src/reward.rs", "//! R.\nuse candle_core::Tensor;\n")],
        "candle",
        "internal",
    );
    assert_eq!(
        broken(&[(
            "azr-model/src/gguf.rs",
            "//! G.\nuse candle_core::quantized;\n"
        )]),
        Vec::<String>::new()
    );
}

#[test]
fn printing_and_environment_in_a_library_are_caught_outside_tests() {
    for call in [
        "println!()",
        "eprintln!()",
        "std::env::var(a)",
        "std::env::var_os(a)",
        "std::env::args()",
    ] {
        let text = format!("//! R.\nfn a() {{ {call}; }}\n");
        caught(&[("azr-rl/src/reward.rs", &text)], "library", "libraries");
        assert_eq!(
            broken(&[("azr-rl/tests/reward.rs", &text)]),
            Vec::<String>::new()
        );
        assert_eq!(
            broken(&[("azr-cli/src/sink.rs", &text)]),
            Vec::<String>::new()
        );
    }
    caught(
        &[("azr-rl/src/reward.rs", "//! R.\nstatic mut A: u8 = 0;\n")],
        "library",
        "global",
    );
}

#[test]
fn a_second_printer_in_the_command_line_is_caught() {
    let text = "//! T.\nfn a() { println!(); }\n";
    caught(&[("azr-cli/src/table.rs", text)], "printer", "sink.rs");
}
