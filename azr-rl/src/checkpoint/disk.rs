//! The operations of a disk that a checkpoint needs, so that a test can make each of them fail.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// A disk.
pub trait Disk {
    /// Creates a directory whose parent exists.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn create_directory(&mut self, path: &Path) -> io::Result<()>;

    /// Writes a whole file.
    ///
    /// # Errors
    /// Whatever the operating system says; a part of the file may then exist.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Waits until a file or directory is on the disk.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn sync(&mut self, path: &Path) -> io::Result<()>;

    /// Renames a directory.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a directory and all that is in it; one that does not exist is removed already.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn remove_directory(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create_directory(&mut self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
