//! What a supervisor makes of templates that say the wrong things.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::outcome::Limit;

const HELLO: Message<'static> =
    message(br#"{"version": [3, 11, 7], "refused": {"landlock": 38}, "keeps_root": false}"#);
const WORKER: Message<'static> = Message {
    bytes: b"p",
    descriptors: 1,
};

const READY: Message<'static> = message(b"o\0\0\0\0");

const fn message(bytes: &[u8]) -> Message<'_> {
    Message {
        bytes,
        descriptors: 0,
    }
}

fn impostor() -> Impostor {
    Impostor::start(Backend::Snapshot, 10_000).unwrap()
}

#[test]
fn what_a_template_says_is_understood() {
    let heard = impostor()
        .say(&[
            HELLO,
            WORKER,
            READY,
            message(b"e\x0b\0\0\0"),
            message(b"a\x02\0\0\0"),
        ])
        .unwrap();
    assert_eq!(heard.version.unwrap(), [3, 11, 7]);
    assert_eq!(heard.outcomes.unwrap(), [Outcome::Killed { signal: 11 }]);
    assert_eq!(heard.audited.unwrap(), 2);
}

#[test]
fn a_worker_that_was_ended_from_outside_is_tried_again_once() {
    let ended = message(b"w\x09\0\0\0");
    let heard = impostor()
        .say(&[HELLO, WORKER, READY, ended, WORKER, READY, ended])
        .unwrap();
    assert_eq!(heard.outcomes.unwrap(), [Outcome::Killed { signal: 9 }]);
}

#[test]
fn a_template_that_says_anything_else_is_lost_and_gives_no_verdict() {
    let wrong: [&[u8]; 7] = [
        b"",
        b"e",
        b"e\0\0\0",
        b"x\0\0\0\0",
        b"p",
        b"f\x0c\0\0\0",
        b"d\0\0\0\0",
    ];
    for bytes in wrong {
        let heard = impostor().say(&[HELLO, message(bytes)]).unwrap();
        assert!(
            heard.outcomes.is_err(),
            "{bytes:?} gave {:?}",
            heard.outcomes
        );
    }
}

#[test]
fn the_limit_that_was_reached_outlives_the_answer_of_the_template() {
    let mut impostor = Impostor::start(Backend::Fork, 0).unwrap();
    let heard = impostor
        .say(&[HELLO, WORKER, message(b"e\x09\0\0\0")])
        .unwrap();
    assert_eq!(heard.outcomes.unwrap(), [Outcome::Exceeded(Limit::Wall)]);
}
