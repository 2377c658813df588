//! From places in a text to line numbers, as CPython counts them.

use ruff_python_ast::{StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextSize};

/// Where the lines of one text begin.
pub(super) struct Lines<'text> {
    text: &'text str,
    /// Offset behind each line ending, ascending, bytes.
    starts: Vec<usize>,
}

impl<'text> Lines<'text> {
    /// Lines end with LF, CR or CR LF.
    pub(super) fn of(text: &'text str) -> Self {
        let bytes = text.as_bytes();
        let ends = |(at, byte): (usize, &u8)| match byte {
            b'\n' => Some(at + 1),
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => Some(at + 1),
            _ => None,
        };
        Lines {
            text,
            starts: bytes.iter().enumerate().filter_map(ends).collect(),
        }
    }

    /// The line of the word `def`, or of the `async` before it, from 1.
    pub(super) fn of_function(&self, function: &StmtFunctionDef) -> usize {
        let decorated = function.decorator_list.last().map(Ranged::end);
        self.definition(function.range.start(), decorated)
    }

    /// The line of the word `class`, from 1.
    pub(super) fn of_class(&self, class: &StmtClassDef) -> usize {
        let decorated = class.decorator_list.last().map(Ranged::end);
        self.definition(class.range.start(), decorated)
    }

    /// The statement's range begins with its decorators; the definition is what follows them.
    fn definition(&self, start: TextSize, decorated: Option<TextSize>) -> usize {
        let at = decorated.map_or(start.to_usize(), |end| self.next_token(end.to_usize()));
        self.starts.partition_point(|start| *start <= at) + 1
    }

    /// Skips white space, comments and line continuations.
    fn next_token(&self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'#' => {
                    at = self.starts[self.starts.partition_point(|start| *start <= at)..]
                        .first()
                        .map_or(bytes.len(), |next| *next)
                }
                b' ' | b'\t' | b'\x0c' | b'\r' | b'\n' | b'\\' => at += 1,
                _ => break,
            }
        }
        at
    }
}
