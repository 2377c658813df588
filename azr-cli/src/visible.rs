//! Makes text of unknown origin harmless on a terminal: whatever a model wrote may hold escape sequences.

use std::fmt::Write;

use serde::Serialize;

/// The text with every character that a terminal or a reader's eye could be fooled by written as an escape: control
/// characters other than line break and tab, and the marks that change the direction of text.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for it in text.chars() {
        if is_harmless(it) {
            shown.push(it);
        } else if (it as u32) < 0x100 {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{:02x}", it as u32);
        } else {
            let _ = write!(shown, "\\u{{{:x}}}", it as u32);
        }
    }
    shown
}

/// The same on one line, cut after `characters_max` characters with a mark where it was cut.
pub fn visible_line(text: &str, characters_max: usize) -> String {
    let line = visible(text).replace('\n', "\\n").replace('\t', "\\t");
    if line.chars().count() <= characters_max {
        return line;
    }
    let kept: String = line
        .chars()
        .take(characters_max.saturating_sub(1))
        .collect();
    kept + "…"
}

/// A value as one line of JSON with the same characters written as escapes of JSON: whoever reads it gets the same value.
pub fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string(value)?;
    let mut line = String::with_capacity(plain.len());
    for it in plain.chars() {
        // Outside of strings JSON has no such characters, so an escape is right wherever one stands.
        if is_harmless(it) {
            line.push(it);
        } else {
            for unit in it.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        }
    }
    Ok(line)
}

fn is_harmless(it: char) -> bool {
    let direction = matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    let separator = matches!(
        it,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200d}'
    );
    // Characters that show nothing at all, among them a whole alphabet of tags.
    let unseen =
        matches!(it, '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}');
    it == '\n' || it == '\t' || !(it.is_control() || direction || separator || unseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_plain_text() {
        assert_eq!(
            visible("a\u{1b}[2Jb\u{9b}31m\r\u{7f}"),
            "a\\x1b[2Jb\\x9b31m\\x0d\\x7f"
        );
    }

    #[test]
    fn direction_marks_become_plain_text() {
        assert_eq!(visible("a\u{202e}b\u{2066}"), "a\\u{202e}b\\u{2066}");
    }

    #[test]
    fn a_line_of_json_holds_the_value_and_nothing_that_steers() {
        let value = serde_json::json!({"\u{9b}31m": "a\u{202e}b\u{7f}\u{e0041}é\n\u{1b}"});
        let line = json_line(&value).unwrap();
        assert_eq!(
            line,
            r#"{"\u009b31m":"a\u202eb\u007f\udb40\udc41é\n\u001b"}"#
        );
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, value);
    }

    #[test]
    fn plain_text_in_any_script_stays() {
        let text = "def f(x):\n\treturn 'é 漢字 😀'";
        assert_eq!(visible(text), text);
    }

    #[test]
    fn a_long_line_is_cut_with_a_mark() {
        assert_eq!(visible_line("ab\ncd", 10), "ab\\ncd");
        assert_eq!(visible_line("abcdef", 4), "abc…");
    }
}
