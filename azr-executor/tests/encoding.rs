//! The typed bytes between supervisor and worker: whole when we write them, harmless when someone else does.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use azr_executor::encoding::{DecodeError, Reader, encode};
use azr_executor::{Equality, Value};
use proptest::prelude::*;

#[path = "value/any_value.rs"]
mod any_value;
use any_value::any_value;

fn read(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = reader.value()?;
    assert!(reader.is_at_end());
    Ok(value)
}

proptest! {
    #[test]
    fn a_value_survives_the_way_through_bytes(value in any_value()) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes);
        let back = read(&bytes).unwrap();
        prop_assert!(Equality::Strict.equal(&value, &back));
        prop_assert_eq!(value.to_string(), back.to_string());
    }

    #[test]
    fn a_cut_value_is_an_error(value in any_value(), part in 0.0..1.0_f64) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes);
        let cut = (bytes.len() as f64 * part) as usize;
        prop_assert!(Reader::new(&bytes[..cut]).value().is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        noise in prop::collection::vec(any::<u8>(), 0..400),
        tags in prop::collection::vec(prop::sample::select(b"NTFidcsbltezmkofuwDErq\x00\x01\x02\x03\xff".to_vec()), 0..400),
    ) {
        for bytes in [noise, tags] {
            let _ = Reader::new(&bytes).value();
            let _ = Reader::new(&bytes).text();
        }
    }

    #[test]
    fn a_changed_byte_gives_a_value_or_an_error(value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(value) = Reader::new(&bytes).value() {
            let _ = value.to_string();
        }
    }
}

#[test]
fn sizes_that_are_not_there_are_refused_without_asking_for_the_memory() {
    for tag in *b"lteszmbikouD" {
        let bytes = [tag, 0xff, 0xff, 0xff, 0xff, b'N'];
        assert_eq!(
            Reader::new(&bytes).value(),
            Err(DecodeError::Truncated),
            "{}",
            char::from(tag)
        );
    }
}

#[test]
fn depth_and_number_of_parts_are_limited() {
    let deep: Vec<u8> = [b'l', 1, 0, 0, 0]
        .repeat(5_000)
        .into_iter()
        .chain([b'N'])
        .collect();
    assert_eq!(Reader::new(&deep).value(), Err(DecodeError::TooDeep));
    let mut wide = vec![b'l'];
    wide.extend(200_000_u32.to_le_bytes());
    wide.extend([b'N'].repeat(200_000));
    assert_eq!(Reader::new(&wide).value(), Err(DecodeError::TooMany));
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let two = [2, 0, 0, 0];
    let nan = [&[b'd'][..], &f64::NAN.to_le_bytes()].concat();
    let cases: [Vec<u8>; 4] = [
        [&b"e"[..], &two[..], b"TT"].concat(),
        [&b"e"[..], &two[..], &nan[..], &nan[..]].concat(),
        [&b"m"[..], &two[..], b"TNTN"].concat(),
        vec![b'e', 1, 0, 0, 0, b'l', 0, 0, 0, 0],
    ];
    for bytes in cases {
        assert_eq!(Reader::new(&bytes).value(), Err(DecodeError::Key));
    }
}
