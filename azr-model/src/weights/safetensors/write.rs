//! Writes weights as one safetensors file, a piece at a time.

use crate::half::bf16_from_f32;
use crate::parameters::Parameters;
use crate::precision::Precision;
use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};
use std::collections::HashMap;
use std::io::{self, Write};

const PIECE_VALUES: usize = 1 << 18;
/// The header is padded with spaces so that the data begin at a multiple of this.
const ALIGNMENT_BYTES: usize = 8;

/// Writes every weight under its Hugging Face name, in the order of the layout.
///
/// # Errors
/// What the writer says.
pub fn write(
    parameters: &Parameters,
    precision: Precision,
    writer: &mut dyn Write,
) -> io::Result<()> {
    let mut tensors = Vec::new();
    let mut end = 0;
    for entry in parameters.layout().entries() {
        let start = end;
        end += entry.elements() * precision.bytes();
        let info = TensorInfo {
            dtype: dtype(precision),
            shape: entry.shape.clone(),
            data_offsets: (start, end),
        };
        tensors.push((entry.name.clone(), info));
    }
    let origin = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let metadata = Metadata::new(Some(origin), tensors).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT_BYTES), b' ');
    writer.write_all(&(header.len() as u64).to_le_bytes())?;
    writer.write_all(&header)?;
    let mut buffer = Vec::with_capacity(PIECE_VALUES * precision.bytes());
    for values in parameters.data.chunks(PIECE_VALUES) {
        buffer.clear();
        match precision {
            Precision::F32 => values
                .iter()
                .for_each(|value| buffer.extend(value.to_le_bytes())),
            Precision::Bf16 => values
                .iter()
                .for_each(|value| buffer.extend(bf16_from_f32(*value).to_le_bytes())),
        }
        writer.write_all(&buffer)?;
    }
    Ok(())
}

fn dtype(precision: Precision) -> Dtype {
    match precision {
        Precision::F32 => Dtype::F32,
        Precision::Bf16 => Dtype::BF16,
    }
}
