//! Numbers in the forms that `%` and `str.format` know: fixed, with an exponent, or the shorter of both.

use super::fault::{Construct, Limit, Result, beyond, unsupported};
use num_bigint::BigInt;

/// Digits behind the point, and characters of a field.
const WIDTH_MAX: usize = 10_000;

/// A form for floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Fixed,
    Exponent,
    General,
}

/// How a text stands in its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Center,
    /// Behind the sign.
    Sign,
}

/// Refuses widths and precisions that nobody needs.
pub(super) fn check_width(width: usize) -> Result<usize> {
    if WIDTH_MAX < width {
        return beyond(Limit::Bytes);
    }
    Ok(width)
}

/// The digits of `magnitude`, which is finite and not negative. `keeps_zeros` is the flag `#` of the general form.
pub(super) fn float(
    magnitude: f64,
    form: Form,
    precision: usize,
    keeps_zeros: bool,
) -> Result<String> {
    if !magnitude.is_finite() {
        return unsupported(Construct::Format, "of a float that is not finite");
    }
    let precision = check_width(precision)?;
    Ok(match form {
        Form::Fixed => format!("{magnitude:.precision$}"),
        Form::Exponent => exponent(magnitude, precision),
        Form::General => {
            let digits = precision.max(1);
            let shown = format!("{magnitude:.*e}", digits - 1);
            let power: i64 = shown
                .split_once('e')
                .and_then(|(_, power)| power.parse().ok())
                .unwrap_or(0);
            let (text, tail) = if -4 <= power && power < digits as i64 {
                let places = (digits as i64 - 1 - power) as usize;
                (format!("{magnitude:.places$}"), String::new())
            } else {
                let text = exponent(magnitude, digits - 1);
                match text.split_once('e') {
                    Some((mantissa, power)) => (mantissa.to_owned(), format!("e{power}")),
                    None => (text, String::new()),
                }
            };
            if keeps_zeros || !text.contains('.') {
                text + &tail
            } else {
                text.trim_end_matches('0').trim_end_matches('.').to_owned() + &tail
            }
        }
    })
}

fn exponent(magnitude: f64, precision: usize) -> String {
    let shown = format!("{magnitude:.precision$e}");
    let Some((mantissa, power)) = shown.split_once('e') else {
        return shown;
    };
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{mantissa}e{sign}{power:0>2}")
}

/// `text` in a field of `width` characters.
pub(super) fn padded(text: &str, width: usize, fill: char, align: Align) -> Result<String> {
    let missing = check_width(width)?.saturating_sub(text.chars().count());
    let (before, after) = match align {
        Align::Left => (0, missing),
        Align::Right | Align::Sign => (missing, 0),
        Align::Center => (missing / 2, missing - missing / 2),
    };
    let pad = |count: usize| fill.to_string().repeat(count);
    if align == Align::Sign {
        let signs = text.len() - text.trim_start_matches(['+', '-', ' ']).len();
        return Ok(format!(
            "{}{}{}",
            &text[..signs],
            pad(missing),
            &text[signs..]
        ));
    }
    Ok(format!("{}{text}{}", pad(before), pad(after)))
}

/// Digits with `separator` between each three, from the right.
pub(super) fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if 0 < at && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// The digits of the magnitude of an integer.
pub(super) fn radix(value: &BigInt, radix: u32) -> String {
    value.magnitude().to_str_radix(radix)
}
