//! What rounding the weights of products to bfloat16 changes in the log-probabilities of given texts.

/// Of the same tokens by the same model with exact and with rounded weights.
#[derive(Debug)]
pub struct Change {
    /// Tokens of the longest text.
    pub tokens: usize,
    /// Of that text, relative.
    pub perplexity: f64,
    /// Of any token of any text, in nats.
    pub nats_max: f64,
    /// Root mean square, in nats.
    pub nats_usual: f64,
}

/// Compares log-probabilities, text by text.
pub fn change(exact: &[Vec<Option<f32>>], rounded: &[Vec<Option<f32>>]) -> Change {
    let mut change = Change {
        tokens: 0,
        perplexity: 0.0,
        nats_max: 0.0,
        nats_usual: 0.0,
    };
    let (mut squares, mut count) = (0.0, 0);
    for (exact, rounded) in exact.iter().zip(rounded) {
        let pairs = exact.iter().flatten().zip(rounded.iter().flatten());
        let differences: Vec<f64> = pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        squares += differences.iter().map(|it| it * it).sum::<f64>();
        count += differences.len();
        // In this order what is not a number is the largest.
        let sizes = differences.iter().map(|it| it.abs());
        change.nats_max = sizes.fold(change.nats_max, |most, it| {
            std::cmp::max_by(most, it, f64::total_cmp)
        });
        if change.tokens < differences.len() {
            change.tokens = differences.len();
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            change.perplexity = mean.exp_m1();
        }
    }
    change.nats_usual = (squares / f64::from(count as u32)).sqrt();
    change
}
