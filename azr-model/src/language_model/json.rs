//! JSON files of a model: reads one into a type, or says which field is wrong.

use serde::de::DeserializeOwned;

/// A JSON file that does not fit; a sentence that names the field.
#[derive(Debug, thiserror::Error)]
#[error("{place}{source}; correct it, or fetch the file again from where the model came from")]
pub struct Misfit {
    /// The field, with a colon; nothing where the file as a whole is wrong.
    place: String,
    /// What is wrong.
    source: serde_json::Error,
}

/// Reads the text of a file.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Misfit> {
    let mut json = serde_json::Deserializer::from_str(text);
    let whole = |source| Misfit {
        place: String::new(),
        source,
    };
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = match path.as_str() {
            "." | "?" => String::new(),
            path => format!("{path}: "),
        };
        Misfit {
            place,
            source: error.into_inner(),
        }
    })?;
    json.end().map_err(whole)?;
    Ok(value)
}
