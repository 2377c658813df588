//! Where the engine computes, as `--device` says it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use azr_model::Precision;
use azr_model::backend::cuda::{CudaBackend, GpuOptions};
use serde::{Serialize, Serializer};

use crate::environment::Environment;
use crate::request::WrongRequest;

/// Where it is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// A GPU, by the number that its driver gives it.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text.split_once(':') {
            None if text == "cpu" => return Ok(Self::Cpu),
            None if text == "cuda" => Some(0),
            Some(("cuda", number)) => number.parse().ok(),
            _ => None,
        };
        number
            .map(Self::Cuda)
            .ok_or_else(|| "give cpu, cuda, or cuda:N with the number of a GPU".to_string())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Opens a GPU, before anything is loaded for it.
///
/// # Errors
/// A wrong request, in words: there is no driver, no such GPU, no NVRTC, or it does not do what is asked.
pub fn cuda(
    index: usize,
    precision: impl Into<Precision>,
    environment: &Environment,
) -> anyhow::Result<CudaBackend> {
    let options = GpuOptions {
        index,
        library_directories: library_directories(environment),
    };
    let words = format!("--device cuda:{index} cannot be used");
    let backend =
        CudaBackend::open(&options).map_err(|error| WrongRequest::because(words, error))?;
    Ok(backend.with_precision(precision.into()))
}

/// Where NVRTC may lie besides the places where the system looks: a toolkit, and the wheels of the Python registry.
pub fn library_directories(environment: &Environment) -> Vec<PathBuf> {
    let system = PathBuf::from("/usr/local/cuda");
    let mut directories = Vec::new();
    for home in environment.cuda_home.iter().chain([&system]) {
        directories.extend([home.join("lib64"), home.join("lib")]);
    }
    let Some(python) = &environment.python_environment else {
        return directories;
    };
    let versions = std::fs::read_dir(python.join("lib")).into_iter().flatten();
    for version in versions.flatten() {
        let wheels = version.path().join("site-packages/nvidia");
        directories.extend([wheels.join("cu13/lib"), wheels.join("cuda_nvrtc/lib")]);
    }
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_as_it_is_written_and_nothing_else_is_one() {
        for (text, device) in [
            ("cpu", Device::Cpu),
            ("cuda:0", Device::Cuda(0)),
            ("cuda:13", Device::Cuda(13)),
        ] {
            assert_eq!(text.parse(), Ok(device));
            assert_eq!(device.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for text in ["gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", ""] {
            let refused = text.parse::<Device>().unwrap_err();
            assert!(refused.contains("cuda:N"), "{text}: {refused}");
        }
    }

    #[test]
    fn nvrtc_is_looked_for_in_the_toolkit_and_in_the_wheels_of_a_virtual_environment() {
        let place = tempfile::tempdir().unwrap();
        let wheels = place
            .path()
            .join("lib/python3.11/site-packages/nvidia/cu13/lib");
        std::fs::create_dir_all(&wheels).unwrap();
        let environment = Environment {
            cuda_home: Some("/opt/cuda".into()),
            python_environment: Some(place.path().into()),
            ..Environment::default()
        };
        let found = library_directories(&environment);
        assert_eq!(found[0], PathBuf::from("/opt/cuda/lib64"));
        assert!(found.contains(&wheels), "{found:?}");
    }
}
