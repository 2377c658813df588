//! Reads what a worker left behind: one record for each call.

use crate::encoding::{DecodeError, Reader};
use crate::outcome::{Exception, Limit, Outcome};

/// Bytes before the records: nonce, number of calls done, length of the records.
pub(super) const HEADER_BYTES: usize = 64;

/// Where a worker says how many calls are done. Only a hint for the deadlines.
pub(super) const CALLS_DONE_AT: usize = 16;

/// Where the length of the records stands.
const LENGTH_AT: usize = 20;

/// Bytes of the nonce, first of all.
pub(super) const NONCE_BYTES: usize = 16;

/// Longest names and messages that are kept, characters.
const CLASS_CHARACTERS_MAX: usize = 200;
const MESSAGE_CHARACTERS_MAX: usize = 500;

/// What CPython says where one of its functions fails without a reason: some do so when no memory is left, such as
/// `collections.deque(itertools.repeat(0))`.
const NO_EXCEPTION_SET: &str = "returned NULL without setting an exception";

/// The length of the records that follow the header; none when the run's nonce does not stand before them, which means
/// that there is no result.
pub(super) fn records_length(header: &[u8], nonce: &[u8; NONCE_BYTES]) -> Option<usize> {
    let complete = header.get(..NONCE_BYTES)? == nonce;
    let length = header.get(LENGTH_AT..)?.first_chunk::<4>()?;
    complete.then(|| u32::from_le_bytes(*length) as usize)
}

/// One outcome for each call; a value of more than `bytes_max` is none, whoever wrote it. Bytes that are no such records, which a program wrote itself, are a value that is not
/// supported; so is a set or a dictionary with several NaN among its keys.
pub(super) fn outcomes(records: &[u8], calls: usize, bytes_max: u64) -> Vec<Outcome> {
    let mut reader = Reader::new(records);
    let outcomes = (0..calls)
        .map(|_| outcome(&mut reader, bytes_max))
        .collect::<Result<Vec<_>, _>>();
    match outcomes {
        Ok(outcomes) if reader.is_at_end() => outcomes,
        Ok(_) => vec![unreadable(DecodeError::TooMany); calls],
        Err(error) => vec![unreadable(error); calls],
    }
}

fn unreadable(error: DecodeError) -> Outcome {
    Outcome::Raised(Exception {
        class: "UnsupportedType".to_owned(),
        message: error.to_string(),
    })
}

fn outcome(reader: &mut Reader<'_>, bytes_max: u64) -> Result<Outcome, DecodeError> {
    match reader.tag()? {
        b'R' => {
            let before = reader.left();
            let value = reader.value()?;
            if bytes_max < (before - reader.left()) as u64 {
                return Ok(Outcome::Exceeded(Limit::Output));
            }
            Ok(Outcome::Returned(value))
        }
        b'X' => {
            let (class, message) = (reader.text()?, reader.text()?);
            if class == "SystemError" && message.ends_with(NO_EXCEPTION_SET) {
                return Ok(Outcome::Exceeded(Limit::Memory));
            }
            Ok(Outcome::Raised(Exception {
                class: bounded(class, CLASS_CHARACTERS_MAX),
                message: bounded(message, MESSAGE_CHARACTERS_MAX),
            }))
        }
        b'O' => Ok(Outcome::Exceeded(Limit::Output)),
        b'M' => Ok(Outcome::Exceeded(Limit::Memory)),
        tag => Err(DecodeError::UnknownTag { tag }),
    }
}

/// Text of a program, cut to a length and without characters that could disturb a terminal or a log.
fn bounded(text: &str, characters_max: usize) -> String {
    let shown = text.chars().take(characters_max);
    shown
        .map(|character| {
            if character.is_control() && character != '\n' {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_limited_whoever_wrote_it() {
        let mut record = b"Rb".to_vec();
        record.extend(1_000_u32.to_le_bytes());
        record.extend([7; 1_000]);
        for (bytes_max, status) in [(1_005, "ok"), (1_004, "error")] {
            let outcomes = outcomes(&record, 1, bytes_max);
            assert_eq!(outcomes[0].status(), status, "{outcomes:?}");
        }
    }
}
