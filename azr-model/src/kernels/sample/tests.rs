//! The contract of drawing, for the processor and for devices, and what filters keep.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::*;
use crate::kernels::contract::numbers;

/// How far a number may lie outside of the share of the word that it drew: weights are off by 2e-6 of themselves, random in
/// sign, and so is their sum.
const BORDER_ERROR_MAX: f64 = 2e-6;
/// A score of up to ten is rounded twice, and the logarithm of a sum once.
const LOGPROB_NATS_MAX: f64 = 5e-6;
/// The largest number that a generator gives.
const LAST: f64 = 1.0 - f64::EPSILON / 2.0;

/// What draws: from rows of logits of so many words.
pub(super) type Way<'a> = &'a dyn Fn(&[f32], usize, &[Draw]) -> Vec<Option<Drawn>>;

const OPEN: Sampling = Sampling::at_temperature(1.0);

/// All words, some and one, by each filter and by all of them.
pub(super) const SAMPLINGS: [Sampling; 12] = [
    OPEN,
    Sampling::at_temperature(0.7),
    Sampling::at_temperature(1.9),
    Sampling::GREEDY,
    Sampling { top_k: 1, ..OPEN },
    Sampling { top_k: 20, ..OPEN },
    Sampling {
        top_k: 1_000_000,
        min_p: 0.05,
        ..OPEN
    },
    Sampling { top_p: 0.0, ..OPEN },
    Sampling { top_p: 0.3, ..OPEN },
    Sampling {
        top_p: 0.95,
        ..Sampling::at_temperature(0.6)
    },
    Sampling { min_p: 1.0, ..OPEN },
    Sampling {
        temperature: 1.3,
        top_k: 15,
        top_p: 0.8,
        min_p: 0.2,
    },
];

/// Draws by some samplings from two rows, with the first number, the last one, and others.
pub(super) fn contract(way: Way<'_>, v: usize, samplings: &[Sampling], others: usize) {
    let logits = numbers(2 * v, v as u32);
    let logits: Vec<f32> = logits.iter().map(|it| 6.0 * it).collect();
    let others = numbers(others, 9);
    let others = others.iter().map(|it| f64::from(it.abs()).min(LAST));
    let units: Vec<f64> = [0.0, LAST].into_iter().chain(others).collect();
    let mut draws = Vec::new();
    for (index, sampling) in samplings.iter().enumerate() {
        draws.extend(units.iter().map(|unit| Draw {
            row: index % 2,
            sampling: *sampling,
            unit: *unit,
        }));
    }
    let found = way(&logits, v, &draws);
    assert_eq!(found.len(), draws.len());
    for (draw, found) in draws.iter().zip(found) {
        let row = &logits[draw.row * v..][..v];
        hold(row, draw, found.expect("these logits are numbers"));
    }
}

/// Fails unless the number lies in the share that the truth gives the word, or that close to it, and the log-probability is
/// that of the share.
fn hold(row: &[f32], draw: &Draw, drawn: Drawn) {
    let truth = reference::probabilities(row, &draw.sampling);
    let token = drawn.token as usize;
    let (below, share) = (truth[..token].iter().sum::<f64>(), truth[token]);
    let v = row.len();
    assert!(
        0.0 < share,
        "{v} words, {draw:?}: {token} is filtered out or not the likeliest"
    );
    let shares = below - BORDER_ERROR_MAX..=below + share + BORDER_ERROR_MAX;
    assert!(
        shares.contains(&draw.unit),
        "{v} words, {draw:?}: {token} has {shares:?}"
    );
    let error = (f64::from(drawn.logprob) - share.ln()).abs();
    assert!(
        error <= LOGPROB_NATS_MAX,
        "{v} words, {draw:?}: {drawn:?} instead of {}",
        share.ln()
    );
}

/// Equal words share the numbers exactly, the lower ids come first through every filter, and what is no distribution draws
/// nothing.
pub(super) fn borders(way: Way<'_>) {
    let token = |logits: &[f32], sampling: Sampling, unit: f64| {
        let draw = Draw {
            row: 0,
            sampling,
            unit,
        };
        way(logits, logits.len(), &[draw])[0].map(|it| it.token)
    };
    for (sampling, kept) in [
        (OPEN, 64),
        (Sampling { top_k: 16, ..OPEN }, 16),
        (Sampling { top_p: 0.5, ..OPEN }, 32),
        (Sampling { min_p: 1.0, ..OPEN }, 64),
        (
            Sampling {
                top_k: 32,
                top_p: 0.25,
                ..OPEN
            },
            8,
        ),
    ] {
        for word in [0, 1, 5, kept - 1] {
            let border = f64::from(word) / f64::from(kept);
            assert_eq!(token(&[-2.5; 64], sampling, border), Some(word));
            if 0 < word {
                let unit = border - f64::EPSILON / 2.0;
                assert_eq!(token(&[-2.5; 64], sampling, unit), Some(word - 1));
            }
        }
    }
    let (low, high) = (f32::NEG_INFINITY, f32::INFINITY);
    for sampling in [Sampling::GREEDY, OPEN, SAMPLINGS[11]] {
        assert_eq!(token(&[low, 1.0, low], sampling, LAST), Some(1));
        for broken in [
            &[0.0, f32::NAN, 1.0][..],
            &[f32::NAN],
            &[0.0, high],
            &[low, low, low],
        ] {
            assert_eq!(token(broken, sampling, 0.5), None, "{broken:?}");
        }
    }
    let cold = Sampling::at_temperature(Sampling::TEMPERATURE_MIN);
    assert_eq!(token(&[0.0, 3.0e38], cold, 0.5), None);
    assert_eq!(token(&[0.0, -3.0e38], cold, 0.5), Some(0));
    assert_eq!(token(&[-0.0, 0.0], Sampling::GREEDY, 0.0), Some(0));
    assert_eq!(token(&[0.0, 2.0, 2.0, 1.0], Sampling::GREEDY, 0.9), Some(1));
}

/// As the backend of the processor does it.
fn on_processor(logits: &[f32], v: usize, draws: &[Draw]) -> Vec<Option<Drawn>> {
    let row = |it: &Draw| &logits[it.row * v..][..v];
    draws
        .iter()
        .map(|it| draw(row(it), &it.sampling, it.unit))
        .collect()
}

#[test]
fn the_number_lies_in_the_share_of_the_word_that_it_draws() {
    for v in [1, 2, 31, 33, 1030] {
        contract(&on_processor, v, &SAMPLINGS, 20);
    }
    contract(&on_processor, 151_936, &SAMPLINGS, 1);
}

#[test]
fn equal_words_share_exactly_and_what_is_no_number_draws_nothing() {
    borders(&on_processor);
}

fn unit(generator: &mut ChaCha8Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Probabilities 0.5, 0.25, 0.15, 0.1 at temperature 1, out of order and shifted.
const SHARES: [f32; 4] = [0.15, 0.5, 0.1, 0.25];

fn logits() -> Vec<f32> {
    SHARES.iter().map(|share| share.ln() + 3.0).collect()
}

/// How often each word is drawn of 20,000 times; checks that its log-probability is that of the share wanted.
fn frequencies(sampling: Sampling, wanted: [f32; 4]) {
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let draws = 20_000;
    let mut counts = [0; 4];
    for _ in 0..draws {
        let drawn = draw(&logits(), &sampling, unit(&mut generator)).unwrap();
        let token = drawn.token as usize;
        counts[token] += 1;
        assert!(
            (drawn.logprob.exp() - wanted[token]).abs() < 1e-5,
            "{token}: {} of {wanted:?}",
            drawn.logprob.exp()
        );
    }
    for (count, wanted) in counts.iter().zip(wanted) {
        let share = *count as f32 / draws as f32;
        // Four standard errors of a share of one half are 0.014.
        assert!(
            (share - wanted).abs() < 0.015,
            "{share} instead of {wanted}"
        );
    }
}

#[test]
fn unfiltered_draws_follow_the_distribution() {
    frequencies(Sampling::at_temperature(1.0), SHARES);
    let squares: f32 = SHARES.iter().map(|it| it * it).sum();
    frequencies(
        Sampling::at_temperature(0.5),
        SHARES.map(|it| it * it / squares),
    );
}

#[test]
fn filters_keep_the_likeliest_and_report_the_renormalized_probability() {
    let open = Sampling::at_temperature(1.0);
    frequencies(
        Sampling { top_k: 2, ..open },
        [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0],
    );
    frequencies(
        Sampling { top_p: 0.8, ..open },
        [0.15 / 0.9, 0.5 / 0.9, 0.0, 0.25 / 0.9],
    );
    frequencies(Sampling { top_p: 0.4, ..open }, [0.0, 1.0, 0.0, 0.0]);
    frequencies(
        Sampling { min_p: 0.4, ..open },
        [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0],
    );
    // Of the two that top_k leaves, the first alone holds two thirds.
    frequencies(
        Sampling {
            top_k: 2,
            top_p: 0.6,
            ..open
        },
        [0.0, 1.0, 0.0, 0.0],
    );
}

#[test]
fn a_nucleus_wider_than_the_first_sort_is_found_whole() {
    // 1000 equal words: 90 percent of the mass are the first 900, by id.
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let sampling = Sampling {
        top_p: 0.9,
        ..Sampling::at_temperature(1.0)
    };
    for _ in 0..2000 {
        let drawn = draw(&[1.0; 1000], &sampling, unit(&mut generator)).unwrap();
        assert!(drawn.token < 900);
        assert!((drawn.logprob + 900f32.ln()).abs() < 1e-4);
    }
}
