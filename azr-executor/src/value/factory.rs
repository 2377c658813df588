//! What a `defaultdict` makes of a missing key: one of the built-in types, or nothing.

/// The factory of a `defaultdict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factory {
    /// `None`: a missing key is an error.
    None,
    /// `bool`.
    Bool,
    /// `dict`.
    Dict,
    /// `float`.
    Float,
    /// `int`.
    Int,
    /// `list`.
    List,
    /// `set`.
    Set,
    /// `str`.
    Str,
    /// `tuple`.
    Tuple,
}

impl Factory {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Bool,
        Self::Dict,
        Self::Float,
        Self::Int,
        Self::List,
        Self::Set,
        Self::Str,
        Self::Tuple,
    ];

    /// Its name in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool => "bool",
            Self::Dict => "dict",
            Self::Float => "float",
            Self::Int => "int",
            Self::List => "list",
            Self::Set => "set",
            Self::Str => "str",
            Self::Tuple => "tuple",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}
