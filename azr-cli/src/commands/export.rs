//! `azr export`: the trained model of a run, for other tools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use azr_model::weights::gguf;
use clap::{Args, ValueEnum};

use crate::precision::Precision;
use crate::request::WrongRequest;
use crate::{Ended, Surroundings, model_name};

/// Writes the weights of a run's latest checkpoint, with tokenizer and chat template.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  azr export runs/NAME --format hf --out my-model
  azr export runs/NAME --format gguf-q8_0 --out my-model.gguf
  python3 -c \"import transformers as t; t.AutoModelForCausalLM.from_pretrained('my-model')\"")]
pub struct Options {
    /// Directory of the run, or anything else that names a model
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "hf")]
    format: Format,
    /// Where to write it: a directory that does not exist yet or is empty, or a .gguf file that does not exist yet
    #[arg(long, value_name = "PLACE")]
    out: PathBuf,
    /// How weights are stored in a Hugging Face directory [default: f32]
    #[arg(long, value_name = "PRECISION")]
    precision: Option<Precision>,
}

/// What other tools read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A Hugging Face directory: config.json, model.safetensors, tokenizer.json
    Hf,
    /// A GGUF file for llama.cpp: matrices in 16 bits, norms and biases in 32
    #[value(name = "gguf-f16", alias = "gguf")]
    GgufF16,
    /// The same with matrices in blocks of 32 signed bytes and a scale
    #[value(name = "gguf-q8_0")]
    GgufQ8,
}

/// Loads and writes.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    match options.format {
        Format::Hf => check_directory(&options.out)?,
        Format::GgufF16 | Format::GgufQ8 => check_file(options)?,
    }
    let model = model_name::load(&options.run, surroundings)?;
    let precision = options.precision.unwrap_or(Precision::F32).into();
    match options.format {
        Format::Hf => model.save(&options.out, precision),
        Format::GgufF16 => model.save_gguf(&options.out, gguf::Stored::F16),
        Format::GgufQ8 => model.save_gguf(&options.out, gguf::Stored::Q8_0),
    }
    .with_context(|| format!("cannot export to {}", options.out.display()))?;
    surroundings
        .sink
        .note(format_args!("wrote {}", options.out.display()));
    Ok(Ended::Done)
}

fn wrong(path: &Path, words: &str) -> anyhow::Result<()> {
    let path = path.display();
    Err(WrongRequest::new(format!(
        "{path} {words}; choose another --out"
    )))
}

/// Nothing is ever overwritten.
fn check_file(options: &Options) -> anyhow::Result<()> {
    let out = &options.out;
    if options.precision.is_some() {
        return Err(WrongRequest::new(
            "--precision is for --format hf; the name of a GGUF format says how weights are stored",
        ));
    }
    if !out
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("gguf"))
    {
        return wrong(out, "does not end in .gguf");
    }
    if out.symlink_metadata().is_ok() {
        return wrong(out, "exists already");
    }
    check_above(out)
}

/// A place can be made below a directory alone.
fn check_above(out: &Path) -> anyhow::Result<()> {
    let mut above = out.ancestors().skip(1);
    match above.find(|it| it.exists() && !it.is_dir()) {
        Some(file) => wrong(file, "is not a directory, so nothing can be kept below it"),
        None => Ok(()),
    }
}

/// Nothing is ever overwritten.
fn check_directory(out: &Path) -> anyhow::Result<()> {
    // Without a slash or dot at its end, which hides a link.
    let out: PathBuf = out.components().collect();
    if out.is_symlink() {
        return wrong(&out, "is a link, and no directory can take its place");
    }
    if out.file_name().is_none() {
        return wrong(&out, "names no new directory");
    }
    check_above(&out)?;
    match fs::read_dir(&out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            wrong(&out, "cannot be read (permission denied)")
        }
        _ => wrong(&out, "exists and is not an empty directory"),
    }
}
