//! The same in f64 by the standard library.

pub(super) fn exp(x: f32) -> f64 {
    f64::from(x).exp()
}

pub(super) fn ln(x: f32) -> f64 {
    f64::from(x).ln()
}
