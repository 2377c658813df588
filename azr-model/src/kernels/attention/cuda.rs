//! Attention on a GPU: a batch cut into tiles on the host, sizes checked, then launched. In bf16 its products are those of
//! the tensor cores.
//!
//! Pages are as large as the processor's, and lie otherwise inside: see the head of `kernel.cu`.

use super::{BLOCK, Heads, Saved, Segment};
use crate::{
    cuda::{Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size},
    precision::Precision,
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "attention",
    text: include_str!("kernel.cu"),
};
pub(crate) const SOURCE_BF16: Source = Source {
    name: "attention/bf16",
    text: include_str!("bf16/kernel.cu"),
};
const THREADS: u32 = 128;
/// `QUERIES`, `KEYS` and `WIDTH_MAX` of `kernel.cu`.
const QUERIES: usize = 16;
const KEYS: usize = 32;
const WIDTH_MAX: usize = 128;
/// `ROWS`, `STEP` and `PAD` of `bf16/kernel.cu`.
const ROWS_BF16: usize = 64;
const STEP_BF16: usize = 32;
const PAD_BF16: usize = 8;

/// A kernel, and the shared memory that it takes.
struct Form {
    source: Source,
    kernel: &'static str,
    shared_bytes: usize,
}

fn forward_form(precision: Precision, e: usize) -> Form {
    match precision {
        Precision::F32 => Form {
            source: SOURCE,
            kernel: "attention_forward",
            shared_bytes: 4 * (QUERIES * e + BLOCK * (e + 1) + QUERIES * BLOCK),
        },
        Precision::Bf16 => Form {
            source: SOURCE_BF16,
            kernel: "attention_bf16_forward",
            shared_bytes: 2 * (in_rows(ROWS_BF16 + BLOCK, e) + in_columns(BLOCK, e)),
        },
    }
}

/// The gradient by the queries, and that by the keys and values.
fn backward_forms(precision: Precision, e: usize) -> [Form; 2] {
    let (source, kernels, shared_bytes) = match precision {
        Precision::F32 => {
            let both = 2 * QUERIES * e + 2 * KEYS * (e + 1) + QUERIES * (KEYS + 1);
            let kernels = ["attention_by_query", "attention_by_key"];
            (
                SOURCE,
                kernels,
                [both, both + QUERIES * (KEYS + 1)].map(|it| 4 * it),
            )
        }
        Precision::Bf16 => {
            let both = in_rows(2 * ROWS_BF16 + 2 * STEP_BF16, e) + in_columns(STEP_BF16, e);
            // The numbers of each query beside them are f32.
            let by_key = both + in_columns(STEP_BF16, e) + 2 * 2 * STEP_BF16;
            let kernels = ["attention_bf16_by_query", "attention_bf16_by_key"];
            (SOURCE_BF16, kernels, [both, by_key].map(|it| 2 * it))
        }
    };
    [0, 1].map(|it| Form {
        source,
        kernel: kernels[it],
        shared_bytes: shared_bytes[it],
    })
}

/// Elements of so many rows, and of their columns, in the shared memory of the kernels of `bf16/kernel.cu`.
fn in_rows(rows: usize, e: usize) -> usize {
    rows * (e.next_multiple_of(16) + PAD_BF16)
}

fn in_columns(rows: usize, e: usize) -> usize {
    e.next_multiple_of(16) * (rows + PAD_BF16)
}

/// A batch as the kernels walk it.
pub(crate) struct Tiles {
    /// First row, number of rows, position of the first, first entry of the page table.
    queries: Buffer<u32>,
    /// First row, number of rows, position of the first, length of the sequence.
    keys: Buffer<u32>,
    /// Page and slot of each row.
    places: Buffer<u32>,
    table: Buffer<u32>,
    rows: usize,
    /// Pages that the cache must have.
    pages: usize,
    /// Whether every sequence begins in the batch.
    whole: bool,
    /// Of the products.
    precision: Precision,
}

/// Where the keys and values of one layer lie.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) layer: usize,
    pub(crate) layers: usize,
}

fn tiles(segments: &[Segment], rows: usize, last: impl Fn(&Segment) -> usize) -> Vec<u32> {
    let mut all = Vec::new();
    for segment in segments {
        for first in (0..segment.rows.len()).step_by(rows) {
            let count = rows.min(segment.rows.len() - first);
            let tile = [
                segment.rows.start + first,
                count,
                segment.start + first,
                last(segment),
            ];
            all.extend(tile.map(|it| it as u32));
        }
    }
    all
}

impl Tiles {
    /// Cuts a batch for products of a precision; `table` has the page numbers of all segments.
    pub(crate) fn new(
        device: &Device,
        segments: &[Segment],
        table: &[u32],
        precision: Precision,
    ) -> Result<Self, DeviceError> {
        const CALL: &str = "attention tiles";
        let (queries, keys) = match precision {
            Precision::F32 => (QUERIES, KEYS),
            Precision::Bf16 => (ROWS_BF16, ROWS_BF16),
        };
        let mut places = Vec::new();
        for segment in segments {
            let pages = table.get(segment.pages.clone()).unwrap_or_default();
            let fits = segment.pages_needed() <= pages.len();
            check(
                CALL,
                "every segment has pages for its positions",
                fits,
                &[segment.pages_needed(), pages.len()],
            )?;
            for position in segment.start..segment.start + segment.rows.len() {
                places.extend([pages[position / BLOCK], (position % BLOCK) as u32]);
            }
        }
        Ok(Self {
            queries: device.upload(&tiles(segments, queries, |it| it.pages.start))?,
            keys: device.upload(&tiles(segments, keys, |it| it.rows.len()))?,
            rows: places.len() / 2,
            places: device.upload(&places)?,
            table: device.upload(table)?,
            pages: table.iter().max().map_or(0, |page| *page as usize + 1),
            whole: segments.iter().all(|it| it.start == 0),
            precision,
        })
    }
}

/// The numbers of the heads, as kernels take them.
struct Shape {
    width: Argument,
    heads: Argument,
    kv_heads: Argument,
    e: Argument,
    scale: Argument,
}

fn shape(call: &'static str, heads: &Heads) -> Result<Shape, DeviceError> {
    if WIDTH_MAX < heads.head_dim {
        return Err(DeviceError::Unsupported {
            call,
            limit: "the width of a head",
            found: heads.head_dim,
            most: WIDTH_MAX,
        });
    }
    let groups = 0 < heads.kv_heads && heads.heads.is_multiple_of(heads.kv_heads);
    check(
        call,
        "query heads are a multiple of key heads",
        groups,
        &[heads.heads, heads.kv_heads],
    )?;
    Ok(Shape {
        width: size(call, "the width of a row", heads.width())?,
        heads: size(call, "heads", heads.heads)?,
        kv_heads: size(call, "key heads", heads.kv_heads)?,
        e: size(call, "the width of a head", heads.head_dim)?,
        scale: Argument::Number(heads.scale()),
    })
}

/// Sizes are those of `qkv`, `out`, `lse` and the cache.
fn check_forward(
    tiles: &Tiles,
    heads: &Heads,
    (layer, layers): (usize, usize),
    sizes: &[usize; 4],
) -> Result<(), DeviceError> {
    let n = tiles.rows;
    let cache = tiles.pages * layers * heads.page_elements();
    let fits = sizes[..3] == [n * heads.width(), n * heads.query_width(), n * heads.heads];
    check(
        "attention forward",
        "qkv is [n, width], out is [n, query width], lse is [n, heads], all pages lie in the cache",
        fits && layer < layers && cache <= sizes[3],
        sizes,
    )
}

/// `delta [n, heads]`: the mean of the gradients by the probabilities.
fn delta(
    device: &Device,
    tiles: &Tiles,
    it: &Shape,
    heads: usize,
    saved: &Saved<View<'_>>,
) -> Result<Buffer, DeviceError> {
    let mut delta: Buffer = device.allocate(saved.lse.len())?;
    let launch = Launch {
        kernel: "attention_delta",
        grid: [tiles.rows, heads, 1],
        block: [32, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            saved.out.argument(),
            saved.dout.argument(),
            delta.view_mut().argument(),
            it.heads,
            it.e,
        ],
    };
    device.launch(&SOURCE, launch)?;
    Ok(delta)
}

/// Writes keys and values to `cache`, then attends: `out [n, query_width]`, `lse [n, heads]`.
///
/// `attention_store`: grid n, block 256, no shared memory. `attention_forward`: grid (tiles of 16 queries, heads),
/// block 128, shared memory (16 e + 64 (e + 1) + 16 * 64) floats; in bf16 `attention_bf16_forward`: tiles of 64, shared
/// memory as at the head of `bf16/kernel.cu`. Heads of 1 to 128 wide, a multiple of the key heads, sequences of any
/// length in pages of 64; wider heads and other sizes are refused.
pub(crate) fn forward(
    device: &Device,
    tiles: &Tiles,
    heads: &Heads,
    qkv: View<'_>,
    Layer { layer, layers }: Layer,
    mut cache: ViewMut<'_>,
    (mut out, mut lse): (ViewMut<'_>, ViewMut<'_>),
) -> Result<(), DeviceError> {
    const CALL: &str = "attention forward";
    let n = tiles.rows;
    let it = shape(CALL, heads)?;
    check_forward(
        tiles,
        heads,
        (layer, layers),
        &[qkv.len(), out.len(), lse.len(), cache.len()],
    )?;
    let (layer, layers) = (size(CALL, "layer", layer)?, size(CALL, "layers", layers)?);
    let page = size(CALL, "a page", heads.page_head_elements())?;
    let launch = Launch {
        kernel: "attention_store",
        grid: [n, 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            qkv.argument(),
            tiles.places.view().argument(),
            cache.argument(),
            it.width,
            size(CALL, "the queries of a row", heads.query_width())?,
            it.kv_heads,
            it.e,
            layer,
            layers,
            page,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let form = forward_form(tiles.precision, heads.head_dim);
    let launch = Launch {
        kernel: form.kernel,
        grid: [tiles.queries.view().len() / 4, heads.heads, 1],
        block: [THREADS, 1, 1],
        dynamic_shared_bytes: form.shared_bytes,
        arguments: &[
            qkv.argument(),
            tiles.queries.view().argument(),
            tiles.table.view().argument(),
            Argument::Read(cache.address()),
            out.argument(),
            lse.argument(),
            it.width,
            it.heads,
            it.kv_heads,
            it.e,
            layer,
            layers,
            page,
            it.scale,
        ],
    };
    device.launch(&form.source, launch)
}

/// Writes `dqkv [n, width]`; every sequence begins at position 0.
///
/// `attention_delta`: grid (n, heads), block 32, no shared memory. `attention_by_query`: grid (tiles of 16 queries,
/// heads), block 128, shared memory (2 * 16 e + 2 * 32 (e + 1) + 16 * 33) floats. `attention_by_key`: grid (tiles of
/// 32 keys, key heads), block 128, shared memory 16 * 33 floats more. In bf16 `attention_bf16_by_query` and
/// `attention_bf16_by_key`: tiles of 64, shared memory as at the head of `bf16/kernel.cu`. Where that is above 48 KiB
/// the driver is told first. Heads as in [`forward`]; sequences that go on from a cache, wider heads and other sizes
/// are refused.
pub(crate) fn backward(
    device: &Device,
    tiles: &Tiles,
    heads: &Heads,
    saved: Saved<View<'_>>,
    mut dqkv: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "attention backward";
    let Saved {
        qkv,
        out,
        lse,
        dout,
    } = saved;
    let n = tiles.rows;
    let it = shape(CALL, heads)?;
    let fits = [qkv.len(), dqkv.len()] == [n * heads.width(); 2] && lse.len() == n * heads.heads;
    let fits = fits && [out.len(), dout.len()] == [n * heads.query_width(); 2] && tiles.whole;
    check(
        CALL,
        "qkv and dqkv are [n, width], out and dout [n, query width], lse [n, heads], sequences begin at 0",
        fits,
        &[
            n,
            qkv.len(),
            dqkv.len(),
            out.len(),
            dout.len(),
            lse.len(),
            usize::from(tiles.whole),
        ],
    )?;
    let delta = delta(device, tiles, &it, heads.heads, &saved)?;
    let walked = [(&tiles.queries, heads.heads), (&tiles.keys, heads.kv_heads)];
    for (form, (tiles, heads)) in backward_forms(tiles.precision, heads.head_dim)
        .into_iter()
        .zip(walked)
    {
        let launch = Launch {
            kernel: form.kernel,
            grid: [tiles.view().len() / 4, heads, 1],
            block: [THREADS, 1, 1],
            dynamic_shared_bytes: form.shared_bytes,
            arguments: &[
                qkv.argument(),
                lse.argument(),
                delta.view().argument(),
                dout.argument(),
                tiles.view().argument(),
                dqkv.argument(),
                it.width,
                it.heads,
                it.kv_heads,
                it.e,
                it.scale,
            ],
        };
        device.launch(&form.source, launch)?;
    }
    Ok(())
}
