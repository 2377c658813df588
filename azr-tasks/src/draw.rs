//! Random draws that depend on nothing but the generator passed in, and give the same result on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// A number below `bound`, uniform to within 2^-64 · `bound`; 0 when `bound` is 0.
pub(crate) fn below(bound: u64, rng: &mut ChaCha8Rng) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// `count` different indices below `len`, in drawn order; all of them when there are no more.
pub(crate) fn distinct(count: usize, len: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..len).collect();
    let count = count.min(len);
    for at in 0..count {
        let other = at + below((len - at) as u64, rng) as usize;
        indices.swap(at, other);
    }
    indices.truncate(count);
    indices
}

/// `count` different indices, each drawn with a chance in proportion to its weight among those left; indices of weight
/// 0 are never drawn.
pub(crate) fn weighted_distinct(count: usize, weights: &[u64], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut left = weights.to_vec();
    let mut total: u64 = left.iter().sum();
    let mut drawn = Vec::with_capacity(count.min(left.len()));
    while drawn.len() < count && 0 < total {
        let mut ticket = below(total, rng);
        let found = left.iter().position(|&weight| {
            let here = ticket < weight;
            ticket = ticket.saturating_sub(if here { 0 } else { weight });
            here
        });
        let Some(index) = found else { break };
        total -= left[index];
        left[index] = 0;
        drawn.push(index);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn distinct_draws_are_distinct_and_reach_every_index() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 5];
        for _ in 0..1000 {
            let mut drawn = distinct(2, 5, &mut rng);
            assert_eq!(drawn.len(), 2);
            drawn.iter().for_each(|&index| counts[index] += 1);
            drawn.dedup();
            assert_eq!(drawn.len(), 2);
        }
        // Each index is expected 400 times with a standard deviation of 15.5.
        assert!(
            counts.iter().all(|count| (320..480).contains(count)),
            "{counts:?}"
        );
        assert_eq!(distinct(9, 3, &mut rng).len(), 3);
        assert!(distinct(1, 0, &mut rng).is_empty());
    }

    #[test]
    fn weights_decide_how_often_an_index_is_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut first = [0; 3];
        for _ in 0..1000 {
            let drawn = weighted_distinct(2, &[1, 0, 3], &mut rng);
            assert_eq!(drawn.len(), 2);
            first[drawn[0]] += 1;
        }
        assert_eq!(first[1], 0);
        assert!((680..820).contains(&first[2]), "{first:?}");
        assert!(weighted_distinct(2, &[0, 0], &mut rng).is_empty());
    }
}
