//! Checks of single values, shared by run files and pretraining files. The error names the key and what to give.

use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;

use azr_tasks::generator::{GeneratedTasks, LengthMix};

use super::ConfigError;

/// Tasks of one kind that are generated.
pub(crate) const GENERATED_TASKS_MAX: u64 = 100_000;
/// Statements of a generated program. A list that was changed more often is hardly ever a good task.
const STATEMENTS_MAX: usize = 16;
/// Inputs of a generated induction task.
const INDUCTION_INPUTS: RangeInclusive<u64> = 2..=64;
/// One of several weights.
const WEIGHT_MAX: f64 = 1e6;
/// The smallest number above 0 that stays above 0, and its inverse finite, in single precision.
pub(crate) const SMALLEST: f64 = 1e-30;

/// `value` has to lie in `range`.
pub(crate) fn count(
    key: &str,
    value: impl TryInto<u64> + Display + Copy,
    range: RangeInclusive<u64>,
) -> Result<(), ConfigError> {
    let lies_in_it = value.try_into().is_ok_and(|it| range.contains(&it));
    let rule = || format!("give {} to {}", range.start(), range.end());
    require(lies_in_it, key, value, rule)
}

/// `value` has to lie in `range`; what is not a number lies in none.
pub(crate) fn number(
    key: &str,
    value: impl Into<f64> + Debug + Copy,
    range: RangeInclusive<f64>,
) -> Result<(), ConfigError> {
    let lies_in_it = range.contains(&value.into());
    let rule = || {
        format!(
            "give a number from {:?} to {:?}",
            range.start(),
            range.end()
        )
    };
    require(lies_in_it, key, format!("{value:?}"), rule)
}

/// `value` has to be at least 0 and below 1, in single precision as well.
pub(crate) fn below_one(
    key: &str,
    value: impl Into<f64> + Debug + Copy,
) -> Result<(), ConfigError> {
    let wide: f64 = value.into();
    let is_below = 0.0 <= wide && (wide as f32) < 1.0;
    let rule = || "give a number from 0 up to, but not including, 1".to_owned();
    require(is_below, key, format!("{value:?}"), rule)
}

/// Something has to be drawn by these weights.
pub(crate) fn weights(key: &str, weights: &[f64]) -> Result<(), ConfigError> {
    let are_weights = weights.iter().all(|it| (0.0..=WEIGHT_MAX).contains(it));
    let can_draw = are_weights && SMALLEST <= weights.iter().sum();
    let rule = || format!("give weights from 0 to {WEIGHT_MAX:?}, one of them above 0");
    require(can_draw, key, format!("{weights:?}"), rule)
}

/// Programs have to have a length.
pub(crate) fn lengths(key: &str, mix: &LengthMix) -> Result<(), ConfigError> {
    let n = mix.0.len();
    let rule = || {
        format!("give 1 to {STATEMENTS_MAX} weights: of programs of 1 statement, of 2, and so on")
    };
    let listed = format!("a list of {n}");
    require((1..=STATEMENTS_MAX).contains(&n), key, listed, rule)?;
    weights(key, &mix.0)
}

/// An induction task has a shown and a hidden half.
pub(crate) fn induction_inputs(key: &str, inputs: usize) -> Result<(), ConfigError> {
    count(key, inputs, INDUCTION_INPUTS)
}

/// The generated tasks that `section` asks for.
pub(crate) fn generated(section: &str, it: &GeneratedTasks) -> Result<(), ConfigError> {
    let key = |name: &str| format!("{section}.{name}");
    count(
        &key("tasks_per_kind"),
        it.tasks_per_kind,
        1..=GENERATED_TASKS_MAX,
    )?;
    lengths(&key("statements"), &it.statements)?;
    lengths(&key("induction_statements"), &it.induction_statements)?;
    induction_inputs(&key("induction_inputs"), it.induction_inputs)
}

/// `rule` says what has to be given when `holds` does not.
pub(crate) fn require(
    holds: bool,
    key: &str,
    value: impl ToString,
    rule: impl FnOnce() -> String,
) -> Result<(), ConfigError> {
    if holds {
        return Ok(());
    }
    Err(ConfigError::Value {
        key: key.to_owned(),
        value: value.to_string(),
        rule: rule(),
    })
}
