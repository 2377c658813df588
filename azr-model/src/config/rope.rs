//! Scaled rotary positions: how the frequencies of a model that was stretched to longer texts differ.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// What becomes of the rotary frequencies. Written as Hugging Face configurations write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// Nothing.
    #[default]
    #[serde(rename = "default")]
    Unscaled,
    /// All are divided by `factor` (Chen et al., arXiv 2306.15595).
    Linear {
        /// At least 1.
        factor: f64,
    },
    /// Slow ones are divided by `factor`, fast ones stay, those between go over from one to the other (Llama 3.1).
    Llama3 {
        /// At least 1.
        factor: f64,
        /// A wave that fits the original context fewer times than this is slow.
        low_freq_factor: f64,
        /// A wave that fits more often than this is fast.
        high_freq_factor: f64,
        /// Tokens of the original context.
        original_max_position_embeddings: usize,
    },
}

impl RopeScaling {
    /// The scaled frequency, in radians a token.
    pub fn scaled(&self, frequency: f64) -> f64 {
        match *self {
            Self::Unscaled => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: original,
            } => {
                let waves = original as f64 * frequency / TAU;
                let kept = ((waves - low) / (high - low)).clamp(0.0, 1.0);
                (1.0 - kept) * frequency / factor + kept * frequency
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (factor, low, high, original) = match *self {
            Self::Unscaled => return Ok(()),
            Self::Linear { factor } => (factor, 1.0, 2.0, 1),
            Self::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings: original,
            } => (factor, low_freq_factor, high_freq_factor, original),
        };
        if !(factor.is_finite() && 1.0 <= factor) {
            return Err(ConfigError::RopeFactor { factor });
        }
        if !(0.0 < low && low < high && high.is_finite()) {
            return Err(ConfigError::RopeBand { low, high });
        }
        if original == 0 {
            let name = "original_max_position_embeddings";
            return Err(ConfigError::ZeroSize { name });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLAMA31: RopeScaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };

    #[test]
    fn fast_waves_stay_slow_ones_are_stretched_and_the_band_between_has_no_step() {
        let wave = |tokens: f64| TAU / tokens;
        assert_eq!(LLAMA31.scaled(wave(100.0)), wave(100.0));
        assert_eq!(LLAMA31.scaled(wave(20_000.0)), wave(20_000.0) / 8.0);
        // Half way between 1 and 4 waves in 8192 tokens.
        let middle = 2.5 * TAU / 8192.0;
        assert!((LLAMA31.scaled(middle) / (middle * (0.5 + 0.5 / 8.0)) - 1.0).abs() < 1e-12);
        for (edge, factor) in [(2048.0, 1.0), (8192.0, 8.0)] {
            for side in [0.999_999, 1.000_001] {
                let found = wave(edge * side) / LLAMA31.scaled(wave(edge * side));
                assert!((found / factor - 1.0).abs() < 1e-4, "{edge}: {found}");
            }
        }
        let linear = RopeScaling::Linear { factor: 4.0 };
        assert_eq!(linear.scaled(0.5), 0.125);
        assert_eq!(RopeScaling::Unscaled.scaled(0.5), 0.5);
    }

    #[test]
    fn factors_that_make_no_sense_are_refused() {
        let with = |factor, low_freq_factor, high_freq_factor, original| RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_position_embeddings: original,
        };
        assert_eq!(LLAMA31.check(), Ok(()));
        for factor in [0.0, 0.5, -8.0, f64::INFINITY, f64::NAN] {
            let refused = [RopeScaling::Linear { factor }, with(factor, 1.0, 4.0, 8192)];
            for scaling in refused {
                assert!(
                    matches!(scaling.check(), Err(ConfigError::RopeFactor { .. })),
                    "{scaling:?}"
                );
            }
        }
        for (low, high) in [
            (4.0, 1.0),
            (1.0, 1.0),
            (0.0, 4.0),
            (1.0, f64::INFINITY),
            (f64::NAN, 4.0),
        ] {
            assert!(matches!(
                with(8.0, low, high, 8192).check(),
                Err(ConfigError::RopeBand { .. })
            ));
        }
        assert!(matches!(
            with(8.0, 1.0, 4.0, 0).check(),
            Err(ConfigError::ZeroSize { .. })
        ));
    }
}
