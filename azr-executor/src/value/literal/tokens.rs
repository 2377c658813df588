//! Looks at the tokens of a literal before anything is parsed.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

use super::LiteralError;

/// Open brackets at one place, as in the CPython tokenizer. Calls such as `frozenset({` open two for one level.
const BRACKETS_MAX: usize = 200;

/// Signs between two separators: `-1-2j` has two.
const SIGNS_MAX: usize = 8;

/// Refuses every token that no literal has, and bounds the depth of what is left, so that the parser and the syntax tree
/// stay shallow whatever the text is. Gives the number of bracket groups at the outermost level.
pub(super) fn check(text: &str) -> Result<usize, LiteralError> {
    let mut lexer = lexer::lex(text, Mode::Expression);
    let mut open: Vec<TokenKind> = Vec::new();
    let (mut signs, mut groups) = (0, 0);
    let (mut previous, mut before_previous) = (TokenKind::Comma, TokenKind::Comma);
    loop {
        let kind = lexer.next_token();
        match kind {
            TokenKind::EndOfFile => break,
            TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment => continue,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                check_bracket_position(kind, previous)?;
                open.push(kind);
                if BRACKETS_MAX < open.len() {
                    return Err(LiteralError::TooDeep);
                }
                signs = 0;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                if open.pop().and_then(closer) != Some(kind) {
                    return Err(LiteralError::Unbalanced);
                }
                groups += usize::from(open.is_empty());
            }
            TokenKind::Comma | TokenKind::Colon | TokenKind::Equal => signs = 0,
            TokenKind::Plus | TokenKind::Minus => {
                signs += 1;
                if SIGNS_MAX < signs {
                    return Err(LiteralError::TooDeep);
                }
            }
            TokenKind::Name | TokenKind::True | TokenKind::False | TokenKind::None => {}
            TokenKind::Ellipsis => {}
            // A module's name before the name of a type, and no chain of them.
            TokenKind::Dot if previous == TokenKind::Name && before_previous != TokenKind::Dot => {}
            TokenKind::Int | TokenKind::Float | TokenKind::Complex | TokenKind::String => {}
            _ => {
                return Err(LiteralError::NotLiteral {
                    construct: describe(kind),
                });
            }
        }
        (before_previous, previous) = (previous, kind);
    }
    if open.is_empty() {
        Ok(groups)
    } else {
        Err(LiteralError::Unbalanced)
    }
}

/// A bracket after a value would be a call or an index; only a name may be called.
fn check_bracket_position(bracket: TokenKind, previous: TokenKind) -> Result<(), LiteralError> {
    let called = bracket == TokenKind::Lpar && previous == TokenKind::Name;
    let starts = matches!(
        previous,
        TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equal
            | TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
    );
    if called || starts {
        Ok(())
    } else {
        Err(LiteralError::NotLiteral {
            construct: "a call or an index",
        })
    }
}

fn closer(bracket: TokenKind) -> Option<TokenKind> {
    match bracket {
        TokenKind::Lpar => Some(TokenKind::Rpar),
        TokenKind::Lsqb => Some(TokenKind::Rsqb),
        TokenKind::Lbrace => Some(TokenKind::Rbrace),
        _ => None,
    }
}

fn describe(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::FStringStart | TokenKind::TStringStart => "a formatted string",
        TokenKind::Dot => "an attribute",
        TokenKind::Lambda => "a function",
        TokenKind::Star | TokenKind::DoubleStar => "a product, a power or an unpacking",
        TokenKind::Unknown => "an unreadable character or an unclosed string",
        kind if kind.is_keyword() => "a keyword",
        _ => "an operator",
    }
}
