//! One safetensors file: its header, checked, and its values, a piece at a time.

use crate::half::{f32_from_bf16, f32_from_f16};
use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, SeekFrom};

/// Headers of real models have up to a few hundred kilobytes.
const HEADER_BYTES_MAX: u64 = 1 << 24;
const LENGTH_BYTES: u64 = 8;
/// Bytes converted at a time; a multiple of every supported width.
const PIECE_BYTES: usize = 1 << 20;

/// A file that can be read from any place.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Why a safetensors file could not be read; goes on from "cannot load FILE:".
#[derive(Debug, thiserror::Error)]
pub enum SafetensorsError {
    /// The operating system refused, or the file ended early.
    #[error(
        "it cannot be read; check that you may read it, and download it again if it is damaged"
    )]
    Read(#[source] io::Error),
    /// The header is longer than the file, or absurdly long.
    #[error(
        "it is cut short or not a safetensors file: its header should have {declared} bytes and {left} follow; download it again"
    )]
    HeaderLength {
        /// Declared length of the header.
        declared: u64,
        /// Bytes after the length.
        left: u64,
    },
    /// The header is not the JSON it should be, or contradicts itself.
    #[error("its header is damaged; download it again")]
    Header(#[source] serde_json::Error),
    /// The data are shorter or longer than the header says.
    #[error(
        "its tensors need {declared} bytes and {left} are there; it is cut short or damaged, download it again"
    )]
    DataLength {
        /// Bytes that the header declares.
        declared: u64,
        /// Bytes after the header.
        left: u64,
    },
    /// Two shards have the same tensor.
    #[error(
        "it repeats tensor {name} of another shard; remove the file that does not belong to the model"
    )]
    Duplicate {
        /// The tensor.
        name: String,
    },
    /// A weight is not there.
    #[error(
        "tensor {name} is missing; the weights and config.json are not of the same model, or shards are missing"
    )]
    Missing {
        /// The tensor.
        name: String,
    },
    /// There are tensors that the model does not have.
    #[error(
        "it has {count} tensors that a model of this config.json does not have, such as {name}; use the config.json that belongs to the weights"
    )]
    Unexpected {
        /// One of them.
        name: String,
        /// How many.
        count: usize,
    },
    /// A tensor of another shape.
    #[error(
        "tensor {name} has shape {found:?} and config.json asks for {expected:?}; use the config.json that belongs to the weights"
    )]
    Shape {
        /// The tensor.
        name: String,
        /// What the file says.
        found: Vec<usize>,
        /// What the configuration asks for.
        expected: Vec<usize>,
    },
    /// A number format that is not read.
    #[error(
        "tensor {name} is stored as {dtype:?}, and F32, F16 and BF16 are read; use full-precision weights"
    )]
    Dtype {
        /// The tensor.
        name: String,
        /// How it is stored.
        dtype: Dtype,
    },
    /// A weight is not a number.
    #[error(
        "tensor {name} holds values that are not finite numbers; the training that made it diverged, or the file is damaged"
    )]
    NotFinite {
        /// The tensor.
        name: String,
    },
}

/// An open file with a checked header.
pub(super) struct SafetensorsFile<'a> {
    reader: Box<dyn ReadSeek + 'a>,
    metadata: Metadata,
    data_start: u64,
}

impl<'a> SafetensorsFile<'a> {
    /// Reads and checks the header.
    pub(super) fn open(mut reader: Box<dyn ReadSeek + 'a>) -> Result<Self, SafetensorsError> {
        let file_bytes = reader
            .seek(SeekFrom::End(0))
            .map_err(SafetensorsError::Read)?;
        reader
            .seek(SeekFrom::Start(0))
            .map_err(SafetensorsError::Read)?;
        if file_bytes < LENGTH_BYTES {
            return Err(SafetensorsError::HeaderLength {
                declared: LENGTH_BYTES,
                left: file_bytes,
            });
        }
        let mut length = [0; LENGTH_BYTES as usize];
        reader
            .read_exact(&mut length)
            .map_err(SafetensorsError::Read)?;
        let (declared, left) = (u64::from_le_bytes(length), file_bytes - LENGTH_BYTES);
        if left < declared || HEADER_BYTES_MAX < declared {
            return Err(SafetensorsError::HeaderLength { declared, left });
        }
        let mut header = vec![0; declared as usize];
        reader
            .read_exact(&mut header)
            .map_err(SafetensorsError::Read)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(SafetensorsError::Header)?;
        let (data, there) = (metadata.data_len() as u64, left - declared);
        if data != there {
            return Err(SafetensorsError::DataLength {
                declared: data,
                left: there,
            });
        }
        Ok(Self {
            reader,
            metadata,
            data_start: LENGTH_BYTES + declared,
        })
    }

    /// The names of all tensors.
    pub(super) fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// Type, shape and place of a tensor.
    pub(super) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// Converts a tensor to f32. `values` has as many elements as its shape says.
    pub(super) fn read(&mut self, name: &str, values: &mut [f32]) -> Result<(), SafetensorsError> {
        let dtype = self.info(name).map(|info| info.dtype);
        let width = if dtype == Some(Dtype::F32) { 4 } else { 2 };
        let mut filled = 0;
        self.pieces(name, |bytes| {
            let target = &mut values[filled..filled + bytes.len() / width];
            filled += target.len();
            convert(dtype, bytes, target);
        })?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(SafetensorsError::NotFinite {
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    /// A fingerprint of type, shape and bytes of a tensor.
    pub(super) fn digest(&mut self, name: &str) -> Result<[u8; 32], SafetensorsError> {
        let mut digest = Sha256::new();
        if let Some(info) = self.info(name) {
            digest.update(format!("{:?} {:?}", info.dtype, info.shape));
        }
        self.pieces(name, |bytes| digest.update(bytes))?;
        Ok(digest.finalize().into())
    }

    fn pieces(&mut self, name: &str, mut piece: impl FnMut(&[u8])) -> Result<(), SafetensorsError> {
        let missing = || SafetensorsError::Missing {
            name: name.to_owned(),
        };
        let (start, end) = self.metadata.info(name).ok_or_else(missing)?.data_offsets;
        let from = SeekFrom::Start(self.data_start + start as u64);
        self.reader.seek(from).map_err(SafetensorsError::Read)?;
        let mut buffer = vec![0; PIECE_BYTES.min(end - start)];
        let mut left = end - start;
        while 0 < left {
            let bytes = &mut buffer[..PIECE_BYTES.min(left)];
            self.reader
                .read_exact(bytes)
                .map_err(SafetensorsError::Read)?;
            piece(bytes);
            left -= bytes.len();
        }
        Ok(())
    }
}

fn convert(dtype: Option<Dtype>, bytes: &[u8], values: &mut [f32]) {
    let pairs = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair));
    let fours = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four));
    match dtype {
        Some(Dtype::F16) => values
            .iter_mut()
            .zip(pairs)
            .for_each(|(value, bits)| *value = f32_from_f16(bits)),
        Some(Dtype::BF16) => values
            .iter_mut()
            .zip(pairs)
            .for_each(|(value, bits)| *value = f32_from_bf16(bits)),
        _ => values
            .iter_mut()
            .zip(fours)
            .for_each(|(value, number)| *value = number),
    }
}
