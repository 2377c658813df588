//! What arrives over a channel, whatever was sent.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn of_several_descriptors_in_a_message_one_arrives_and_none_stays_open() {
    for sent in 1..=other_end::DESCRIPTORS_MAX {
        let (ours, theirs) = Channel::pair().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        other_end::send(theirs.as_fd(), b"p", &vec![writer.as_fd(); sent]).unwrap();
        drop(writer);
        let message = ours.receive(16, Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(message.bytes, b"p");
        assert!(message.descriptor.is_some());
        drop(message);
        // A pipe without writers is at its end, which is something to read.
        let is_closed = wait_readable(reader.as_fd(), Duration::ZERO).unwrap();
        assert!(is_closed, "a descriptor of {sent} stays open");
    }
}
