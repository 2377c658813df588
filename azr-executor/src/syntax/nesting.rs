//! Bounds the depth of a syntax tree by its tokens, before the tree exists.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Depth beyond which a program is refused. CPython's own compiler gives up at about 3,000.
pub(super) const DEPTH_MAX: usize = 6_000;

/// Open brackets at one place; the CPython tokenizer refuses more.
const BRACKETS_MAX: usize = 200;

/// Levels of statements per level of indentation: a compound statement, its clause, its body.
const LEVELS_PER_INDENT: usize = 3;

/// An upper bound of the depth of the tree; none when it is beyond the limits.
///
/// A tree is at most as deep as its line is indented, plus, for each bracket open at a place, the tokens since the last
/// separator inside that bracket: each level of an expression takes at least one token there. A closing bracket counts
/// only when it closes the innermost open one, so on broken text the bound errs upward.
pub(super) fn depth_bound(program: &str) -> Option<usize> {
    let mut lexer = lexer::lex(program, Mode::Module);
    let mut open: Vec<(TokenKind, usize)> = Vec::new();
    let (mut indents, mut here, mut around, mut bound) = (0_usize, 0_usize, 0_usize, 0_usize);
    loop {
        let kind = lexer.next_token();
        match kind {
            TokenKind::EndOfFile => return Some(bound),
            TokenKind::Comment | TokenKind::NonLogicalNewline => continue,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi => {
                open.clear();
                (here, around) = (0, 0);
            }
            TokenKind::Comma => here = 0,
            _ => here += 1,
        }
        if let Some(closer) = closer(kind) {
            open.push((closer, here));
            around += here;
            here = 0;
            if BRACKETS_MAX < open.len() {
                return None;
            }
        } else if open.last().is_some_and(|(closer, _)| *closer == kind)
            && let Some((_, before)) = open.pop()
        {
            around -= before;
            here = before + 1;
        }
        bound = bound.max(indents * LEVELS_PER_INDENT + around + here);
        if DEPTH_MAX < bound {
            return None;
        }
    }
}

fn closer(kind: TokenKind) -> Option<TokenKind> {
    match kind {
        TokenKind::Lpar => Some(TokenKind::Rpar),
        TokenKind::Lsqb => Some(TokenKind::Rsqb),
        TokenKind::Lbrace => Some(TokenKind::Rbrace),
        TokenKind::FStringStart => Some(TokenKind::FStringEnd),
        TokenKind::TStringStart => Some(TokenKind::TStringEnd),
        _ => None,
    }
}
