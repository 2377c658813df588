//! From a proposer's response to a task or a reason: the checks in the one order in which they are made.

use azr_executor::SandboxError;

use crate::kind::TaskKind;
use crate::novelty::NoveltyFilter;
use crate::references::References;
use crate::task::Validation;
use crate::workshop::Workshop;

/// Reads a proposal (`text` is prefill and response together), refuses what is copied or held out, and runs the rest.
/// What the buffer already has is refused later, by [`crate::Buffers::admit`], which sees proposals in order.
///
/// # Errors
/// Only when the sandbox itself failed.
pub fn judge_proposal(
    kind: TaskKind,
    text: &str,
    references: &References,
    novelty: &NoveltyFilter,
    workshop: &Workshop<'_>,
) -> Result<Validation, SandboxError> {
    let rules = kind.rules();
    let proposal = match rules.read_proposal(text, references, &workshop.standards.grammar) {
        Ok(proposal) => proposal,
        Err(malformed) => return Ok(Validation::Rejected(malformed.into())),
    };
    match novelty.check(&proposal, references) {
        Ok(()) => rules.validate(proposal, workshop),
        Err(rejection) => Ok(Validation::Rejected(rejection)),
    }
}
