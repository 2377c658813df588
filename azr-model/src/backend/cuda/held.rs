//! What a GPU holds of a model and of a batch, beside plain buffers.

use crate::{
    backend::Batch,
    cuda::{Buffer, Device, DeviceError, Kept, View},
    kernels::{
        attention::cuda::Tiles,
        embedding::cuda::Indices,
        head::cuda::Targets,
        matmul::cuda::{Matrix, to_bf16},
    },
    precision::Precision,
};

/// A weight matrix as products read it.
pub struct CudaWeights {
    pub(super) outputs: usize,
    held: Held,
}

enum Held {
    /// Nothing yet.
    Nothing,
    /// The weights themselves, where they lie: no second copy of a model in f32.
    F32(Kept),
    /// Rounded, once for each update.
    Bf16(Buffer<u16>),
}

impl CudaWeights {
    pub(super) fn new(
        device: &Device,
        outputs: usize,
        inputs: usize,
        precision: Precision,
    ) -> Result<Self, DeviceError> {
        let held = match precision {
            Precision::F32 => Held::Nothing,
            Precision::Bf16 => Held::Bf16(device.zeros(outputs * inputs)?),
        };
        Ok(Self { outputs, held })
    }

    pub(super) fn pack(&mut self, device: &Device, matrix: View<'_>) -> Result<(), DeviceError> {
        if let Held::Bf16(narrow) = &mut self.held {
            return to_bf16(device, matrix, narrow.view_mut());
        }
        self.held = Held::F32(matrix.kept());
        Ok(())
    }

    pub(super) fn matrix(&self) -> Result<Matrix<'_>, DeviceError> {
        match &self.held {
            Held::F32(weights) => Ok(Matrix::F32(weights.view())),
            Held::Bf16(weights) => Ok(Matrix::Bf16(weights.view())),
            Held::Nothing => Err(DeviceError::Sizes {
                call: "linear",
                wanted: "a matrix is prepared before it is multiplied with",
                found: vec![self.outputs],
            }),
        }
    }
}

/// A batch as the kernels read it.
pub struct CudaBatch {
    pub(super) rows: usize,
    pub(super) tokens: Indices,
    pub(super) outputs: Indices,
    pub(super) targets: Targets,
    pub(super) positions: Buffer<u32>,
    pub(super) tiles: Tiles,
}

impl CudaBatch {
    pub(super) fn new(
        device: &Device,
        batch: &Batch,
        precision: Precision,
    ) -> Result<Self, DeviceError> {
        Ok(Self {
            rows: batch.rows(),
            tokens: Indices::new(device, &batch.tokens)?,
            outputs: Indices::new(device, &batch.outputs)?,
            targets: Targets::new(device, &batch.targets)?,
            positions: device.upload(&batch.positions)?,
            tiles: Tiles::new(device, &batch.segments, &batch.pages, precision)?,
        })
    }
}
