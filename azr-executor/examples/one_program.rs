//! Runs one program and says what it did.
//!
//! `cargo run -p azr-executor --example one_program`

use azr_executor::{
    Arguments, Bans, Job, Limits, Outcome, Python, PythonConfig, Sandbox, Scrutiny,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Python::start(&PythonConfig::default())?;
    let job = Job {
        program: "def f(words, least):\n    return {w: len(w) for w in words if least <= len(w)}\n"
            .to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::parse("['a', 'list', 'of', 'words'], least=2")?],
        scrutiny: Scrutiny::Check,
        bans: Bans::paper(),
        limits: Limits::default(),
    };
    let report = sandbox.run(&job)?;
    match &report.outcomes[0] {
        Outcome::Returned(value) => println!("{value}"),
        other => println!("{}: {other:?}", other.status()),
    }
    println!(
        "{} µs behind {} layers",
        report.micros,
        sandbox.isolation().layers.len()
    );
    for missing in &sandbox.isolation().missing {
        println!("{missing}");
    }
    Ok(())
}
