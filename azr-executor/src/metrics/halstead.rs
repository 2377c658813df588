//! Halstead's counts of operators and operands, and the measures that follow from them.

use std::collections::{HashMap, HashSet};

use num_bigint::{BigInt, BigUint};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ModModule, Number, Stmt};
use serde::Serialize;

use super::node::NodeKind;
use crate::value::{Value, literal_number};

/// Seconds of thought per unit of effort are one in this many (Stroud's number, as Halstead took it).
const EFFORT_PER_SECOND: f64 = 18.0;

/// Volume that holds one error, bits.
const VOLUME_PER_BUG: f64 = 3_000.0;

/// Halstead's measures (Elements of Software Science, 1977) of a whole program by the rules of radon 6.0.1.
///
/// Operators are those of arithmetic, logic and comparison, also in augmented assignments; operands are what they are
/// applied to. Calls, assignments, subscripts and keywords count as nothing, nor do decorators, parameters and
/// annotations of functions. Operators are the same when they are of the same kind, operands when they have the same
/// name, attribute or constant within functions of one name: the number 1 is 1.0 and `True`, the name `x` is the text
/// `'x'` and the attribute `.x`; every other expression is like no other. Lone surrogates in texts are alike, since
/// text has none in Rust; radon keeps them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Halstead {
    /// Different operators, η₁ (radon: `h1`).
    pub distinct_operators: u64,
    /// Different operands, η₂ (radon: `h2`).
    pub distinct_operands: u64,
    /// Occurrences of operators, N₁.
    pub operators: u64,
    /// Occurrences of operands, N₂.
    pub operands: u64,
}

impl Halstead {
    pub(super) fn of_module(module: &ModModule) -> Self {
        let mut counter = Counter::default();
        counter.visit_body(&module.body);
        Halstead {
            distinct_operators: counter.kinds.len() as u64,
            distinct_operands: counter.named.len() as u64 + counter.unnamed,
            operators: counter.operators,
            operands: counter.operands,
        }
    }

    /// η = η₁ + η₂, words.
    pub fn vocabulary(&self) -> u64 {
        self.distinct_operators + self.distinct_operands
    }

    /// N = N₁ + N₂, words.
    pub fn length(&self) -> u64 {
        self.operators + self.operands
    }

    /// η₁ log₂ η₁ + η₂ log₂ η₂, words; 0 without operators or operands.
    pub fn calculated_length(&self) -> f64 {
        if self.distinct_operators == 0 || self.distinct_operands == 0 {
            return 0.0;
        }
        let words = |distinct: u64| distinct as f64 * binary_logarithm(distinct);
        words(self.distinct_operators) + words(self.distinct_operands)
    }

    /// V = N log₂ η, bits.
    pub fn volume(&self) -> f64 {
        match self.vocabulary() {
            0 => 0.0,
            vocabulary => self.length() as f64 * binary_logarithm(vocabulary),
        }
    }

    /// D = (η₁ / 2) (N₂ / η₂), without unit.
    pub fn difficulty(&self) -> f64 {
        match self.distinct_operands {
            0 => 0.0,
            distinct => (self.distinct_operators * self.operands) as f64 / (2 * distinct) as f64,
        }
    }

    /// E = D V, elementary discriminations.
    pub fn effort(&self) -> f64 {
        self.difficulty() * self.volume()
    }

    /// T = E / 18, seconds.
    pub fn time_seconds(&self) -> f64 {
        self.effort() / EFFORT_PER_SECOND
    }

    /// B = V / 3000, errors to expect.
    pub fn bugs(&self) -> f64 {
        self.volume() / VOLUME_PER_BUG
    }
}

/// A quotient of natural logarithms, as radon takes it: the last bit differs from `log2`.
fn binary_logarithm(number: u64) -> f64 {
    (number as f64).ln() / 2_f64.ln()
}

#[derive(Default)]
struct Counter<'ast> {
    /// The name of the innermost function, by its place among the names of functions: 0 is outside of all.
    function: usize,
    /// Numbered so that a long name is read once and not with every operand.
    functions: HashMap<&'ast str, usize>,
    operators: u64,
    operands: u64,
    kinds: HashSet<NodeKind>,
    named: HashSet<(usize, Operand<'ast>)>,
    /// Operands that are like no other.
    unnamed: u64,
}

impl<'ast> Counter<'ast> {
    fn operator(&mut self, kind: NodeKind) {
        self.operators += 1;
        self.kinds.insert(kind);
    }

    fn operand(&mut self, expression: &'ast Expr) {
        self.operands += 1;
        match Operand::of(expression) {
            Some(operand) => {
                self.named.insert((self.function, operand));
            }
            None => self.unnamed += 1,
        }
    }
}

impl<'ast> Visitor<'ast> for Counter<'ast> {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                let around = self.function;
                let next = self.functions.len() + 1;
                self.function = *self.functions.entry(function.name.as_str()).or_insert(next);
                self.visit_body(&function.body);
                self.function = around;
                return;
            }
            Stmt::AugAssign(assigned) => {
                self.operator(NodeKind::of_binary_operator(assigned.op));
                self.operand(&assigned.target);
                self.operand(&assigned.value);
            }
            _ => {}
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::BinOp(binary) => {
                self.operator(NodeKind::of_binary_operator(binary.op));
                self.operand(&binary.left);
                self.operand(&binary.right);
            }
            Expr::UnaryOp(unary) => {
                self.operator(NodeKind::of_unary_operator(unary.op));
                self.operand(&unary.operand);
            }
            Expr::BoolOp(chain) => {
                self.operator(NodeKind::of_bool_operator(chain.op));
                chain.values.iter().for_each(|value| self.operand(value));
            }
            Expr::Compare(compared) => {
                for operator in &compared.ops {
                    self.operator(NodeKind::of_comparison(*operator));
                }
                self.operand(&compared.left);
                compared.comparators.iter().for_each(|it| self.operand(it));
            }
            _ => {}
        }
        visitor::walk_expr(self, expression);
    }
}

/// What makes an operand the same as another: Python's equality of names and constants.
#[derive(PartialEq, Eq, Hash)]
enum Operand<'ast> {
    Text(&'ast str),
    Bytes(Vec<u8>),
    Integer(u64),
    Large(BigInt),
    /// No integer; the bits of the real and the imaginary part.
    Fraction(u64, u64),
    Nothing,
    Ellipsis,
}

impl<'ast> Operand<'ast> {
    fn of(expression: &'ast Expr) -> Option<Self> {
        match expression {
            Expr::Name(name) => Some(Self::Text(name.id.as_str())),
            Expr::Attribute(attribute) => Some(Self::Text(attribute.attr.as_str())),
            Expr::StringLiteral(literal) => Some(Self::Text(literal.value.to_str())),
            Expr::BytesLiteral(literal) => Some(Self::Bytes(literal.value.bytes().collect())),
            Expr::NumberLiteral(literal) => Self::number(&literal.value),
            Expr::BooleanLiteral(literal) => Some(Self::Integer(u64::from(literal.value))),
            Expr::NoneLiteral(_) => Some(Self::Nothing),
            Expr::EllipsisLiteral(_) => Some(Self::Ellipsis),
            _ => None,
        }
    }

    /// None for an integer that CPython refuses to read.
    fn number(number: &Number) -> Option<Self> {
        match number {
            Number::Int(int) => match int.as_u64() {
                Some(small) => Some(Self::Integer(small)),
                None => match literal_number(number) {
                    Ok(Value::Int(large)) => Some(Self::Large(large)),
                    _ => None,
                },
            },
            Number::Float(float) => Some(Self::float(*float)),
            Number::Complex { real, imag } if *imag == 0.0 => Some(Self::float(*real)),
            Number::Complex { real, imag } => Some(Self::Fraction(real.to_bits(), imag.to_bits())),
        }
    }

    /// Literals have no sign. A float beyond 2⁶⁴ is an integer: its 53 bits, shifted.
    fn float(float: f64) -> Self {
        const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;
        const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
        if 0.0 < float.fract() || float.is_infinite() {
            Self::Fraction(float.to_bits(), 0)
        } else if float < BEYOND_U64 {
            Self::Integer(float as u64)
        } else {
            let (exponent, fraction) = (
                float.to_bits() >> FRACTION_BITS,
                float.to_bits() & ((1 << FRACTION_BITS) - 1),
            );
            let bias = f64::MAX_EXP as u64 - 1 + u64::from(FRACTION_BITS);
            let integer = BigUint::from(fraction | 1 << FRACTION_BITS) << (exponent - bias);
            Self::Large(BigInt::from(integer))
        }
    }
}
