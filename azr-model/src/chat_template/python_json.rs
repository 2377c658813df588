//! The `tojson` filter as Hugging Face templates expect it: Python's `json.dumps(value, ensure_ascii=False)`.
//!
//! Jinja's own filter escapes `<`, `>`, `&` and `'` for HTML; models were not trained on that.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

const INDENT_SPACES_MAX: usize = 64;

/// `value | tojson`, `value | tojson(indent=4)`.
pub(super) fn tojson(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = arguments.get("indent")?;
    let _: Option<bool> = arguments.get("ensure_ascii")?;
    let _: Option<bool> = arguments.get("sort_keys")?;
    arguments.assert_all_used()?;
    let mut bytes = Vec::new();
    let written = match indent {
        Some(spaces) => {
            let indent = vec![b' '; spaces.min(INDENT_SPACES_MAX)];
            value.serialize(&mut Serializer::with_formatter(
                &mut bytes,
                PrettyFormatter::with_indent(&indent),
            ))
        }
        None => value.serialize(&mut Serializer::with_formatter(&mut bytes, SpacedFormatter)),
    };
    let refused = |detail: String| Error::new(ErrorKind::BadSerialization, detail);
    written.map_err(|error| refused(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| refused(error.to_string()))
}

/// A space after each comma and colon, as Python's default separators write them.
struct SpacedFormatter;

impl Formatter for SpacedFormatter {
    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
