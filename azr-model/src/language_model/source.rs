//! What a person means by the name of a model.

use super::SourceError;
use crate::weights::hub::HubModel;
use std::path::{Path, PathBuf};

/// Where a model is to be loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// A Hugging Face directory.
    Directory(PathBuf),
    /// A GGUF file.
    Gguf(PathBuf),
    /// A model on a hub.
    Hub(HubModel),
}

impl ModelSource {
    /// Understands a name: what exists on disk comes first, then `org/name` on the hub.
    ///
    /// # Errors
    /// [`SourceError`], which says what was tried.
    pub fn parse(name: impl AsRef<Path>) -> Result<Self, SourceError> {
        let path = name.as_ref();
        let has_config = |path: &Path| path.join("config.json").exists();
        if path.is_dir() {
            return match has_config(path) {
                true => Ok(Self::Directory(path.to_owned())),
                false => Err(SourceError::DirectoryWithoutConfig {
                    path: path.to_owned(),
                }),
            };
        }
        let gguf = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if path.exists() {
            return match gguf {
                true => Ok(Self::Gguf(path.to_owned())),
                false => Err(SourceError::UnknownFile {
                    path: path.to_owned(),
                }),
            };
        }
        let text = path.to_str().unwrap_or_default();
        let like_a_path = [".", "/", "~"].iter().any(|start| text.starts_with(start));
        match HubModel::parse(text) {
            Some(model) if !like_a_path => Ok(Self::Hub(model)),
            _ => Err(SourceError::NotFound {
                path: path.to_owned(),
            }),
        }
    }
}

impl std::fmt::Display for ModelSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) | Self::Gguf(path) => path.display().fmt(f),
            Self::Hub(model) => model.fmt(f),
        }
    }
}
