//! One line of output: what came of a job.

use azr_executor::value::LiteralError;
use azr_executor::{
    Arguments, Denial, Job, Limit, Outcome, Python, Report, Sandbox, SandboxError, Scrutiny, Value,
    syntax,
};
use serde::Serialize;

use super::job::{InputsAre, JobLine, Mode};
use crate::json_object::{Id, Refusal};

/// What came of a job.
#[derive(Debug, Serialize)]
pub struct Verdict {
    id: Id,
    /// The first that is not ok, or ok.
    status: &'static str,
    statuses: Vec<&'static str>,
    outputs: Vec<Option<String>>,
    error: Option<ErrorFound>,
    r#match: Vec<Option<bool>>,
    detail: String,
    backend: &'static str,
    /// Isolation layers that this host refuses.
    missing: Vec<&'static str>,
    micros: u64,
}

/// What a program raised.
#[derive(Debug, Serialize)]
struct ErrorFound {
    class: String,
    message: String,
}

/// What came of one input: an outcome of the sandbox, or the reason why it never got there.
enum Answer {
    Ran(Outcome),
    Refused(String),
}

/// The function that evaluates an expression input inside the sandbox. Two underscores on each side keep it apart from
/// what programs define.
const EVALUATING_ENTRY: &str = "__azr_call__";

/// How long a job may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A few milliseconds.
    Brief,
    /// As long as its limits permit.
    Whole,
}

/// A sandbox and how long it is waited for.
#[derive(Clone, Copy)]
struct Runner<'a> {
    sandbox: &'a Python,
    pace: Pace,
}

impl Runner<'_> {
    /// None when the job was to be brief and was not.
    fn run(self, job: &Job) -> Result<Option<Report>, SandboxError> {
        match self.pace {
            Pace::Brief => self.sandbox.run_if_brief(job),
            Pace::Whole => self.sandbox.run(job).map(Some),
        }
    }
}

/// One answer for each input, and the time it took, microseconds.
type Answers = (Vec<Answer>, u64);

impl Verdict {
    /// Runs a job and compares what it gives with what is expected or predicted. None when it was to be brief and was not.
    ///
    /// # Errors
    /// When the sandbox failed. Whatever the program did is in the verdict.
    pub fn of(
        line: &JobLine,
        mode: Mode,
        sandbox: &Python,
        pace: Pace,
    ) -> Result<Option<Self>, SandboxError> {
        let runner = Runner { sandbox, pace };
        let guessed_input = (mode == Mode::Predict)
            .then_some(line.predicted_input.as_deref())
            .flatten();
        let inputs: Vec<&str> = match guessed_input {
            Some(guess) => vec![guess],
            None => line.inputs.iter().map(String::as_str).collect(),
        };
        let Some((answers, mut micros)) = answers(line, mode, &inputs, runner)? else {
            return Ok(None);
        };
        let mut wanted: Vec<Option<Wanted>> = (0..inputs.len())
            .map(|at| line.expected.get(at).cloned().flatten().map(Wanted::read))
            .collect();
        if mode == Mode::Predict && guessed_input.is_none() {
            wanted = vec![line.prediction.clone().map(Wanted::read); inputs.len()];
        }
        if let (Some(_), [None], Some(original)) =
            (guessed_input, wanted.as_slice(), line.inputs.first())
        {
            // Nothing is expected by name: what the program gives for the original input is.
            let Some((originals, more)) = self::answers(line, mode, &[original], runner)? else {
                return Ok(None);
            };
            micros += more;
            wanted = originals
                .into_iter()
                .map(|answer| Some(Wanted::of(answer)))
                .collect();
        }
        let equal = |(answer, wanted): (&Answer, &Option<Wanted>)| {
            let wanted = wanted.as_ref()?;
            Some(
                matches!((answer, wanted), (Answer::Ran(Outcome::Returned(value)), Wanted::Value(wanted))
                if line.equality().equal(value, wanted)),
            )
        };
        let unreadable = wanted.iter().flatten().find_map(Wanted::problem);
        let statuses: Vec<&'static str> = answers.iter().map(Answer::status).collect();
        let first_bad = answers.iter().find(|answer| answer.status() != "ok");
        Ok(Some(Self {
            id: line.id.clone(),
            status: first_bad.map_or("ok", Answer::status),
            statuses,
            outputs: answers.iter().map(Answer::output).collect(),
            error: first_bad.and_then(Answer::error),
            r#match: answers.iter().zip(&wanted).map(equal).collect(),
            detail: first_bad
                .map(Answer::detail)
                .or(unreadable)
                .unwrap_or_default(),
            backend: sandbox.backend().name(),
            missing: sandbox
                .isolation()
                .missing
                .iter()
                .map(|it| it.layer.name())
                .collect(),
            micros,
        }))
    }

    /// The answer to a line that is no job.
    pub fn invalid(refusal: Refusal) -> Self {
        Self {
            id: refusal.id,
            status: "invalid",
            statuses: Vec::new(),
            outputs: Vec::new(),
            error: None,
            r#match: Vec::new(),
            detail: refusal.detail,
            backend: "none",
            missing: Vec::new(),
            micros: 0,
        }
    }
}

/// What an output is compared with.
#[derive(Debug, Clone)]
enum Wanted {
    Value(Value),
    /// The text is no literal, so nothing equals it.
    Unreadable(String),
}

impl Wanted {
    fn read(text: String) -> Self {
        match Value::parse_literal(&text) {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Unreadable(format!("what is compared with is no literal: {error}")),
        }
    }

    fn of(answer: Answer) -> Self {
        match answer {
            Answer::Ran(Outcome::Returned(value)) => Self::Value(value),
            other => Self::Unreadable(format!(
                "the original input gives no value: {}",
                other.detail()
            )),
        }
    }

    fn problem(&self) -> Option<String> {
        match self {
            Self::Value(_) => None,
            Self::Unreadable(problem) => Some(problem.clone()),
        }
    }
}

fn answers(
    line: &JobLine,
    mode: Mode,
    inputs: &[&str],
    runner: Runner<'_>,
) -> Result<Option<Answers>, SandboxError> {
    let job = Job {
        program: line.program.clone(),
        entry: line.entry.clone(),
        inputs: Vec::new(),
        scrutiny: if mode == Mode::Check {
            Scrutiny::Check
        } else {
            Scrutiny::Run
        },
        bans: line.bans(mode),
        limits: line.limits(),
    };
    match line.inputs_are() {
        InputsAre::Literals => literal_answers(job, inputs, runner),
        InputsAre::Expressions => expression_answers(&job, inputs, runner),
    }
}

fn literal_answers(
    mut job: Job,
    inputs: &[&str],
    runner: Runner<'_>,
) -> Result<Option<Answers>, SandboxError> {
    let read: Vec<Result<Arguments, LiteralError>> =
        inputs.iter().map(|text| Arguments::parse(text)).collect();
    job.inputs = read.iter().flatten().cloned().collect();
    let Some(report) = runner.run(&job)? else {
        return Ok(None);
    };
    let mut outcomes = report.outcomes.into_iter();
    let answer = |read: Result<Arguments, LiteralError>| match read {
        Ok(_) => outcomes
            .next()
            .map_or_else(|| Answer::Refused("no outcome".to_owned()), Answer::Ran),
        Err(error) => Answer::Refused(format!("the input is no list of literals: {error}")),
    };
    let answers = read.into_iter().map(answer).collect();
    Ok(Some((answers, report.micros)))
}

/// Each expression becomes a function behind the program, checked to be one call and nothing else.
fn expression_answers(
    job: &Job,
    inputs: &[&str],
    runner: Runner<'_>,
) -> Result<Option<Answers>, SandboxError> {
    let (mut answers, mut micros) = (Vec::new(), 0);
    for input in inputs {
        if !syntax::is_argument_list(input) {
            answers.push(Answer::Refused("the input is no argument list".to_owned()));
            continue;
        }
        let (program, entry) = (&job.program, &job.entry);
        let program =
            format!("{program}\n\ndef {EVALUATING_ENTRY}():\n    return {entry}({input}\n    )\n");
        let evaluating = Job {
            program,
            entry: EVALUATING_ENTRY.to_owned(),
            inputs: vec![Arguments::default()],
            ..job.clone()
        };
        let Some(report) = runner.run(&evaluating)? else {
            return Ok(None);
        };
        micros += report.micros;
        answers.extend(report.outcomes.into_iter().map(Answer::Ran));
    }
    Ok(Some((answers, micros)))
}

impl Answer {
    fn status(&self) -> &'static str {
        match self {
            Self::Ran(outcome) => outcome.status(),
            Self::Refused(_) => "denied",
        }
    }

    fn output(&self) -> Option<String> {
        match self {
            Self::Ran(Outcome::Returned(value)) => Some(value.to_string()),
            _ => None,
        }
    }

    fn error(&self) -> Option<ErrorFound> {
        match self {
            Self::Ran(Outcome::Raised(exception)) => Some(ErrorFound {
                class: exception.class.clone(),
                message: exception.message.clone(),
            }),
            Self::Ran(Outcome::Exceeded(Limit::Output)) => Some(ErrorFound {
                class: "OutputTooLarge".to_owned(),
                message: self.detail(),
            }),
            _ => None,
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Refused(reason) => reason.clone(),
            Self::Ran(Outcome::Returned(_)) => String::new(),
            Self::Ran(Outcome::Raised(exception)) => exception.class.clone(),
            Self::Ran(Outcome::Exceeded(Limit::Cpu)) => {
                "cpu: the limit of processor time is reached".to_owned()
            }
            Self::Ran(Outcome::Exceeded(Limit::Wall)) => {
                "wall: the limit of time is reached".to_owned()
            }
            Self::Ran(Outcome::Exceeded(Limit::Memory)) => {
                "the limit of memory is reached".to_owned()
            }
            Self::Ran(Outcome::Exceeded(Limit::Output)) => {
                "the result is larger than its limit".to_owned()
            }
            Self::Ran(Outcome::Killed { signal: 0 }) => {
                "the worker left without a result".to_owned()
            }
            Self::Ran(Outcome::Killed { signal }) => format!("the worker died of signal {signal}"),
            Self::Ran(Outcome::Denied(denial)) => denied_because(denial),
            Self::Ran(Outcome::Nondeterministic) => {
                "two runs, or two calls of one run, differ".to_owned()
            }
        }
    }
}

fn denied_because(denial: &Denial) -> String {
    match denial {
        Denial::BannedImport { module } => format!("it imports {module}, which is banned"),
        Denial::SourceTooLarge { bytes } => format!("it is too large: {bytes} bytes"),
        Denial::SourceTooDeep => "it is nested too deep".to_owned(),
        Denial::SystemCall => "it made a system call that only an escape needs".to_owned(),
    }
}
