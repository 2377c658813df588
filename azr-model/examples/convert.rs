//! Writes any model that azr reads as a Hugging Face directory: `convert SOURCE DIRECTORY [f32|bf16]`.
//!
//! `SOURCE` is a GGUF file or a Hugging Face directory.

use azr_model::language_model::{LanguageModel, ModelSource};
use azr_model::weights::hub::{ENDPOINT, Hub};
use azr_model::weights::safetensors::Precision;
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (source, directory, precision) = match arguments.as_slice() {
        [source, directory] => (source, directory, Precision::F32),
        [source, directory, name] if name == "f32" => (source, directory, Precision::F32),
        [source, directory, name] if name == "bf16" => (source, directory, Precision::Bf16),
        _ => return Err("usage: convert SOURCE DIRECTORY [f32|bf16]".into()),
    };
    let hub = Hub {
        endpoint: ENDPOINT.to_owned(),
        cache: PathBuf::new(),
        token: None,
        report: None,
    };
    let model = LanguageModel::load(&ModelSource::parse(source)?, &hub)?;
    model.save(Path::new(directory), precision)?;
    println!("{directory}");
    Ok(())
}
