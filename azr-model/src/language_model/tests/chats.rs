//! Chat templates in the files of a model.

use super::{edit_json, saved};
use crate::chat_template::{Ending, Message};
use crate::language::LanguageError;
use crate::{LanguageModel, Precision};
use serde_json::json;
use std::fs;
use std::path::Path;

/// The text of one question to the model that is saved in `directory`.
fn asked(directory: &Path) -> Result<String, LanguageError> {
    let language = LanguageModel::load_local(directory).unwrap().language;
    let question = vec![Message::user("hi")].into();
    language.render(&question, Ending::LastMessage)
}

#[test]
fn chat_templates_are_read_in_every_form_that_transformers_reads() {
    let (_place, directory, _) = saved(Precision::F32);
    fs::remove_file(directory.join("chat_template.jinja")).unwrap();
    let settings = directory.join("tokenizer_config.json");
    let of = |mark: &str| format!("{mark}{{{{ messages[0].content }}}}{{{{ image_token }}}}");
    let forms = [
        (json!(of("A")), "A"),
        (json!({"default": of("A"), "rag": of("B")}), "A"),
        (
            json!([{"name": "default", "template": of("A")}, {"name": "default", "template": of("B")}]),
            "B",
        ),
    ];
    for (form, mark) in forms {
        edit_json(&settings, |config| {
            config["image_token"] = json!("<i>");
            config["chat_template"] = form.clone();
        });
        assert_eq!(asked(&directory).unwrap(), format!("{mark}hi<i>"));
    }
    edit_json(&settings, |config| {
        config["chat_template"] = json!({"rag": of("B")});
    });
    let error = asked(&directory).unwrap_err().to_string();
    assert!(error.contains("no default specified"), "{error}");
    let additional = directory.join("additional_chat_templates");
    fs::create_dir(&additional).unwrap();
    fs::write(additional.join("default.jinja"), of("C")).unwrap();
    assert_eq!(asked(&directory).unwrap(), "Chi<i>");
}

#[test]
fn a_template_that_cannot_be_read_matters_only_to_conversations_and_is_kept() {
    let (place, directory, _) = saved(Precision::F32);
    let broken = "{% for %}";
    fs::write(directory.join("chat_template.jinja"), broken).unwrap();
    let loaded = LanguageModel::load_local(&directory).unwrap();
    assert_eq!(loaded.language.encode_completion("hello").unwrap(), [256]);
    assert!(loaded.language.encode_chat("x", "").is_err());
    let again = place.path().join("again");
    loaded.save(&again, Precision::F32).unwrap();
    let kept = fs::read_to_string(again.join("chat_template.jinja")).unwrap();
    assert_eq!(kept, broken);
}
