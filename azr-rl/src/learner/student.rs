//! A language model with its optimizer: what learns, is saved and goes on where it was.

use std::path::{Path, PathBuf};

use azr_model::language::Language;
use azr_model::learn::{LearnError, Trainer, TrainerOptions};
use azr_model::transformer::Transformer;
use azr_model::weights::hub::Hub;
use azr_model::{CpuBackend, LanguageModel, ModelSource, Precision, language_model};

use super::fingerprint::fingerprint;
use super::moments;
use crate::policy::{Cause, PolicyError};

/// Directory of the model in a checkpoint: a Hugging Face directory.
const MODEL: &str = "model";
/// File of the optimizer in a checkpoint.
const OPTIMIZER: &str = "optimizer.bin";

/// Who learns.
pub(crate) struct Student {
    pub(crate) trainer: Trainer,
    pub(crate) language: Language,
    /// What tells the weights and the tokenizer that it began with from any other ones.
    pub(crate) fingerprint: String,
}

impl Student {
    /// `model` with a fresh optimizer.
    pub(crate) fn new(
        model: LanguageModel,
        options: TrainerOptions,
        precision: Precision,
    ) -> Result<Self, Cause> {
        Self::with_optimizer(model, precision, |transformer| {
            Trainer::new(transformer, options)
        })
    }

    /// The student that [`Student::save`] wrote to `directory`: its next step is the one that it would have taken.
    pub(crate) fn from_checkpoint(
        directory: &Path,
        options: TrainerOptions,
        precision: Precision,
    ) -> Result<Self, Cause> {
        // A directory is loaded from the disk alone; no hub is asked.
        let hub = Hub {
            endpoint: String::new(),
            cache: PathBuf::new(),
            token: None,
            report: None,
        };
        let model = LanguageModel::load(&ModelSource::Directory(directory.join(MODEL)), &hub)?;
        let moments = moments::read(&directory.join(OPTIMIZER))?;
        Self::with_optimizer(model, precision, |transformer| {
            let (steps, first, second) = (moments.steps, moments.first, moments.second);
            Trainer::resume(transformer, options, steps, first, second)
        })
    }

    fn with_optimizer(
        model: LanguageModel,
        precision: Precision,
        train: impl FnOnce(Transformer) -> Result<Trainer, LearnError>,
    ) -> Result<Self, Cause> {
        let backend = CpuBackend::default().with_precision(precision);
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
            .with_optimizer_state(|state| moments::write(&optimizer, state))??;
        Ok(())
    }
}
