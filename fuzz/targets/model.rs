//! Every text of a model's files is refused in words, or gives a model whose tokenizer reads any text.
//!
//! The first byte of the input says which file the rest of it is. Panics of libraries are caught by azr-model; those of our
//! own are not, and end the target.
#![no_main]

use azr_model::LanguageModel;
use azr_model::tokenizer::SpecialTokens;
use libfuzzer_sys::fuzz_target;

const FILES: [(&str, &[u8]); 5] = [
    (
        "config.json",
        include_bytes!("../../golden/small/llama-tied-gqa/config.json"),
    ),
    (
        "generation_config.json",
        include_bytes!("../../golden/small/llama-tied-gqa/generation_config.json"),
    ),
    (
        "tokenizer.json",
        include_bytes!("../../golden/small/llama-tied-gqa/tokenizer.json"),
    ),
    (
        "tokenizer_config.json",
        include_bytes!("../../golden/small/llama-tied-gqa/tokenizer_config.json"),
    ),
    (
        "model.safetensors",
        include_bytes!("../../golden/small/llama-tied-gqa/model.safetensors"),
    ),
];
/// Files that are texts.
const TEXTS: u8 = 4;

fuzz_target!(init: {
    // libFuzzer's own hook ends the process at every panic, caught or not.
    let _ = std::panic::take_hook();
}, |input: &[u8]| {
    let Some((which, text)) = input.split_first() else { return };
    let mut files = FILES;
    files[usize::from(which % TEXTS)].1 = text;
    let Ok(model) = LanguageModel::load_embedded("fuzz", &files) else { return };
    let tokenizer = model.language.tokenizer();
    if let Ok(tokens) = tokenizer.encode("héllo <s> \u{1f642}  x") {
        let _ = tokenizer.decode(&tokens, SpecialTokens::Keep);
    }
    let _ = model.language.encode_completion("x");
});
