//! Whatever a template says, the supervisor comes to an end with it, and nothing of it stays behind.
//!
//! The first byte chooses the backend and whether the deadline is already over. Each message is the number of its
//! descriptors (a byte), its length (two bytes) and its bytes.
#![no_main]

use std::cell::RefCell;
use std::fs;

use azr_executor::Backend;
use azr_executor::python::fuzzing::{Impostor, Message};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static IMPOSTORS: RefCell<[Impostor; 4]> = RefCell::new(impostors());
}

fuzz_target!(|script: &[u8]| {
    let Some((choice, mut script)) = script.split_first() else {
        return;
    };
    let mut messages = Vec::new();
    while let Some(([descriptors, low, high], rest)) = script.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (bytes, rest) = rest.split_at(rest.len().min(length));
        messages.push(Message {
            bytes,
            descriptors: usize::from(*descriptors),
        });
        script = rest;
    }
    IMPOSTORS.with_borrow_mut(|impostors| {
        let before = open_descriptors();
        let at = usize::from(*choice) % impostors.len();
        impostors[at].say(&messages).expect("a channel");
        assert_eq!(before, open_descriptors(), "a descriptor stays open");
    });
});

fn impostors() -> [Impostor; 4] {
    let start = |(backend, wall_ms_max)| Impostor::start(backend, wall_ms_max).expect("memory");
    [
        (Backend::Snapshot, 60_000),
        (Backend::Fork, 60_000),
        (Backend::Snapshot, 0),
        (Backend::Fork, 0),
    ]
    .map(start)
}

fn open_descriptors() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").expect("a process file system");
    descriptors.count()
}
