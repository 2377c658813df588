//! The optimizer's moments as a file.
//!
//! ```text
//! in f32                         in 16 or 8 bits
//! 8 bytes   AZRADAM1             8 bytes   AZRADAM2
//! u64       steps taken          u64       steps taken
//! u64       elements n           u64       elements n
//! n x f32   first moments        u64       1: bfloat16, 2: float8 in blocks of 256
//! n x f32   second moments       n x u16   first moments      | n x u8     first moments
//!                                n x u16   second moments     | n/256 x f32   their scales
//!                                                             | the same of the roots of the second moments
//! ```
//!
//! All numbers are little-endian, in the order of the model's layout. The checkpoint's manifest guards the content.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use azr_model::learn::{Moment, MomentKind, Narrow, OptimizerState};

const EXACT: [u8; 8] = *b"AZRADAM1";
const ROUNDED: [u8; 8] = *b"AZRADAM2";
const CHUNK_ELEMENTS: usize = 1 << 16;

/// Why moments cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MomentsError {
    /// The file cannot be read to its end.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, or cut off.
    #[error("{} does not hold the moments of an optimizer", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
}

/// A number of the file.
trait Word: Copy {
    /// Its bytes.
    const BYTES: usize;
    fn append(self, bytes: &mut Vec<u8>);
    fn from_bytes(bytes: &[u8]) -> Self;
}

impl Word for f32 {
    const BYTES: usize = 4;

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

impl Word for u16 {
    const BYTES: usize = 2;

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self::from_le_bytes([bytes[0], bytes[1]])
    }
}

impl Word for u8 {
    const BYTES: usize = 1;

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.push(self);
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        bytes[0]
    }
}

pub(super) fn write(path: &Path, state: &OptimizerState<'_>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let kind = state.first.kind();
    let magic = if kind == MomentKind::F32 {
        EXACT
    } else {
        ROUNDED
    };
    file.write_all(&magic)?;
    file.write_all(&state.steps.to_le_bytes())?;
    file.write_all(&(state.first.elements() as u64).to_le_bytes())?;
    if let Some(code) = code(kind) {
        file.write_all(&code.to_le_bytes())?;
    }
    for moment in [&state.first, &state.second] {
        match moment {
            Moment::F32(values) => write_words(&mut file, values)?,
            Moment::Narrow(Narrow::Bf16(values)) => write_words(&mut file, values)?,
            Moment::Narrow(Narrow::Float8 { codes, scales }) => {
                write_words(&mut file, codes)?;
                write_words(&mut file, scales)?;
            }
        }
    }
    file.into_inner()?.sync_all()
}

/// How the file says what it holds, where it is not f32.
fn code(kind: MomentKind) -> Option<u64> {
    match kind {
        MomentKind::F32 => None,
        MomentKind::Bf16 => Some(1),
        MomentKind::Float8 => Some(2),
    }
}

fn write_words<T: Word>(file: &mut impl Write, words: &[T]) -> io::Result<()> {
    let mut bytes = Vec::new();
    for chunk in words.chunks(CHUNK_ELEMENTS) {
        bytes.clear();
        chunk.iter().for_each(|it| it.append(&mut bytes));
        file.write_all(&bytes)?;
    }
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<OptimizerState<'static>, MomentsError> {
    let unreadable = |source| MomentsError::Read {
        path: path.to_path_buf(),
        source,
    };
    let foreign = || MomentsError::Foreign {
        path: path.to_path_buf(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let mut file = BufReader::new(file);
    let mut word = || -> Result<[u8; 8], MomentsError> {
        let mut word = [0; 8];
        file.read_exact(&mut word).map_err(unreadable)?;
        Ok(word)
    };
    let (magic, steps) = (word()?, u64::from_le_bytes(word()?));
    let elements = u64::from_le_bytes(word()?);
    let kind = match magic {
        EXACT => MomentKind::F32,
        ROUNDED => {
            let said = u64::from_le_bytes(word()?);
            let known = MomentKind::ALL.into_iter();
            let mut known = known.filter(|it| code(*it) == Some(said));
            known.next().ok_or_else(foreign)?
        }
        _ => return Err(foreign()),
    };
    // The size is checked before anything is allocated.
    let elements = usize::try_from(elements).ok().filter(|it| *it < 1 << 60);
    let elements = elements.ok_or_else(foreign)?;
    let header = 24 + code(kind).map_or(0, |_| 8);
    if 2 * kind.bytes(elements) as u64 + header != bytes {
        return Err(foreign());
    }
    let mut moment = || read_moment(&mut file, kind, elements).map_err(unreadable);
    Ok(OptimizerState {
        steps,
        first: moment()?,
        second: moment()?,
    })
}

fn read_moment(
    file: &mut impl Read,
    kind: MomentKind,
    elements: usize,
) -> io::Result<Moment<'static>> {
    Ok(match kind {
        MomentKind::F32 => Moment::F32(read_words(file, elements)?.into()),
        MomentKind::Bf16 => Moment::Narrow(Narrow::Bf16(read_words(file, elements)?.into())),
        MomentKind::Float8 => Moment::Narrow(Narrow::Float8 {
            codes: read_words(file, elements)?.into(),
            scales: read_words(file, elements.div_ceil(MomentKind::BLOCK))?.into(),
        }),
    })
}

fn read_words<T: Word>(file: &mut impl Read, elements: usize) -> io::Result<Vec<T>> {
    let mut words = Vec::with_capacity(elements);
    let mut bytes = vec![0; CHUNK_ELEMENTS * T::BYTES];
    while words.len() < elements {
        let taken = (elements - words.len()).min(CHUNK_ELEMENTS) * T::BYTES;
        file.read_exact(&mut bytes[..taken])?;
        words.extend(bytes[..taken].chunks_exact(T::BYTES).map(T::from_bytes));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(kind: MomentKind, elements: usize) -> OptimizerState<'static> {
        let moment = |factor: usize| match kind {
            MomentKind::F32 => {
                let values = (0..elements).map(|it| (it * factor) as f32 * 0.1);
                Moment::F32(values.collect())
            }
            MomentKind::Bf16 => {
                let values = (0..elements).map(|it| (it * factor) as u16);
                Moment::Narrow(Narrow::Bf16(values.collect()))
            }
            MomentKind::Float8 => Moment::Narrow(Narrow::Float8 {
                codes: (0..elements).map(|it| (it * factor) as u8).collect(),
                scales: (0..elements.div_ceil(256))
                    .map(|it| (it + factor) as f32)
                    .collect(),
            }),
        };
        OptimizerState {
            steps: 7,
            first: moment(3),
            second: moment(5),
        }
    }

    fn saved(
        directory: &Path,
        kind: MomentKind,
        elements: usize,
    ) -> (PathBuf, OptimizerState<'static>) {
        let (path, state) = (directory.join("moments"), state(kind, elements));
        write(&path, &state).unwrap();
        (path, state)
    }

    #[test]
    fn moments_come_back_as_they_were() {
        let directory = tempfile::tempdir().unwrap();
        for kind in MomentKind::ALL {
            for elements in [0, 1, 256, CHUNK_ELEMENTS + 3] {
                let (path, moments) = saved(directory.path(), kind, elements);
                assert!(read(&path).unwrap() == moments, "{kind:?}, {elements}");
            }
        }
    }

    #[test]
    fn moments_in_f32_lie_as_they_always_did() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = saved(directory.path(), MomentKind::F32, 2);
        let mut expected = b"AZRADAM1".to_vec();
        expected.extend([7u64, 2].iter().flat_map(|it| it.to_le_bytes()));
        let values = [0.0f32, 3.0 * 0.1, 0.0, 5.0 * 0.1];
        expected.extend(values.iter().flat_map(|it| it.to_le_bytes()));
        assert_eq!(std::fs::read(&path).unwrap(), expected);
    }

    #[test]
    fn a_file_that_is_cut_off_or_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for kind in MomentKind::ALL {
            let (path, _) = saved(directory.path(), kind, 5);
            let whole = std::fs::read(&path).unwrap();
            let [mut huge, mut other] = [whole.clone(), whole.clone()];
            huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
            other[24] ^= 3;
            for bytes in [
                &whole[..10],
                &whole[..30],
                &whole[..whole.len() - 1],
                b"something else that is long enough",
                &huge,
            ] {
                std::fs::write(&path, bytes).unwrap();
                assert!(
                    read(&path).is_err(),
                    "{} bytes were taken for moments in {kind:?}",
                    bytes.len()
                );
            }
            if kind != MomentKind::F32 {
                std::fs::write(&path, &other).unwrap();
                assert!(read(&path).is_err(), "another kind than {kind:?}");
            }
        }
    }
}
