//! What is looked at before a proposal is run, and what is made of what it did.

use azr_executor::value::{Arguments, Value};
use azr_executor::{Denial, Limit, Outcome, Report, syntax};

use crate::grammar::fences;
use crate::task::{Oversize, Rejection};
use crate::workshop::{ENTRY, Workshop};

/// Size and shape of a proposed program: it compiles as far as its text says and defines `f` at its top level.
pub(crate) fn check_program(program: &str, workshop: &Workshop<'_>) -> Result<(), Rejection> {
    let Workshop { standards, .. } = workshop;
    if standards.sizes.program_bytes_max < program.len() {
        return Err(Rejection::TooLarge(Oversize::Program));
    }
    if let Some(denial) = syntax::denial(program, &standards.bans, &standards.limits) {
        return Err(denied(denial));
    }
    if breaks_out_of_a_fence(program) {
        return Err(Rejection::Denied);
    }
    match (
        syntax::defines_function(program, ENTRY),
        syntax::normalized_hash(program),
    ) {
        (true, Some(_)) => Ok(()),
        (_, None) => Err(Rejection::SyntaxError),
        (false, Some(_)) => Err(Rejection::NoEntry),
    }
}

/// A proposed argument list: at least one literal, not too large.
pub(crate) fn check_input(text: &str, workshop: &Workshop<'_>) -> Result<Arguments, Rejection> {
    if workshop.standards.sizes.input_bytes_max < text.len() {
        return Err(Rejection::TooLarge(Oversize::Input));
    }
    let arguments = Arguments::parse(text).map_err(|_| Rejection::NotALiteralInput)?;
    if arguments.positional.is_empty() && arguments.keyword.is_empty() {
        return Err(Rejection::NoArguments);
    }
    Ok(arguments)
}

/// A message to the solver: not too large, and not the program itself.
pub(crate) fn check_message(message: &str, workshop: &Workshop<'_>) -> Result<(), Rejection> {
    if workshop.standards.sizes.message_bytes_max < message.len() {
        return Err(Rejection::TooLarge(Oversize::Message));
    }
    let holds_code =
        message.contains("def f(") || message.contains("lambda ") || message.contains("```");
    if holds_code {
        Err(Rejection::CodeInMessage)
    } else {
        Ok(())
    }
}

/// The output of a job with one input; `None` is nothing to find.
pub(crate) fn first_output(report: Report, workshop: &Workshop<'_>) -> Result<Value, Rejection> {
    let outcome = report
        .outcomes
        .into_iter()
        .next()
        .ok_or(Rejection::Killed)?;
    match output_of(outcome, workshop)? {
        Value::None => Err(Rejection::NothingReturned),
        output => Ok(output),
    }
}

/// The output of one call, if a task can be made of it.
pub(crate) fn output_of(outcome: Outcome, workshop: &Workshop<'_>) -> Result<Value, Rejection> {
    match outcome {
        Outcome::Returned(value)
            if workshop.standards.sizes.output_bytes_max < value.to_string().len() =>
        {
            Err(Rejection::TooLarge(Oversize::Output))
        }
        Outcome::Returned(value) => Ok(value),
        Outcome::Raised(exception) => Err(Rejection::Raised {
            class: exception.class,
        }),
        Outcome::Exceeded(Limit::Cpu | Limit::Wall) => Err(Rejection::Timeout),
        Outcome::Exceeded(Limit::Memory) => Err(Rejection::Memory),
        Outcome::Exceeded(Limit::Output) => Err(Rejection::TooLarge(Oversize::Output)),
        Outcome::Killed { .. } => Err(Rejection::Killed),
        Outcome::Denied(denial) => Err(denied(denial)),
        Outcome::Nondeterministic => Err(Rejection::Nondeterministic),
    }
}

fn denied(denial: Denial) -> Rejection {
    match denial {
        Denial::BannedImport { module } => Rejection::Banned { module },
        Denial::SourceTooLarge { .. } => Rejection::TooLarge(Oversize::Program),
        _ => Rejection::Denied,
    }
}

/// Whether the program, put into a fence, would end that fence. A proposal that was read out of a fence cannot; a seed
/// from a file could.
fn breaks_out_of_a_fence(program: &str) -> bool {
    let fenced = format!("```python\n{program}\n```");
    fences(&fenced)
        .next()
        .is_none_or(|fence| fence.body != program)
}
