//! A disk that fills up at any moment of a save.

use super::super::save::{Storage, SyncWrite, save_through};
use super::super::save_gguf;
use super::{LanguageModel, model};
use crate::Precision;
use crate::config::Architecture;
use crate::fixture::sentence;
use crate::weights::gguf::{self, Stored};
use std::cell::Cell;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::rc::Rc;
use tempfile::tempdir;

/// A disk that is full after so many operations.
struct SmallDisk {
    operations_left: Rc<Cell<usize>>,
}

struct SmallFile {
    file: fs::File,
    operations_left: Rc<Cell<usize>>,
}

fn spend(operations_left: &Cell<usize>) -> io::Result<()> {
    match operations_left.get() {
        0 => Err(io::Error::from(ErrorKind::StorageFull)),
        left => {
            operations_left.set(left - 1);
            Ok(())
        }
    }
}

impl Storage for SmallDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SyncWrite>> {
        spend(&self.operations_left)?;
        let operations_left = Rc::clone(&self.operations_left);
        Ok(Box::new(SmallFile {
            file: fs::File::create_new(path)?,
            operations_left,
        }))
    }
}

impl Write for SmallFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        spend(&self.operations_left)?;
        self.file.write(&bytes[..bytes.len().min(30_000)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SyncWrite for SmallFile {
    fn sync(&mut self) -> io::Result<()> {
        spend(&self.operations_left)?;
        self.file.sync_all()
    }
}

#[test]
fn a_disk_that_fills_up_at_any_moment_leaves_nothing_behind() {
    let place = tempdir().unwrap();
    let directory = place.path().join("model");
    let model = model(Architecture::Llama, true);
    let save_with = |operations: usize| {
        let disk = SmallDisk {
            operations_left: Rc::new(Cell::new(operations)),
        };
        let saved = save_through(
            &disk,
            &directory,
            &model.parameters,
            &model.language,
            Precision::F32,
        );
        (saved, disk.operations_left.get())
    };
    let (saved, left) = save_with(10_000);
    saved.unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let needed = 10_000 - left;
    assert!(
        20 < needed,
        "six files take more than 20 operations, not {needed}"
    );
    for operations in 0..needed {
        let error = save_with(operations).0.unwrap_err();
        let words = sentence(&error);
        assert!(words.contains("free space"), "{words}");
        assert_eq!(
            fs::read_dir(place.path()).unwrap().count(),
            0,
            "after {operations} operations"
        );
    }
    save_with(needed).0.unwrap();
    assert!(LanguageModel::load_local(&directory).unwrap().parameters == model.parameters);
}

#[test]
fn a_disk_that_fills_up_leaves_no_part_of_a_gguf_file() {
    let place = tempdir().unwrap();
    let path = place.path().join("model.gguf");
    let model = model(Architecture::Llama, true);
    let save_with = |operations: usize| {
        let disk = SmallDisk {
            operations_left: Rc::new(Cell::new(operations)),
        };
        let (parameters, language) = (&model.parameters, &model.language);
        let saved = save_gguf::save_through(&disk, &path, parameters, language, Stored::F16);
        (saved, disk.operations_left.get())
    };
    let (saved, left) = save_with(10_000);
    saved.unwrap();
    fs::remove_file(&path).unwrap();
    let needed = 10_000 - left;
    assert!(2 < needed, "create, write and sync are three operations");
    for operations in 0..needed {
        let words = sentence(&save_with(operations).0.unwrap_err());
        assert!(words.contains("free space"), "{words}");
        assert_eq!(
            fs::read_dir(place.path()).unwrap().count(),
            0,
            "after {operations} operations"
        );
    }
    // What an interrupted save left behind is in nobody's way.
    fs::write(place.path().join(".model.gguf.partial"), "half").unwrap();
    save_with(needed).0.unwrap();
    assert!(gguf::load(&path).is_ok());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}
