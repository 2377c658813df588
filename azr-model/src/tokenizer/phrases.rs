//! A small tokenizer made of bytes and whole phrases: any text encodes, and what a small model reads often is one token.

use serde_json::{Value, json};

/// The `tokenizer.json` of a tokenizer whose ids are: 256 bytes, then `phrases` in order, then `end`.
///
/// Text is cut at the longest phrase that begins at each place; what is left is one token a byte. Hugging Face
/// tokenizers read the same file.
#[must_use]
pub fn phrase_tokenizer_json(phrases: &[String], end: &str) -> Value {
    let vocabulary: serde_json::Map<String, Value> = (0..=255u8)
        .map(|byte| (byte_letter(byte).to_string(), json!(byte)))
        .collect();
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    let added = phrases
        .iter()
        .map(|phrase| (phrase.as_str(), false))
        .chain([(end, true)]);
    let added_tokens: Vec<Value> = added
        .enumerate()
        .map(|(idx, (content, special))| added_token(256 + idx, content, special))
        .collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens,
        "normalizer": null,
        "pre_tokenizer": byte_level,
        "post_processor": null,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": [],
        },
    })
}

fn added_token(id: usize, content: &str, special: bool) -> Value {
    json!({
        "id": id, "content": content, "special": special,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
    })
}

/// The printable letter that stands for a byte in byte-level vocabularies: itself where it prints, else one of the
/// letters from U+0100 on, in order of the bytes that do not.
fn byte_letter(byte: u8) -> char {
    if prints(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&other| !prints(other)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a letter stands for in byte-level vocabularies: the other direction of [`byte_letter`].
pub(super) fn byte_of_letter(letter: char) -> Option<u8> {
    let byte = match u32::from(letter) {
        code @ ..0x100 => return u8::try_from(code).ok().filter(|byte| prints(*byte)),
        code @ 0x100..=0x120 => code - 0x100,
        code @ 0x121..=0x142 => code - 0x121 + 0x7F,
        0x143 => 0xAD,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

fn prints(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn tokenizer() -> tokenizers::Tokenizer {
        let phrases = ["[a for ", "7]", "7, ", "x[::-1]", "\n    x = "].map(String::from);
        tokenizers::Tokenizer::from_str(&phrase_tokenizer_json(&phrases, "<end>").to_string())
            .unwrap()
    }

    #[test]
    fn the_longest_phrase_wins_and_the_rest_is_bytes() {
        let encoding = tokenizer().encode("\n    x = [7, 7]é", false).unwrap();
        assert_eq!(
            encoding.get_ids(),
            [260, u32::from(b'['), 258, 257, 0xC3, 0xA9]
        );
    }

    #[test]
    fn every_byte_has_a_letter_and_every_letter_its_byte() {
        for byte in 0..=255u8 {
            assert_eq!(byte_of_letter(byte_letter(byte)), Some(byte));
        }
        for letter in [' ', '\n', '\u{ad}', '\u{144}', '漢'] {
            assert_eq!(byte_of_letter(letter), None);
        }
    }

    #[test]
    fn any_text_comes_back_as_it_was() {
        let tokenizer = tokenizer();
        for text in [
            "",
            "x[::-1]\n    x = [7, 8]",
            " \t\r\n\u{0}\u{7f}",
            "Grüße 漢字 🦀",
            "[a for [a for",
        ] {
            let ids = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
            assert_eq!(tokenizer.decode(&ids, true).unwrap(), text);
        }
    }
}
