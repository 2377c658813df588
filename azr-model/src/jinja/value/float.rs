//! Floats as Python writes and rounds them.

use num_bigint::BigInt;

/// `repr(value)`: the shortest digits that read back as the same double, of those the nearest; positional for
/// 1e-4 <= |x| < 1e16.
pub(in crate::jinja) fn repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let (digits, exponent) = shortest_digits(value.abs());
    let (first, rest) = digits.split_at(1);
    if !(-4..16).contains(&exponent) {
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        let exponent = exponent.unsigned_abs();
        return format!("{sign}{first}{point}{rest}e{exponent_sign}{exponent:0>2}");
    }
    let Ok(whole_digits) = usize::try_from(exponent + 1) else {
        let zeros = exponent.unsigned_abs() as usize - 1;
        return format!("{sign}0.{:0<zeros$}{digits}", "");
    };
    if digits.len() <= whole_digits {
        return format!("{sign}{digits:0<whole_digits$}.0");
    }
    let (whole, fraction) = digits.split_at(whole_digits);
    let whole = if whole.is_empty() { "0" } else { whole };
    format!("{sign}{whole}.{fraction}")
}

/// Decimal digits of a finite float that is not negative, and the exponent of the first.
fn shortest_digits(magnitude: f64) -> (String, i32) {
    let shortest = format!("{magnitude:e}");
    let places = shortest
        .split_once('e')
        .map_or(0, |(mantissa, _)| mantissa.len().saturating_sub(2));
    // Two strings of the shortest length can be equally near; CPython rounds half to even, as a fixed precision does.
    let nearest = format!("{magnitude:.places$e}");
    let chosen = if nearest.parse() == Ok(magnitude) {
        nearest
    } else {
        shortest
    };
    let (mantissa, exponent) = chosen.split_once('e').unwrap_or((&chosen, "0"));
    (
        mantissa.replace('.', ""),
        exponent.parse().unwrap_or_default(),
    )
}

/// The integer that a finite float without a fraction is.
pub(in crate::jinja) fn to_int(whole: f64) -> BigInt {
    let text = format!("{whole:.0}");
    text.parse().unwrap_or_default()
}

/// The float nearest to an integer, infinite if it is too large.
pub(in crate::jinja) fn from_int(value: &BigInt) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// `round(value, places)` of a finite float: to the nearest, ties by the exact value to even.
pub(in crate::jinja) fn round(value: f64, places: i32) -> f64 {
    if 323 < places {
        return value;
    }
    match usize::try_from(places) {
        Ok(places) => format!("{value:.places$}").parse().unwrap_or(value),
        Err(_) if places < -308 => 0.0 * value,
        Err(_) => {
            let exact = value.abs();
            let places = places.unsigned_abs();
            let rounded = round_int(&to_int(exact.trunc()), places, exact.fract() != 0.0);
            from_int(&rounded).copysign(value)
        }
    }
}

/// `value`, which is not negative, to a multiple of `10 ** places`, ties to even; `has_more` if a fraction follows it.
pub(in crate::jinja) fn round_int(value: &BigInt, places: u32, has_more: bool) -> BigInt {
    let unit = BigInt::from(10).pow(places);
    let below: BigInt = value / &unit;
    let rest: BigInt = value - &below * &unit;
    let twice: BigInt = rest * 2;
    let is_odd = (&below % 2) == BigInt::from(1);
    let is_up = twice > unit || (twice == unit && (has_more || is_odd));
    (below + i32::from(is_up)) * unit
}
