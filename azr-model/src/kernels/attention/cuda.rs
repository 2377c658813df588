//! Attention on a GPU: a batch cut into tiles on the host, sizes checked, then launched.
//!
//! Pages are as large as the processor's, and lie otherwise inside: see the head of `kernel.cu`.

use super::{BLOCK, Heads, Segment};
use crate::cuda::{
    Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size,
};

#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "attention",
    text: include_str!("kernel.cu"),
};
const THREADS: u32 = 128;
/// `QUERIES`, `KEYS` and `WIDTH_MAX` of `kernel.cu`.
const QUERIES: usize = 16;
const KEYS: usize = 32;
const WIDTH_MAX: usize = 128;

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
}

/// Where the keys and values of one layer lie.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) layer: usize,
    pub(crate) layers: usize,
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(crate) struct Saved<'a> {
    pub(crate) qkv: View<'a>,
    pub(crate) out: View<'a>,
    pub(crate) lse: View<'a>,
    pub(crate) dout: View<'a>,
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
    /// Cuts a batch; `table` has the page numbers of all segments.
    pub(crate) fn new(
        device: &Device,
        segments: &[Segment],
        table: &[u32],
    ) -> Result<Self, DeviceError> {
        const CALL: &str = "attention tiles";
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
            queries: device.upload(&tiles(segments, QUERIES, |it| it.pages.start))?,
            keys: device.upload(&tiles(segments, KEYS, |it| it.rows.len()))?,
            rows: places.len() / 2,
            places: device.upload(&places)?,
            table: device.upload(table)?,
            pages: table.iter().max().map_or(0, |page| *page as usize + 1),
            whole: segments.iter().all(|it| it.start == 0),
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
    saved: &Saved<'_>,
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
    let (n, e) = (tiles.rows, heads.head_dim);
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
    let Argument::Write(pages) = cache.argument() else {
        unreachable!("a view to write is written")
    };
    let launch = Launch {
        kernel: "attention_forward",
        grid: [tiles.queries.view().len() / 4, heads.heads, 1],
        block: [THREADS, 1, 1],
        dynamic_shared_bytes: 4 * (QUERIES * e + BLOCK * (e + 1) + QUERIES * BLOCK),
        arguments: &[
            qkv.argument(),
            tiles.queries.view().argument(),
            tiles.table.view().argument(),
            Argument::Read(pages),
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
    device.launch(&SOURCE, launch)
}

/// Writes `dqkv [n, width]`; every sequence begins at position 0.
pub(crate) fn backward(
    device: &Device,
    tiles: &Tiles,
    heads: &Heads,
    saved: Saved<'_>,
    mut dqkv: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "attention backward";
    let Saved {
        qkv,
        out,
        lse,
        dout,
    } = saved;
    let (n, e) = (tiles.rows, heads.head_dim);
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
    let shared = 2 * QUERIES * e + 2 * KEYS * (e + 1) + QUERIES * (KEYS + 1);
    for (kernel, tiles, heads, shared) in [
        ("attention_by_query", &tiles.queries, heads.heads, shared),
        (
            "attention_by_key",
            &tiles.keys,
            heads.kv_heads,
            shared + QUERIES * (KEYS + 1),
        ),
    ] {
        let launch = Launch {
            kernel,
            grid: [tiles.view().len() / 4, heads, 1],
            block: [THREADS, 1, 1],
            dynamic_shared_bytes: 4 * shared,
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
        device.launch(&SOURCE, launch)?;
    }
    Ok(())
}
