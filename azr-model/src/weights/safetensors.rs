//! Reads and writes weights as safetensors, single files and shards, a piece at a time.
//!
//! Files are read as a stream rather than mapped into memory: a mapped file that another program shortens kills the
//! process, and every value is converted to f32 on the way anyway. Nothing in a header is believed before it has been
//! held against the length of the file.

mod file;
mod write;

use crate::parameters::{Entry, Layout, Parameters};
use ::safetensors::Dtype;
use file::SafetensorsFile;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use file::ReadSeek;
pub use file::SafetensorsError;
pub use write::write;

/// The tensors of a model, over one file or several.
pub(crate) struct Checkpoint<'a> {
    shards: Vec<(PathBuf, SafetensorsFile<'a>)>,
    shard_of: HashMap<String, usize>,
}

/// An error and the file it is about.
pub(crate) type InFile<T> = Result<T, (PathBuf, SafetensorsError)>;

impl<'a> Checkpoint<'a> {
    /// Reads the headers of the files of a model.
    pub(crate) fn open(files: Vec<(PathBuf, Box<dyn ReadSeek + 'a>)>) -> InFile<Self> {
        let mut checkpoint = Self {
            shards: Vec::new(),
            shard_of: HashMap::new(),
        };
        for (path, reader) in files {
            let file = SafetensorsFile::open(reader).map_err(|error| (path.clone(), error))?;
            for name in file.names() {
                if checkpoint
                    .shard_of
                    .insert(name.to_owned(), checkpoint.shards.len())
                    .is_some()
                {
                    return Err((
                        path,
                        SafetensorsError::Duplicate {
                            name: name.to_owned(),
                        },
                    ));
                }
            }
            checkpoint.shards.push((path, file));
        }
        Ok(checkpoint)
    }

    /// Whether some file has this tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.shard_of.contains_key(name)
    }

    /// Whether two tensors are stored as the same bytes.
    pub(crate) fn same_bytes(&mut self, one: &str, other: &str) -> InFile<bool> {
        let (Some(&a), Some(&b)) = (self.shard_of.get(one), self.shard_of.get(other)) else {
            return Ok(false);
        };
        let digest = |checkpoint: &mut Self, shard: usize, name: &str| {
            let (path, file) = &mut checkpoint.shards[shard];
            file.digest(name).map_err(|error| (path.clone(), error))
        };
        Ok(digest(self, a, one)? == digest(self, b, other)?)
    }

    /// Fills a buffer of the layout. Shapes, types and leftovers are checked before memory is taken for it.
    pub(crate) fn read(&mut self, layout: Arc<Layout>) -> InFile<Parameters> {
        for entry in layout.entries() {
            self.check(entry)?;
        }
        self.refuse_unexpected(&layout)?;
        let mut parameters = Parameters::zeros(Arc::clone(&layout));
        for entry in layout.entries() {
            let (path, file) = &mut self.shards[self.shard_of[&entry.name]];
            let values = &mut parameters.data[entry.range()];
            file.read(&entry.name, values)
                .map_err(|error| (path.clone(), error))?;
        }
        Ok(parameters)
    }

    fn check(&self, entry: &Entry) -> InFile<()> {
        let name = || entry.name.clone();
        let missing = || {
            (
                self.first_path(),
                SafetensorsError::Missing { name: name() },
            )
        };
        let (path, file) = &self.shards[*self.shard_of.get(&entry.name).ok_or_else(missing)?];
        let stored = file.info(&entry.name).ok_or_else(missing)?;
        if !matches!(stored.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let error = SafetensorsError::Dtype {
                name: name(),
                dtype: stored.dtype,
            };
            return Err((path.clone(), error));
        }
        if stored.shape != entry.shape {
            let (found, expected) = (stored.shape.clone(), entry.shape.clone());
            return Err((
                path.clone(),
                SafetensorsError::Shape {
                    name: name(),
                    found,
                    expected,
                },
            ));
        }
        Ok(())
    }

    /// Tensors that the model does not have mean that it is another model. Two kinds are harmless: a head that repeats
    /// the embedding, and rotary frequencies, which follow from the configuration.
    fn refuse_unexpected(&self, layout: &Layout) -> InFile<()> {
        let harmless =
            |name: &str| name == "lm_head.weight" || name.ends_with("rotary_emb.inv_freq");
        let mut unexpected: Vec<&String> = self
            .shard_of
            .keys()
            .filter(|name| layout.find(name).is_none() && !harmless(name))
            .collect();
        unexpected.sort();
        match unexpected.first() {
            Some(name) => {
                let (path, _) = &self.shards[self.shard_of[*name]];
                let (name, count) = ((*name).clone(), unexpected.len());
                Err((path.clone(), SafetensorsError::Unexpected { name, count }))
            }
            None => Ok(()),
        }
    }

    fn first_path(&self) -> PathBuf {
        self.shards
            .first()
            .map(|(path, _)| path.clone())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
