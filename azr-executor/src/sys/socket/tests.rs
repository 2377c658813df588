//! What arrives over a channel, whatever was sent.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use super::*;

/// How long a process that another test starts may hold descriptors of this one, until it executes its program.
const WALL_MAX: Duration = Duration::from_secs(10);

/// What becomes of a message with so many descriptors, and whether one of them is open when it is dropped.
fn send_and_drop(bytes: &[u8], descriptors: usize) -> (io::Result<Option<Vec<u8>>>, bool) {
    let (ours, theirs) = Channel::pair().unwrap();
    let (reader, writer) = io::pipe().unwrap();
    other_end::send(theirs.as_fd(), bytes, &vec![writer.as_fd(); descriptors]).unwrap();
    drop(writer);
    let received = ours.receive(16, Duration::from_secs(60));
    let bytes = received.map(|message| message.map(|message| message.bytes));
    // A pipe without writers is at its end, which is something to read.
    let is_closed = wait_readable(reader.as_fd(), WALL_MAX).unwrap();
    (bytes, !is_closed)
}

#[test]
fn of_several_descriptors_in_a_message_none_stays_open() {
    for descriptors in 1..=other_end::DESCRIPTORS_MAX {
        let (bytes, stays_open) = send_and_drop(b"p", descriptors);
        assert_eq!(bytes.unwrap().unwrap(), b"p");
        assert!(!stays_open, "one of {descriptors}");
    }
}

#[test]
fn a_descriptor_in_an_empty_message_does_not_stay_open() {
    let (bytes, stays_open) = send_and_drop(b"", 1);
    assert_eq!(bytes.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(!stays_open);
}
