//! Numbers that flags take, and the words that refuse others.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use azr_model::generate::Sampling;

/// Highest temperature; beyond it every token is about as likely as every other.
const TEMPERATURE_MAX: f32 = 100.0;

/// A whole number within a range.
pub fn whole<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text: &str| {
        text.parse()
            .ok()
            .filter(|it| range.contains(it))
            .ok_or_else(|| {
                format!(
                    "give a whole number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
    }
}

/// What divides the logits.
pub fn temperature(text: &str) -> Result<f32, String> {
    let least = Sampling::TEMPERATURE_MIN;
    decimal(text, |it| {
        it == 0.0 || (least..=TEMPERATURE_MAX).contains(&it)
    })
    .ok_or_else(|| format!("give 0 (greedy) or a number from {least} to {TEMPERATURE_MAX}"))
}

/// A share of probability of which something has to be left.
pub fn positive_share(text: &str) -> Result<f32, String> {
    decimal(text, |it| 0.0 < it && it <= 1.0).ok_or_else(|| "give a number above 0, up to 1".into())
}

/// A share of probability.
pub fn share(text: &str) -> Result<f32, String> {
    decimal(text, |it| (0.0..=1.0).contains(&it)).ok_or_else(|| "give a number from 0 to 1".into())
}

fn decimal(text: &str, is_allowed: impl Fn(f32) -> bool) -> Option<f32> {
    text.parse().ok().filter(|it| is_allowed(*it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_its_range_is_refused_with_the_range() {
        let lanes = whole(1..=1024_usize);
        assert_eq!((lanes("1"), lanes("1024")), (Ok(1), Ok(1024)));
        for text in ["0", "1025", "-1", "1.5", "", "9223372036854775808", "x"] {
            assert_eq!(
                lanes(text),
                Err("give a whole number from 1 to 1024".to_string()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_temperature_is_greedy_or_large_enough_to_divide_by() {
        for text in ["0", "0.0001", "1", "100"] {
            assert!(temperature(text).is_ok(), "{text}");
        }
        for text in ["1e-40", "0.00009", "-1", "101", "nan", "inf", "warm"] {
            assert!(
                temperature(text).unwrap_err().contains("0.0001 to 100"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_share_may_be_nothing_only_where_that_means_something() {
        assert_eq!((share("0"), share("1")), (Ok(0.0), Ok(1.0)));
        assert!(positive_share("0").is_err() && positive_share("1").is_ok());
        for text in ["-0.1", "1.1", "nan"] {
            assert!(
                share(text).is_err() && positive_share(text).is_err(),
                "{text}"
            );
        }
    }
}
