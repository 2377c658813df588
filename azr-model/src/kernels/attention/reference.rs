//! Attention in f64 with every score in memory, one sequence after the other.

use super::{Heads, Segment};

/// `out [n, query_width]` and `lse [n, heads]` of whole sequences.
pub(super) fn forward(qkv: &[f64], heads: &Heads, segments: &[Segment]) -> (Vec<f64>, Vec<f64>) {
    let rows = qkv.len() / heads.width();
    let (mut out, mut lse) = (
        vec![0.0; rows * heads.query_width()],
        vec![0.0; rows * heads.heads],
    );
    for_each_query(qkv, heads, segments, |row, head, probabilities, log_sum| {
        lse[row * heads.heads + head] = log_sum;
        for (key_row, p) in probabilities {
            for c in 0..heads.head_dim {
                let at = value_at(heads, *key_row, head) + c;
                out[row * heads.query_width() + head * heads.head_dim + c] += p * qkv[at];
            }
        }
    });
    (out, lse)
}

/// `dqkv [n, width]`.
pub(super) fn backward(qkv: &[f64], dout: &[f64], heads: &Heads, segments: &[Segment]) -> Vec<f64> {
    let e = heads.head_dim;
    let scale = 1.0 / (e as f64).sqrt();
    let mut gradient = vec![0.0; qkv.len()];
    for_each_query(qkv, heads, segments, |row, head, probabilities, _| {
        let dout = &dout[row * heads.query_width() + head * e..][..e];
        let dp = |key_row: usize| {
            (0..e)
                .map(|c| dout[c] * qkv[value_at(heads, key_row, head) + c])
                .sum::<f64>()
        };
        let mean: f64 = probabilities
            .iter()
            .map(|(key_row, p)| p * dp(*key_row))
            .sum();
        let query = row * heads.width() + head * e;
        for (key_row, p) in probabilities {
            let ds = p * (dp(*key_row) - mean) * scale;
            for c in 0..e {
                let (key, value) = (
                    key_at(heads, *key_row, head) + c,
                    value_at(heads, *key_row, head) + c,
                );
                gradient[query + c] += ds * qkv[key];
                gradient[key] += ds * qkv[query + c];
                gradient[value] += p * dout[c];
            }
        }
    });
    gradient
}

fn key_at(heads: &Heads, row: usize, head: usize) -> usize {
    row * heads.width() + heads.query_width() + head / heads.group() * heads.head_dim
}

fn value_at(heads: &Heads, row: usize, head: usize) -> usize {
    key_at(heads, row, head) + heads.kv_width()
}

/// Calls with the row, the head, the probability of each key's row, and the logarithm of their sum.
fn for_each_query(
    qkv: &[f64],
    heads: &Heads,
    segments: &[Segment],
    mut each: impl FnMut(usize, usize, &[(usize, f64)], f64),
) {
    let e = heads.head_dim;
    for segment in segments {
        for row in segment.rows.clone() {
            for head in 0..heads.heads {
                let query = &qkv[row * heads.width() + head * e..][..e];
                let score = |key_row: usize| {
                    let key = &qkv[key_at(heads, key_row, head)..][..e];
                    query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>() / (e as f64).sqrt()
                };
                let scores: Vec<(usize, f64)> = (segment.rows.start..=row)
                    .map(|key| (key, score(key)))
                    .collect();
                let sum: f64 = scores.iter().map(|(_, s)| s.exp()).sum();
                let probabilities: Vec<(usize, f64)> = scores
                    .iter()
                    .map(|(key, s)| (*key, s.exp() / sum))
                    .collect();
                each(row, head, &probabilities, sum.ln());
            }
        }
    }
}
