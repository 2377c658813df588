//! Any ids decode, and a tokenizer rebuilt from GGUF metadata encodes as its kind does.

use super::from_gguf::{GgufVocabulary, GgufVocabularyError, build};
use super::*;
use crate::fixture;
use proptest::prelude::*;

/// Bytes as letters, then merges and special tokens, as a GGUF file lists them.
fn vocabulary(pre: &str) -> GgufVocabulary {
    let bytes = fixture::tokenizer();
    let mut tokens: Vec<String> = (0..256).map(|id| bytes.token(id).unwrap()).collect();
    let merges = ["Ġ Ġ", "1 2", "h i", "Ġ hi", "e Ì", "Ã ©"];
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    let mut kinds = vec![1; tokens.len()];
    for (token, kind) in [("<|end|>", 3), ("<think>", 4), ("[PAD264]", 5)] {
        tokens.push(token.to_owned());
        kinds.push(kind);
    }
    GgufVocabulary {
        model: "gpt2".to_owned(),
        pre: pre.to_owned(),
        tokens,
        kinds,
        merges: merges.map(String::from).to_vec(),
        special: BTreeMap::from([("eos_token".to_owned(), 262), ("bos_token".to_owned(), 262)]),
        add_bos: None,
        add_eos: None,
    }
}

fn pieces(tokenizer: &TextTokenizer, text: &str) -> Vec<String> {
    tokenizer
        .encode(text)
        .unwrap()
        .into_iter()
        .map(|id| tokenizer.token(id).unwrap())
        .collect()
}

#[test]
fn half_a_character_decodes_to_a_replacement_and_does_not_panic() {
    let tokenizer = fixture::tokenizer();
    let ids = tokenizer.encode("é🙂").unwrap();
    assert_eq!(ids.len(), 6);
    assert_eq!(
        tokenizer.decode(&ids[..1], SpecialTokens::Keep).unwrap(),
        "\u{fffd}"
    );
    assert_eq!(
        tokenizer.decode(&ids[..5], SpecialTokens::Keep).unwrap(),
        "é\u{fffd}"
    );
    assert_eq!(tokenizer.decode(&ids, SpecialTokens::Keep).unwrap(), "é🙂");
}

#[test]
fn special_tokens_are_kept_or_skipped_as_asked_and_unknown_ids_print_nothing() {
    let tokenizer = fixture::tokenizer();
    let ids = tokenizer.encode("hello world<end>").unwrap();
    assert_eq!(ids, [256, 257, fixture::END]);
    assert_eq!(
        tokenizer.decode(&ids, SpecialTokens::Keep).unwrap(),
        "hello world<end>"
    );
    assert_eq!(
        tokenizer.decode(&ids, SpecialTokens::Skip).unwrap(),
        "hello world"
    );
    assert_eq!(
        tokenizer
            .decode(&[256, 259, u32::MAX], SpecialTokens::Keep)
            .unwrap(),
        "hello"
    );
    assert_eq!(tokenizer.decode(&[], SpecialTokens::Keep).unwrap(), "");
    assert_eq!(
        (tokenizer.ids_end(), tokenizer.special_id("eos_token")),
        (259, Some(fixture::END))
    );
}

proptest! {
    #[test]
    fn any_ids_decode_and_any_text_comes_back(ids in prop::collection::vec(0u32..400, 0..40), text in ".*") {
        let tokenizer = fixture::tokenizer();
        tokenizer.decode(&ids, SpecialTokens::Skip).unwrap();
        let encoded = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(tokenizer.decode(&encoded, SpecialTokens::Keep).unwrap(), text);
    }
}

#[test]
fn each_rule_for_words_cuts_as_its_family_does() {
    let cut = |pre: &str, text: &str| pieces(&build(&vocabulary(pre)).unwrap(), text);
    assert_eq!(cut("gpt-2", "12  12 hi"), ["12", "Ġ", "Ġ", "12", "Ġhi"]);
    assert_eq!(
        cut("smollm", "12  12 hi"),
        ["1", "2", "ĠĠ", "1", "2", "Ġhi"]
    );
    assert_eq!(
        cut("qwen2", "12  12 hi"),
        ["1", "2", "Ġ", "Ġ", "1", "2", "Ġhi"]
    );
    assert_eq!(cut("llama-bpe", "12  12 hi"), ["12", "Ġ", "Ġ", "12", "Ġhi"]);
}

#[test]
fn qwen2_text_is_brought_to_normal_form_and_other_text_is_not() {
    let decomposed = "e\u{301}";
    assert_eq!(
        pieces(&build(&vocabulary("qwen2")).unwrap(), decomposed),
        ["Ã©"]
    );
    assert_eq!(
        pieces(&build(&vocabulary("smollm")).unwrap(), decomposed),
        ["e", "Ì", "ģ"]
    );
}

#[test]
fn control_tokens_are_special_and_user_tokens_are_whole() {
    let tokenizer = build(&vocabulary("qwen2")).unwrap();
    let ids = tokenizer.encode("<think>hi<|end|>").unwrap();
    assert_eq!(ids, [263, 258, 262]);
    assert_eq!(
        tokenizer.decode(&ids, SpecialTokens::Skip).unwrap(),
        "<think>hi"
    );
    assert_eq!(
        tokenizer.id("[PAD264]"),
        None,
        "rows that pad the embedding are no tokens"
    );
    assert_eq!(tokenizer.ids_end(), 264);
}

#[test]
fn a_first_token_is_added_only_where_the_file_or_the_family_asks_for_it() {
    let framed = |pre: &str, add_bos| {
        let tokenizer = build(&GgufVocabulary {
            add_bos,
            ..vocabulary(pre)
        })
        .unwrap();
        (
            tokenizer.encode("hi").unwrap(),
            tokenizer.encode_with_markers("hi").unwrap(),
        )
    };
    assert_eq!(framed("qwen2", None), (vec![258], vec![258]));
    assert_eq!(framed("qwen2", Some(true)), (vec![258], vec![262, 258]));
    assert_eq!(framed("llama-bpe", None), (vec![258], vec![262, 258]));
    assert_eq!(framed("llama-bpe", Some(false)), (vec![258], vec![258]));
}

#[test]
fn a_rebuilt_tokenizer_survives_being_written_and_read() {
    let tokenizer = build(&vocabulary("qwen2")).unwrap();
    let again =
        TextTokenizer::from_json(&tokenizer.to_json().unwrap(), tokenizer.special().clone())
            .unwrap();
    for text in ["12  12 hi<think>", "e\u{301}<|end|>", " hi \n"] {
        assert_eq!(
            tokenizer.encode(text).unwrap(),
            again.encode(text).unwrap(),
            "{text:?}"
        );
    }
}

#[test]
fn metadata_that_contradict_themselves_are_refused_by_name() {
    let refused = |change: fn(&mut GgufVocabulary)| {
        let mut vocabulary = vocabulary("qwen2");
        change(&mut vocabulary);
        build(&vocabulary).unwrap_err()
    };
    assert!(matches!(
        refused(|v| v.model = "llama".into()),
        GgufVocabularyError::UnsupportedModel { .. }
    ));
    assert!(matches!(
        refused(|v| v.pre = "gpt-9".into()),
        GgufVocabularyError::UnsupportedWords { .. }
    ));
    assert!(matches!(
        refused(|v| v.kinds.truncate(9)),
        GgufVocabularyError::KindsMismatch { .. }
    ));
    assert!(matches!(
        refused(|v| v.tokens[7] = "!".into()),
        GgufVocabularyError::DuplicateToken { .. }
    ));
    assert!(matches!(
        refused(|v| v.merges[0] = "ab".into()),
        GgufVocabularyError::BadMerge { index: 0, .. }
    ));
    assert!(matches!(
        refused(|v| v.merges[1] = "no such".into()),
        GgufVocabularyError::Build(_)
    ));
    let special = refused(|v| _ = v.special.insert("pad_token".into(), 9999));
    assert!(matches!(
        special,
        GgufVocabularyError::SpecialOutOfRange { id: 9999, .. }
    ));
}

#[test]
fn what_is_no_tokenizer_is_refused() {
    for json in [
        "",
        "{}",
        "[1]",
        "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\"}}",
        "\u{0}",
    ] {
        assert!(
            matches!(
                TextTokenizer::from_json(json, BTreeMap::new()),
                Err(TokenizerError::Parse(_))
            ),
            "{json}"
        );
    }
}

/// The fixture's tokenizer.json after a change.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Result<TextTokenizer, TokenizerError> {
    let mut json = serde_json::from_str(&fixture::tokenizer().to_json().unwrap()).unwrap();
    change(&mut json);
    TextTokenizer::from_json(&json.to_string(), BTreeMap::new())
}

#[test]
fn bpe_dropout_is_off() {
    let merged = |dropout: Option<f32>| {
        let tokenizer = changed(|json| {
            json["model"]["dropout"] = serde_json::json!(dropout);
            json["model"]["vocab"]["hh"] = serde_json::json!(300);
            json["model"]["merges"] = serde_json::json!([["h", "h"]]);
        })
        .unwrap();
        (0..32)
            .map(|_| tokenizer.encode("hhhhhhhhhh").unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(merged(Some(0.5)), merged(None));
}

#[test]
fn what_a_library_panics_at_is_an_error() {
    for charsmap in [serde_json::json!(""), serde_json::json!(null)] {
        let normalizer =
            serde_json::json!({"type": "Precompiled", "precompiled_charsmap": charsmap});
        let error = changed(|json| json["normalizer"] = normalizer).unwrap_err();
        assert!(matches!(error, TokenizerError::Parse(_)), "{error}");
    }
}
