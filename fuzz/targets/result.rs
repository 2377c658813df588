//! Whatever a worker left in its window is outcomes or no result, and every value in it can be written and read again.
#![no_main]

use azr_executor::encoding::{Reader, encode};
use azr_executor::python::fuzzing;
use azr_executor::{Equality, Outcome, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|window: &[u8]| {
    for calls in [1, 2] {
        let Some(outcomes) = fuzzing::outcomes(window, calls) else {
            continue;
        };
        assert_eq!(outcomes.len(), calls, "an outcome for each call");
        for outcome in outcomes {
            if let Outcome::Returned(value) = outcome {
                assert_survives(&value);
            }
        }
    }
});

fn assert_survives(value: &Value) {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    match Reader::new(&bytes).value() {
        Ok(back) if Equality::Strict.equal(value, &back) => {}
        other => panic!("{value} came back from its bytes as {other:?}"),
    }
    match Value::parse_literal(&value.to_string()) {
        Ok(back) if Equality::Strict.equal(value, &back) => {}
        other => panic!("{value} came back from its text as {other:?}"),
    }
}
