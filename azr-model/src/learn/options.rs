//! How a trainer uses memory.

use crate::{backend::MomentKind, transformer::arena::Keep};

/// What is kept of the forward pass for the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpointing {
    /// Every activation: fastest, and the memory of all blocks.
    None,
    /// The input of every block; the rest is computed again: a third more arithmetic, the memory of one block. The
    /// gradients are the same, bit for bit.
    EveryLayer,
}

/// How a trainer uses memory. None of this changes a log-probability; the micro-batch is part of the order in which
/// gradients are summed, so it changes their last bits, and moments that are rounded change what is learned a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainerOptions {
    /// Tokens of one forward and backward pass; a longer sequence gets a pass of its own.
    pub micro_batch_tokens_max: usize,
    /// What is kept.
    pub checkpointing: Checkpointing,
    /// How the optimizer holds its moments between steps.
    pub moments: MomentKind,
    /// What the draws derive from by which moments are rounded.
    pub seed: u64,
}

impl Checkpointing {
    pub(crate) fn keeps(self) -> Keep {
        match self {
            Self::None => Keep::Everything,
            Self::EveryLayer => Keep::Inputs,
        }
    }
}

impl Default for TrainerOptions {
    fn default() -> Self {
        Self {
            micro_batch_tokens_max: 1024,
            checkpointing: Checkpointing::None,
            moments: MomentKind::F32,
            seed: 0,
        }
    }
}
