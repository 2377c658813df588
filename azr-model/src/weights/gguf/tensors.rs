//! Finds every weight of the model in a GGUF file and dequantizes it into the flat buffer, a piece at a time.

use super::GgufError;
use super::header::{Header, TensorPlace};
use crate::config::{Architecture, ModelConfig};
use crate::parameters::{Entry, Layout, Parameters};
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::TensorInfo;
use candle_core::{Device, Shape};
use std::collections::HashSet;
use std::io::{Read, Seek};
use std::sync::Arc;

/// Values dequantized at a time, so that a large matrix is never in memory twice.
pub(super) const PIECE_VALUES_MAX: usize = 1 << 20;

/// What llama.cpp divides each rotary frequency by.
pub(super) const FREQUENCIES: &str = "rope_freqs.weight";
/// Pairs of a head that factors are read for.
const FREQUENCIES_MAX: usize = 1 << 12;

/// One weight: where it goes, and where it lies in the file.
pub(super) struct Source {
    entry: Entry,
    place: TensorPlace,
    kind: GgmlDType,
    name: String,
    rows: RowOrder,
}

/// How the rows of a matrix lie in the file.
pub(super) enum RowOrder {
    AsIs,
    /// Rows 2i and 2i+1 of a head are the rows i and i + half of it.
    Interleaved {
        head_dim: usize,
    },
}

/// Pairs every weight of the layout with a tensor, and checks shapes, sizes and that nothing is left over.
pub(super) fn plan(header: &Header, layout: &Layout) -> Result<Vec<Source>, GgufError> {
    let sources = layout
        .entries()
        .iter()
        .map(|entry| source(header, layout, entry))
        .collect::<Result<Vec<_>, _>>()?;
    let known: HashSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let mut unexpected: Vec<&String> = header
        .tensors
        .keys()
        .filter(|name| !known.contains(name.as_str()) && *name != FREQUENCIES)
        .collect();
    unexpected.sort();
    match unexpected.first() {
        Some(name) => Err(GgufError::UnexpectedTensor {
            name: (*name).clone(),
            count: unexpected.len(),
        }),
        None => Ok(sources),
    }
}

fn source(header: &Header, layout: &Layout, entry: &Entry) -> Result<Source, GgufError> {
    let name = gguf_name(&entry.name);
    let place = header
        .tensors
        .get(&name)
        .ok_or_else(|| GgufError::MissingTensor { name: name.clone() })?
        .clone();
    if place.shape != entry.shape {
        return Err(GgufError::Shape {
            name,
            found: place.shape,
            expected: entry.shape.clone(),
        });
    }
    let kind = ggml_kind(place.kind)
        .filter(|kind| {
            entry
                .shape
                .last()
                .is_some_and(|width| width.is_multiple_of(kind.block_size()))
        })
        .ok_or_else(|| GgufError::Quantization {
            name: name.clone(),
            kind: place.kind,
        })?;
    held(
        header,
        &place,
        entry.elements() / kind.block_size() * kind.type_size(),
    )?;
    let rows = RowOrder::of(&name, layout.config());
    Ok(Source {
        entry: entry.clone(),
        place,
        kind,
        name,
        rows,
    })
}

/// The factors of [`FREQUENCIES`], if the file has any.
pub(super) fn frequency_factors(
    reader: &mut (impl Read + Seek),
    header: &Header,
) -> Result<Option<Vec<f32>>, GgufError> {
    let Some(place) = header.tensors.get(FREQUENCIES) else {
        return Ok(None);
    };
    let name = FREQUENCIES.to_owned();
    let count = match place.shape[..] {
        [count] if count <= FREQUENCIES_MAX => count,
        _ => {
            return Err(GgufError::Shape {
                name,
                found: place.shape.clone(),
                expected: vec![FREQUENCIES_MAX],
            });
        }
    };
    let kind = ggml_kind(place.kind).filter(|kind| *kind == GgmlDType::F32);
    let kind = kind.ok_or(GgufError::Quantization {
        name: name.clone(),
        kind: place.kind,
    })?;
    held(header, place, count * size_of::<f32>())?;
    let piece = TensorInfo {
        ggml_dtype: kind,
        shape: Shape::from(count),
        offset: place.offset,
    };
    let values = piece
        .read(reader, header.data_start, &Device::Cpu)
        .and_then(|tensor| tensor.dequantize(&Device::Cpu)?.to_vec1())
        .map_err(|source| GgufError::Dequantize {
            name,
            source: Box::new(source),
        })?;
    Ok(Some(values))
}

/// Refuses a tensor that reaches past the end of the file.
fn held(header: &Header, place: &TensorPlace, bytes: usize) -> Result<(), GgufError> {
    let start = header.data_start.saturating_add(place.offset);
    let left = header.file_bytes.saturating_sub(start);
    if left < bytes as u64 {
        return Err(GgufError::Truncated {
            position: start,
            wanted: bytes as u64,
            left,
        });
    }
    Ok(())
}

/// Fills a buffer of the layout.
pub(super) fn read(
    reader: &mut (impl Read + Seek),
    header: &Header,
    plan: &[Source],
    layout: Arc<Layout>,
) -> Result<Parameters, GgufError> {
    let mut parameters = Parameters::zeros(layout);
    for source in plan {
        let values = &mut parameters.data[source.entry.range()];
        dequantize(reader, header, source, values)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(GgufError::NotFinite {
                name: source.name.clone(),
            });
        }
    }
    Ok(parameters)
}

fn dequantize(
    reader: &mut (impl Read + Seek),
    header: &Header,
    source: &Source,
    values: &mut [f32],
) -> Result<(), GgufError> {
    let width = source.entry.shape.last().copied().unwrap_or(1);
    let rows_a_piece = (PIECE_VALUES_MAX / width).max(1);
    let row_bytes = (width / source.kind.block_size() * source.kind.type_size()) as u64;
    let failed = |error| GgufError::Dequantize {
        name: source.name.clone(),
        source: Box::new(error),
    };
    for first_row in (0..values.len() / width).step_by(rows_a_piece) {
        let rows = rows_a_piece.min(values.len() / width - first_row);
        let piece = TensorInfo {
            ggml_dtype: source.kind,
            shape: Shape::from((rows, width)),
            offset: source.place.offset + first_row as u64 * row_bytes,
        };
        let tensor = piece
            .read(reader, header.data_start, &Device::Cpu)
            .map_err(failed)?;
        let dense = tensor
            .dequantize(&Device::Cpu)
            .and_then(|t| t.flatten_all()?.to_vec1::<f32>())
            .map_err(failed)?;
        for (row, from) in (first_row..).zip(dense.chunks_exact(width)) {
            let to = source.rows.target(row) * width;
            values[to..to + width].copy_from_slice(from);
        }
    }
    Ok(())
}

impl RowOrder {
    /// The order of the tensor with this name in the file.
    pub(super) fn of(name: &str, config: &ModelConfig) -> Self {
        let turned = name.contains(".attn_q.weight") || name.contains(".attn_k.weight");
        match config.architecture {
            Architecture::Llama if turned => Self::Interleaved {
                head_dim: config.head_dim,
            },
            _ => Self::AsIs,
        }
    }

    /// Where a row of the file belongs.
    pub(super) fn target(&self, row: usize) -> usize {
        match self {
            Self::AsIs => row,
            Self::Interleaved { head_dim } => {
                let (head, within) = (row / head_dim, row % head_dim);
                head * head_dim + (within % 2) * (head_dim / 2) + within / 2
            }
        }
    }
}

/// `model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight`.
pub(super) fn gguf_name(name: &str) -> String {
    let outside = [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.norm.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
    ];
    if let Some((_, gguf)) = outside
        .iter()
        .find(|(hugging_face, _)| *hugging_face == name)
    {
        return (*gguf).to_owned();
    }
    let inside = [
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("input_layernorm", "attn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];
    let block = name.replacen("model.layers.", "blk.", 1);
    let matching = inside
        .iter()
        .find(|(hugging_face, _)| block.contains(hugging_face));
    matching.map_or(block.clone(), |(hugging_face, gguf)| {
        block.replacen(hugging_face, gguf, 1)
    })
}

/// The ggml types that candle can dequantize, by their numbers in the file.
fn ggml_kind(kind: u32) -> Option<GgmlDType> {
    Some(match kind {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        9 => GgmlDType::Q8_1,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        15 => GgmlDType::Q8K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}
