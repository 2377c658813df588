//! Heads, sizes, names, words, errors and the changelog: each fault planted.

use super::{broken, caught};

#[test]
fn a_file_without_a_head_is_caught() {
    caught(
        &[("azr-rl/src/reward.rs", "// A reward.\n")],
        "head",
        "begin the file",
    );
    caught(
        &[("azr-rl/src/reward.rs", "//!\nuse a;\n")],
        "head",
        "begin the file",
    );
}

#[test]
fn a_long_file_is_caught() {
    let text = format!("//! Long.\n{}", "use a;\n".repeat(400));
    caught(&[("azr-rl/src/reward.rs", &text)], "size", "401 lines");
}

#[test]
fn a_long_function_is_caught_and_a_reason_excuses_it_in_tests_only() {
    let body = "    a();\n".repeat(69);
    let plain = format!("//! Long.\nfn a() {{\n{body}}}\n");
    let reason = format!(
        "//! Long.\n// Long because the table is the test.\n#[test]\nfn a() {{\n{body}}}\n"
    );
    caught(
        &[("azr-rl/src/reward.rs", &plain)],
        "size",
        "`a` has 71 lines",
    );
    caught(
        &[("azr-rl/tests/reward.rs", &plain)],
        "size",
        "`a` has 71 lines",
    );
    caught(
        &[("azr-rl/src/reward.rs", &reason)],
        "size",
        "`a` has 71 lines",
    );
    assert_eq!(
        broken(&[("azr-rl/tests/reward.rs", &reason)]),
        Vec::<String>::new()
    );
}

#[test]
fn a_nameless_module_is_caught() {
    caught(
        &[("azr-rl/src/utils.rs", "//! All sorts.\n")],
        "name",
        "nouns",
    );
    caught(
        &[("azr-rl/tests/common/mod.rs", "//! All sorts.\n")],
        "name",
        "nouns",
    );
    caught(
        &[("azr-rl/src/reward.rs", "//! R.\nmod helpers {}\n")],
        "name",
        "nouns",
    );
}

#[test]
fn an_incomplete_kernel_is_caught() {
    caught(
        &[
            ("azr-model/src/kernels/rope/mod.rs", "//! R.\n"),
            ("azr-model/src/kernels/rope/tests.rs", "//! T.\n"),
        ],
        "kernel",
        "reference.rs is missing",
    );
    caught(
        &[("azr-model/src/kernels/norm/kernel.cu", "")],
        "kernel",
        "come together",
    );
}

#[test]
fn an_error_that_is_only_text_is_caught() {
    let texts = [
        "    Other(String),",
        "    #[error(\"{0}\")]\n    Other(#[source] String),",
        "    Other { message: String },",
        "    Other(&'static str),",
    ];
    for variant in texts {
        let text = format!(
            "//! E.\npub enum WireError {{\n    /// Fine.\n    Read {{ path: PathBuf, source: io::Error }},\n{variant}\n}}\n"
        );
        caught(&[("azr-rl/src/wire.rs", &text)], "error", "holds only text");
    }
    let fine = "//! E.\npub enum WireError { UnknownKey { key: String }, Read(io::Error), Closed }\npub enum Name { Text(String) }\n";
    assert_eq!(
        broken(&[("azr-rl/src/wire.rs", fine)]),
        Vec::<String>::new()
    );
}

#[test]
fn unfinished_work_is_caught_in_every_text() {
    for word in [
        concat!("// TO", "DO: later"),
        concat!("// FIX", "ME"),
        concat!("fn a() { to", "do!() }"),
        concat!("#[ig", "nore]"),
    ] {
        caught(
            &[("azr-rl/src/reward.rs", &format!("//! R.\n{word}\n"))],
            "word",
            "finish it",
        );
    }
    caught(
        &[("README.md", concat!("TO", "DO: write\n"))],
        "word",
        "finish it",
    );
}

#[test]
fn a_path_of_one_machine_is_caught() {
    caught(
        &[("docs/log.md", concat!("see /wo", "rk/out\n"))],
        "word",
        "one machine",
    );
    assert_eq!(
        broken(&[(
            "docs/log.md",
            concat!("frame/wo", "rk/out and net", "work/out\n")
        )]),
        Vec::<String>::new()
    );
}

#[test]
fn a_changelog_of_another_version_is_caught() {
    caught(
        &[("CHANGELOG.md", "# Changelog\n\n## 1.2.30\n")],
        "release",
        "no heading",
    );
}

#[test]
fn weights_outside_their_home_are_caught() {
    let heavy = "x".repeat((1 << 20) + 1);
    caught(
        &[("configs/model.safetensors", &heavy)],
        "size",
        "weights belong",
    );
}
