//! Small programs over lists of small numbers: drawn, edited, written as Python.

use std::fmt;

use rand_chacha::ChaCha8Rng;

use crate::draw;

/// List elements and constants are below this; sums wrap at it.
pub const MODULUS: u8 = 20;
/// Elements of a drawn input, smallest and largest number.
pub const INPUT_ELEMENTS: std::ops::RangeInclusive<usize> = 3..=6;
/// Multipliers that permute the numbers below [`MODULUS`], so that no information is lost.
const UNITS: [u8; 4] = [3, 7, 9, 11];

/// `def f(x):`, statements that assign `x` anew, `return x`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program {
    /// In order; never empty.
    pub statements: Vec<Statement>,
}

/// `x = EXPRESSION`, perhaps behind `if len(x) > n:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The statement acts only on lists longer than this.
    pub longer_than: Option<u8>,
    /// What `x` becomes.
    pub expression: Expression,
}

/// What `x` becomes: every expression is total over lists of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expression {
    /// `x[::-1]`
    Reverse,
    /// `sorted(x)`
    Sort,
    /// `sorted(x)[::-1]`
    SortDown,
    /// `x[::2]`
    EverySecond,
    /// `x[k:]`
    Drop(u8),
    /// `x[:k]`
    Take(u8),
    /// `x[k:] + x[:k]`
    Rotate(u8),
    /// `x + x[:1]`
    AppendFirst,
    /// `x + [d]`
    Append(u8),
    /// `[d] + x`
    Prepend(u8),
    /// `x + [len(x)]`
    AppendLength,
    /// `x + [sum(x) % 20]`
    AppendSum,
    /// `[(a + d) % 20 for a in x]`
    Add(u8),
    /// `[(a * d) % 20 for a in x]`
    Multiply(u8),
    /// `[19 - a for a in x]`
    Mirror,
    /// `[a for a in x if a > d]`
    Above(u8),
    /// `[a for a in x if a < d]`
    Below(u8),
    /// `[a for a in x if a % 2 == b]`
    Parity(u8),
    /// `[max(a, d) for a in x]`
    AtLeast(u8),
    /// `[min(a, d) for a in x]`
    AtMost(u8),
}

impl Program {
    /// Draws a program of `n_statements` statements.
    #[must_use]
    pub fn draw(rng: &mut ChaCha8Rng, n_statements: usize) -> Self {
        assert!(0 < n_statements, "a program has at least one statement");
        Self {
            statements: (0..n_statements).map(|_| Statement::draw(rng)).collect(),
        }
    }

    /// One edit away: a statement replaced, inserted, removed, or two swapped. At most `statements_max` statements.
    #[must_use]
    pub fn edited(&self, rng: &mut ChaCha8Rng, statements_max: usize) -> Self {
        let mut statements = self.statements.clone();
        let n = statements.len();
        match below(rng, 4) {
            0 if n < statements_max => statements.insert(below(rng, n + 1), Statement::draw(rng)),
            1 if 1 < n => {
                statements.remove(below(rng, n));
            }
            2 if 1 < n => statements.swap(0, 1 + below(rng, n - 1)),
            _ => statements[below(rng, n)] = Statement::draw(rng),
        }
        Self { statements }
    }
}

impl fmt::Display for Program {
    /// Python source text, without a newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("def f(x):")?;
        for statement in &self.statements {
            write!(f, "\n    {statement}")?;
        }
        f.write_str("\n    return x")
    }
}

impl Statement {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let longer_than = (below(rng, 8) == 0).then(|| 2 + below(rng, 4) as u8);
        Self {
            longer_than,
            expression: Expression::draw(rng),
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(n) = self.longer_than {
            write!(f, "if len(x) > {n}: ")?;
        }
        write!(f, "x = {}", self.expression)
    }
}

impl Expression {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let number = |rng: &mut ChaCha8Rng| below(rng, MODULUS.into()) as u8;
        let middle = |rng: &mut ChaCha8Rng| 4 + below(rng, 12) as u8;
        match below(rng, 22) {
            0 => Self::Reverse,
            1 => Self::Sort,
            2 => Self::SortDown,
            3 => Self::EverySecond,
            4 => Self::Drop(1 + below(rng, 2) as u8),
            5 => Self::Take(2 + below(rng, 3) as u8),
            6 | 7 => Self::Rotate(1 + below(rng, 3) as u8),
            8 => Self::AppendFirst,
            9 => Self::Append(number(rng)),
            10 => Self::Prepend(number(rng)),
            11 => Self::AppendLength,
            12 => Self::AppendSum,
            13 | 14 => Self::Add(1 + below(rng, usize::from(MODULUS) - 1) as u8),
            15 => Self::Multiply(UNITS[below(rng, UNITS.len())]),
            16 => Self::Mirror,
            17 => Self::Above(middle(rng)),
            18 => Self::Below(middle(rng)),
            19 => Self::Parity(below(rng, 2) as u8),
            20 => Self::AtLeast(middle(rng)),
            _ => Self::AtMost(middle(rng)),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Reverse => f.write_str("x[::-1]"),
            Self::Sort => f.write_str("sorted(x)"),
            Self::SortDown => f.write_str("sorted(x)[::-1]"),
            Self::EverySecond => f.write_str("x[::2]"),
            Self::Drop(k) => write!(f, "x[{k}:]"),
            Self::Take(k) => write!(f, "x[:{k}]"),
            Self::Rotate(k) => write!(f, "x[{k}:] + x[:{k}]"),
            Self::AppendFirst => f.write_str("x + x[:1]"),
            Self::Append(d) => write!(f, "x + [{d}]"),
            Self::Prepend(d) => write!(f, "[{d}] + x"),
            Self::AppendLength => f.write_str("x + [len(x)]"),
            Self::AppendSum => write!(f, "x + [sum(x) % {MODULUS}]"),
            Self::Add(d) => write!(f, "[(a + {d}) % {MODULUS} for a in x]"),
            Self::Multiply(d) => write!(f, "[(a * {d}) % {MODULUS} for a in x]"),
            Self::Mirror => write!(f, "[{} - a for a in x]", MODULUS - 1),
            Self::Above(d) => write!(f, "[a for a in x if a > {d}]"),
            Self::Below(d) => write!(f, "[a for a in x if a < {d}]"),
            Self::Parity(b) => write!(f, "[a for a in x if a % 2 == {b}]"),
            Self::AtLeast(d) => write!(f, "[max(a, {d}) for a in x]"),
            Self::AtMost(d) => write!(f, "[min(a, {d}) for a in x]"),
        }
    }
}

/// An index below `n`.
pub(super) fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    draw::below(n as u64, rng) as usize
}

/// Draws an input list.
#[must_use]
pub fn draw_input(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let spread = INPUT_ELEMENTS.end() - INPUT_ELEMENTS.start() + 1;
    let n = INPUT_ELEMENTS.start() + below(rng, spread);
    (0..n).map(|_| below(rng, MODULUS.into()) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn the_same_seed_draws_the_same_programs() {
        let draw = |seed| Program::draw(&mut ChaCha8Rng::seed_from_u64(seed), 4).to_string();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn an_edit_changes_the_statements_by_at_most_one_in_number() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for _ in 0..200 {
            let program = Program::draw(&mut rng, 3);
            let edited = program.edited(&mut rng, 4);
            assert!(
                edited.statements.len().abs_diff(3) <= 1,
                "{program}\n-- became --\n{edited}"
            );
            assert!((1..=4).contains(&edited.statements.len()));
        }
    }
}
