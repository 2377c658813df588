//! Row-wise loops shared out among threads: every row is computed alone, so how they are shared cannot be seen.

use crate::simd::team::Team;

/// Elements below which another thread costs more than it brings.
const GRAIN_ELEMENTS: usize = 1 << 14;

/// Rows of `width` elements that one task should take.
pub(crate) fn grain(width: usize) -> usize {
    (GRAIN_ELEMENTS / width.max(1)).max(1)
}

/// Calls `each(first row, rows)` on consecutive parts of `out`, whose rows are `width` wide.
pub(crate) fn in_parallel(
    team: &Team,
    out: &mut [f32],
    width: usize,
    each: impl Fn(usize, &mut [f32]) + Sync,
) {
    let grain = grain(width);
    team.each(
        out.chunks_mut((grain * width).max(1)).enumerate(),
        |(part, rows)| each(part * grain, rows),
    );
}
