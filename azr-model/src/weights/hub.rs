//! Fetches models from a Hugging Face hub, or a mirror of one, into the cache that other programs share.
//!
//! The revision is resolved to one commit first and every file is taken from that commit, so a model is never a mixture
//! of two versions. Downloads resume where they stopped; sizes and, where the hub gives them, SHA-256 sums are checked.
//! Without a connection, what the cache holds is used. Endpoint, cache and token are the caller's: this module reads no
//! environment variable.

mod download;
mod error;

use download::{Downloads, answer};
use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::HubError;

/// The public hub.
pub const ENDPOINT: &str = "https://huggingface.co";
const REVISION: &str = "main";
const INDEX: &str = "model.safetensors.index.json";
const SINGLE: &str = "model.safetensors";
const CONFIG: &str = "config.json";
/// Directory of the cache that holds shapes alone.
const SHAPES: &str = "azr-shapes";
/// Files that a model may have beside its weights.
const OPTIONAL: [&str; 4] = [
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

/// How far the download of one file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The file.
    pub file: String,
    /// Bytes that are here.
    pub bytes: u64,
    /// Bytes that it has.
    pub bytes_total: u64,
}

/// Where models are fetched from and kept.
#[derive(Clone)]
pub struct Hub {
    /// The address of the hub, e.g. [`ENDPOINT`].
    pub endpoint: String,
    /// The cache directory, in the layout that all Hugging Face programs share (`~/.cache/huggingface/hub`).
    pub cache: PathBuf,
    /// An access token for models that need one. Without it, the file `token` beside the cache is used if there is one.
    pub token: Option<String>,
    /// Nothing is asked over the network: what the cache does not hold is an error.
    pub is_offline: bool,
    /// Told how far downloads are.
    pub report: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// A model on a hub: `org/name`, `org/name@revision`, or `org/name/file.gguf`, with or without a revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubModel {
    id: String,
    revision: String,
    file: Option<String>,
}

/// Where a fetched model lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// A directory with configuration, tokenizer and weights.
    Directory(PathBuf),
    /// One GGUF file.
    Gguf(PathBuf),
}

impl HubModel {
    /// Understands the name of a model; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, revision) = text.split_once('@').unwrap_or((text, REVISION));
        let parts: Vec<&str> = path.split('/').collect();
        let (id, file) = match parts.as_slice() {
            [_, _] => (path.to_owned(), None),
            [organization, name, file] if file.ends_with(".gguf") => {
                (format!("{organization}/{name}"), Some((*file).to_owned()))
            }
            _ => return None,
        };
        let plain = parts
            .iter()
            .chain(&revision.split('/').collect::<Vec<_>>())
            .all(|part| is_plain(part));
        plain.then(|| Self {
            id,
            revision: revision.to_owned(),
            file,
        })
    }
}

impl std::fmt::Display for HubModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)?;
        if let Some(file) = &self.file {
            write!(f, "/{file}")?;
        }
        if self.revision == REVISION {
            Ok(())
        } else {
            write!(f, "@{}", self.revision)
        }
    }
}

/// A chat template with a name, such as `additional_chat_templates/tool_use.jinja`.
fn is_named_template(file: &str) -> bool {
    file.split_once('/').is_some_and(|(directory, name)| {
        directory == "additional_chat_templates" && name.ends_with(".jinja") && is_plain(name)
    })
}

/// Names that mean the same in an address and on disk.
fn is_plain(part: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !part.is_empty() && !part.starts_with('.') && part.chars().all(letter)
}

/// Brings a model into the cache, as far as it is not there, and says where it lies.
///
/// # Errors
/// [`HubError`]; its words go on from "cannot fetch MODEL:". An interrupted download is resumed by the next call.
pub fn fetch(hub: &Hub, model: &HubModel) -> Result<Fetched, HubError> {
    fetch_part(hub, model, Part::All)
}

/// Brings what says the shape of a model: `config.json`, or a whole GGUF file. It is kept in a cache of its own, because in
/// the one that is shared a `config.json` means that the model is whole.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_shape(hub: &Hub, model: &HubModel) -> Result<Fetched, HubError> {
    if model.file.is_some() {
        return fetch(hub, model);
    }
    let revision = Repo::with_revision(model.id.clone(), RepoType::Model, model.revision.clone());
    if let Some(found) = Cache::new(hub.cache.clone()).repo(revision).get(CONFIG) {
        return Ok(model.at(&found));
    }
    let cache = hub.cache.join(SHAPES);
    fetch_part(
        &Hub {
            cache,
            ..hub.clone()
        },
        model,
        Part::Shape,
    )
}

/// What of a model is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// `config.json`.
    Shape,
}

fn fetch_part(hub: &Hub, model: &HubModel, part: Part) -> Result<Fetched, HubError> {
    let cache = Cache::new(hub.cache.clone());
    let branch = Repo::with_revision(model.id.clone(), RepoType::Model, model.revision.clone());
    if hub.is_offline {
        let found = cache.repo(branch).get(model.marker());
        let absent = || HubError::Offline {
            cache: hub.cache.clone(),
        };
        return found.map(|it| model.at(&it)).ok_or_else(absent);
    }
    std::fs::create_dir_all(&hub.cache).map_err(|source| HubError::Cache {
        path: hub.cache.clone(),
        source,
    })?;
    let mut builder = ApiBuilder::from_cache(cache.clone())
        .with_endpoint(hub.endpoint.clone())
        .with_progress(false);
    if let Some(token) = &hub.token {
        builder = builder.with_token(Some(token.clone()));
    }
    let api = builder
        .build()
        .map_err(|error| answer("the client", error))?;
    let listing = match listing(&api, hub, model, &branch) {
        Err(error @ HubError::Unreachable { .. }) => {
            let Some(found) = cache.repo(branch).get(model.marker()) else {
                return Err(error);
            };
            tracing::warn!(%model, %error, "the hub cannot be reached; using what the cache holds");
            return Ok(model.at(&found));
        }
        other => other?,
    };
    let commit = Repo::with_revision(model.id.clone(), RepoType::Model, listing.commit.clone());
    let repo: ApiRepo = api.repo(commit.clone());
    let downloads = Downloads {
        hub,
        api: &api,
        repo: &repo,
        cached: cache.repo(commit),
        commit: &listing.commit,
    };
    let found = match part {
        Part::All => model.download(&downloads, &listing)?,
        Part::Shape if listing.files.contains(CONFIG) => downloads.get(CONFIG)?,
        Part::Shape => return Err(model.lacking(CONFIG, &listing)),
    };
    let written = cache.repo(branch).create_ref(&listing.commit);
    written.map_err(|source| HubError::Cache {
        path: hub.cache.clone(),
        source,
    })?;
    Ok(model.at(&found))
}

/// What one commit of a repository holds.
struct Listing {
    commit: String,
    files: BTreeSet<String>,
}

fn listing(api: &Api, hub: &Hub, model: &HubModel, branch: &Repo) -> Result<Listing, HubError> {
    let info = api
        .repo(branch.clone())
        .info()
        .map_err(|error| error::of_request(error, hub, model))?;
    if !is_plain(&info.sha) {
        return Err(HubError::BadCommit {
            endpoint: hub.endpoint.clone(),
        });
    }
    let files = info
        .siblings
        .into_iter()
        .map(|sibling| sibling.rfilename)
        .collect();
    Ok(Listing {
        commit: info.sha,
        files,
    })
}

impl HubModel {
    /// The file that the cache holds once the model is whole.
    fn marker(&self) -> &str {
        self.file.as_deref().unwrap_or(CONFIG)
    }

    /// `found` is a file of the model.
    fn at(&self, found: &Path) -> Fetched {
        match &self.file {
            Some(_) => Fetched::Gguf(found.to_owned()),
            None => Fetched::Directory(found.parent().unwrap_or(found).to_owned()),
        }
    }

    /// Downloads every file of the model and returns the place of one of them.
    fn download(&self, downloads: &Downloads<'_>, listing: &Listing) -> Result<PathBuf, HubError> {
        let has = |name: &str| listing.files.contains(name);
        if let Some(file) = &self.file {
            return if has(file) {
                downloads.get(file)
            } else {
                Err(self.lacking(file, listing))
            };
        }
        let weights = [SINGLE, INDEX].into_iter().find(|name| has(name));
        let Some(weights) = weights else {
            return Err(self.lacking(SINGLE, listing));
        };
        for name in [CONFIG, "tokenizer.json"] {
            if !has(name) {
                return Err(self.lacking(name, listing));
            }
        }
        for name in OPTIONAL.into_iter().filter(|name| has(name)) {
            downloads.get(name)?;
        }
        for name in listing.files.iter().filter(|name| is_named_template(name)) {
            downloads.get(name)?;
        }
        downloads.get("tokenizer.json")?;
        let index = downloads.get(weights)?;
        if weights == INDEX {
            for shard in shards(&index)? {
                downloads.get(&shard)?;
            }
        }
        downloads.get(CONFIG)
    }

    fn lacking(&self, file: &str, listing: &Listing) -> HubError {
        let gguf: Vec<String> = listing
            .files
            .iter()
            .filter(|name| name.ends_with(".gguf"))
            .cloned()
            .collect();
        match gguf.first() {
            Some(first) => HubError::GgufOnly {
                example: format!("{}/{first}", self.id),
                count: gguf.len(),
            },
            None => HubError::Lacking {
                file: file.to_owned(),
            },
        }
    }
}

/// The files that an index names.
fn shards(index: &Path) -> Result<BTreeSet<String>, HubError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let bytes = std::fs::read(index).map_err(|source| HubError::Cache {
        path: index.to_owned(),
        source,
    })?;
    let index: Index = serde_json::from_slice(&bytes).map_err(HubError::Index)?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    match shards.iter().find(|shard| !is_plain(shard)) {
        Some(shard) => Err(HubError::BadShard {
            shard: shard.clone(),
        }),
        None => Ok(shards),
    }
}

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
