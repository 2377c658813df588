//! Kinds of syntax nodes, under the names that CPython's `ast` module gives them.

use ruff_python_ast::{BoolOp, CmpOp, Expr, Operator, Pattern, Stmt, UnaryOp};

/// Writes the enum, the list of its members and their names from one table.
macro_rules! node_kinds {
    ($($kind:ident $name:literal),* $(,)?) => {
        /// A class of node in the syntax tree of CPython 3.11. `Load`, `Store` and `Del` are none here: they say nothing
        /// that their place does not say.
        #[allow(missing_docs, reason = "each is the class of that name in CPython's module ast")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum NodeKind { $($kind),* }

        impl NodeKind {
            /// Every kind, in the order of [`NodeKind::index`].
            pub const ALL: &[NodeKind] = &[$(NodeKind::$kind),*];

            /// The name of the class in `ast`: stable, as `FunctionDef` or `arguments`.
            pub const fn name(self) -> &'static str {
                match self { $(NodeKind::$kind => $name),* }
            }
        }
    };
}

node_kinds! {
    Module "Module",
    FunctionDef "FunctionDef", AsyncFunctionDef "AsyncFunctionDef", ClassDef "ClassDef", Return "Return",
    Delete "Delete", Assign "Assign", TypeAlias "TypeAlias", AugAssign "AugAssign", AnnAssign "AnnAssign",
    For "For", AsyncFor "AsyncFor", While "While", If "If", With "With", AsyncWith "AsyncWith", Match "Match",
    Raise "Raise", Try "Try", TryStar "TryStar", Assert "Assert", Import "Import", ImportFrom "ImportFrom",
    Global "Global", Nonlocal "Nonlocal", Expr "Expr", Pass "Pass", Break "Break", Continue "Continue",
    BoolOp "BoolOp", NamedExpr "NamedExpr", BinOp "BinOp", UnaryOp "UnaryOp", Lambda "Lambda", IfExp "IfExp",
    Dict "Dict", Set "Set", ListComp "ListComp", SetComp "SetComp", DictComp "DictComp",
    GeneratorExp "GeneratorExp", Await "Await", Yield "Yield", YieldFrom "YieldFrom", Compare "Compare",
    Call "Call", FormattedValue "FormattedValue", JoinedStr "JoinedStr", Constant "Constant",
    Attribute "Attribute", Subscript "Subscript", Starred "Starred", Name "Name", List "List", Tuple "Tuple",
    Slice "Slice",
    And "And", Or "Or",
    Add "Add", Sub "Sub", Mult "Mult", MatMult "MatMult", Div "Div", Mod "Mod", Pow "Pow", LShift "LShift",
    RShift "RShift", BitOr "BitOr", BitXor "BitXor", BitAnd "BitAnd", FloorDiv "FloorDiv",
    Invert "Invert", Not "Not", UAdd "UAdd", USub "USub",
    Eq "Eq", NotEq "NotEq", Lt "Lt", LtE "LtE", Gt "Gt", GtE "GtE", Is "Is", IsNot "IsNot", In "In",
    NotIn "NotIn",
    Comprehension "comprehension", ExceptHandler "ExceptHandler", Arguments "arguments", Arg "arg",
    Keyword "keyword", Alias "alias", WithItem "withitem", MatchCase "match_case",
    MatchValue "MatchValue", MatchSingleton "MatchSingleton", MatchSequence "MatchSequence",
    MatchMapping "MatchMapping", MatchClass "MatchClass", MatchStar "MatchStar", MatchAs "MatchAs",
    MatchOr "MatchOr",
}

impl NodeKind {
    /// Position in [`NodeKind::ALL`]. Not stable between versions; the name is.
    pub const fn index(self) -> usize {
        self as usize
    }

    pub(super) fn of_statement(statement: &Stmt) -> Self {
        match statement {
            Stmt::FunctionDef(it) if it.is_async => Self::AsyncFunctionDef,
            Stmt::FunctionDef(_) => Self::FunctionDef,
            Stmt::ClassDef(_) => Self::ClassDef,
            Stmt::Return(_) => Self::Return,
            Stmt::Delete(_) => Self::Delete,
            Stmt::Assign(_) => Self::Assign,
            Stmt::TypeAlias(_) => Self::TypeAlias,
            Stmt::AugAssign(_) => Self::AugAssign,
            Stmt::AnnAssign(_) => Self::AnnAssign,
            Stmt::For(it) if it.is_async => Self::AsyncFor,
            Stmt::For(_) => Self::For,
            Stmt::While(_) => Self::While,
            Stmt::If(_) => Self::If,
            Stmt::With(it) if it.is_async => Self::AsyncWith,
            Stmt::With(_) => Self::With,
            Stmt::Match(_) => Self::Match,
            Stmt::Raise(_) => Self::Raise,
            Stmt::Try(it) if it.is_star => Self::TryStar,
            Stmt::Try(_) => Self::Try,
            Stmt::Assert(_) => Self::Assert,
            Stmt::Import(_) => Self::Import,
            Stmt::ImportFrom(_) => Self::ImportFrom,
            Stmt::Global(_) => Self::Global,
            Stmt::Nonlocal(_) => Self::Nonlocal,
            // Commands of notebooks are syntax errors in a module.
            Stmt::Expr(_) | Stmt::IpyEscapeCommand(_) => Self::Expr,
            Stmt::Pass(_) => Self::Pass,
            Stmt::Break(_) => Self::Break,
            Stmt::Continue(_) => Self::Continue,
        }
    }

    pub(super) fn of_expression(expression: &Expr) -> Self {
        match expression {
            Expr::BoolOp(_) => Self::BoolOp,
            Expr::Named(_) => Self::NamedExpr,
            Expr::BinOp(_) => Self::BinOp,
            Expr::UnaryOp(_) => Self::UnaryOp,
            Expr::Lambda(_) => Self::Lambda,
            Expr::If(_) => Self::IfExp,
            Expr::Dict(_) => Self::Dict,
            Expr::Set(_) => Self::Set,
            Expr::ListComp(_) => Self::ListComp,
            Expr::SetComp(_) => Self::SetComp,
            Expr::DictComp(_) => Self::DictComp,
            Expr::Generator(_) => Self::GeneratorExp,
            Expr::Await(_) => Self::Await,
            Expr::Yield(_) => Self::Yield,
            Expr::YieldFrom(_) => Self::YieldFrom,
            Expr::Compare(_) => Self::Compare,
            Expr::Call(_) => Self::Call,
            // Template strings are a syntax error in Python 3.11.
            Expr::FString(_) | Expr::TString(_) => Self::JoinedStr,
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Self::Constant,
            Expr::Attribute(_) => Self::Attribute,
            Expr::Subscript(_) => Self::Subscript,
            Expr::Starred(_) => Self::Starred,
            Expr::Name(_) => Self::Name,
            Expr::List(_) => Self::List,
            Expr::Tuple(_) => Self::Tuple,
            Expr::Slice(_) => Self::Slice,
        }
    }

    pub(super) fn of_pattern(pattern: &Pattern) -> Self {
        match pattern {
            Pattern::MatchValue(_) => Self::MatchValue,
            Pattern::MatchSingleton(_) => Self::MatchSingleton,
            Pattern::MatchSequence(_) => Self::MatchSequence,
            Pattern::MatchMapping(_) => Self::MatchMapping,
            Pattern::MatchClass(_) => Self::MatchClass,
            Pattern::MatchStar(_) => Self::MatchStar,
            Pattern::MatchAs(_) => Self::MatchAs,
            Pattern::MatchOr(_) => Self::MatchOr,
        }
    }

    pub(super) fn of_bool_operator(operator: BoolOp) -> Self {
        match operator {
            BoolOp::And => Self::And,
            BoolOp::Or => Self::Or,
        }
    }

    pub(super) fn of_unary_operator(operator: UnaryOp) -> Self {
        match operator {
            UnaryOp::Invert => Self::Invert,
            UnaryOp::Not => Self::Not,
            UnaryOp::UAdd => Self::UAdd,
            UnaryOp::USub => Self::USub,
        }
    }

    pub(super) fn of_binary_operator(operator: Operator) -> Self {
        match operator {
            Operator::Add => Self::Add,
            Operator::Sub => Self::Sub,
            Operator::Mult => Self::Mult,
            Operator::MatMult => Self::MatMult,
            Operator::Div => Self::Div,
            Operator::Mod => Self::Mod,
            Operator::Pow => Self::Pow,
            Operator::LShift => Self::LShift,
            Operator::RShift => Self::RShift,
            Operator::BitOr => Self::BitOr,
            Operator::BitXor => Self::BitXor,
            Operator::BitAnd => Self::BitAnd,
            Operator::FloorDiv => Self::FloorDiv,
        }
    }

    pub(super) fn of_comparison(operator: CmpOp) -> Self {
        match operator {
            CmpOp::Eq => Self::Eq,
            CmpOp::NotEq => Self::NotEq,
            CmpOp::Lt => Self::Lt,
            CmpOp::LtE => Self::LtE,
            CmpOp::Gt => Self::Gt,
            CmpOp::GtE => Self::GtE,
            CmpOp::Is => Self::Is,
            CmpOp::IsNot => Self::IsNot,
            CmpOp::In => Self::In,
            CmpOp::NotIn => Self::NotIn,
        }
    }
}
