//! Moments of 16 and 8 bits on a GPU: held, brought there and back, and stepped.

use super::{PIECE, SOURCE, numbers};
use crate::{
    cuda::{Argument, Buffer, Device, DeviceError, Launch, ViewMut, check, size},
    kernels::adamw::{Draws, Factors, Narrow, NarrowKind, moment::BLOCK},
};

/// One moment of every weight on a GPU, rounded.
pub struct CudaNarrow {
    held: Held,
}

enum Held {
    Bf16(Buffer<u16>),
    Float8 { codes: Buffer<u8>, scales: Buffer },
}

impl CudaNarrow {
    pub(crate) fn zeros(
        device: &Device,
        kind: NarrowKind,
        elements: usize,
    ) -> Result<Self, DeviceError> {
        let held = match kind {
            NarrowKind::Bf16 => Held::Bf16(device.zeros(elements)?),
            NarrowKind::Float8 => Held::Float8 {
                codes: device.zeros(elements)?,
                scales: device.zeros(elements.div_ceil(BLOCK))?,
            },
        };
        Ok(Self { held })
    }

    pub(crate) fn upload(device: &Device, moment: &Narrow<'_>) -> Result<Self, DeviceError> {
        let held = match moment {
            Narrow::Bf16(values) => Held::Bf16(device.upload(values)?),
            Narrow::Float8 { codes, scales } => Held::Float8 {
                codes: device.upload(codes)?,
                scales: device.upload(scales)?,
            },
        };
        Ok(Self { held })
    }

    pub(crate) fn download(&self, device: &Device) -> Result<Narrow<'static>, DeviceError> {
        Ok(match &self.held {
            Held::Bf16(values) => Narrow::Bf16(device.download(values.view())?.into()),
            Held::Float8 { codes, scales } => Narrow::Float8 {
                codes: device.download(codes.view())?.into(),
                scales: device.download(scales.view())?.into(),
            },
        })
    }
}

/// Updates weights and rounded moments, and empties the gradient.
///
/// `adamw_step_bf16`: grid n / 1024 rounded up, block 256, no shared memory. `adamw_step_float8`: grid n / 2048 rounded
/// up, block 256, none. Any length, in launches of 2^31 elements. Moments of two kinds, or of another length, are
/// refused.
pub(crate) fn step(
    device: &Device,
    mut weights: ViewMut<'_>,
    mut gradient: ViewMut<'_>,
    (first, second): (&mut CudaNarrow, &mut CudaNarrow),
    factors: Factors,
    draws: Draws,
) -> Result<(), DeviceError> {
    const CALL: &str = "adamw step with rounded moments";
    let n = weights.len();
    let sizes = [n, gradient.len(), first.len(), second.len()];
    let fits = sizes == [n; 4] && first.holds_as(second);
    let wanted = "moments and gradient are as long as the weights, both moments of one kind";
    check(CALL, wanted, fits, &sizes)?;
    for (piece, from) in (0..n).step_by(PIECE).enumerate() {
        let part = from..n.min(from + PIECE);
        let (kernel, weights_of_block, moments) = match (&mut first.held, &mut second.held) {
            (Held::Bf16(first), Held::Bf16(second)) => {
                let of = |it: &mut Buffer<u16>| it.view_mut().part(part.clone()).argument();
                ("adamw_step_bf16", 1024, vec![of(first), of(second)])
            }
            (
                Held::Float8 { codes, scales },
                Held::Float8 {
                    codes: roots,
                    scales: root_scales,
                },
            ) => {
                let of = |it: &mut Buffer<u8>| it.view_mut().part(part.clone()).argument();
                let blocks = from / BLOCK..part.end.div_ceil(BLOCK);
                let scale = |it: &mut Buffer| it.view_mut().part(blocks.clone()).argument();
                let moments = vec![of(codes), scale(scales), of(roots), scale(root_scales)];
                ("adamw_step_float8", 2048, moments)
            }
            // Refused above.
            _ => continue,
        };
        let given = [
            weights.part(part.clone()).argument(),
            gradient.part(part.clone()).argument(),
        ];
        let [key, other_key] = draws.keys(piece).map(Argument::Size);
        let count = size(CALL, "the number of elements", part.len())?;
        let mut arguments = given.to_vec();
        arguments.extend(moments);
        arguments.push(count);
        arguments.extend(numbers(factors));
        arguments.extend([key, other_key]);
        let launch = Launch {
            kernel,
            grid: [part.len().div_ceil(weights_of_block), 1, 1],
            block: [256, 1, 1],
            dynamic_shared_bytes: 0,
            arguments: &arguments,
        };
        device.launch(&SOURCE, launch)?;
    }
    Ok(())
}

impl CudaNarrow {
    fn len(&self) -> usize {
        match &self.held {
            Held::Bf16(values) => values.view().len(),
            Held::Float8 { codes, .. } => codes.view().len(),
        }
    }

    fn holds_as(&self, other: &Self) -> bool {
        matches!(
            (&self.held, &other.held),
            (Held::Bf16(_), Held::Bf16(_)) | (Held::Float8 { .. }, Held::Float8 { .. })
        )
    }
}
