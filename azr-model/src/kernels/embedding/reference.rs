//! Picking and adding rows in f64.

pub(super) fn forward(table: &[f64], indices: &[u32], d: usize) -> Vec<f64> {
    indices
        .iter()
        .flat_map(|index| table[*index as usize * d..][..d].to_vec())
        .collect()
}

pub(super) fn backward(dx: &[f64], indices: &[u32], d: usize, table_rows: usize) -> Vec<f64> {
    let mut gradient = vec![0.0; table_rows * d];
    for (n, index) in indices.iter().enumerate() {
        for i in 0..d {
            gradient[*index as usize * d + i] += dx[n * d + i];
        }
    }
    gradient
}
