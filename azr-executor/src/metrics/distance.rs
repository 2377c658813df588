//! How far two syntax trees are apart, in insertions and deletions of nodes.

use super::node::NodeKind;
use super::shape::Shape;

/// Work for one distance that [`Shape::distance`] gives up after, steps: some tens of milliseconds.
pub const DISTANCE_STEPS_MAX: u64 = 1 << 24;

/// How far two programs are apart, from 0 (one sequence of nodes) towards 1 (nothing in common but the module).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distance {
    /// The least number of insertions and deletions, divided by the number of nodes of both.
    Exact(f64),
    /// Finding the least number took too much work; it is no greater than this.
    AtMost(f64),
}

impl Distance {
    /// The distance, or its bound: 0 to 1.
    pub const fn value(self) -> f64 {
        match self {
            Distance::Exact(value) | Distance::AtMost(value) => value,
        }
    }
}

impl Shape {
    /// The edit distance of the two preorder sequences of node kinds, by the greedy algorithm of Myers (An O(ND)
    /// Difference Algorithm and Its Variations, Algorithmica 1, 1986), over the sum of their lengths.
    ///
    /// Symmetric. Time grows with the nodes times the edits rather than with the product of the nodes, memory with the
    /// edits; both are bounded by [`DISTANCE_STEPS_MAX`]. Programs that differ in names and constants only have distance 0.
    pub fn distance(&self, other: &Shape) -> Distance {
        self.distance_within(other, DISTANCE_STEPS_MAX)
    }

    /// [`Shape::distance`] with another bound of the work. One step looks at one diagonal or compares one pair of nodes.
    ///
    /// Beyond the bound the distance is that of the best edit script known by then: as many edits as were made, and a
    /// deletion or an insertion for each node that is left.
    pub fn distance_within(&self, other: &Shape, steps_max: u64) -> Distance {
        let (ours, theirs) = (self.preorder(), other.preorder());
        let whole = (ours.len() + theirs.len()) as f64;
        match edits(ours, theirs, steps_max) {
            Edits::Least(edits) => Distance::Exact(edits as f64 / whole),
            Edits::Some(edits) => Distance::AtMost(edits as f64 / whole),
        }
    }
}

/// Insertions and deletions that turn one sequence into another.
#[derive(Debug, PartialEq)]
enum Edits {
    Least(usize),
    Some(usize),
}

fn edits(a: &[NodeKind], b: &[NodeKind], steps_max: u64) -> Edits {
    let (a, b) = without_common_ends(a, b);
    let all = a.len() + b.len();
    if a.is_empty() || b.is_empty() {
        return Edits::Least(all);
    }
    let mut frontier = Frontier::new(all, steps_max);
    let mut bound = all;
    for made in 0..=all {
        let Some(left) = frontier.advance(a, b, made) else {
            return Edits::Some(bound);
        };
        if left == 0 {
            return Edits::Least(made);
        }
        bound = bound.min(made + left);
    }
    Edits::Some(bound)
}

/// What both begin and end with is in a longest common subsequence.
fn without_common_ends<'nodes>(
    a: &'nodes [NodeKind],
    b: &'nodes [NodeKind],
) -> (&'nodes [NodeKind], &'nodes [NodeKind]) {
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let pairs = a.iter().rev().zip(b.iter().rev());
    let suffix = pairs.take_while(|(a, b)| a == b).count();
    (&a[..a.len() - suffix], &b[..b.len() - suffix])
}

/// For each diagonal `x - y`, the furthest `x` that the edits made so far reach.
struct Frontier {
    /// Diagonal `k` is at `middle + k`.
    furthest: Vec<usize>,
    middle: usize,
    steps_left: u64,
}

impl Frontier {
    /// Round `d` takes at least `d` steps, so the bound of the work also bounds the rounds and the memory.
    fn new(edits_max: usize, steps_max: u64) -> Self {
        let rounds_max = usize::try_from(steps_max.saturating_mul(2).isqrt()).unwrap_or(usize::MAX);
        let middle = edits_max.min(rounds_max) + 2;
        Frontier {
            furthest: vec![0; 2 * middle + 1],
            middle,
            steps_left: steps_max,
        }
    }

    /// One more edit on every diagonal in reach. Gives how many nodes are left at the best place; none when the work is
    /// beyond its bound, whatever the order of the two sequences.
    fn advance(&mut self, a: &[NodeKind], b: &[NodeKind], made: usize) -> Option<usize> {
        let mut left = usize::MAX;
        for at in (0..=made).map(|nth| self.middle + 2 * nth - made) {
            // `made == 0` begins at the origin; the outermost diagonals have one neighbor.
            let mut x = match (self.middle + made - at, at + made - self.middle) {
                (0, 0) => 0,
                (_, 0) => self.furthest[at + 1],
                (0, _) => self.furthest[at - 1] + 1,
                _ => self.furthest[at + 1].max(self.furthest[at - 1] + 1),
            };
            let mut y = x + self.middle - at;
            let run = match (a.get(x..), b.get(y..)) {
                (Some(a), Some(b)) => a.iter().zip(b).take_while(|(a, b)| a == b).count(),
                _ => 0,
            };
            (x, y) = (x + run, y + run);
            self.furthest[at] = x;
            self.steps_left = self.steps_left.checked_sub(1 + run as u64)?;
            if x <= a.len() && y <= b.len() {
                left = left.min(a.len() - x + b.len() - y);
            }
        }
        Some(left)
    }
}
