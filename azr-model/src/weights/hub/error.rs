//! What can go wrong between us and a hub; each message goes on from "cannot fetch MODEL:".

use super::{Hub, HubModel};
use hf_hub::api::sync::ApiError;
use std::path::PathBuf;

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No answer.
    #[error(
        "{endpoint} cannot be reached and the model is not in the cache; check the connection, or set HF_ENDPOINT to a mirror"
    )]
    Unreachable {
        /// The address of the hub.
        endpoint: String,
        /// What failed.
        #[source]
        source: Box<ApiError>,
    },
    /// The network may not be used, and the model is not there.
    #[error(
        "the cache at {} does not hold it, and HF_HUB_OFFLINE is set; unset it to download the model", cache.display()
    )]
    Offline {
        /// Where was looked.
        cache: PathBuf,
    },
    /// There is no such model.
    #[error(
        "{endpoint} has no model {model}; check the spelling and the revision, and set HF_TOKEN if the model is private"
    )]
    NotFound {
        /// The address of the hub.
        endpoint: String,
        /// The model.
        model: HubModel,
    },
    /// The model needs permission.
    #[error(
        "{endpoint} answers {status} for {model}; accept its license on its page and set HF_TOKEN to a token that may read it"
    )]
    Denied {
        /// The address of the hub.
        endpoint: String,
        /// The model.
        model: HubModel,
        /// The HTTP status.
        status: u16,
    },
    /// The hub answered something unexpected.
    #[error("the answer for {what} is not that of a hub; check HF_ENDPOINT")]
    Answer {
        /// What was asked for.
        what: String,
        /// What failed.
        #[source]
        source: Box<ApiError>,
    },
    /// The commit is not a name.
    #[error("{endpoint} names no commit of the model; check HF_ENDPOINT")]
    BadCommit {
        /// The address of the hub.
        endpoint: String,
    },
    /// A file is missing on the hub.
    #[error(
        "it has no {file}; choose a model that has config.json, tokenizer.json and safetensors weights"
    )]
    Lacking {
        /// The file.
        file: String,
    },
    /// Only GGUF files are there.
    #[error(
        "it holds {count} GGUF files and no safetensors weights; name one of them, such as {example}"
    )]
    GgufOnly {
        /// A name to use instead.
        example: String,
        /// Number of GGUF files.
        count: usize,
    },
    /// The index of shards does not parse.
    #[error("its model.safetensors.index.json is damaged; remove it from the cache and try again")]
    Index(#[source] serde_json::Error),
    /// The index names a file elsewhere.
    #[error("its index names a file {shard:?} outside the model; do not use this model")]
    BadShard {
        /// The name.
        shard: String,
    },
    /// A download stopped.
    #[error(
        "the download of {file} stopped after {attempts} attempts; what has arrived is kept, so try again"
    )]
    Stopped {
        /// The file.
        file: String,
        /// Number of attempts.
        attempts: u32,
        /// What failed last.
        #[source]
        source: Box<ApiError>,
    },
    /// A download ended with the wrong content.
    #[error(
        "{file} arrived {attempts} times with another size or checksum than the hub declares; try again later or use another mirror"
    )]
    Corrupt {
        /// The file.
        file: String,
        /// Number of attempts.
        attempts: u32,
    },
    /// The cache cannot be used.
    #[error("the cache at {} cannot be used; check HF_HOME and HF_HUB_CACHE, the permissions of the directory and the free space of its disk", path.display())]
    Cache {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// The meaning of a failed request for a model.
pub(super) fn of_request(error: ApiError, hub: &Hub, model: &HubModel) -> HubError {
    let endpoint = hub.endpoint.clone();
    let model = model.clone();
    match status(&error) {
        Some(404) => HubError::NotFound { endpoint, model },
        Some(status @ (401 | 403)) => HubError::Denied {
            endpoint,
            model,
            status,
        },
        Some(_) => HubError::Answer {
            what: model.to_string(),
            source: Box::new(error),
        },
        None if is_connection(&error) => HubError::Unreachable {
            endpoint,
            source: Box::new(error),
        },
        None => HubError::Answer {
            what: model.to_string(),
            source: Box::new(error),
        },
    }
}

fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(status) => Some(status),
            _ => None,
        },
        _ => None,
    }
}

fn is_connection(error: &ApiError) -> bool {
    match error {
        ApiError::RequestError(error) => {
            matches!(
                **error,
                ureq::Error::Io(_)
                    | ureq::Error::HostNotFound
                    | ureq::Error::ConnectionFailed
                    | ureq::Error::Timeout(_)
                    | ureq::Error::Tls(_)
                    | ureq::Error::Rustls(_)
            )
        }
        _ => false,
    }
}
