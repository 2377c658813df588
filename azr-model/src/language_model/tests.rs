//! A model survives being saved and loaded; what is wrong with a directory is said in one sentence.

mod chats;
mod damage;
mod full_disk;

use super::*;
use crate::config::Architecture;
use crate::fixture::{self, sentence};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

fn model(architecture: Architecture, tied: bool) -> LanguageModel {
    let parameters = fixture::parameters(&fixture::config(architecture, tied));
    LanguageModel::from_parts(parameters, fixture::language(), "a test").unwrap()
}

fn saved(precision: Precision) -> (TempDir, PathBuf, LanguageModel) {
    let place = tempdir().unwrap();
    let directory = place.path().join("runs/model");
    let model = model(Architecture::Llama, true);
    model.save(&directory, precision).unwrap();
    (place, directory, model)
}

#[test]
fn a_saved_model_is_loaded_as_it_was() {
    for (architecture, tied) in [
        (Architecture::Llama, false),
        (Architecture::Qwen2, true),
        (Architecture::Qwen3, false),
    ] {
        let place = tempdir().unwrap();
        let directory = place.path().join("model");
        let model = model(architecture, tied);
        model.save(&directory, Precision::F32).unwrap();
        let loaded = LanguageModel::load_local(&directory).unwrap();
        assert!(loaded.parameters == model.parameters);
        assert_eq!(loaded.language.stop_tokens(), model.language.stop_tokens());
        assert_eq!(loaded.language.defaults(), model.language.defaults());
        assert_eq!(
            loaded.language.tokenizer().special(),
            model.language.tokenizer().special()
        );
        let chat = |model: &LanguageModel| model.language.encode_chat("hello world", "so").unwrap();
        assert_eq!(chat(&loaded), chat(&model));
    }
}

#[test]
fn a_model_in_memory_is_loaded_like_a_directory() {
    let (_place, directory, model) = saved(Precision::F32);
    let files: Vec<(String, Vec<u8>)> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    let borrowed: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    let loaded = LanguageModel::load_embedded("tiny", &borrowed).unwrap();
    assert!(loaded.parameters == model.parameters);
    assert_eq!(loaded.origin, "tiny");
    let without: Vec<_> = borrowed
        .into_iter()
        .filter(|(name, _)| *name != "tokenizer.json")
        .collect();
    assert!(matches!(
        LanguageModel::load_embedded("tiny", &without),
        Err(LoadError::Missing { .. })
    ));
}

#[test]
fn half_precision_is_half_the_size_and_close() {
    let (_place, directory, model) = saved(Precision::Bf16);
    let bytes = fs::metadata(directory.join("model.safetensors"))
        .unwrap()
        .len() as usize;
    assert!(bytes < model.parameters.data.len() * 2 + 8192);
    let loaded = LanguageModel::load_local(&directory).unwrap();
    for (ours, theirs) in model.parameters.data.iter().zip(&loaded.parameters.data) {
        assert!(
            (ours - theirs).abs() <= ours.abs() / 256.0,
            "{ours} {theirs}"
        );
    }
}

#[test]
fn a_save_never_touches_what_is_there() {
    let (place, directory, model) = saved(Precision::F32);
    assert!(matches!(
        model.save(&directory, Precision::F32),
        Err(SaveError::Occupied { .. })
    ));
    let file = place.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(
        model.save(&file, Precision::F32),
        Err(SaveError::Occupied { .. })
    ));
    assert!(matches!(
        model.save(&file.join("below"), Precision::F32),
        Err(SaveError::Occupied { .. } | SaveError::Write { .. })
    ));
    assert!(matches!(
        model.save(Path::new("/"), Precision::F32),
        Err(SaveError::NoName { .. })
    ));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    model.save(&empty, Precision::F32).unwrap();
    assert!(LanguageModel::load_local(&empty).is_ok());
}

#[test]
fn leftovers_of_a_killed_save_are_replaced() {
    let place = tempdir().unwrap();
    let aside = place.path().join(".model.partial");
    fs::create_dir(&aside).unwrap();
    fs::write(aside.join("config.json"), "half").unwrap();
    let directory = place.path().join("model");
    model(Architecture::Llama, true)
        .save(&directory, Precision::F32)
        .unwrap();
    assert!(LanguageModel::load_local(&directory).is_ok() && !aside.exists());
}

fn edit_json(path: &Path, edit: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn a_head_that_differs_from_the_embedding_is_kept_whatever_the_configuration_says() {
    let place = tempdir().unwrap();
    let directory = place.path().join("model");
    let model = model(Architecture::Llama, false);
    model.save(&directory, Precision::F32).unwrap();
    edit_json(&directory.join("config.json"), |config| {
        config["tie_word_embeddings"] = json!(true)
    });
    let loaded = LanguageModel::load_local(&directory).unwrap();
    assert!(!loaded.config().tied_embeddings && loaded.parameters == model.parameters);
}

#[test]
fn templates_and_special_tokens_are_found_where_older_files_keep_them() {
    let (_place, directory, _) = saved(Precision::F32);
    fs::remove_file(directory.join("chat_template.jinja")).unwrap();
    edit_json(&directory.join("tokenizer_config.json"), |config| {
        config["chat_template"] = json!([{"name": "tool_use", "template": "no"}, {"name": "default", "template": "D{{ eos_token }}"}]);
        config["eos_token"] = json!({"content": "<end>", "lstrip": false});
    });
    edit_json(&directory.join("generation_config.json"), |config| {
        config["eos_token_id"] = json!([7, 9])
    });
    let language = LanguageModel::load_local(&directory).unwrap().language;
    assert_eq!(
        language
            .render(
                &vec![crate::chat_template::Message::user("x")].into(),
                crate::chat_template::Ending::LastMessage
            )
            .unwrap(),
        "D<end>"
    );
    assert_eq!(**language.stop_tokens(), [7, 9, fixture::END]);
}

#[test]
fn sampling_that_a_file_turns_off_is_off() {
    for (top_k, expected) in [(json!(-1), 0), (json!(0), 0), (json!(50.0), 50)] {
        let (_place, directory, _) = saved(Precision::F32);
        let settings = json!({ "top_k": top_k, "eos_token_id": -1 });
        fs::write(
            directory.join("generation_config.json"),
            settings.to_string(),
        )
        .unwrap();
        let language = LanguageModel::load_local(&directory).unwrap().language;
        assert_eq!(language.defaults().top_k, Some(expected), "{settings}");
    }
}

#[test]
fn a_model_without_a_template_says_so_when_asked_to_chat() {
    let (_place, directory, _) = saved(Precision::F32);
    fs::remove_file(directory.join("chat_template.jinja")).unwrap();
    edit_json(&directory.join("tokenizer_config.json"), |config| {
        _ = config.as_object_mut().unwrap().remove("chat_template")
    });
    let language = LanguageModel::load_local(&directory).unwrap().language;
    assert!(
        language
            .encode_chat("x", "")
            .unwrap_err()
            .to_string()
            .contains("no chat template")
    );
    assert_eq!(language.encode_completion("hello").unwrap(), [256]);
}

#[test]
fn names_of_models_are_understood_or_refused_with_what_was_tried() {
    let (place, directory, _) = saved(Precision::F32);
    let parse = |text: &str| ModelSource::parse(text);
    assert_eq!(
        parse(directory.to_str().unwrap()).unwrap(),
        ModelSource::Directory(directory.clone())
    );
    let gguf = place.path().join("m.GGUF");
    fs::write(&gguf, "").unwrap();
    assert_eq!(
        parse(gguf.to_str().unwrap()).unwrap(),
        ModelSource::Gguf(gguf.clone())
    );
    for id in [
        "org/name",
        "org/name@v1.0",
        "org/name@refs/pr/3",
        "org/name/file-q4.gguf@main",
    ] {
        assert!(matches!(parse(id).unwrap(), ModelSource::Hub(_)), "{id}");
    }
    assert_eq!(
        parse("org/name/file.gguf@v2").unwrap().to_string(),
        "org/name/file.gguf@v2"
    );
    let words = |text: &str| parse(text).unwrap_err().to_string();
    for text in [
        "nowhere",
        "./org/name",
        "/org/name",
        "org/name/deep/er",
        "org/na me",
        "org/..",
        "a/b@",
        "a/b@../x",
        "",
    ] {
        assert!(
            words(text).contains("there is no file or directory"),
            "{text}: {}",
            words(text)
        );
    }
    assert!(words(place.path().to_str().unwrap()).contains("has no config.json"));
    assert!(words(directory.join("config.json").to_str().unwrap()).contains("not a .gguf file"));
}

#[test]
fn a_text_side_that_does_not_fit_the_weights_is_refused() {
    let mut dimensions = (*fixture::config(Architecture::Llama, true)).clone();
    dimensions.vocab_size = 100;
    let parameters = fixture::parameters(&ModelConfig::new(dimensions).unwrap());
    assert!(matches!(
        LanguageModel::from_parts(parameters, fixture::language(), ""),
        Err(LoadError::Parts(_))
    ));
}
