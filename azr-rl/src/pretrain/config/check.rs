//! What the values of a pretraining file have to be, beyond their types.

use super::PretrainConfig;
use crate::config::ConfigError;
use crate::config::bounds::{
    SMALLEST, below_one, count, generated, induction_inputs, lengths, number, require, weights,
};

/// Steps, in all or from one event to the next.
const STEPS_MAX: u64 = 1_000_000_000;
/// Lessons in a step.
const LESSONS_MAX: u64 = 65_536;
/// Blocks of the model.
const LAYERS_MAX: u64 = 256;
/// Width of the residual stream, and so of the heads.
const HIDDEN_SIZE: std::ops::RangeInclusive<u64> = 8..=16_384;
/// Width of the feed-forward layer.
const FFN_SIZE_MAX: u64 = 131_072;
/// Longest sequence: less holds no lesson.
const CONTEXT_TOKENS: std::ops::RangeInclusive<u64> = 64..=131_072;
/// Length of a gradient.
const NORM_MAX: f64 = 1e30;

impl PretrainConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value that makes no sense, and what it has to be.
    pub fn check(&self) -> Result<(), ConfigError> {
        count("steps", self.steps, 0..=STEPS_MAX)?;
        count("lessons_per_step", self.lessons_per_step, 1..=LESSONS_MAX)?;
        let key = "report_every_steps";
        count(key, self.report_every_steps, 1..=STEPS_MAX)?;
        let key = "checkpoint_every_steps";
        count(key, self.checkpoint_every_steps, 1..=STEPS_MAX)?;
        self.check_model()?;
        self.check_optimizer()?;
        let it = &self.curriculum;
        weights("curriculum.lane_weights", &it.lane_weights)?;
        lengths("curriculum.statements", &it.statements)?;
        let key = "curriculum.induction_statements";
        lengths(key, &it.induction_statements)?;
        induction_inputs("curriculum.induction_inputs", it.induction_inputs)?;
        generated("held_out", &self.held_out)
    }

    fn check_model(&self) -> Result<(), ConfigError> {
        let it = &self.model;
        count("model.hidden_size", it.hidden_size, HIDDEN_SIZE)?;
        count("model.layers", it.layers, 1..=LAYERS_MAX)?;
        count("model.heads", it.heads, 1..=it.hidden_size as u64)?;
        count("model.kv_heads", it.kv_heads, 1..=it.heads as u64)?;
        count("model.ffn_size", it.ffn_size, 1..=FFN_SIZE_MAX)?;
        let key = "model.context_tokens_max";
        count(key, it.context_tokens_max, CONTEXT_TOKENS)?;
        // Positions turn pairs of numbers, so a head has an even width.
        let heads_fit = it.hidden_size.is_multiple_of(2 * it.heads);
        let rule = || {
            format!(
                "give half of model.hidden_size ({}) or a divisor of that",
                it.hidden_size
            )
        };
        require(heads_fit, "model.heads", it.heads, rule)?;
        let kv_heads_fit = it.heads.is_multiple_of(it.kv_heads);
        let rule = || format!("give a divisor of model.heads ({})", it.heads);
        require(kv_heads_fit, "model.kv_heads", it.kv_heads, rule)
    }

    fn check_optimizer(&self) -> Result<(), ConfigError> {
        let it = &self.optimizer;
        for (key, value, least, most) in [
            ("learning_rate", it.learning_rate, SMALLEST, 1.0),
            ("learning_rate_last", it.learning_rate_last, SMALLEST, 1.0),
            ("epsilon", it.epsilon, SMALLEST, 1.0),
            ("weight_decay", it.weight_decay, 0.0, 1.0),
            (
                "gradient_norm_max",
                it.gradient_norm_max,
                SMALLEST,
                NORM_MAX,
            ),
        ] {
            number(&format!("optimizer.{key}"), value, least..=most)?;
        }
        below_one("optimizer.beta1", it.beta1)?;
        below_one("optimizer.beta2", it.beta2)?;
        count("optimizer.warmup_steps", it.warmup_steps, 0..=STEPS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const TINY: &str = include_str!("../../../../configs/pretrain/azr-tiny.toml");

    fn checked(section: &str, key: &str, value: &str) -> String {
        let mut recipe: toml::Table = toml::from_str(TINY).unwrap();
        let table = match section {
            "" => &mut recipe,
            section => recipe[section].as_table_mut().unwrap(),
        };
        let value = toml::from_str::<toml::Table>(&format!("it = {value}")).unwrap()["it"].clone();
        assert!(table.insert(key.to_owned(), value).is_some(), "{key}");
        let config = PretrainConfig::deserialize(recipe).unwrap();
        config
            .check()
            .map_or_else(|it| it.to_string(), |()| String::new())
    }

    #[test]
    fn the_recipe_of_the_repository_can_be_used() {
        let recipe: PretrainConfig = toml::from_str(TINY).unwrap();
        recipe.check().unwrap();
        assert_eq!(checked("model", "kv_heads", "2"), "");
    }

    #[test]
    fn values_that_would_panic_or_teach_nothing_are_refused_with_the_key() {
        for (section, key, value) in [
            ("", "lessons_per_step", "0"),
            ("", "lessons_per_step", "9223372036854775807"),
            ("", "report_every_steps", "0"),
            ("", "checkpoint_every_steps", "0"),
            ("model", "hidden_size", "7"),
            ("model", "layers", "0"),
            ("model", "layers", "257"),
            ("model", "heads", "0"),
            ("model", "heads", "5"),
            ("model", "heads", "128"),
            ("model", "kv_heads", "0"),
            ("model", "kv_heads", "3"),
            ("model", "ffn_size", "0"),
            ("model", "context_tokens_max", "63"),
            ("optimizer", "learning_rate", "0.0"),
            ("optimizer", "learning_rate", "1e300"),
            ("optimizer", "learning_rate_last", "nan"),
            ("optimizer", "beta1", "1.0"),
            ("optimizer", "beta2", "-0.1"),
            ("optimizer", "epsilon", "0.0"),
            ("optimizer", "weight_decay", "1.5"),
            ("optimizer", "gradient_norm_max", "0.0"),
            (
                "curriculum",
                "lane_weights",
                "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]",
            ),
            ("curriculum", "statements", "[]"),
            ("curriculum", "induction_statements", "[-1.0]"),
            ("curriculum", "induction_inputs", "1"),
            ("held_out", "tasks_per_kind", "0"),
            ("held_out", "induction_inputs", "65"),
        ] {
            let text = checked(section, key, value);
            let name = format!("{section}.{key}");
            let start = format!("`{}` is", name.trim_start_matches('.'));
            assert!(text.starts_with(&start), "{name} = {value}: {text}");
        }
    }
}
