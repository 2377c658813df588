//! What a template says, as a tree. Names know where their values will stand.

use num_bigint::BigInt;
use std::sync::Arc;

/// A statement and its line.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) kind: StatementKind,
}

pub(super) type Block = Vec<Statement>;

#[derive(Debug)]
pub(super) enum StatementKind {
    Text(Arc<str>),
    Print(Expr),
    /// Branches with their conditions, and what stands after `else`.
    If(Vec<(Expr, Block)>, Block),
    For(Arc<ForLoop>),
    Set(Target, Expr),
    SetBlock(SetBlock),
    With(With),
    Macro(MacroStore, Arc<Macro>),
    Call(Arc<Macro>, CallKind),
    Filter(FilterBlock),
    Break,
    Continue,
}

/// Where a variable stands: so many frames out, at this place there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) up: u32,
    pub(super) index: u32,
}

/// How a variable of a frame begins.
#[derive(Debug, Clone)]
pub(super) enum Load {
    /// It is given by whoever makes the frame.
    Parameter,
    /// It has no value yet.
    Undefined,
    /// It is looked up among the variables that the template was given.
    Resolve(Arc<str>),
    /// It begins as an outer variable is, which stands here as seen from the new frame.
    Alias(Slot),
}

/// The variables of a frame.
pub(super) type Layout = Vec<Load>;

#[derive(Debug)]
pub(super) struct Name {
    pub(super) name: Arc<str>,
    pub(super) slot: Slot,
}

/// What can be assigned to.
#[derive(Debug)]
pub(super) enum Target {
    Name(Name),
    /// `namespace.attribute`.
    Attribute(Name, Arc<str>),
    Tuple(Vec<Target>),
}

#[derive(Debug)]
pub(super) struct ForLoop {
    pub(super) target: Target,
    pub(super) iterable: Expr,
    pub(super) filter: Option<LoopFilter>,
    pub(super) is_recursive: bool,
    pub(super) body: Block,
    pub(super) otherwise: Block,
    /// Where `loop` stands in the body's frame, if it is used.
    pub(super) loop_slot: Option<u32>,
    pub(super) body_layout: Layout,
    pub(super) otherwise_layout: Layout,
}

/// `if` at the head of a loop.
#[derive(Debug)]
pub(super) struct LoopFilter {
    pub(super) target: Target,
    pub(super) test: Expr,
    pub(super) layout: Layout,
}

#[derive(Debug)]
pub(super) struct SetBlock {
    pub(super) target: Target,
    pub(super) filter: Option<Expr>,
    pub(super) body: Block,
    pub(super) layout: Layout,
}

#[derive(Debug)]
pub(super) struct With {
    pub(super) targets: Vec<Target>,
    pub(super) values: Vec<Expr>,
    pub(super) body: Block,
    pub(super) layout: Layout,
}

#[derive(Debug)]
pub(super) struct FilterBlock {
    pub(super) filter: Expr,
    pub(super) body: Block,
    pub(super) layout: Layout,
}

/// Where a macro is stored.
#[derive(Debug)]
pub(super) struct MacroStore(pub(super) Name);

/// A macro, or the body of a call block.
#[derive(Debug)]
pub(super) struct Macro {
    /// Call blocks have none.
    pub(super) name: Option<Arc<str>>,
    pub(super) parameters: Vec<Name>,
    /// Of the last parameters.
    pub(super) defaults: Vec<Expr>,
    pub(super) body: Block,
    pub(super) layout: Layout,
    pub(super) special: Special,
}

/// Where the variables stand that a macro gets when it uses them.
#[derive(Debug, Default, Clone)]
pub(super) struct Special {
    pub(super) uses_caller: bool,
    /// None if `caller` is a parameter of its own.
    pub(super) caller: Option<u32>,
    pub(super) kwargs: Option<u32>,
    pub(super) varargs: Option<u32>,
}

/// Who is given the body of a call block.
#[derive(Debug)]
pub(super) enum CallKind {
    /// `{% call f() %}`.
    Function(Box<Expr>, Arguments),
    /// `{% generation %}`.
    Generation,
}

#[derive(Debug)]
pub(super) enum Expr {
    Const(Const),
    Name(Name),
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Sign(Sign, Box<Expr>),
    Binary(Operator, Box<(Expr, Expr)>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    Concat(Vec<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// Condition, value, other value.
    Cond(Box<(Expr, Expr)>, Option<Box<Expr>>),
    Attribute(Box<Expr>, Arc<str>),
    Item(Box<(Expr, Expr)>),
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>),
    Call(Box<Expr>, Arguments),
    /// Without a value, what the block around it wrote.
    Filter(Option<Box<Expr>>, Arc<str>, Arguments),
    Test(Box<Expr>, Arc<str>, Arguments),
}

#[derive(Debug, Clone)]
pub(super) enum Const {
    None,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Str(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// What stands between the parentheses of a call.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Expr>,
    pub(super) keyword: Vec<(Arc<str>, Expr)>,
    pub(super) starred: Option<Box<Expr>>,
    pub(super) double_starred: Option<Box<Expr>>,
}

impl Arguments {
    /// All expressions between the parentheses.
    pub(super) fn all(&mut self) -> Vec<&mut Expr> {
        let keyword = self.keyword.iter_mut().map(|(_, value)| value);
        let starred = self.starred.iter_mut().map(|it| &mut **it);
        let double_starred = self.double_starred.iter_mut().map(|it| &mut **it);
        self.positional
            .iter_mut()
            .chain(keyword)
            .chain(starred)
            .chain(double_starred)
            .collect()
    }
}

impl Expr {
    /// The expressions that this one is made of.
    pub(super) fn children(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Const(_) | Self::Name(_) => Vec::new(),
            Self::Tuple(items) | Self::List(items) | Self::Concat(items) => {
                items.iter_mut().collect()
            }
            Self::Dict(items) => items.iter_mut().flat_map(|(key, it)| [key, it]).collect(),
            Self::Not(value) | Self::Sign(_, value) | Self::Attribute(value, _) => vec![value],
            Self::Binary(_, pair) | Self::And(pair) | Self::Or(pair) | Self::Item(pair) => {
                vec![&mut pair.0, &mut pair.1]
            }
            Self::Compare(first, links) => {
                let links = links.iter_mut().map(|(_, it)| it);
                std::iter::once(&mut **first).chain(links).collect()
            }
            Self::Cond(pair, otherwise) => {
                let otherwise = otherwise.iter_mut().map(|it| &mut **it);
                [&mut pair.0, &mut pair.1]
                    .into_iter()
                    .chain(otherwise)
                    .collect()
            }
            Self::Slice(value, bounds) => std::iter::once(&mut **value)
                .chain(bounds.iter_mut().flatten())
                .collect(),
            Self::Call(value, arguments) | Self::Test(value, _, arguments) => {
                std::iter::once(&mut **value)
                    .chain(arguments.all())
                    .collect()
            }
            Self::Filter(value, _, arguments) => value
                .iter_mut()
                .map(|it| &mut **it)
                .chain(arguments.all())
                .collect(),
        }
    }
}
