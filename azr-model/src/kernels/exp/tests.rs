//! Errors over the whole range, and the ends.

use super::{HIGHEST, LOWEST, exp, ln, reference};

/// One unit in the last place: the polynomial is good to half of one, the last two roundings add the rest.
const EXP_ERROR_MAX: f64 = 1.2e-7;
/// Half a unit, because the only rounding is the last one.
const LN_ERROR_MAX: f64 = 6.0e-8;

#[test]
fn exp_is_within_one_unit_over_its_range() {
    let steps = 2_000_000;
    for step in 0..=steps {
        let x = LOWEST + (HIGHEST - LOWEST) * step as f32 / steps as f32;
        let truth = reference::exp(x);
        let error = (f64::from(exp(x)) - truth).abs() / truth;
        assert!(
            error <= EXP_ERROR_MAX,
            "at {x} the relative error is {error:e}"
        );
    }
}

#[test]
fn exp_has_exact_ends() {
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-0.0), 1.0);
    assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    assert_eq!(exp(-1e30), 0.0);
    assert_eq!(exp(f32::INFINITY), f32::INFINITY);
    assert_eq!(exp(1e30), f32::INFINITY);
    assert!(exp(f32::NAN).is_nan());
    assert!(exp(LOWEST).is_normal() && exp(HIGHEST).is_normal());
}

#[test]
fn ln_is_rounded_once() {
    let mut x = f32::MIN_POSITIVE;
    while x < 1e38 {
        let truth = reference::ln(x);
        let error = (f64::from(ln(x)) - truth).abs();
        assert!(
            error <= LN_ERROR_MAX * truth.abs().max(f64::from(f32::MIN_POSITIVE)),
            "ln({x}) is off by {error:e}"
        );
        x *= 1.000_37;
    }
    assert_eq!(ln(1.0), 0.0);
    assert_eq!(ln(0.0), f32::NEG_INFINITY);
    assert_eq!(ln(f32::INFINITY), f32::INFINITY);
    assert!(ln(-1.0).is_nan() && ln(f32::NAN).is_nan());
}
