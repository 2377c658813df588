//! Lines of input as JSON objects, and what is wrong with those that are none, in words for people who do not read Rust.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::visible::visible_line;

/// The id that a line gives itself: any JSON value, kept as it is written, so that it comes back as it was given.
pub type Id = Box<RawValue>;

/// The id of a line that gives none.
pub fn no_id() -> Id {
    RawValue::NULL.to_owned()
}

/// Why a line is not what was asked for.
#[derive(Debug)]
pub struct Refusal {
    /// The line's id where it can be read.
    pub id: Id,
    /// What is wrong, with the key that it is wrong in.
    pub detail: String,
}

/// What every line may have, whatever else is wrong with it.
#[derive(Deserialize)]
struct Identified {
    #[serde(default = "no_id")]
    id: Id,
}

/// Reads a line that is a JSON object. `wanted` says what it should be, such as "a job".
pub fn read<T: DeserializeOwned>(line: &[u8], wanted: &str) -> Result<T, Refusal> {
    if line
        .trim_ascii_start()
        .first()
        .is_some_and(|it| *it != b'{')
        && serde_json::from_slice::<&RawValue>(line).is_ok()
    {
        return Err(Refusal {
            id: no_id(),
            detail: "the line is no JSON object".to_owned(),
        });
    }
    let mut json = serde_json::Deserializer::from_slice(line);
    let read = match serde_path_to_error::deserialize(&mut json) {
        Ok(object) => json
            .end()
            .map(|()| object)
            .map_err(|error| (String::new(), error)),
        Err(error) => Err((error.path().to_string(), error.into_inner())),
    };
    read.map_err(|(path, error)| Refusal {
        id: serde_json::from_slice::<Identified>(line).map_or_else(|_| no_id(), |it| it.id),
        detail: in_words(&path, &error, wanted),
    })
}

fn in_words(path: &str, error: &serde_json::Error, wanted: &str) -> String {
    let is_not = if error.is_data() { wanted } else { "JSON" };
    let place = match path {
        "" | "." | "?" => String::new(),
        path => format!("{}: ", visible_line(path, 80)),
    };
    format!(
        "the line is not {is_not}: {place}{}",
        plain(&error.to_string())
    )
}

/// What serde says, without the names of Rust's types and of parts of serde.
pub fn plain(words: &str) -> String {
    const SURROGATE: &str = "half of a surrogate pair (\\ud800 to \\udfff without the other half), which is no character";
    const NAMES: [(&str, &str); 22] = [
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected u32", "expected a whole number, at least 0"),
        ("expected u64", "expected a whole number, at least 0"),
        ("expected usize", "expected a whole number, at least 0"),
        ("expected i32", "expected a whole number"),
        ("expected i64", "expected a whole number"),
        ("expected isize", "expected a whole number"),
        ("expected f32", "expected a number"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected a boolean", "expected true or false"),
        ("expected a map", "expected an object"),
        ("invalid type: floating point", "invalid type: the number"),
        ("invalid type: integer", "invalid type: the number"),
        ("invalid value: floating point", "invalid value: the number"),
        ("invalid value: integer", "invalid value: the number"),
        ("invalid type: boolean", "invalid type:"),
        ("invalid type: sequence", "invalid type: a list"),
        ("invalid type: map", "invalid type: an object"),
        ("unexpected end of hex escape", SURROGATE),
        ("lone leading surrogate in hex escape", SURROGATE),
    ];
    let mut plain = words.to_owned();
    for (theirs, ours) in NAMES {
        plain = plain.replace(theirs, ours);
    }
    without_structs(&plain)
}

/// `expected struct Line` becomes `expected an object`.
fn without_structs(words: &str) -> String {
    const NAMED: &str = "expected struct ";
    let Some((before, after)) = words.split_once(NAMED) else {
        return words.to_owned();
    };
    let rest = after.trim_start_matches(|it: char| it.is_alphanumeric() || it == '_');
    format!("{before}expected an object{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[serde(default = "no_id")]
        id: Id,
        #[serde(default)]
        counts: Vec<u64>,
        #[serde(default)]
        text: String,
    }

    fn refusal(line: &str) -> (String, String) {
        let refusal = read::<Line>(line.as_bytes(), "a line").unwrap_err();
        (refusal.id.get().to_owned(), refusal.detail)
    }

    #[test]
    fn an_id_comes_back_as_it_was_given() {
        for id in [
            "12345678901234567890123",
            "1e400",
            "[1.0, {\"a\":  2}]",
            "null",
            "\"\\u00e9\"",
        ] {
            let line = format!("{{\"id\": {id}, \"counts\": [1]}}");
            let read: Line = read(line.as_bytes(), "a line").unwrap();
            assert_eq!(read.id.get(), id);
            assert_eq!((read.counts, read.text), (vec![1], String::new()));
        }
    }

    #[test]
    fn the_key_is_named_and_no_type_of_rust() {
        for (line, id, words) in [
            (
                r#"{"id": 1, "counts": [1, "x"]}"#,
                "1",
                "not a line: counts[1]: invalid type: string \"x\", expected a whole number, at least 0",
            ),
            (
                r#"{"counts": [2.5], "id": 1}"#,
                "1",
                "counts[0]: invalid type: the number `2.5`, expected a whole number",
            ),
            (
                r#"{"id": "a", "counts": 1}"#,
                "\"a\"",
                "counts: invalid type: the number `1`, expected a list",
            ),
            (
                r#"{"id": 3, "text": "\ud800 b"}"#,
                "3",
                "text: half of a surrogate pair",
            ),
            (r#"{"id": 3, "texts": ""}"#, "3", "unknown field `texts`"),
            (r#"{"id": 3} {}"#, "null", "not JSON: trailing characters"),
            ("[3]", "null", "no JSON object"),
            ("\"a\"", "null", "no JSON object"),
            ("nonsense", "null", "not JSON: expected"),
        ] {
            let found = refusal(line);
            assert_eq!(found.0, id, "{line}");
            assert!(found.1.contains(words), "{line}: {}", found.1);
        }
    }
}
