//! A lexical view of Rust source: comments and literals blanked, test code marked, functions and patterns found.
//!
//! Not a parser. It is exact about strings, comments, lifetimes and brackets, which is all the rules need, and it
//! keeps xtask free of dependencies that would be compiled before the first check.

mod blank;

use std::ops::Range;

/// One Rust file, seen lexically.
pub struct Source {
    /// The text with comments and the insides of literals blanked; same length and lines as the original.
    pub code: String,
    /// For each line (from 0): is it test code?
    test_lines: Vec<bool>,
    /// Byte offset of each line's start.
    line_starts: Vec<usize>,
}

/// A function's name and extent.
#[derive(Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// First line, from 1: the one with `fn`.
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub lines: usize,
}

impl Source {
    /// Looks at `text`, found at `path` (which says whether the whole file is a test).
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank::blank(text);
        let mut line_starts = vec![0];
        line_starts.extend(
            code.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        let whole_file =
            path.contains("/tests/") || path.ends_with("tests.rs") || path.starts_with("benches/");
        let mut source = Self {
            test_lines: vec![whole_file; line_starts.len()],
            code,
            line_starts,
        };
        source.mark_test_items();
        source
    }

    /// Line (from 1) of a byte offset.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Is this line (from 1) test code?
    pub fn is_test(&self, line: usize) -> bool {
        self.test_lines
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(false)
    }

    /// Number of lines.
    pub fn lines(&self) -> usize {
        self.code.lines().count()
    }

    /// Offsets at which `word` stands alone.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let bytes = self.code.as_bytes();
        self.code
            .match_indices(word)
            .map(|(at, _)| at)
            .filter(move |at| {
                let before = at.checked_sub(1).is_some_and(|it| is_word(bytes[it]));
                let after = bytes.get(at + word.len()).is_some_and(|it| is_word(*it));
                let joins_left = word.bytes().next().is_some_and(is_word);
                let joins_right = word.bytes().last().is_some_and(is_word);
                !(before && joins_left || after && joins_right)
            })
    }

    /// Every function with a body.
    pub fn functions(&self) -> Vec<Function> {
        self.words("fn")
            .filter_map(|at| self.function(at))
            .collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let rest = self.code.get(at + 2..)?;
        let name: String = rest
            .trim_start()
            .chars()
            .take_while(|it| it.is_alphanumeric() || *it == '_')
            .collect();
        // `fn(u32) -> u32` is a type.
        if name.is_empty() {
            return None;
        }
        let open = self.body_start(at)?;
        let close = self.closing(open)?;
        let line = self.line(at);
        Some(Function {
            name,
            line,
            lines: self.line(close) + 1 - line,
        })
    }

    /// The patterns that are matched against: of `match` arms, `if let`, `while let`, `let else` and `matches!`,
    /// each with the offset of the keyword, grouped by keyword.
    pub fn patterns(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for at in self.words("match") {
            if let Some(open) = self.body_start(at) {
                found.push((at, self.arm_patterns(open)));
            }
        }
        for at in self.words("matches!") {
            let open = at + "matches!".len();
            if let Some(close) = self.closing(open) {
                found.push((at, vec![self.code[open..close].to_string()]));
            }
        }
        for at in self.words("let") {
            let pattern = self.code[at..].split(['=', ';']).next().unwrap_or_default();
            found.push((at, vec![pattern.to_string()]));
        }
        found
    }

    /// The blocks of enums: name, offset of `enum`, body with its braces.
    pub fn enums(&self) -> Vec<(String, usize, Range<usize>)> {
        let mut found = Vec::new();
        for at in self.words("enum") {
            let name: String = self.code[at + 4..]
                .trim_start()
                .chars()
                .take_while(|it| it.is_alphanumeric() || *it == '_')
                .collect();
            if let Some(open) = self.body_start(at)
                && let Some(close) = self.closing(open)
            {
                found.push((name, at, open..close + 1));
            }
        }
        found
    }

    /// The first `{` after `at` outside parentheses and brackets; none if a `;` or a closing bracket comes first.
    fn body_start(&self, at: usize) -> Option<usize> {
        let mut depth = 0i32;
        for (offset, byte) in self.code.bytes().enumerate().skip(at) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' if depth == 0 => return None,
                b')' | b']' => depth -= 1,
                b'{' if depth == 0 => return Some(offset),
                b';' | b'}' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// The bracket that closes the one at `open`.
    pub fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0i32;
        for (offset, byte) in self.code.bytes().enumerate().skip(open) {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(offset);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The text before each `=>` of the block that opens at `open`.
    fn arm_patterns(&self, open: usize) -> Vec<String> {
        let bytes = self.code.as_bytes();
        let Some(close) = self.closing(open) else {
            return Vec::new();
        };
        let mut patterns = Vec::new();
        let mut at = open + 1;
        while at < close {
            let Some(arrow) = self.find_outside(at, close, "=>") else {
                break;
            };
            patterns.push(self.code[at..arrow].to_string());
            at = arrow + 2;
            while at < close && bytes[at].is_ascii_whitespace() {
                at += 1;
            }
            at = if bytes.get(at) == Some(&b'{') {
                self.closing(at).map_or(close, |it| it + 1)
            } else {
                self.find_outside(at, close, ",").map_or(close, |it| it + 1)
            };
        }
        patterns
    }

    /// Finds `needle` in `from..to` outside all brackets.
    fn find_outside(&self, from: usize, to: usize, needle: &str) -> Option<usize> {
        let mut at = from;
        while at < to {
            if self.code[at..].starts_with(needle) {
                return Some(at);
            }
            at = match self.code.as_bytes()[at] {
                b'(' | b'[' | b'{' => self.closing(at)? + 1,
                _ => at + self.code[at..].chars().next().map_or(1, char::len_utf8),
            };
        }
        None
    }

    fn mark_test_items(&mut self) {
        let mut ranges = Vec::new();
        for marker in ["#[cfg(test)]", "#[cfg(all(test"] {
            for (at, _) in self.code.match_indices(marker) {
                let Some(attribute_end) = self.closing(at + 1) else {
                    continue;
                };
                let Some(open) = self.body_start(attribute_end + 1) else {
                    continue;
                };
                let Some(close) = self.closing(open) else {
                    continue;
                };
                ranges.push(self.line(at)..=self.line(close));
            }
        }
        for line in ranges.into_iter().flatten() {
            if let Some(mark) = self.test_lines.get_mut(line - 1) {
                *mark = true;
            }
        }
    }
}

/// Can this byte be part of an identifier?
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests;
