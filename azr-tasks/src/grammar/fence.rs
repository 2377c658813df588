//! Fenced blocks: a line of three backticks and a label opens one, a line that ends in three backticks closes it.

/// A complete fenced block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence<'t> {
    /// What follows the opening backticks, trimmed.
    pub label: &'t str,
    /// The lines between, without the line end before the closing backticks.
    pub body: &'t str,
}

const TICKS: &str = "```";

/// The complete fences of `text` in order. One pass over the lines.
///
/// A new labeled opening inside an open fence drops the open one: it was never closed. A body can therefore hold no
/// line that begins with three backticks, so a program put into a prompt's fence cannot close that fence.
pub fn fences(text: &str) -> impl Iterator<Item = Fence<'_>> {
    let mut at = 0;
    let mut open: Option<(&str, usize)> = None;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at;
            let line_end = text[start..]
                .find('\n')
                .map_or(text.len(), |offset| start + offset + 1);
            at = line_end;
            let line = text[start..line_end].trim();
            match (open, line.strip_prefix(TICKS)) {
                (None, Some(rest)) => open = opening(rest).map(|label| (label, line_end)),
                (None, None) => {}
                (Some((label, body_start)), Some(rest)) => match opening(rest) {
                    Some(inner) if !inner.is_empty() => open = Some((inner, line_end)),
                    _ => {
                        open = None;
                        return Some(Fence {
                            label,
                            body: body(&text[body_start..start]),
                        });
                    }
                },
                (Some((label, body_start)), None) => {
                    if let Some(before) = text[start..line_end].trim_end().strip_suffix(TICKS) {
                        open = None;
                        return Some(Fence {
                            label,
                            body: body(&text[body_start..start + before.len()]),
                        });
                    }
                }
            }
        }
        None
    })
}

/// The label after opening backticks, or `None` when the line is not an opening (backticks again on it).
fn opening(rest: &str) -> Option<&str> {
    if rest.contains('`') {
        None
    } else {
        Some(rest.trim())
    }
}

/// A body without its last line end.
fn body(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
