//! Holds a model against what PyTorch computed of it (`golden/real_reference.py`).

use azr_model::learn::{Sequence, TokenGradients, Trainer, TrainerOptions};
use azr_model::{
    CpuBackend, Dimensions, Layout, ModelConfig, Parameters, Precision, Transformer, score,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// A file of reference numbers, read a tensor at a time.
pub struct Reference {
    file: File,
    begin: u64,
    tensors: HashMap<String, Tensor>,
    metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    data_offsets: (u64, u64),
}

impl Reference {
    /// Reads the header.
    pub fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut header = vec![0; usize::try_from(length)?];
        file.read_exact(&mut header)?;
        let mut header: HashMap<String, serde_json::Value> = serde_json::from_slice(&header)?;
        let metadata = header
            .remove("__metadata__")
            .ok_or("there is no metadata")?;
        let tensors = header
            .into_iter()
            .map(|(name, tensor)| Ok((name, serde_json::from_value(tensor)?)))
            .collect::<Result<_, serde_json::Error>>()?;
        Ok(Self {
            file,
            begin: 8 + length,
            tensors,
            metadata: serde_json::from_value(metadata)?,
        })
    }

    /// What it is, in words.
    pub fn name(&self) -> String {
        let of = |key| self.metadata.get(key).map_or("?", String::as_str);
        format!(
            "PyTorch {} in {} with weights in {} and {} angles",
            of("torch"),
            of("dtype"),
            of("weights"),
            of("angles")
        )
    }

    /// Whether its matrices were rounded to bfloat16.
    pub fn is_rounded(&self) -> bool {
        self.metadata
            .get("weights")
            .is_some_and(|it| it == "bfloat16")
    }

    fn noted<T: DeserializeOwned>(&self, key: &str) -> Result<T, Box<dyn Error>> {
        let text = self.metadata.get(key).ok_or(format!("there is no {key}"))?;
        Ok(serde_json::from_str(text)?)
    }

    fn numbers(&mut self, name: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        let tensor = self
            .tensors
            .get(name)
            .ok_or(format!("there is no {name}"))?;
        let (from, to) = tensor.data_offsets;
        let mut bytes = vec![0; usize::try_from(to - from)?];
        self.file.seek(SeekFrom::Start(self.begin + from))?;
        self.file.read_exact(&mut bytes)?;
        match tensor.dtype.as_str() {
            "F32" => Ok(bytes
                .as_chunks()
                .0
                .iter()
                .map(|it| f64::from(f32::from_le_bytes(*it)))
                .collect()),
            "F64" => Ok(bytes
                .as_chunks()
                .0
                .iter()
                .map(|it| f64::from_le_bytes(*it))
                .collect()),
            other => Err(format!("{name} is {other}").into()),
        }
    }

    /// Log-probabilities of every sequence, one after the other.
    fn logprobs(&mut self) -> Result<Vec<f64>, Box<dyn Error>> {
        let sequences: Vec<Vec<u32>> = self.noted("sequences")?;
        let mut all = Vec::new();
        for index in 0..sequences.len() {
            all.extend(self.numbers(&format!("logprobs.{index}"))?);
        }
        Ok(all)
    }

    /// The numbers of blocks it has log-probabilities of, in order.
    fn depths(&self) -> Vec<usize> {
        let depth = |name: &String| name.strip_prefix("depth.")?.parse().ok();
        let mut depths: Vec<usize> = self.tensors.keys().filter_map(depth).collect();
        depths.sort_unstable();
        depths
    }
}

/// Largest and root mean square difference.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub largest: f64,
    pub usual: f64,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2e} ({:.2e})", self.largest, self.usual)
    }
}

fn difference(ours: &[f64], theirs: &[f64]) -> Result<Difference, Box<dyn Error>> {
    if ours.len() != theirs.len() || ours.is_empty() {
        return Err(format!("{} and {} numbers", ours.len(), theirs.len()).into());
    }
    let errors = || ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    Ok(Difference {
        // In this order what is not a number is the largest.
        largest: errors().max_by(f64::total_cmp).unwrap_or(f64::NAN),
        usual: (errors().map(|it| it * it).sum::<f64>() / ours.len() as f64).sqrt(),
    })
}

fn ours(parameters: Parameters, sequences: &[Vec<u32>]) -> Result<Vec<f64>, Box<dyn Error>> {
    let scores = score::logprobs(&Transformer::on_cpu(parameters)?, sequences)?;
    Ok(scores
        .into_iter()
        .flatten()
        .flatten()
        .map(f64::from)
        .collect())
}

/// The first blocks of a model, its last norm and its head.
fn cut(parameters: &Parameters, layers: usize) -> Result<Parameters, Box<dyn Error>> {
    let config: &Dimensions = parameters.config();
    let config = ModelConfig::new(Dimensions {
        layers,
        ..config.clone()
    })?;
    let mut less = Parameters::zeros(Arc::new(Layout::of(&config)));
    for entry in Arc::clone(less.layout()).entries() {
        let values = parameters
            .get(&entry.name)
            .ok_or("a model has all weights")?;
        less.data[entry.range()].copy_from_slice(values);
    }
    Ok(less)
}

/// Prints how far log-probabilities are from those of each reference, and those from one another, block by block.
/// Returns our largest difference from the last reference.
pub fn logprobs(
    parameters: &Parameters,
    references: &mut [Reference],
) -> Result<f64, Box<dyn Error>> {
    let Some(first) = references.first() else {
        return Err("there is no reference".into());
    };
    let sequences: Vec<Vec<u32>> = first.noted("sequences")?;
    println!("differences of log-probabilities in nats: largest (root mean square)");
    for depth in first.depths() {
        let mine = ours(cut(parameters, depth)?, &sequences[..1])?;
        let theirs = references
            .iter_mut()
            .map(|it| it.numbers(&format!("depth.{depth}")));
        row(
            &format!("{depth} blocks"),
            &mine,
            &theirs.collect::<Result<Vec<_>, _>>()?,
        )?;
    }
    let mine = ours(parameters.clone(), &sequences)?;
    let theirs = references
        .iter_mut()
        .map(Reference::logprobs)
        .collect::<Result<Vec<_>, _>>()?;
    row("all blocks", &mine, &theirs)
}

fn row(what: &str, mine: &[f64], theirs: &[Vec<f64>]) -> Result<f64, Box<dyn Error>> {
    let mut last = 0.0;
    for (index, reference) in theirs.iter().enumerate() {
        let found = difference(mine, reference)?;
        println!("  {what}: azr and reference {index}: {found}");
        last = found.largest;
        for (other, values) in theirs.iter().enumerate().take(index) {
            println!(
                "  {what}: references {other} and {index}: {}",
                difference(values, reference)?
            );
        }
    }
    Ok(last)
}

/// How far the gradient of one weight is from those of the references: the norm of the difference by the norm of theirs.
pub struct GradientErrors {
    pub weight: String,
    /// Of ours, from each reference.
    pub ours: Vec<f64>,
    /// Of the first reference from the last.
    pub theirs: f64,
}

/// The gradient of the mean negative log-probability, held against each reference, weight by weight.
pub fn gradients(
    parameters: &Parameters,
    precision: Precision,
    references: &mut [Reference],
) -> Result<Vec<GradientErrors>, Box<dyn Error>> {
    let Some(first) = references.first() else {
        return Err("there is no reference".into());
    };
    let sequences: Vec<Vec<u32>> = first.noted("gradient_sequences")?;
    let scored: usize = sequences.iter().map(|it| it.len() - 1).sum();
    let sequences: Vec<Sequence> = sequences
        .into_iter()
        .map(|tokens| Sequence {
            tokens,
            prompt_len: 1,
        })
        .collect();
    let backend = CpuBackend::default().with_precision(precision);
    let transformer = Transformer::new(backend, parameters.clone())?;
    let mut trainer = Trainer::new(transformer, TrainerOptions::default())?;
    trainer.accumulate(&sequences, 1.0, &mut |_, scores| TokenGradients {
        logprob: vec![-1.0 / scored as f32; scores.logprobs.len()],
        entropy: vec![0.0; scores.logprobs.len()],
    })?;
    trainer.with_gradient(|gradient| {
        let mut errors = Vec::new();
        for entry in parameters.layout().entries() {
            let name = format!("grad.{}", entry.name);
            let theirs = references.iter_mut().map(|it| it.numbers(&name));
            let theirs = theirs.collect::<Result<Vec<_>, _>>()?;
            let ours: Vec<f64> = gradient[entry.range()]
                .iter()
                .map(|it| f64::from(*it))
                .collect();
            let distances = theirs.iter().map(|it| distance(&ours, it));
            errors.push(GradientErrors {
                weight: entry.name.clone(),
                ours: distances.collect::<Result<_, _>>()?,
                theirs: distance(&theirs[0], &theirs[theirs.len() - 1])?,
            });
        }
        Ok(errors)
    })?
}

/// The norm of the difference by the norm of `theirs`.
fn distance(ours: &[f64], theirs: &[f64]) -> Result<f64, Box<dyn Error>> {
    let usual = difference(ours, theirs)?.usual;
    let squares: f64 = theirs.iter().map(|it| it * it).sum();
    Ok(usual / (squares / theirs.len() as f64).sqrt())
}
