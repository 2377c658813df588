//! What `--model M` means: the embedded model, a run, a directory, a GGUF file, or a name on a hub.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use azr_model::ModelConfig;
use azr_model::language_model::{LanguageModel, LoadError, ModelSource};
use azr_model::weights::hub::{ENDPOINT, Hub, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::environment::{Environment, expanded};
use crate::request::WrongRequest;
use crate::run_directory::RunDirectory;
use crate::sink::Sink;
use crate::{Surroundings, embedded};

/// Loads the model that `name` means.
///
/// # Errors
/// A wrong request when there is no such model or its files are damaged.
pub fn load(name: impl AsRef<Path>, surroundings: &Surroundings) -> anyhow::Result<LanguageModel> {
    let name = name.as_ref();
    let hub = hub(&surroundings.environment, &surroundings.sink);
    let loaded = match meaning(name)? {
        Meaning::Embedded => LanguageModel::load_embedded(embedded::NAME, embedded::FILES),
        Meaning::Run(directory) => LanguageModel::load(&ModelSource::Directory(directory), &hub),
        Meaning::Source(source) => LanguageModel::load(&source, &hub),
    };
    loaded.map_err(|error| unusable(name, error))
}

/// The shape of the model that `name` means, or that a `config.json` of this name says. Weights need not be there.
///
/// # Errors
/// A wrong request when there is no such model or its files are damaged.
pub fn shape(name: impl AsRef<Path>, surroundings: &Surroundings) -> anyhow::Result<ModelConfig> {
    let name = name.as_ref();
    let path = expanded(name.into());
    let source = match path.extension() {
        Some(extension) if extension == "json" => None,
        _ => match meaning(name)? {
            Meaning::Embedded => return Ok(load(name, surroundings)?.config().clone()),
            Meaning::Run(directory) => Some(ModelSource::Directory(directory)),
            Meaning::Source(source) => Some(source),
        },
    };
    let hub = hub(&surroundings.environment, &surroundings.sink);
    let shape = match source {
        None => LanguageModel::shape_in(&path),
        Some(source) => LanguageModel::shape(&source, &hub),
    };
    shape.map_err(|error| unusable(name, error))
}

fn unusable(name: &Path, error: LoadError) -> anyhow::Error {
    match error {
        // Nothing is wrong with a request that the network did not carry.
        LoadError::Hub { .. } => anyhow::Error::new(error),
        _ => WrongRequest::because(
            format!("the model {} cannot be used", name.display()),
            error,
        ),
    }
}

/// What a name stands for.
enum Meaning {
    Embedded,
    /// The weights of a run's latest checkpoint.
    Run(PathBuf),
    Source(ModelSource),
}

fn meaning(name: &Path) -> anyhow::Result<Meaning> {
    if name == Path::new(embedded::NAME) {
        return Ok(Meaning::Embedded);
    }
    let path = expanded(name.into());
    if RunDirectory::is_one(&path) {
        return Ok(Meaning::Run(RunDirectory::open(&path)?.latest_weights()?));
    }
    let source = ModelSource::parse(&path).map_err(|error| {
        WrongRequest::because(
            format!(
                "no model is called {} (the embedded one is {})",
                name.display(),
                embedded::NAME
            ),
            error,
        )
    })?;
    Ok(Meaning::Source(source))
}

/// The hub as the environment describes it. A download is reported on standard error.
fn hub(environment: &Environment, sink: &Sink) -> Hub {
    Hub {
        endpoint: environment
            .hub_endpoint
            .clone()
            .unwrap_or_else(|| ENDPOINT.to_string()),
        cache: environment.hub_cache.clone(),
        token: environment.hub_token.clone(),
        is_offline: environment.hub_is_offline,
        report: Some(Arc::new(downloads(sink))),
    }
}

/// A bar for each file on a terminal; elsewhere a line when a file has come.
fn downloads(sink: &Sink) -> impl Fn(Progress) + Send + Sync + 'static {
    let bars: Mutex<HashMap<String, ProgressBar>> = Mutex::new(HashMap::new());
    let live = sink.is_live.then(|| sink.live.clone());
    move |progress: Progress| {
        let Some(live) = &live else {
            if progress.bytes == progress.bytes_total {
                tracing::info!(file = progress.file, bytes = progress.bytes, "fetched");
            }
            return;
        };
        let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(progress.file.clone()).or_insert_with(|| {
            let style =
                ProgressStyle::with_template("  {prefix} {bar:24} {bytes}/{total_bytes} {eta}");
            let bar = live.add(ProgressBar::new(progress.bytes_total));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.with_prefix(progress.file)
        });
        bar.set_position(progress.bytes);
        if progress.bytes == progress.bytes_total {
            bar.finish_and_clear();
        }
    }
}
