//! Judges answers: one program on many inputs, and many programs at a time, under limits of one's own.
//!
//! `cargo run --release -p azr-executor --example batch [-- PROGRAMS]`

use std::time::Instant;

use azr_executor::{
    Arguments, Bans, Equality, Job, Limits, Outcome, Python, PythonConfig, Sandbox, Scrutiny, Value,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let programs: usize = std::env::args()
        .nth(1)
        .map_or(Ok(2_000), |count| count.parse())?;
    let sandbox = Python::start(&PythonConfig::default())?;
    let inputs = ["2", "-3", "0.5", "'text'"].map(Arguments::parse);
    let job = Job {
        program: "def f(x):\n    return x * x\n".to_owned(),
        entry: "f".to_owned(),
        inputs: inputs.into_iter().collect::<Result<_, _>>()?,
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits {
            cpu_ms_max: 200,
            memory_bytes_max: 64 << 20,
            ..Limits::default()
        },
    };
    for (input, outcome) in job.inputs.iter().zip(sandbox.run(&job)?.outcomes) {
        println!("f({input}) is {}", outcome_in_words(&outcome));
    }

    // A prediction is text that someone wrote: it is read as a literal, never evaluated.
    let four = Value::parse_literal("4.0")?;
    println!(
        "4.0 is right: {}",
        Equality::Python.equal(&four, &Value::from(4))
    );
    println!(
        "4.0 is right and of the right type: {}",
        Equality::Strict.equal(&four, &Value::from(4))
    );

    let one = Job {
        inputs: vec![Arguments::parse("7")?],
        ..job
    };
    let started = Instant::now();
    let share = programs.div_ceil(sandbox.lanes());
    let work = || (0..share).try_for_each(|_| sandbox.run(&one).map(drop));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..sandbox.lanes()).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{programs} programs in {seconds:.2} s, {:.0} a second on {} lanes",
        programs as f64 / seconds,
        sandbox.lanes()
    );
    Ok(())
}

fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Returned(value) => value.to_string(),
        Outcome::Raised(exception) => format!("{}: {}", exception.class, exception.message),
        other => other.status().to_owned(),
    }
}
