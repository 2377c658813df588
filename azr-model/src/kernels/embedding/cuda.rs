//! Token vectors on a GPU: indices sorted on the host, sizes checked, then launched.

use crate::cuda::{
    Buffer, Device, DeviceError, Launch, Source, View, ViewMut, by_four, check, size,
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "embedding",
    text: include_str!("kernel.cu"),
};

/// Indices into a table on the device, as they come and sorted by row.
pub(crate) struct Indices {
    as_given: Buffer<u32>,
    /// Each row of the table that occurs, once.
    rows: Buffer<u32>,
    /// Where its places begin; one more than there are rows.
    starts: Buffer<u32>,
    /// Places of all rows, in order for each.
    places: Buffer<u32>,
    /// Rows that the table must have.
    least: usize,
}

impl Indices {
    /// Brings indices to the device.
    pub(crate) fn new(device: &Device, indices: &[u32]) -> Result<Self, DeviceError> {
        let mut places: Vec<u32> = (0..indices.len() as u32).collect();
        places.sort_by_key(|place| indices[*place as usize]);
        let (mut rows, mut starts) = (Vec::new(), Vec::new());
        for (at, place) in (0u32..).zip(&places) {
            let row = indices[*place as usize];
            if rows.last() != Some(&row) {
                rows.push(row);
                starts.push(at);
            }
        }
        starts.push(places.len() as u32);
        Ok(Self {
            as_given: device.upload(indices)?,
            least: rows.last().map_or(0, |row| *row as usize + 1),
            rows: device.upload(&rows)?,
            starts: device.upload(&starts)?,
            places: device.upload(&places)?,
        })
    }
}

/// Copies row `indices[i]` of `table [_, d]` to row `i` of `x [n, d]`.
///
/// `embedding_forward`: grid n, block 256, no shared memory. Any n and d; by four where d and the addresses allow it,
/// else one by one. Indices outside of the table are refused.
pub(crate) fn forward(
    device: &Device,
    table: View<'_>,
    indices: &Indices,
    d: usize,
    mut x: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "embedding forward";
    let n = indices.as_given.view().len();
    let fits = x.len() == n * d && indices.least * d <= table.len();
    check(
        CALL,
        "x is [n, d], every index is a row of the table",
        fits,
        &[x.len(), n, d, indices.least, table.len()],
    )?;
    let whole = by_four(d, &[table.address(), x.address()]);
    let launch = Launch {
        kernel: "embedding_forward",
        grid: [n, 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            table.argument(),
            indices.as_given.view().argument(),
            x.argument(),
            size(CALL, "d", d)?,
            whole,
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Adds row `i` of `dx [n, d]` to row `indices[i]` of `dtable [_, d]`, in the order of `i`.
///
/// `embedding_backward`: grid (different rows, d / 1024 rounded up), block 256, no shared memory. Any n and d, as in
/// [`forward`].
pub(crate) fn backward(
    device: &Device,
    dx: View<'_>,
    indices: &Indices,
    d: usize,
    mut dtable: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "embedding backward";
    let n = indices.as_given.view().len();
    let fits = dx.len() == n * d && indices.least * d <= dtable.len();
    check(
        CALL,
        "dx is [n, d], every index is a row of the table",
        fits,
        &[dx.len(), n, d, indices.least, dtable.len()],
    )?;
    let rows = indices.rows.view();
    let launch = Launch {
        kernel: "embedding_backward",
        grid: [rows.len(), d.div_ceil(1024), 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            dx.argument(),
            rows.argument(),
            indices.starts.view().argument(),
            indices.places.view().argument(),
            dtable.argument(),
            size(CALL, "d", d)?,
            by_four(d, &[dx.address(), dtable.address()]),
        ],
    };
    device.launch(&SOURCE, launch)
}
