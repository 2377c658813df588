//! Conversations and the chat templates of a model.

use std::fs;
use std::path::Path;

use crate::runner::{Answer, azr};
use crate::tiny_model;

/// Puts `template` in the place of the model's own, and asks with `arguments` beside the model.
fn ask(place: &Path, template: &str, arguments: &[&str]) -> Answer {
    let directory = place.join("model");
    if !directory.exists() {
        tiny_model::write(place, "model", 1);
    }
    fs::write(directory.join("chat_template.jinja"), template).unwrap();
    let model = ["generate", "--model", "model", "--max-new-tokens", "1"];
    azr(place, &[&model[..], arguments].concat())
}

#[test]
fn everything_that_a_line_says_reaches_the_template() {
    let place = tempfile::tempdir().unwrap();
    let line = r#"{"messages": [{"role": "user", "content": "2+2?", "name": "ann"}, {"role": "assistant", "reasoning_content": "four", "tool_calls": [{"function": {"name": "w"}}]}, {"role": "tool", "content": null, "tool_call_id": "7"}], "tools": [{"name": "w"}], "documents": [{"title": "t", "text": "d"}]}"#;
    fs::write(place.path().join("prompts.jsonl"), line).unwrap();
    let said = "{{ messages[0].name }}{{ messages[1].reasoning_content }}{{ messages[1].tool_calls[0].function.name }}{{ messages[2].tool_call_id }}{{ 'content' in messages[2] }}{{ tools[0].name }}{{ documents[0].text }}{{ add_generation_prompt }}";
    let template = format!("{{% set all %}}{said}{{% endset %}}{{{{ raise_exception(all) }}}}");
    let answer = ask(place.path(), &template, &["--prompts", "prompts.jsonl"]);
    assert!(answer.err.contains("annfourw7FalsewdTrue"), "{answer:?}");
    assert!(
        answer.err.contains("turns that do not alternate"),
        "{answer:?}"
    );
}

#[test]
fn a_key_that_nobody_reads_is_refused() {
    let place = tempfile::tempdir().unwrap();
    for (line, words) in [
        (
            r#"{"messages": [{"role": "user", "content": "a"}], "tool": []}"#,
            "unknown field",
        ),
        (
            r#"{"prompt": "a", "tools": []}"#,
            "tools and documents go with messages",
        ),
        (r#"{"messages": []}"#, "at least one message"),
    ] {
        fs::write(place.path().join("prompts.jsonl"), line).unwrap();
        let answer = ask(place.path(), "x", &["--prompts", "prompts.jsonl"]);
        assert!(answer.err.contains(words), "{answer:?}");
    }
}

#[test]
fn a_template_that_cannot_be_read_is_no_hindrance_to_plain_text() {
    let place = tempfile::tempdir().unwrap();
    let broken = "a\n{% include 'b' %}";
    ask(place.path(), broken, &["--prompt", "plain text"]).is_done();
    let answer = ask(place.path(), broken, &["--chat", "--prompt", "hi"]);
    assert!(
        answer
            .err
            .contains("line 2: the tag include is not supported"),
        "{answer:?}"
    );
    assert!(!answer.err.contains("alternate"), "{answer:?}");
}
