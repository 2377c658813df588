//! Words that a proposer can be asked to build a task around. They keep small models from copying their references.

use rand_chacha::ChaCha8Rng;

/// The lists, in the order in which they are drawn from: what values, what is done to them, where it happens.
const LISTS: [&str; 3] = [
    include_str!("ingredients/values.txt"),
    include_str!("ingredients/operations.txt"),
    include_str!("ingredients/settings.txt"),
];

/// `count` ingredients, from one list after the other.
pub(crate) fn draw(count: usize, rng: &mut ChaCha8Rng) -> Vec<&'static str> {
    let mut drawn: Vec<&'static str> = Vec::with_capacity(count);
    for at in 0..count {
        let left: Vec<&'static str> = LISTS[at % LISTS.len()]
            .lines()
            .filter(|line| !drawn.contains(line))
            .collect();
        if let Some(&line) = left.get(crate::draw::below(left.len() as u64, rng) as usize) {
            drawn.push(line);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn ingredients_are_different_and_follow_from_the_generator() {
        let draw_with = |seed| draw(9, &mut ChaCha8Rng::seed_from_u64(seed));
        let drawn = draw_with(3);
        assert_eq!(drawn.len(), 9);
        assert!(
            (1..9).all(|at| !drawn[..at].contains(&drawn[at])),
            "{drawn:?}"
        );
        assert!(LISTS[0].lines().any(|line| line == drawn[0]));
        assert_eq!(drawn, draw_with(3));
        assert_ne!(drawn, draw_with(4));
    }
}
