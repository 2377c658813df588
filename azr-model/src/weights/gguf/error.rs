//! What can be wrong with a GGUF file, each in one sentence that reads on from "cannot load FILE:".

use crate::config::ConfigError;
use crate::language::LanguageError;
use crate::tokenizer::from_gguf::GgufVocabularyError;
use crate::weights::SizeError;

/// Why a GGUF file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The operating system refused.
    #[error("it cannot be read; check that it exists and that you may read it")]
    Read(#[source] std::io::Error),
    /// Another kind of file.
    #[error(
        "it is not a GGUF file (it does not begin with the letters GGUF); name a .gguf file or a Hugging Face directory"
    )]
    NotGguf,
    /// A version of the format that is not known, or the other byte order.
    #[error(
        "it is GGUF version {version}, and versions 2 and 3 (little-endian) are read; convert the model again"
    )]
    Version {
        /// What the file says.
        version: u32,
    },
    /// The file ends before what its header declares.
    #[error(
        "it is cut short or damaged: at byte {position} it declares {wanted} bytes more, and {left} are left; download it again"
    )]
    Truncated {
        /// Where in the file.
        position: u64,
        /// Bytes declared.
        wanted: u64,
        /// Bytes there.
        left: u64,
    },
    /// A declared number is absurd.
    #[error(
        "it is damaged: it declares {count} {what}, more than the {max} that are possible; download it again"
    )]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// Declared number.
        count: u64,
        /// Largest number accepted.
        max: u64,
    },
    /// A name or a token is not UTF-8.
    #[error("it is damaged: the text at byte {position} is not UTF-8; download it again")]
    NotText {
        /// Where in the file.
        position: u64,
    },
    /// A metadata value of an unknown kind.
    #[error("it is damaged: {key} has a value of unknown kind {kind}; download it again")]
    ValueKind {
        /// The metadata key.
        key: String,
        /// The number of the kind.
        kind: u32,
    },
    /// A name occurs twice.
    #[error("it is damaged: {name} occurs twice; download it again")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// `general.alignment` is no power of two.
    #[error(
        "it is damaged: general.alignment is not a power of two up to 65536; download it again"
    )]
    Alignment,
    /// A tensor with too many dimensions.
    #[error("it is damaged: tensor {name} has {dimensions} dimensions; download it again")]
    Dimensions {
        /// The tensor.
        name: String,
        /// Declared number of dimensions.
        dimensions: u32,
    },
    /// A metadata entry that the model needs is not there.
    #[error("it lacks {key}; convert the model to GGUF again")]
    MissingKey {
        /// The metadata key.
        key: String,
    },
    /// A metadata entry has an unusable value.
    #[error("{key} must be {expected}; convert the model to GGUF again")]
    BadValue {
        /// The metadata key.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The model needs something that the engine does not compute.
    #[error("{key} is {value}, which is not supported; {remedy}")]
    Unsupported {
        /// The metadata key or tensor.
        key: String,
        /// What it is.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A dimension is absurd.
    #[error("its dimensions are not those of a model that can be loaded")]
    Size(#[source] SizeError),
    /// The dimensions make no model.
    #[error("its dimensions make no model; convert the model to GGUF again")]
    Config(#[source] ConfigError),
    /// The tokenizer cannot be rebuilt.
    #[error("its tokenizer cannot be rebuilt")]
    Vocabulary(#[source] GgufVocabularyError),
    /// The tokenizer, the template and the model do not fit together.
    #[error("its tokenizer or chat template cannot be used")]
    Language(#[source] LanguageError),
    /// A weight is not in the file.
    #[error("it lacks the tensor {name}; download it again, or convert the model again")]
    MissingTensor {
        /// The tensor.
        name: String,
    },
    /// The file has a tensor that the model does not know.
    #[error(
        "it has {count} tensors that this kind of model does not have, such as {name}; the model is of a kind that is not supported"
    )]
    UnexpectedTensor {
        /// One of them.
        name: String,
        /// How many.
        count: usize,
    },
    /// A tensor of another shape.
    #[error(
        "tensor {name} has shape {found:?} and the model needs {expected:?}; convert the model to GGUF again"
    )]
    Shape {
        /// The tensor.
        name: String,
        /// What the file says.
        found: Vec<usize>,
        /// What the metadata ask for.
        expected: Vec<usize>,
    },
    /// A quantization that cannot be undone.
    #[error(
        "tensor {name} is stored as ggml type {kind}, which is not supported; use a file with F32, F16, BF16, Q4_0 to Q8_1 or Q2_K to Q8_K"
    )]
    Quantization {
        /// The tensor.
        name: String,
        /// The number of the ggml type.
        kind: u32,
    },
    /// The bytes of a tensor could not be dequantized.
    #[error("tensor {name} cannot be dequantized; download the file again")]
    Dequantize {
        /// The tensor.
        name: String,
        /// What candle said.
        #[source]
        source: Box<candle_core::Error>,
    },
    /// A weight is not a number.
    #[error("tensor {name} holds values that are not finite numbers; download the file again")]
    NotFinite {
        /// The tensor.
        name: String,
    },
}
