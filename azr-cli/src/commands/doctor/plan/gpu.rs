//! The GPU that is planned for: one of this machine, or one that is assumed.

use std::str::FromStr;

use azr_model::backend::cuda::gpus;

use crate::device::Device;
use crate::request::WrongRequest;

/// GPUs by what people call them, in MiB as nvidia-smi lists them; of those that are called alike, the smallest.
const KNOWN: [(&str, u64); 9] = [
    ("16gb", 16_376),
    ("24gb", 24_564),
    ("32gb", 32_607),
    ("a100-40gb", 40_960),
    ("48gb", 46_068),
    ("h100-80gb", 81_559),
    ("a100-80gb", 81_920),
    ("h200-141gb", 143_771),
    ("b200-180gb", 183_359),
];

/// A GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// What it is called.
    pub name: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// Whether it is here.
    pub is_assumed: bool,
}

/// One of those that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumed {
    name: &'static str,
    mebibytes: u64,
}

impl FromStr for Assumed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = all().find(|it| it.name == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
            format!("give one of {}", names.join(", "))
        })
    }
}

impl Assumed {
    pub fn gpu(self) -> Gpu {
        Gpu {
            name: self.name.to_string(),
            memory_bytes: self.mebibytes << 20,
            is_assumed: true,
        }
    }
}

/// Those that are known, the smallest first.
pub fn all() -> impl Iterator<Item = Assumed> {
    KNOWN
        .iter()
        .map(|&(name, mebibytes)| Assumed { name, mebibytes })
}

/// A GPU of this machine, the first unless another is named.
///
/// # Errors
/// A wrong request: it is not there, or what is named is none.
pub fn of_this_machine(device: Option<Device>) -> anyhow::Result<Gpu> {
    let index = match device {
        Some(Device::Cpu) => {
            return Err(WrongRequest::new(
                "a plan is made for a GPU; azr bench says what the processor's memory is used for",
            ));
        }
        Some(Device::Cuda(index)) => index,
        None => 0,
    };
    let words = format!(
        "there is no cuda:{index} to plan for; --assume h100-80gb plans for one that is not here"
    );
    let found = gpus().map_err(|error| WrongRequest::because(words.clone(), error))?;
    let found = found.into_iter().find(|it| it.index == index);
    let gpu = found.ok_or_else(|| WrongRequest::new(words))?;
    Ok(Gpu {
        name: gpu.name,
        memory_bytes: gpu.memory_bytes,
        is_assumed: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_gpus_are_found_by_name_and_others_refused_with_the_names() {
        let gpu = "h100-80gb".parse::<Assumed>().unwrap().gpu();
        assert_eq!(gpu.memory_bytes, 81_559 << 20);
        assert!("h100".parse::<Assumed>().unwrap_err().contains("h100-80gb"));
        let sizes: Vec<u64> = all().map(|it| it.mebibytes).collect();
        assert!(sizes.is_sorted(), "the smallest first");
    }
}
