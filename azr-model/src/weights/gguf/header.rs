//! Reads the header of a GGUF file: metadata and the list of tensors, with every declared size checked first.
//!
//! The header is small and comes from anywhere, so nothing in it is believed: counts, lengths, dimensions and offsets
//! are held against named limits and against the length of the file before memory is taken for them.
//! Format: version 2 and 3, little-endian, as the GGUF specification of the ggml project describes.

use super::GgufError;
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

const MAGIC: [u8; 4] = *b"GGUF";
const METADATA_ENTRIES_MAX: u64 = 1 << 16;
const TENSORS_MAX: u64 = 1 << 16;
const NAME_BYTES_MAX: u64 = 1 << 16;
const TEXT_BYTES_MAX: u64 = 1 << 24;
const ARRAY_ELEMENTS_MAX: u64 = 1 << 22;
const HEADER_BYTES_MAX: u64 = 1 << 28;
const DIMENSIONS_MAX: u32 = 4;
const ALIGNMENT_BYTES_MAX: u64 = 1 << 16;
const ALIGNMENT_BYTES_DEFAULT: u64 = 32;

/// One value of the metadata. Arrays that no loader reads are passed over.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i64>),
    /// An array of some other kind, with its length.
    Passed(u64),
}

/// Where a tensor lies in the file, and how it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TensorPlace {
    /// Row-major, the outermost dimension first (the file lists them the other way round).
    pub shape: Vec<usize>,
    /// The number of its ggml data type.
    pub kind: u32,
    /// Bytes from the start of the tensor data.
    pub offset: u64,
}

/// The header of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    pub metadata: HashMap<String, Value>,
    pub tensors: HashMap<String, TensorPlace>,
    /// Bytes from the start of the file to the tensor data.
    pub data_start: u64,
    /// Length of the file in bytes.
    pub file_bytes: u64,
}

impl Header {
    /// Reads the header and leaves the reader anywhere.
    pub(super) fn read(reader: &mut (impl Read + Seek)) -> Result<Self, GgufError> {
        let file_bytes = reader.seek(SeekFrom::End(0)).map_err(GgufError::Read)?;
        reader.seek(SeekFrom::Start(0)).map_err(GgufError::Read)?;
        let end = file_bytes.min(HEADER_BYTES_MAX);
        let mut source = Source {
            reader,
            position: 0,
            end,
        };
        let magic: [u8; 4] = source.bytes()?;
        if magic != MAGIC {
            return Err(GgufError::NotGguf);
        }
        let version = source.u32()?;
        if !(2..=3).contains(&version) {
            return Err(GgufError::Version { version });
        }
        let tensors = source.count("tensors", TENSORS_MAX)?;
        let entries = source.count("metadata entries", METADATA_ENTRIES_MAX)?;
        let mut header = Self {
            file_bytes,
            ..Self::default()
        };
        for _ in 0..entries {
            let key = source.name()?;
            let value = source.value(&key)?;
            if header.metadata.insert(key.clone(), value).is_some() {
                return Err(GgufError::Duplicate { name: key });
            }
        }
        for _ in 0..tensors {
            let name = source.name()?;
            let place = source.place(&name)?;
            if header.tensors.insert(name.clone(), place).is_some() {
                return Err(GgufError::Duplicate { name });
            }
        }
        let alignment = header.alignment()?;
        header.data_start = source.position.next_multiple_of(alignment);
        Ok(header)
    }

    fn alignment(&self) -> Result<u64, GgufError> {
        let declared = match self.metadata.get("general.alignment") {
            None => return Ok(ALIGNMENT_BYTES_DEFAULT),
            Some(Value::Unsigned(bytes)) => *bytes,
            Some(_) => 0,
        };
        if declared.is_power_of_two() && declared <= ALIGNMENT_BYTES_MAX {
            return Ok(declared);
        }
        Err(GgufError::Alignment)
    }
}

/// The bytes of the header, counted, so that no declared length reaches past them.
struct Source<'a, R> {
    reader: &'a mut R,
    position: u64,
    end: u64,
}

impl<R: Read + Seek> Source<'_, R> {
    /// Refuses what cannot be there before memory is taken for it.
    fn claim(&mut self, bytes: u64) -> Result<(), GgufError> {
        let left = self.end - self.position;
        if left < bytes {
            return Err(GgufError::Truncated {
                position: self.position,
                wanted: bytes,
                left,
            });
        }
        self.position += bytes;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.reader
            .read_exact(&mut bytes)
            .map_err(GgufError::Read)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn count(&mut self, what: &'static str, max: u64) -> Result<u64, GgufError> {
        let count = self.u64()?;
        if max < count {
            return Err(GgufError::TooMany { what, count, max });
        }
        Ok(count)
    }

    fn text(&mut self, bytes_max: u64) -> Result<Vec<u8>, GgufError> {
        let length = self.count("bytes in a text", bytes_max)?;
        self.claim(length)?;
        let mut bytes = vec![0; length as usize];
        self.reader
            .read_exact(&mut bytes)
            .map_err(GgufError::Read)?;
        Ok(bytes)
    }

    fn name(&mut self) -> Result<String, GgufError> {
        let position = self.position;
        String::from_utf8(self.text(NAME_BYTES_MAX)?).map_err(|_| GgufError::NotText { position })
    }

    /// Texts that the tokenizer reads must be UTF-8; a description may be anything.
    fn text_of(&mut self, key: &str) -> Result<String, GgufError> {
        let position = self.position;
        let bytes = self.text(TEXT_BYTES_MAX)?;
        String::from_utf8(bytes).or_else(|error| match key.starts_with("tokenizer.") {
            true => Err(GgufError::NotText { position }),
            false => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        })
    }

    fn value(&mut self, key: &str) -> Result<Value, GgufError> {
        let kind = self.u32()?;
        match kind {
            8 => Ok(Value::Text(self.text_of(key)?)),
            9 => self.array(key),
            _ => self.scalar(key, kind),
        }
    }

    fn scalar(&mut self, key: &str, kind: u32) -> Result<Value, GgufError> {
        Ok(match kind {
            0 => Value::Unsigned(u8::from_le_bytes(self.bytes()?).into()),
            1 => Value::Signed(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Unsigned(self.u32()?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Flag(self.bytes::<1>()? != [0]),
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            _ => {
                return Err(GgufError::ValueKind {
                    key: key.to_owned(),
                    kind,
                });
            }
        })
    }

    fn array(&mut self, key: &str) -> Result<Value, GgufError> {
        let kind = self.u32()?;
        let length = self.count("elements in an array", ARRAY_ELEMENTS_MAX)?;
        let element_bytes = match kind {
            8 => return self.texts(key, length),
            4 | 5 => return self.integers(kind, length),
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            6 => 4,
            10..=12 => 8,
            _ => {
                return Err(GgufError::ValueKind {
                    key: key.to_owned(),
                    kind,
                });
            }
        };
        self.claim(length * element_bytes)?;
        self.reader
            .seek(SeekFrom::Start(self.position))
            .map_err(GgufError::Read)?;
        Ok(Value::Passed(length))
    }

    fn texts(&mut self, key: &str, length: u64) -> Result<Value, GgufError> {
        (0..length)
            .map(|_| self.text_of(key))
            .collect::<Result<_, _>>()
            .map(Value::Texts)
    }

    fn integers(&mut self, kind: u32, length: u64) -> Result<Value, GgufError> {
        let integer = |bytes: [u8; 4]| match kind {
            4 => i64::from(u32::from_le_bytes(bytes)),
            _ => i64::from(i32::from_le_bytes(bytes)),
        };
        (0..length)
            .map(|_| self.bytes().map(integer))
            .collect::<Result<_, _>>()
            .map(Value::Integers)
    }

    fn place(&mut self, name: &str) -> Result<TensorPlace, GgufError> {
        let dimensions = self.u32()?;
        if DIMENSIONS_MAX < dimensions {
            return Err(GgufError::Dimensions {
                name: name.to_owned(),
                dimensions,
            });
        }
        let mut shape = (0..dimensions)
            .map(|_| {
                self.u64()
                    .map(|size| usize::try_from(size).unwrap_or(usize::MAX))
            })
            .collect::<Result<Vec<usize>, _>>()?;
        shape.reverse();
        Ok(TensorPlace {
            shape,
            kind: self.u32()?,
            offset: self.u64()?,
        })
    }
}
