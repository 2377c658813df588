//! Writes any model that azr reads as a Hugging Face directory: `convert SOURCE DIRECTORY [f32|bf16]`.
//!
//! `SOURCE` is a GGUF file or a Hugging Face directory.

use azr_model::Precision;
use azr_model::language_model::LanguageModel;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (source, directory, precision) = match arguments.as_slice() {
        [source, directory] => (source, directory, Precision::F32),
        [source, directory, name] if name == "f32" => (source, directory, Precision::F32),
        [source, directory, name] if name == "bf16" => (source, directory, Precision::Bf16),
        _ => return Err("usage: convert SOURCE DIRECTORY [f32|bf16]".into()),
    };
    let model = LanguageModel::load_local(Path::new(source))?;
    model.save(Path::new(directory), precision)?;
    println!("{directory}");
    Ok(())
}
