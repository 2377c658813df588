//! What is written is rebuilt as it was; what cannot be is refused.

use super::*;
use crate::fixture;
use crate::tokenizer::from_gguf::build;
use proptest::prelude::*;
use serde_json::json;

/// Each rule for words, as the `tokenizer.json` of its family has it.
fn families() -> Vec<(&'static str, TextTokenizer)> {
    let vocabulary = |pre: &str| GgufVocabulary {
        pre: pre.to_owned(),
        ..small()
    };
    ["gpt-2", "smollm", "llama-bpe", "qwen2"]
        .map(|pre| (pre, build(&vocabulary(pre)).unwrap()))
        .into()
}

/// Bytes, a few merges, a special token, a word of the user and a row that only pads.
fn small() -> GgufVocabulary {
    let bytes = fixture::tokenizer();
    let mut tokens: Vec<String> = (0..256).map(|id| bytes.token(id).unwrap()).collect();
    let merges = ["Ġ Ġ", "1 2", "h i", "Ġ hi", "e Ì", "Ã ©"];
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    let mut kinds = vec![NORMAL; tokens.len()];
    for (token, kind) in [
        ("<|end|>", CONTROL),
        ("<think> ", USER_DEFINED),
        ("[PAD264]", UNUSED),
    ] {
        tokens.push(token.to_owned());
        kinds.push(kind);
    }
    GgufVocabulary {
        model: "gpt2".to_owned(),
        pre: "gpt-2".to_owned(),
        tokens,
        kinds,
        merges: merges.map(String::from).to_vec(),
        special: BTreeMap::from([("eos_token".to_owned(), 262), ("bos_token".to_owned(), 262)]),
        add_bos: Some(true),
        add_eos: Some(false),
    }
}

#[test]
fn a_tokenizer_becomes_the_metadata_that_it_came_from() {
    for (pre, tokenizer) in families() {
        let written = vocabulary(&tokenizer, 265).unwrap();
        let pre = pre.to_owned();
        assert_eq!(written, GgufVocabulary { pre, ..small() });
    }
}

#[test]
fn the_tokenizer_of_azr_tiny_comes_back_though_its_rule_for_words_has_no_name() {
    let tokenizer = fixture::tokenizer();
    let written = vocabulary(&tokenizer, fixture::VOCABULARY).unwrap();
    assert_eq!((written.pre.as_str(), written.merges.len()), ("gpt-2", 0));
    assert_eq!(
        written.kinds[255..],
        [NORMAL, USER_DEFINED, USER_DEFINED, CONTROL, UNUSED]
    );
    let again = build(&written).unwrap();
    for text in [
        "oh hello world 12  34\n",
        "<end>hello<end>",
        "é🙂 hello  world",
    ] {
        assert_eq!(tokenizer.encode(text).unwrap(), again.encode(text).unwrap());
    }
}

proptest! {
    #[test]
    fn any_text_has_the_same_tokens_after_the_way_through_a_file(text in "[ 12hie\u{301}é\n<|end>tk]{0,40}") {
        for (_, tokenizer) in families() {
            let again = build(&vocabulary(&tokenizer, 265).unwrap()).unwrap();
            prop_assert_eq!(tokenizer.encode(&text).unwrap(), again.encode(&text).unwrap());
            prop_assert_eq!(
                tokenizer.encode_with_markers(&text).unwrap(),
                again.encode_with_markers(&text).unwrap()
            );
        }
    }
}

#[test]
fn what_a_reader_could_not_rebuild_is_refused() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let tokenizer = build(&small()).unwrap();
        let mut json: Value = serde_json::from_str(&tokenizer.to_json().unwrap()).unwrap();
        change(&mut json);
        let tokenizer = TextTokenizer::from_json(&json.to_string(), BTreeMap::new()).unwrap();
        vocabulary(&tokenizer, 265)
    };
    assert!(changed(&|_| ()).is_ok());
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let split = |regex: &str| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
    let prefixed = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true});
    let others = [
        json!({"type": "Whitespace"}),
        json!({"type": "Sequence", "pretokenizers": [split("\\w+"), bytes]}),
        json!({"type": "Sequence", "pretokenizers": [split(LLAMA3_WORDS), bytes]}),
        bytes.clone(),
        prefixed,
    ];
    for other in others {
        let refused = changed(&|json| json["pre_tokenizer"] = other.clone());
        assert!(matches!(refused, Err(ToGgufError::Words)), "{other}");
    }
    let lower = changed(&|json| json["normalizer"] = json!({"type": "Lowercase"}));
    assert!(matches!(lower, Err(ToGgufError::Words)));
    let other_decoder = changed(&|json| json["decoder"] = json!({"type": "Fuse"}));
    assert!(matches!(other_decoder, Err(ToGgufError::Kind)));
}
