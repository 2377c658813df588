//! Stop strings against the plain rule: decode all tokens so far, after every token, and look.

use proptest::prelude::*;

use super::*;
use crate::{
    Transformer,
    config::Architecture,
    fixture,
    generate::{BatchLimits, Request, Sampling, generate},
};

/// The match after each token, until there is one.
fn watched(stops: &StopStrings, tokens: &[u32]) -> Option<(usize, StopMatch)> {
    let mut watch = StopWatch::default();
    (1..=tokens.len()).find_map(|count| {
        let found = watch.read(stops, &tokens[..count]).unwrap()?;
        Some((count, found))
    })
}

/// A tokenizer whose decoder looks at more than one token: spaces are marked, bytes fall back, the first space goes.
fn marked_spaces() -> TextTokenizer {
    let bytes = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
    let words = ["▁the", "▁end", "▁", "e", "n", "d"].map(String::from);
    let vocabulary: serde_json::Map<String, serde_json::Value> = (0..)
        .zip(bytes.chain(words))
        .map(|(id, token)| (token, serde_json::json!(id)))
        .collect();
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
        "post_processor": null,
        "added_tokens": [{
            "id": 262, "content": "<s>", "special": true,
            "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        }],
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": true, "ignore_merges": false,
            "vocab": vocabulary, "merges": [],
        },
    });
    TextTokenizer::from_json(&json.to_string(), Default::default()).unwrap()
}

#[test]
fn a_string_is_found_across_tokens_and_inside_one() {
    let tokenizer = fixture::tokenizer();
    let tokens = tokenizer.encode("oh hello world!").unwrap();
    // o h _ hello _world !
    for (string, count, at) in [
        ("h h", 4, (1, 4)),
        ("ell", 4, (4, 7)),
        ("lo wor", 5, (6, 12)),
        ("!", 6, (14, 15)),
        ("oh hello world!", 6, (0, 15)),
    ] {
        let stops = StopStrings::new([string.to_owned()], &tokenizer);
        let (start, end) = at;
        assert_eq!(
            watched(&stops, &tokens),
            Some((count, StopMatch { start, end })),
            "{string}"
        );
    }
    let nowhere = ["", "worlds", "Hello"].map(String::from);
    assert_eq!(
        watched(&StopStrings::new(nowhere, &tokenizer), &tokens),
        None
    );
}

#[test]
fn a_character_in_halves_is_found_with_its_last_byte_and_not_in_what_is_no_character() {
    let tokenizer = fixture::tokenizer();
    let stops = StopStrings::new(["é".to_owned(), "🙂b".to_owned()], &tokenizer);
    let tokens = tokenizer.encode("aé").unwrap();
    assert_eq!(
        watched(&stops, &tokens),
        Some((3, StopMatch { start: 1, end: 3 }))
    );
    let tokens = tokenizer.encode("a🙂b").unwrap();
    assert_eq!(
        watched(&stops, &tokens),
        Some((6, StopMatch { start: 1, end: 6 }))
    );
    let halves = [0xC3, u32::from(b'a'), 0xA9];
    assert_eq!(watched(&stops, &halves), None);
}

#[test]
fn the_text_before_and_with_the_string_is_kept_exactly() {
    let completion = |tokens: &[u32], start, end| Completion {
        tokens: tokens.to_vec(),
        logprobs: vec![0.0; tokens.len()],
        finish: Finish::StopString(StopMatch { start, end }),
    };
    for tokenizer in [fixture::tokenizer(), marked_spaces()] {
        let special = |keep| match keep {
            true => SpecialTokens::Keep,
            false => SpecialTokens::Skip,
        };
        let read = |tokens: &[u32], string: &str, keep| {
            let stops = StopStrings::new([string.to_owned()], &tokenizer);
            let (count, at) = watched(&stops, tokens).unwrap();
            let completion = completion(&tokens[..count], at.start, at.end);
            [Marker::LeftOut, Marker::Kept]
                .map(|it| completion.text(&tokenizer, special(keep), it).unwrap())
        };
        let marker = if tokenizer.id("<s>").is_some() {
            262
        } else {
            fixture::END
        };
        let word = tokenizer.token(marker).unwrap();
        let tokens: Vec<u32> = match tokenizer.id("hello") {
            Some(hello) => vec![hello, marker, 257, u32::from(b'!')],
            None => vec![256, marker, 257, 259],
        };
        let (first, second) = match tokenizer.id("hello") {
            Some(_) => ("hello", " world"),
            None => ("the", " end"),
        };
        let inside = &second[2..4];
        let (head, with) = (&second[..2], &second[..4]);
        assert_eq!(
            read(&tokens, inside, true),
            [
                format!("{first}{word}{head}"),
                format!("{first}{word}{with}")
            ]
        );
        assert_eq!(
            read(&tokens, inside, false),
            [format!("{first}{head}"), format!("{first}{with}")]
        );
        // A special token is found by its own name, and is not said where those are left out.
        assert_eq!(
            read(&tokens, &word, false),
            [first.to_owned(), first.to_owned()]
        );
    }
}

proptest! {
    #[test]
    fn reading_on_finds_what_decoding_everything_finds(
        tokens in prop::collection::vec(prop::sample::select(vec![
            97u32, 98, 32, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 256, 257, 258, 259, 260, 261,
        ]), 0..40),
        strings in prop::collection::vec("[abelo é€]{1,3}|end|lo w|<end>", 1..4),
        marked in any::<bool>(),
    ) {
        let tokenizer = if marked { marked_spaces() } else { fixture::tokenizer() };
        let stops = StopStrings::new(strings.clone(), &tokenizer);
        let text = |count: usize| tokenizer.decode(&tokens[..count], SpecialTokens::Keep).unwrap();
        let holds = |count: &usize| strings.iter().any(|it| text(*count).contains(it.as_str()));
        let truth = (1..=tokens.len()).find(holds);
        let found = watched(&stops, &tokens);
        prop_assert_eq!(found.map(|(count, _)| count), truth);
        if let (Some((count, at)), Some(_)) = (found, truth) {
            let all = text(count);
            let start = strings.iter().filter_map(|it| all.find(it.as_str())).min().unwrap();
            let before = tokenizer.decode_until(&tokens[..count], SpecialTokens::Keep, at.start).unwrap();
            prop_assert_eq!(before, &all[..start]);
            // None of these tokens is special but <end> and <s>, so without those nothing is left out.
            if !tokens[..count].iter().any(|it| [fixture::END, 262].contains(it)) {
                let skipped = tokenizer.decode_until(&tokens[..count], SpecialTokens::Skip, at.start).unwrap();
                prop_assert_eq!(skipped, &all[..start]);
            }
        }
    }

    #[test]
    fn a_stop_string_cuts_a_sample_and_changes_nothing_else(
        seed in 0u64..1000,
        sequences_max in 1usize..9,
        prefill_tokens_max in 1usize..40,
        place in 0usize..60,
    ) {
        let parameters = fixture::parameters(&fixture::config(Architecture::Llama, true));
        let transformer = Transformer::on_cpu(parameters).unwrap();
        let tokenizer = fixture::tokenizer();
        let free: Vec<Request> = (0..8).map(|index| Request {
            prompt: tokenizer.encode(["hello", "a world", "b"][index % 3]).unwrap(),
            new_tokens_max: 60,
            sampling: Sampling::at_temperature(1.0),
            seed: seed + index as u64,
            stop_tokens: [fixture::END].into(),
            stop_strings: StopStrings::default(),
        }).collect();
        let sample = |requests: &[Request], limits: &BatchLimits| {
            let mut completions = vec![None; requests.len()];
            generate(&transformer, requests, limits, &mut |index, it| completions[index] = Some(it)).unwrap();
            completions.into_iter().map(Option::unwrap).collect::<Vec<Completion>>()
        };
        let whole = sample(&free, &BatchLimits::default());
        // Every other request looks for a piece of what it would say itself, which may lie across tokens.
        let strings = |index: usize| {
            let said = tokenizer.decode(&whole[index].tokens, SpecialTokens::Keep).unwrap();
            let said: Vec<char> = said.chars().collect();
            let piece: String = said.iter().skip(place % said.len().max(1)).take(1 + seed as usize % 3).collect();
            let no_text = piece.is_empty() || piece.contains(char::REPLACEMENT_CHARACTER);
            match no_text || index % 2 == 1 {
                true => Vec::new(),
                false => vec!["no such text".to_owned(), piece],
            }
        };
        let stopped: Vec<Request> = free.iter().enumerate().map(|(index, it)| Request {
            stop_strings: StopStrings::new(strings(index), &tokenizer), ..it.clone()
        }).collect();
        let limits = BatchLimits { sequences_max, prefill_tokens_max, ..BatchLimits::default() };
        let among = sample(&stopped, &limits);
        for (index, ((free, among), request)) in whole.iter().zip(&among).zip(&stopped).enumerate() {
            let stops = StopStrings::new(strings(index), &tokenizer);
            let found = watched(&stops, &free.tokens);
            prop_assert_eq!(found.is_some(), !strings(index).is_empty());
            let expected = match found {
                // A stop token comes first; its own text ends nothing.
                Some((count, at)) if !free.tokens[..count].contains(&fixture::END) => Completion {
                    tokens: free.tokens[..count].to_vec(),
                    logprobs: free.logprobs[..count].to_vec(),
                    finish: Finish::StopString(at),
                },
                _ => free.clone(),
            };
            prop_assert_eq!(among, &expected);
            let alone = sample(std::slice::from_ref(request), &BatchLimits::default());
            prop_assert_eq!(among, &alone[0]);
        }
    }
}
