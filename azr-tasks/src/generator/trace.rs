//! Runs drawn programs in a sandbox, many in one job, and keeps what `x` was after every statement.

use std::fmt::Write as _;

use azr_executor::value::{Arguments, Value};
use azr_executor::{Bans, Job, Limits, Outcome, Sandbox, SandboxError, Scrutiny};

use super::program::Program;
use crate::kind::TaskKind;

/// Programs of one job: bounds the source text below the sandbox's limit (a program takes at most about 500 bytes).
pub const PROGRAMS_PER_JOB_MAX: usize = 100;

/// A program, an input, and every state that followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// The program.
    pub program: Program,
    /// `x` at the start.
    pub input: Vec<u8>,
    /// `x` after each statement; the last one is the output.
    pub states: Vec<Vec<u8>>,
}

impl Worked {
    /// What the program returned.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.states.last().map_or(&self.input, |state| state)
    }
}

/// Why programs could not be run.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The sandbox failed.
    #[error("generated programs could not be run")]
    Sandbox(#[from] SandboxError),
    /// A generated program did something other than return: a defect of the generator or an overloaded machine.
    #[error(
        "a job of generated programs ended in {0:?} and not in a value; is the machine out of time or memory?"
    )]
    Outcome(Outcome),
    /// The answer of the sandbox does not have the shape of the question.
    #[error("the sandbox answered a job of generated programs with another shape than asked for")]
    Shape,
    /// Programs of the asked lengths are used up.
    #[error(
        "only {found} of {wanted} different programs for {kind} were found; ask for fewer tasks or for programs of more, but not many, statements"
    )]
    TooFew {
        /// Tasks of which kind.
        kind: TaskKind,
        /// How many there were.
        found: usize,
        /// How many were asked for.
        wanted: usize,
    },
    /// Programs of the asked lengths are all held out, or none of them teaches anything.
    #[error(
        "no lesson was found among {drawn} programs; hold fewer tasks out, or let lessons have programs of more statements"
    )]
    NoLesson {
        /// How many were looked at in a row.
        drawn: usize,
    },
}

/// Runs each program on its input.
///
/// # Errors
/// [`WorkError`] when a job does not come back with the states of every program.
pub fn work(
    sandbox: &dyn Sandbox,
    pairs: Vec<(Program, Vec<u8>)>,
) -> Result<Vec<Worked>, WorkError> {
    let mut worked = Vec::with_capacity(pairs.len());
    for chunk in pairs.chunks(PROGRAMS_PER_JOB_MAX) {
        let states = run(sandbox, chunk)?;
        worked.extend(
            chunk
                .iter()
                .cloned()
                .zip(states)
                .map(|((program, input), states)| Worked {
                    program,
                    input,
                    states,
                }),
        );
    }
    Ok(worked)
}

fn run(
    sandbox: &dyn Sandbox,
    pairs: &[(Program, Vec<u8>)],
) -> Result<Vec<Vec<Vec<u8>>>, WorkError> {
    let inputs = pairs.iter().map(|(_, input)| to_value(input)).collect();
    let job = Job {
        program: source(pairs),
        entry: "f".into(),
        inputs: vec![Arguments {
            positional: vec![Value::List(inputs)],
            keyword: Vec::new(),
        }],
        scrutiny: Scrutiny::Run,
        bans: Bans::default(),
        limits: Limits::default(),
    };
    let mut report = sandbox.run(&job)?;
    let value = match report.outcomes.pop() {
        Some(Outcome::Returned(value)) => value,
        Some(other) => return Err(WorkError::Outcome(other)),
        None => return Err(WorkError::Shape),
    };
    let traces: Vec<Vec<Vec<u8>>> = elements(&value)?
        .iter()
        .map(|trace| elements(trace)?.iter().map(to_bytes).collect())
        .collect::<Result<_, _>>()?;
    let complete = traces.len() == pairs.len()
        && traces
            .iter()
            .zip(pairs)
            .all(|(trace, (program, _))| trace.len() == program.statements.len());
    if complete {
        Ok(traces)
    } else {
        Err(WorkError::Shape)
    }
}

/// One module: a function per program that returns the states, and `f`, which calls them all.
fn source(pairs: &[(Program, Vec<u8>)]) -> String {
    let mut text = String::new();
    for (idx, (program, _)) in pairs.iter().enumerate() {
        let _ = write!(text, "def p{idx}(x):\n s = []\n");
        for statement in &program.statements {
            let _ = write!(text, " {statement}\n s.append(x)\n");
        }
        text.push_str(" return s\n");
    }
    let names = (0..pairs.len())
        .map(|idx| format!("p{idx}"))
        .collect::<Vec<_>>()
        .join(", ");
    let _ = write!(
        text,
        "def f(xs):\n return [p(x) for p, x in zip([{names}], xs)]\n"
    );
    text
}

/// A list of numbers as a Python value.
#[must_use]
pub fn to_value(list: &[u8]) -> Value {
    Value::List(list.iter().map(|&n| Value::Int(n.into())).collect())
}

fn elements(value: &Value) -> Result<&[Value], WorkError> {
    match value {
        Value::List(items) => Ok(items),
        _ => Err(WorkError::Shape),
    }
}

fn to_bytes(value: &Value) -> Result<Vec<u8>, WorkError> {
    let byte = |item: &Value| match item {
        Value::Int(n) => u8::try_from(n).map_err(|_| WorkError::Shape),
        _ => Err(WorkError::Shape),
    };
    elements(value)?.iter().map(byte).collect()
}
