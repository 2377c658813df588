//! `azr export`: the trained model of a run, for other tools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use azr_model::weights::safetensors::Precision;
use clap::{Args, ValueEnum};

use crate::request::WrongRequest;
use crate::{Ended, Surroundings, model_name};

/// Writes the weights of a run's latest checkpoint, with tokenizer and chat template.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  azr export runs/NAME --format hf --out my-model
  python3 -c \"import transformers as t; t.AutoModelForCausalLM.from_pretrained('my-model')\"")]
pub struct Options {
    /// Directory of the run, or anything else that names a model
    #[arg(value_name = "RUN")]
    run: String,
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "hf")]
    format: Format,
    /// Where to write it; must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How weights are stored
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Stored,
}

/// What other tools read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A Hugging Face directory: config.json, model.safetensors, tokenizer.json
    Hf,
}

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stored {
    /// 32 bits: exactly what was trained
    F32,
    /// 16 bits with the range of f32
    Bf16,
}

/// Loads and writes.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    check_place(&options.out)?;
    let model = model_name::load(&options.run, surroundings)?;
    let precision = match options.precision {
        Stored::F32 => Precision::F32,
        Stored::Bf16 => Precision::Bf16,
    };
    match options.format {
        Format::Hf => model.save(&options.out, precision),
    }
    .with_context(|| format!("cannot export to {}", options.out.display()))?;
    surroundings
        .sink
        .note(format_args!("wrote {}", options.out.display()));
    Ok(Ended::Done)
}

/// Nothing is ever overwritten.
fn check_place(out: &Path) -> anyhow::Result<()> {
    // Without a slash or dot at its end, which hides a link.
    let out: PathBuf = out.components().collect();
    let wrong = |path: &Path, words: &str| {
        let path = path.display();
        Err(WrongRequest::new(format!(
            "{path} {words}; choose another --out"
        )))
    };
    if out.is_symlink() {
        return wrong(&out, "is a link, and no directory can take its place");
    }
    if out.file_name().is_none() {
        return wrong(&out, "names no new directory");
    }
    let mut above = out.ancestors().skip(1);
    if let Some(file) = above.find(|it| it.exists() && !it.is_dir()) {
        return wrong(file, "is not a directory, so nothing can be kept below it");
    }
    match fs::read_dir(&out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            wrong(&out, "cannot be read (permission denied)")
        }
        _ => wrong(&out, "exists and is not an empty directory"),
    }
}
