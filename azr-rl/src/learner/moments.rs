//! The optimizer's moments as a file.
//!
//! ```text
//! 8 bytes   AZRADAM1
//! u64       steps taken
//! u64       elements n
//! n x f32   first moments, in the order of the model's layout
//! n x f32   second moments
//! ```
//!
//! All numbers are little-endian. The checkpoint's manifest guards the content.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use azr_model::learn::OptimizerState;

const MAGIC: [u8; 8] = *b"AZRADAM1";
const HEADER_BYTES: u64 = 24;
const CHUNK_ELEMENTS: usize = 1 << 16;

/// Moments read back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    pub steps: u64,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

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

pub(super) fn write(path: &Path, state: OptimizerState<'_>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&MAGIC)?;
    file.write_all(&state.steps.to_le_bytes())?;
    file.write_all(&(state.first.len() as u64).to_le_bytes())?;
    for moments in [state.first, state.second] {
        for chunk in moments.chunks(CHUNK_ELEMENTS) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|it| it.to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
    }
    file.into_inner()?.sync_all()
}

pub(super) fn read(path: &Path) -> Result<Moments, MomentsError> {
    let unreadable = |source| MomentsError::Read {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let mut file = BufReader::new(file);
    let mut word = || -> Result<[u8; 8], MomentsError> {
        let mut word = [0; 8];
        file.read_exact(&mut word).map_err(unreadable)?;
        Ok(word)
    };
    let (magic, steps, elements) = (
        word()?,
        u64::from_le_bytes(word()?),
        u64::from_le_bytes(word()?),
    );
    // The size is checked before anything is allocated.
    let whole = elements
        .checked_mul(8)
        .and_then(|it| it.checked_add(HEADER_BYTES))
        == Some(bytes);
    if magic != MAGIC || !whole {
        return Err(MomentsError::Foreign {
            path: path.to_path_buf(),
        });
    }
    let mut moments = || read_floats(&mut file, elements as usize).map_err(unreadable);
    Ok(Moments {
        steps,
        first: moments()?,
        second: moments()?,
    })
}

fn read_floats(file: &mut impl Read, elements: usize) -> io::Result<Vec<f32>> {
    let mut floats = Vec::with_capacity(elements);
    let mut bytes = vec![0; CHUNK_ELEMENTS * 4];
    while floats.len() < elements {
        let taken = (elements - floats.len()).min(CHUNK_ELEMENTS) * 4;
        file.read_exact(&mut bytes[..taken])?;
        let words = bytes[..taken].chunks_exact(4);
        floats.extend(words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])));
    }
    Ok(floats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(directory: &Path, elements: usize) -> (PathBuf, Moments) {
        let first: Vec<f32> = (0..elements).map(|it| it as f32 * 0.1).collect();
        let second: Vec<f32> = first.iter().map(|it| it * it).collect();
        let path = directory.join("moments");
        write(
            &path,
            OptimizerState {
                steps: 7,
                first: &first,
                second: &second,
            },
        )
        .unwrap();
        (
            path,
            Moments {
                steps: 7,
                first,
                second,
            },
        )
    }

    #[test]
    fn moments_come_back_as_they_were() {
        let directory = tempfile::tempdir().unwrap();
        for elements in [0, 1, CHUNK_ELEMENTS + 3] {
            let (path, moments) = saved(directory.path(), elements);
            assert_eq!(read(&path).unwrap(), moments);
        }
    }

    #[test]
    fn a_file_that_is_cut_off_or_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = saved(directory.path(), 5);
        let whole = std::fs::read(&path).unwrap();
        let mut huge = whole.clone();
        huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        for bytes in [
            &whole[..10],
            &whole[..30],
            b"something else that is long enough",
            &huge,
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(
                read(&path).is_err(),
                "{} bytes were taken for moments",
                bytes.len()
            );
        }
    }
}
