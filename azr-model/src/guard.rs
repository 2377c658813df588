//! Turns a panic of a dependency that reads a file into an error, so that no file ends the program.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A dependency panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a library that reads it stopped at what it holds ({said}); fetch the file again, or convert the model again"
)]
pub struct Panicked {
    /// What the panic says.
    said: String,
}

/// What `work` gives, or the panic that it ended with. `work` must not leave anything half changed that is used afterwards.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panicked {
        said: said(panic.as_ref()),
    })
}

fn said(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(ToString::to_string);
    literal
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let panicked = guarded(|| -> u8 { panic!("a number") }).unwrap_err();
        assert!(panicked.to_string().contains("(a number)"), "{panicked}");
        assert_eq!(guarded(|| 3), Ok(3));
    }
}
