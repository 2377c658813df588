//! A language model with its optimizer: what learns, is saved and goes on where it was.

use std::path::Path;

use azr_model::backend::Backend;
use azr_model::language::Language;
use azr_model::learn::{LearnError, Trainer, TrainerOptions};
use azr_model::transformer::Transformer;
use azr_model::{CpuBackend, LanguageModel, Precision, language_model};

use super::fingerprint::fingerprint;
use super::moments;
use crate::policy::{Cause, PolicyError};

/// Directory of the model in a checkpoint: a Hugging Face directory.
const MODEL: &str = "model";
/// File of the optimizer in a checkpoint.
const OPTIMIZER: &str = "optimizer.bin";

/// Who learns.
pub(crate) struct Student<B: Backend = CpuBackend> {
    pub(crate) trainer: Trainer<B>,
    pub(crate) language: Language,
    /// What tells the weights and the tokenizer that it began with from any other ones.
    pub(crate) fingerprint: String,
}

impl<B: Backend> Student<B> {
    /// `model` with a fresh optimizer, on `backend`.
    pub(crate) fn new(
        backend: B,
        model: LanguageModel,
        options: TrainerOptions,
    ) -> Result<Self, Cause> {
        Self::with_optimizer(backend, model, |transformer| {
            Trainer::new(transformer, options)
        })
    }

    /// The student that [`Student::save`] wrote to `directory`: its next step is the one that it would have taken.
    pub(crate) fn from_checkpoint(
        backend: B,
        directory: &Path,
        options: TrainerOptions,
    ) -> Result<Self, Cause> {
        let model = LanguageModel::load_local(&directory.join(MODEL))?;
        let moments = moments::read(&directory.join(OPTIMIZER))?;
        Self::with_optimizer(backend, model, |transformer| {
            Trainer::resume(transformer, options, moments)
        })
    }

    fn with_optimizer(
        backend: B,
        model: LanguageModel,
        train: impl FnOnce(Transformer<B>) -> Result<Trainer<B>, LearnError>,
    ) -> Result<Self, Cause> {
        Ok(Self {
            fingerprint: fingerprint(&model.parameters.data, &model.language)?,
            trainer: train(Transformer::new(backend, model.parameters)?)?,
            language: model.language,
        })
    }

    /// Writes weights, tokenizer and optimizer below `directory`, which exists. Equal students write equal bytes.
    pub(crate) fn save(&self, directory: &Path) -> Result<(), PolicyError> {
        self.write(directory).map_err(|source| PolicyError::Save {
            directory: directory.to_path_buf(),
            source,
        })
    }

    fn write(&self, directory: &Path) -> Result<(), Cause> {
        let parameters = self.trainer.transformer().to_parameters()?;
        let model = directory.join(MODEL);
        language_model::save_directory(&model, &parameters, &self.language, Precision::F32)?;
        let optimizer = directory.join(OPTIMIZER);
        self.trainer
            .with_optimizer_state(|state| moments::write(&optimizer, &state))??;
        Ok(())
    }
}
