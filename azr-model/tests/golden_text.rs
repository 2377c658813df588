//! What surrounds the texts of the small golden models, as transformers gives them (`golden/small_models.py`).

use azr_model::LanguageModel;
use azr_model::chat_template::Message;
use azr_model::tokenizer::SpecialTokens;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Golden {
    encodings: Vec<Encoded>,
    chats: Vec<Chat>,
}

#[derive(Deserialize)]
struct Encoded {
    text: String,
    ids: Vec<u32>,
    with_markers: Vec<u32>,
}

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Message>,
    text: String,
}

const MODELS: [&str; 5] = [
    "llama-tied-gqa",
    "llama-untied-wide-heads",
    "qwen2-tied-one-kv-head",
    "qwen2-untied-sharded",
    "qwen3-tied-wide-heads",
];

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../golden/small")
        .join(name)
}

fn load(name: &str) -> (LanguageModel, Golden) {
    let golden = std::fs::read_to_string(directory(name).join("golden.json")).expect("golden.json");
    (
        LanguageModel::load_local(&directory(name)).expect("a model that loads"),
        serde_json::from_str(&golden).expect("golden numbers"),
    )
}

#[test]
fn a_text_to_continue_begins_as_transformers_begins_it() {
    for name in MODELS {
        let (model, golden) = load(name);
        assert!(40 < golden.encodings.len());
        for Encoded {
            text, with_markers, ..
        } in golden.encodings
        {
            let ids = model.language.encode_completion(&text).unwrap();
            assert_eq!(ids, with_markers, "{name}: {text:?}");
        }
    }
}

#[test]
fn tokens_become_the_text_that_they_came_from() {
    let (model, golden) = load("llama-tied-gqa");
    for Encoded { text, ids, .. } in golden.encodings {
        assert_eq!(
            model.language.decode(&ids, SpecialTokens::Keep).unwrap(),
            text
        );
    }
}

#[test]
fn an_answer_begins_with_its_prefill_right_after_the_rendered_chat() {
    for name in MODELS {
        let (model, golden) = load(name);
        for Chat { messages, text } in golden.chats {
            let ids = model
                .language
                .encode_conversation(&messages.into(), "So")
                .unwrap();
            let whole = format!("{text}So");
            assert_eq!(
                ids,
                model.language.tokenizer().encode(&whole).unwrap(),
                "{name}"
            );
        }
    }
}
