//! Cuts a template into tokens, with blocks trimmed as transformers has Jinja2 trim them.
//!
//! A port of `jinja2.lexer` with `trim_blocks`, `lstrip_blocks` and without `keep_trailing_newline`: the same regular
//! expressions, written out.

use super::fault::{Construct, Fault, Result, TemplateFault, syntax, unsupported};
use super::literal;
use super::text::is_space;
use num_bigint::BigInt;
use std::sync::Arc;
use unicode_normalization::is_nfkc;

/// A word of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Data(Arc<str>),
    BlockBegin,
    BlockEnd,
    VariableBegin,
    VariableEnd,
    Name(Arc<str>),
    Str(Arc<str>),
    Int(BigInt),
    Float(f64),
    Operator(&'static str),
    End,
}

/// A token and its line.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) line: usize,
}

/// Longest first.
const OPERATORS: [&str; 26] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
];

/// The tokens of `source`.
pub(super) fn tokens(source: &str) -> std::result::Result<Vec<Placed>, TemplateFault> {
    let mut source = source.replace("\r\n", "\n").replace('\r', "\n");
    if source.ends_with('\n') {
        source.pop();
    }
    let mut lexer = Lexer {
        source: &source,
        at: 0,
        line: 1,
        counted: 0,
        line_starting: true,
        tokens: Vec::new(),
    };
    match lexer.run() {
        Ok(()) => Ok(lexer.tokens),
        Err(fault) => Err(TemplateFault {
            line: lexer.line_here(),
            fault: *fault,
        }),
    }
}

struct Lexer<'source> {
    source: &'source str,
    at: usize,
    /// The line of the byte `counted`.
    line: usize,
    counted: usize,
    /// Whether what was read last ended with a line.
    line_starting: bool,
    tokens: Vec<Placed>,
}

/// What begins at a brace.
#[derive(Clone, Copy, PartialEq)]
enum Opening {
    Variable,
    Block,
    Comment,
    /// `{% raw %}`, with its length.
    Raw(usize),
}

impl<'source> Lexer<'source> {
    fn run(&mut self) -> Result<()> {
        while self.at < self.source.len() {
            let rest = &self.source[self.at..];
            let Some((start, opening, sign)) = first_opening(rest) else {
                self.data(rest);
                self.at = self.source.len();
                break;
            };
            let strips = opening != Opening::Variable;
            self.data(self.stripped(&rest[..start], sign, strips));
            self.at += start;
            match opening {
                Opening::Raw(length) => {
                    self.advance(length);
                    self.raw()?;
                }
                Opening::Comment => {
                    self.advance(2 + sign.len());
                    self.comment()?;
                }
                Opening::Block => {
                    self.push(Token::BlockBegin);
                    self.advance(2 + sign.len());
                    self.inside(Token::BlockEnd)?;
                }
                Opening::Variable => {
                    self.push(Token::VariableBegin);
                    self.advance(2 + sign.len());
                    self.inside(Token::VariableEnd)?;
                }
            }
        }
        self.push(Token::End);
        Ok(())
    }

    fn line_here(&mut self) -> usize {
        let passed = &self.source.as_bytes()[self.counted..self.at];
        self.line += passed.iter().filter(|it| **it == b'\n').count();
        self.counted = self.at;
        self.line
    }

    fn push(&mut self, token: Token) {
        let line = self.line_here();
        self.tokens.push(Placed { token, line });
    }

    fn data(&mut self, text: &str) {
        if !text.is_empty() {
            self.push(Token::Data(text.into()));
        }
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.source[self.at..self.at + bytes];
        self.line_starting = passed.ends_with('\n');
        self.at += bytes;
    }

    /// `text` before a tag with `sign`, without what the tag strips from its end.
    fn stripped<'text>(&self, text: &'text str, sign: &str, strips: bool) -> &'text str {
        if sign == "-" {
            return text.trim_end_matches(is_space);
        }
        if sign == "+" || !strips {
            return text;
        }
        let start = text.rfind('\n').map_or(0, |at| at + 1);
        let tail = &text[start..];
        if (0 < start || self.line_starting) && tail.chars().all(is_space) {
            &text[..start]
        } else {
            text
        }
    }

    fn comment(&mut self) -> Result<()> {
        let rest = &self.source[self.at..];
        if rest.is_empty() {
            return Ok(());
        }
        let Some(end) = rest.find("#}") else {
            return syntax("Missing end of comment tag");
        };
        let before = rest[..end].chars().next_back();
        self.advance(end);
        self.close("#}", before == Some('-'), before == Some('+'));
        Ok(())
    }

    /// Passes the end of a tag, which stands here, and what it strips behind it.
    fn close(&mut self, end: &str, strips: bool, keeps: bool) {
        let rest = &self.source[self.at + end.len()..];
        let blank = if strips {
            rest.len() - rest.trim_start_matches(is_space).len()
        } else if end == "}}" || keeps {
            0
        } else {
            usize::from(rest.starts_with('\n'))
        };
        self.advance(end.len() + blank);
    }

    fn raw(&mut self) -> Result<()> {
        let rest = &self.source[self.at..];
        if rest.is_empty() {
            return Ok(());
        }
        for (start, _) in rest.match_indices("{%") {
            let sign = sign_of(&rest[start + 2..]);
            let word = rest[start + 2 + sign.len()..].trim_start_matches(is_space);
            let Some(tail) = word.strip_prefix("endraw") else {
                continue;
            };
            let tail = tail.trim_start_matches(is_space);
            let end = sign_of(tail);
            if !tail[end.len()..].starts_with("%}") {
                continue;
            }
            self.data(self.stripped(&rest[..start], sign, true));
            let length = rest.len() - tail.len() + end.len();
            self.advance(length);
            self.close("%}", end == "-", end == "+");
            return Ok(());
        }
        syntax("Missing end of raw directive")
    }

    /// The tokens up to the end of a tag.
    fn inside(&mut self, end: Token) -> Result<()> {
        let mut open: Vec<char> = Vec::new();
        let mark = if end == Token::BlockEnd { "%}" } else { "}}" };
        loop {
            let rest = &self.source[self.at..];
            let Some(first) = rest.chars().next() else {
                return Ok(());
            };
            if open.is_empty() {
                let sign = sign_of(rest);
                let allowed = sign != "+" || mark == "%}";
                if allowed && rest[sign.len()..].starts_with(mark) {
                    self.push(end);
                    self.advance(sign.len());
                    self.close(mark, sign == "-", sign == "+");
                    return Ok(());
                }
            }
            if is_space(first) {
                self.advance(rest.len() - rest.trim_start_matches(is_space).len());
                continue;
            }
            let (token, length) = self.word(rest, first)?;
            if let Token::Operator(operator) = &token {
                balance(operator, &mut open)?;
            }
            self.push(token);
            self.advance(length);
        }
    }

    /// The token at the start of `rest`, and its length in bytes.
    fn word(&self, rest: &str, first: char) -> Result<(Token, usize)> {
        let follows_dot = self.source[..self.at].ends_with('.');
        if first.is_ascii_digit() {
            let float = if follows_dot {
                0
            } else {
                literal::float_length(rest)
            };
            if 0 < float {
                return Ok((Token::Float(literal::float(&rest[..float])?), float));
            }
            let length = literal::integer_length(rest);
            return Ok((Token::Int(literal::integer(&rest[..length])?), length));
        }
        if is_name_part(first) {
            let length = rest.find(|it| !is_name_part(it)).unwrap_or(rest.len());
            let name = &rest[..length];
            if first != '_' && !unicode_ident::is_xid_start(first) {
                return syntax("Invalid character in identifier");
            }
            // Python brings names to this form, and keys of dictionaries not.
            if !is_nfkc(name) {
                return unsupported(Construct::Expression, name);
            }
            return Ok((Token::Name(name.into()), length));
        }
        if first == '\'' || first == '"' {
            let length = literal::string_length(rest, first);
            if length == 0 {
                return syntax(format!("unexpected char {first:?}"));
            }
            let text = literal::string(&rest[1..length - 1]).map_err(as_syntax)?;
            return Ok((Token::Str(text.into()), length));
        }
        match OPERATORS.iter().find(|it| rest.starts_with(**it)) {
            Some(operator) => Ok((Token::Operator(operator), operator.len())),
            None => syntax(format!("unexpected char {first:?}")),
        }
    }
}

fn as_syntax(fault: Box<Fault>) -> Box<Fault> {
    match *fault {
        Fault::Python { detail, .. } => Box::new(Fault::Syntax {
            problem: super::fault::Problem(detail),
        }),
        _ => fault,
    }
}

fn is_name_part(character: char) -> bool {
    character == '_' || unicode_ident::is_xid_continue(character)
}

/// `-`, `+` or nothing.
pub(super) fn sign_of(text: &str) -> &'static str {
    match text.bytes().next() {
        Some(b'-') => "-",
        Some(b'+') => "+",
        _ => "",
    }
}

/// The first tag, its place and its sign.
fn first_opening(rest: &str) -> Option<(usize, Opening, &'static str)> {
    for (start, _) in rest.match_indices('{') {
        let opening = match rest.as_bytes().get(start + 1) {
            Some(b'{') => Opening::Variable,
            Some(b'%') => Opening::Block,
            Some(b'#') => Opening::Comment,
            _ => continue,
        };
        let sign = sign_of(&rest[start + 2..]);
        if opening == Opening::Block
            && let Some(length) = raw_length(&rest[start..], sign)
        {
            return Some((start, Opening::Raw(length), sign));
        }
        return Some((start, opening, sign));
    }
    None
}

/// The length of `{% raw %}` at the start of `tag`. Unlike other tags it does not take the end of its line with it.
fn raw_length(tag: &str, sign: &str) -> Option<usize> {
    let word = tag[2 + sign.len()..].trim_start_matches(is_space);
    let tail = word.strip_prefix("raw")?.trim_start_matches(is_space);
    let behind = match tail.strip_prefix("-%}") {
        Some(behind) => behind.trim_start_matches(is_space),
        None => tail.strip_prefix("%}")?,
    };
    Some(tag.len() - behind.len())
}

fn balance(operator: &str, open: &mut Vec<char>) -> Result<()> {
    match operator {
        "{" => open.push('}'),
        "(" => open.push(')'),
        "[" => open.push(']'),
        "}" | ")" | "]" => match open.pop() {
            None => return syntax(format!("unexpected '{operator}'")),
            Some(expected) if !operator.starts_with(expected) => {
                return syntax(format!("unexpected '{operator}', expected '{expected}'"));
            }
            Some(_) => {}
        },
        _ => {}
    }
    Ok(())
}
