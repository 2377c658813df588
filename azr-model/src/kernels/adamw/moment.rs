//! How the moments of every weight are held: as they are, or rounded to 16 or 8 bits with a place to come back from.

use std::{borrow::Cow, collections::TryReserveError};

use serde::{Deserialize, Serialize};

/// Weights that share a scale in [`MomentKind::Float8`].
pub(crate) const BLOCK: usize = 256;

/// How moments are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MomentKind {
    /// 32 bits: 8 bytes a weight for both.
    #[default]
    F32,
    /// 16 bits, rounded up or down by a draw: 4 bytes a weight.
    Bf16,
    /// 8 bits and an f32 scale for each block of 256 weights, rounded up or down by a draw: 2 bytes a weight. The first
    /// moment has a sign, 4 bits of exponent and 3 of fraction, the root of the second 4 and 4.
    Float8,
}

impl MomentKind {
    /// Weights that share a scale in [`Self::Float8`].
    pub const BLOCK: usize = BLOCK;
    /// Every kind, the most exact first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Float8];

    /// As run files say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Float8 => "float8",
        }
    }

    /// Bytes of one moment of so many weights.
    #[must_use]
    pub fn bytes(self, elements: usize) -> usize {
        match self {
            Self::F32 => 4 * elements,
            Self::Bf16 => 2 * elements,
            Self::Float8 => elements + 4 * elements.div_ceil(BLOCK),
        }
    }
}

/// One moment of every weight, in the order of the layout, on the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment<'a> {
    /// As it is.
    F32(Cow<'a, [f32]>),
    /// Rounded.
    Narrow(Narrow<'a>),
}

/// One moment of every weight, rounded, on the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Narrow<'a> {
    /// bfloat16.
    Bf16(Cow<'a, [u16]>),
    /// Float8, and the scale of each block.
    Float8 {
        /// One byte a weight.
        codes: Cow<'a, [u8]>,
        /// One for each block of 256 weights.
        scales: Cow<'a, [f32]>,
    },
}

/// The kinds that round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NarrowKind {
    /// bfloat16.
    Bf16,
    /// Float8 in blocks.
    Float8,
}

impl Moment<'_> {
    /// How it is held.
    #[must_use]
    pub fn kind(&self) -> MomentKind {
        match self {
            Self::F32(_) => MomentKind::F32,
            Self::Narrow(Narrow::Bf16(_)) => MomentKind::Bf16,
            Self::Narrow(Narrow::Float8 { .. }) => MomentKind::Float8,
        }
    }

    /// Number of weights.
    #[must_use]
    pub fn elements(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Narrow(Narrow::Bf16(values)) => values.len(),
            Self::Narrow(Narrow::Float8 { codes, .. }) => codes.len(),
        }
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Moment<'static> {
        match self {
            Self::F32(values) => Moment::F32(values.into_owned().into()),
            Self::Narrow(narrow) => Moment::Narrow(narrow.into_owned()),
        }
    }
}

impl Narrow<'static> {
    /// Zeros.
    pub(crate) fn zeros(kind: NarrowKind, elements: usize) -> Result<Self, TryReserveError> {
        Ok(match kind {
            NarrowKind::Bf16 => Self::Bf16(zeros(elements)?.into()),
            NarrowKind::Float8 => Self::Float8 {
                codes: zeros(elements)?.into(),
                scales: zeros(elements.div_ceil(BLOCK))?.into(),
            },
        })
    }
}

impl<'a> Narrow<'a> {
    /// The same, borrowed.
    pub(crate) fn borrowed(&'a self) -> Self {
        match self {
            Self::Bf16(values) => Self::Bf16(Cow::Borrowed(values)),
            Self::Float8 { codes, scales } => Self::Float8 {
                codes: Cow::Borrowed(codes),
                scales: Cow::Borrowed(scales),
            },
        }
    }

    fn into_owned(self) -> Narrow<'static> {
        match self {
            Self::Bf16(values) => Narrow::Bf16(values.into_owned().into()),
            Self::Float8 { codes, scales } => Narrow::Float8 {
                codes: codes.into_owned().into(),
                scales: scales.into_owned().into(),
            },
        }
    }
}

fn zeros<T: Copy + Default>(elements: usize) -> Result<Vec<T>, TryReserveError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(elements)?;
    zeros.resize(elements, T::default());
    Ok(zeros)
}
