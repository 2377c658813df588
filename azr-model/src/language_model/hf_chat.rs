//! Chat templates and the names of special tokens, where Hugging Face files keep them.

use crate::chat_template::TemplateSources;
use serde_json::Value;
use std::collections::BTreeMap;

/// The directory of templates beside `chat_template.jinja`.
pub(super) const ADDITIONAL: &str = "additional_chat_templates";

/// Names that are always those of special tokens.
const STANDARD: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// The templates of a model: `default` is that of `chat_template.jinja`, `named` those of [`ADDITIONAL`], and `settings`
/// are `tokenizer_config.json`, where `chat_template` is one template, or several in a list or an object. Of two with one
/// name the last counts.
pub(super) fn sources(
    default: Option<String>,
    named: BTreeMap<String, String>,
    settings: &BTreeMap<String, Value>,
) -> Option<TemplateSources> {
    match (default, named.is_empty()) {
        (Some(source), true) => return Some(TemplateSources::One(source)),
        (default, false) => {
            let default = default.map(|it| ("default".to_owned(), it));
            let all = named.into_iter().chain(default).collect();
            return Some(TemplateSources::Named(all));
        }
        (None, true) => {}
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match settings.get("chat_template")? {
        Value::String(source) => Some(TemplateSources::One(source.clone())),
        Value::Array(entries) => {
            let named = entries
                .iter()
                .filter_map(|it| Some((text(it.get("name")?)?, text(it.get("template")?)?)));
            Some(TemplateSources::Named(named.collect()))
        }
        Value::Object(entries) => {
            let named = entries
                .iter()
                .filter_map(|(name, it)| Some((name.clone(), text(it)?)));
            Some(TemplateSources::Named(named.collect()))
        }
        _ => None,
    }
}

/// Special tokens by name: the standard ones, those that `tokenizer_config.json` names `..._token`, and those that it
/// lists with names. `map` is `special_tokens_map.json`, which counts where the configuration is of an older form.
pub(super) fn special_tokens(
    settings: &BTreeMap<String, Value>,
    map: &BTreeMap<String, Value>,
) -> BTreeMap<String, String> {
    let mut tokens = BTreeMap::new();
    let is_old = !settings.contains_key("added_tokens_decoder");
    for role in STANDARD {
        let (first, second) = if is_old {
            (map.get(role), settings.get(role))
        } else {
            (settings.get(role), map.get(role))
        };
        let token = first.and_then(token_text).or(second.and_then(token_text));
        tokens.extend(token.map(|it| (role.to_owned(), it)));
    }
    for (name, value) in settings {
        let is_text = value.is_string() || value.get("__type").is_some();
        if name.ends_with("_token") && is_text && !tokens.contains_key(name) {
            tokens.extend(token_text(value).map(|it| (name.clone(), it)));
        }
    }
    let named = ["extra_special_tokens", "model_specific_special_tokens"];
    for entries in named.iter().filter_map(|it| settings.get(*it)?.as_object()) {
        for (name, value) in entries {
            tokens.extend(token_text(value).map(|it| (name.clone(), it)));
        }
    }
    tokens
}

/// A special token is written as its text, or as an object with its text as `content`.
fn token_text(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("content")?.as_str());
    text.map(str::to_owned)
}
