//! Drawing on a GPU: a block for each token that is drawn, then the learner's own kernel for the log-probabilities.

use super::{Draw, Drawn};
use crate::{
    cuda::{Argument, Buffer, Device, DeviceError, Launch, Source, View, check, size},
    kernels::head::cuda as head,
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "sample",
    text: include_str!("kernel.cu"),
};

/// Most words of a vocabulary: what the parts of a row hold has 32 bits.
const WORDS_MAX: usize = 1 << 30;
/// Parts that the words of a row are cut into; as in the kernel.
const PARTS: usize = 1024;
/// A part is read by one warp.
const WARP: usize = 32;
/// Bits of the sum of all masses of a row.
const MASS_BITS: u32 = 62;
/// Bits of the number that decides, and zeros below them.
const UNIT_BITS: u32 = 53;

/// What is asked, as the kernel reads it.
fn asked(draw: &Draw) -> [u32; 7] {
    let sampling = &draw.sampling;
    let inverse_temperature = match sampling.is_greedy() {
        true => 0.0,
        false => sampling.inverse_temperature(),
    };
    let unit = (draw.unit * (1u64 << UNIT_BITS) as f64) as u64;
    let unit = unit << (u64::BITS - UNIT_BITS);
    [
        draw.row as u32,
        inverse_temperature.to_bits(),
        u32::try_from(sampling.top_k).unwrap_or(u32::MAX),
        sampling.top_p.to_bits(),
        sampling.min_p.to_bits(),
        (unit >> u32::BITS) as u32,
        unit as u32,
    ]
}

/// Draws tokens from rows of `logits [_, v]`; `None` where a logit over the temperature is no number or infinite, or all are
/// minus infinity. Words below `2^-45` of the likeliest (with a vocabulary of 2^17; more with a larger one) are never drawn.
///
/// `sample_draw`: grid draws, block 512, shared memory 8,208 bytes. Any number of draws, any vocabulary from 1 to 2^30, any
/// filters. Rows that are not there are refused. Where nothing is filtered out, the log-probability is that of the
/// learner, to the bit: `head_scores` over the same logits (see `kernels/head`), once for rows that follow each other
/// at one temperature. Two short copies come back; waits for the device.
pub(crate) fn draw(
    device: &Device,
    logits: View<'_>,
    v: usize,
    draws: &[Draw],
) -> Result<Vec<Option<Drawn>>, DeviceError> {
    const CALL: &str = "draw";
    if draws.is_empty() {
        return Ok(Vec::new());
    }
    let rows = draws.iter().map(|it| it.row + 1).max().unwrap_or(0);
    check(
        CALL,
        "logits are [rows, v] with a word at least, every row is one of them",
        0 < v && rows * v <= logits.len(),
        &[logits.len(), v, rows],
    )?;
    if WORDS_MAX < v {
        return Err(DeviceError::Unsupported {
            call: CALL,
            limit: "the vocabulary",
            found: v,
            most: WORDS_MAX,
        });
    }
    let n = draws.len();
    let words: Vec<u32> = draws.iter().flat_map(asked).collect();
    let words = device.upload(&words)?;
    let mut tokens: Buffer<u32> = device.allocate(n)?;
    let mut logprobs: Buffer = device.allocate(n)?;
    let span = v.div_ceil(PARTS).next_multiple_of(WARP);
    let launch = Launch {
        kernel: "sample_draw",
        grid: [n, 1, 1],
        block: [512, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            logits.argument(),
            words.view().argument(),
            tokens.view_mut().argument(),
            logprobs.view_mut().argument(),
            size(CALL, "the vocabulary", v)?,
            size(CALL, "a part of the vocabulary", span)?,
            Argument::Number((1u64 << (MASS_BITS - v.ilog2())) as f32),
        ],
    };
    device.launch(&SOURCE, launch)?;
    score(device, (logits, v), draws, tokens.view(), &mut logprobs)?;
    let tokens = device.download(tokens.view())?.into_iter();
    let drawn = tokens.zip(device.download(logprobs.view())?);
    let drawn = drawn.map(|(token, logprob)| {
        let drawn = Drawn { token, logprob };
        logprob.is_finite().then_some(drawn)
    });
    Ok(drawn.collect())
}

/// Puts the learner's log-probabilities in the place of the sampler's where the choice was among all words.
fn score(
    device: &Device,
    (logits, v): (View<'_>, usize),
    draws: &[Draw],
    tokens: View<'_, u32>,
    logprobs: &mut Buffer,
) -> Result<(), DeviceError> {
    let is_whole = |it: &Draw| !it.sampling.is_greedy() && it.sampling.keeps_all(v);
    let follows =
        |a: &Draw, b: &Draw| a.row + 1 == b.row && a.sampling.temperature == b.sampling.temperature;
    let mut places = 0..0;
    for run in draws.chunk_by(|a, b| is_whole(a) && is_whole(b) && follows(a, b)) {
        places = places.end..places.end + run.len();
        if !is_whole(&run[0]) {
            continue;
        }
        let first = run[0].row;
        head::logprobs_of(
            device,
            logits.part(first * v..(first + run.len()) * v),
            tokens.part(places.clone()),
            run[0].sampling.inverse_temperature(),
            logprobs.view_mut().part(places.clone()),
        )?;
    }
    Ok(())
}
