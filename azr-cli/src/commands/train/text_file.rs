//! Reads a configuration file, which somebody may have mistaken for another one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A configuration file is some kilobytes.
const BYTES_MAX: u64 = 1 << 20;

/// The text of the file at `path`.
///
/// # Errors
/// It cannot be read, is too large, or is no text.
pub fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if BYTES_MAX < bytes.len() as u64 {
        let words = "it is larger than 1 MiB, so it is no configuration";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    String::from_utf8(bytes).map_err(|_| {
        let words = "it is not UTF-8 text";
        io::Error::new(io::ErrorKind::InvalidData, words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_configuration_is_not_read_to_its_end() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.toml");
        std::fs::write(&path, vec![0; BYTES_MAX as usize + 1]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("1 MiB"));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("UTF-8"));
        std::fs::write(&path, "seed = 1").unwrap();
        assert_eq!(read(&path).unwrap(), "seed = 1");
    }
}
