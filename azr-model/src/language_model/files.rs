//! Where the files of a model are read from: a directory, or bytes that the program carries.

use crate::weights::safetensors::ReadSeek;
use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Named files that belong to one model.
#[derive(Debug, Clone)]
pub(super) enum ModelFiles<'a> {
    /// A directory on disk.
    Directory(PathBuf),
    /// Names and contents in memory.
    Embedded(&'a [(&'a str, &'a [u8])]),
}

impl<'a> ModelFiles<'a> {
    /// The file, or `None` if there is none of this name.
    pub(super) fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek + 'a>>> {
        match self {
            Self::Directory(directory) => match File::open(directory.join(name)) {
                Ok(file) => Ok(Some(Box::new(file))),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            Self::Embedded(files) => {
                let found = files.iter().find(|(known, _)| *known == name);
                Ok(found.map(|(_, bytes)| Box::new(Cursor::new(*bytes)) as Box<dyn ReadSeek + 'a>))
            }
        }
    }

    /// The text of a file of at most `bytes_max` bytes, or `None` if there is none of this name.
    pub(super) fn text(&self, name: &str, bytes_max: u64) -> io::Result<Option<String>> {
        let Some(file) = self.open(name)? else {
            return Ok(None);
        };
        let mut text = String::new();
        let read = file.take(bytes_max + 1).read_to_string(&mut text)?;
        if bytes_max < read as u64 {
            return Err(io::Error::new(
                ErrorKind::FileTooLarge,
                format!("it is larger than {bytes_max} bytes"),
            ));
        }
        Ok(Some(text))
    }

    /// The names of the files in a directory beside the model's files, in order; none if there is no such directory.
    pub(super) fn names_in(&self, directory: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        match self {
            Self::Directory(top) => match fs::read_dir(top.join(directory)) {
                Ok(entries) => {
                    for entry in entries {
                        names.extend(entry?.file_name().into_string());
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            },
            Self::Embedded(files) => {
                let paths = files.iter().filter_map(|(path, _)| path.split_once('/'));
                let inside = paths.filter(|(top, _)| *top == directory);
                names.extend(inside.map(|(_, name)| name.to_owned()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// What to call a file in a message.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Directory(directory) => directory.join(name),
            Self::Embedded(_) => Path::new("embedded").join(name),
        }
    }
}
