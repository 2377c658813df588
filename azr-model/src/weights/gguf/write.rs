//! Writes a model as a GGUF file (version 3) that llama.cpp and the other readers of the format load.
//!
//! Matrices are stored as asked, norms and biases as f32. The query and key rows of `llama` models are put into the
//! order of interleaved rotary pairs; a head that is the embedding is not written twice. Everything that can be wrong
//! with a model is found before the first byte is written.

use super::metadata::{SPECIAL, STOPS};
use super::rope::{SCALING_KEY, factors_of};
use super::tensors::{FREQUENCIES, PIECE_VALUES_MAX, RowOrder, gguf_name};
use crate::chat_template::{ChatTemplate, TemplateSources};
use crate::config::{Architecture, ModelConfig, RopeScaling};
use crate::language::Language;
use crate::parameters::Parameters;
use crate::tokenizer::to_gguf::{self, ToGgufError};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::io::{self, Write};

const VERSION: u32 = 3;
const ALIGNMENT_BYTES: usize = 32;
/// Largest number of half precision; block scales of Q8_0 are stored in it too.
const HALF_MAX: f32 = 65_504.0;

/// How matrices are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Half precision.
    F16,
    /// Blocks of 32 signed bytes with a scale; F16 where rows cannot be cut into such blocks.
    Q8_0,
}

/// Why a model has no form in a GGUF file.
#[derive(Debug, thiserror::Error)]
pub enum ToFileError {
    /// Its tokenizer has none.
    #[error("cannot write the tokenizer")]
    Tokenizer(#[source] ToGgufError),
    /// Its rotary scaling has none.
    #[error(
        "llama.cpp reads the rotary scaling of Llama 3 in llama models alone; export a Hugging Face directory instead"
    )]
    Scaling,
    /// A weight is out of range.
    #[error(
        "{name} holds values that half precision cannot (beyond 65504, or no numbers); export a Hugging Face directory instead"
    )]
    Range {
        /// The weight.
        name: String,
    },
}

/// A value of the metadata.
enum Value {
    Number(u32),
    Float(f32),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i64>),
}

/// A tensor of the file to be.
struct Planned<'a> {
    name: String,
    values: std::borrow::Cow<'a, [f32]>,
    shape: Vec<usize>,
    kind: GgmlDType,
    rows: RowOrder,
}

/// A file that is ready to be written.
pub(crate) struct GgufFile<'a> {
    metadata: Vec<(String, Value)>,
    tensors: Vec<Planned<'a>>,
}

impl<'a> GgufFile<'a> {
    /// Checks that everything has a form in the file. `name` is what the model is called in it.
    pub(crate) fn plan(
        name: &str,
        parameters: &'a Parameters,
        language: &Language,
        stored: Stored,
    ) -> Result<Self, ToFileError> {
        let config = parameters.config();
        let mut metadata = shape(name, config, stored)?;
        metadata.extend(text_side(language, config).map_err(ToFileError::Tokenizer)?);
        let mut tensors = Vec::new();
        if matches!(config.rope_scaling, RopeScaling::Llama3 { .. }) {
            let factors = factors_of(&config.rope_scaling, config.rope_theta, config.head_dim);
            let values: Vec<f32> = factors.map(|factor| factor as f32).collect();
            tensors.push(Planned {
                name: FREQUENCIES.to_owned(),
                shape: vec![values.len()],
                values: values.into(),
                kind: GgmlDType::F32,
                rows: RowOrder::AsIs,
            });
        }
        for entry in parameters.layout().entries() {
            let values = &parameters.data[entry.range()];
            if !values.iter().all(|value| value.abs() <= HALF_MAX) {
                let name = entry.name.clone();
                return Err(ToFileError::Range { name });
            }
            let name = gguf_name(&entry.name);
            tensors.push(Planned {
                kind: kind(&entry.shape, stored),
                rows: RowOrder::of(&name, config),
                name,
                values: values.into(),
                shape: entry.shape.clone(),
            });
        }
        Ok(Self { metadata, tensors })
    }

    /// Writes everything.
    pub(crate) fn write(&self, writer: &mut dyn Write) -> io::Result<()> {
        let mut header = Header::default();
        header.bytes.extend(b"GGUF");
        header.u32(VERSION);
        header.u64(self.tensors.len());
        header.u64(self.metadata.len());
        for (key, value) in &self.metadata {
            header.text(key);
            header.value(value);
        }
        let mut offset = 0usize;
        for tensor in &self.tensors {
            header.text(&tensor.name);
            header.u32(tensor.shape.len() as u32);
            tensor.shape.iter().rev().for_each(|size| header.u64(*size));
            header.u32(type_number(tensor.kind));
            header.u64(offset);
            offset += tensor.bytes().next_multiple_of(ALIGNMENT_BYTES);
        }
        let length = header.bytes.len().next_multiple_of(ALIGNMENT_BYTES);
        header.bytes.resize(length, 0);
        writer.write_all(&header.bytes)?;
        self.tensors
            .iter()
            .try_for_each(|tensor| tensor.write(writer))
    }
}

impl Planned<'_> {
    fn bytes(&self) -> usize {
        self.values.len() / self.kind.block_size() * self.kind.type_size()
    }

    /// A piece at a time, so that a large matrix is never in memory twice.
    fn write(&self, writer: &mut dyn Write) -> io::Result<()> {
        let width = self.shape.last().copied().unwrap_or(1);
        let rows = self.values.len() / width;
        let rows_a_piece = (PIECE_VALUES_MAX / width).max(1);
        let mut piece = Vec::new();
        for first in (0..rows).step_by(rows_a_piece) {
            piece.clear();
            for row in first..rows.min(first + rows_a_piece) {
                let from = self.rows.target(row) * width;
                piece.extend_from_slice(&self.values[from..from + width]);
            }
            let encoded = Tensor::from_slice(&piece, (piece.len() / width, width), &Device::Cpu)
                .and_then(|tensor| QTensor::quantize(&tensor, self.kind))
                .map_err(io::Error::other)?;
            writer.write_all(&encoded.data().map_err(io::Error::other)?)?;
        }
        let padding = self.bytes().next_multiple_of(ALIGNMENT_BYTES) - self.bytes();
        writer.write_all(&[0; ALIGNMENT_BYTES][..padding])
    }
}

/// Norms and biases are few and read often; they stay whole.
fn kind(shape: &[usize], stored: Stored) -> GgmlDType {
    match (shape, stored) {
        ([_], _) => GgmlDType::F32,
        ([.., width], Stored::Q8_0) if width.is_multiple_of(GgmlDType::Q8_0.block_size()) => {
            GgmlDType::Q8_0
        }
        _ => GgmlDType::F16,
    }
}

/// The number of a type in the file.
fn type_number(kind: GgmlDType) -> u32 {
    match kind {
        GgmlDType::F16 => 1,
        GgmlDType::Q8_0 => 8,
        // Nothing else is planned.
        _ => 0,
    }
}

fn shape(
    name: &str,
    config: &ModelConfig,
    stored: Stored,
) -> Result<Vec<(String, Value)>, ToFileError> {
    let family = config.architecture.model_type();
    let text = |text: &str| Value::Text(text.to_owned());
    let file_type = match stored {
        Stored::F16 => 1,
        Stored::Q8_0 => 7,
    };
    let mut all = vec![
        ("general.architecture".to_owned(), text(family)),
        ("general.type".to_owned(), text("model")),
        ("general.name".to_owned(), text(name)),
        ("general.file_type".to_owned(), Value::Number(file_type)),
        ("general.quantization_version".to_owned(), Value::Number(2)),
    ];
    let sizes = [
        ("block_count", config.layers),
        ("context_length", config.context_tokens_max),
        ("embedding_length", config.hidden_size),
        ("feed_forward_length", config.ffn_size),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("attention.value_length", config.head_dim),
        ("rope.dimension_count", config.head_dim),
        ("vocab_size", config.vocab_size),
    ];
    let key = |name: &str| format!("{family}.{name}");
    all.extend(sizes.map(|(name, size)| (key(name), Value::Number(size as u32))));
    let epsilon = "attention.layer_norm_rms_epsilon";
    all.push((key(epsilon), Value::Float(config.rms_norm_eps)));
    all.push((key("rope.freq_base"), Value::Float(config.rope_theta)));
    match &config.rope_scaling {
        RopeScaling::Unscaled => {}
        RopeScaling::Linear { factor } => {
            all.push((key("rope.scaling.type"), text("linear")));
            all.push((key("rope.scaling.factor"), Value::Float(*factor as f32)));
        }
        RopeScaling::Llama3 { .. } if config.architecture != Architecture::Llama => {
            return Err(ToFileError::Scaling);
        }
        scaling @ RopeScaling::Llama3 { .. } => {
            // Numbers and names make no error.
            let json = serde_json::to_string(scaling).unwrap_or_default();
            all.push((SCALING_KEY.to_owned(), Value::Text(json)));
        }
    }
    Ok(all)
}

fn text_side(
    language: &Language,
    config: &ModelConfig,
) -> Result<Vec<(String, Value)>, ToGgufError> {
    let it = to_gguf::vocabulary(language.tokenizer(), config.vocab_size)?;
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let mut all = vec![
        (key("model"), Value::Text(it.model)),
        (key("pre"), Value::Text(it.pre)),
        (key("tokens"), Value::Texts(it.tokens)),
        (key("token_type"), Value::Integers(it.kinds)),
        (key("merges"), Value::Texts(it.merges)),
        (key("add_bos_token"), Value::Flag(it.add_bos == Some(true))),
        (key("add_eos_token"), Value::Flag(it.add_eos == Some(true))),
    ];
    let mut stops = language.stop_tokens().to_vec();
    for (role, key) in SPECIAL {
        let stop = (role == "eos_token")
            .then(|| stops.first().copied())
            .flatten();
        if let Some(id) = it.special.get(role).copied().or(stop) {
            all.push((key.to_owned(), Value::Number(id)));
            stops.retain(|stop| *stop != id);
        }
    }
    let [_, others @ .., _] = STOPS;
    if others.len() < stops.len() {
        tracing::warn!(
            left_out = ?stops[others.len()..],
            "a GGUF file has room for fewer tokens that end a response"
        );
    }
    let rest = others.iter().zip(stops);
    all.extend(rest.map(|(key, id)| ((*key).to_owned(), Value::Number(id))));
    let sources = language.chat_template().map(ChatTemplate::sources);
    let additional = sources.into_iter().flat_map(TemplateSources::additional);
    let left_out: Vec<&str> = additional.map(|(name, _)| name).collect();
    if !left_out.is_empty() {
        tracing::warn!(
            ?left_out,
            "a GGUF file has one chat template, the default one"
        );
    }
    if let Some(template) = sources.and_then(TemplateSources::default) {
        let template = Value::Text(template.to_owned());
        all.push(("tokenizer.chat_template".to_owned(), template));
    }
    Ok(all)
}

/// The bytes before the tensors.
#[derive(Default)]
struct Header {
    bytes: Vec<u8>,
}

impl Header {
    fn u32(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    fn u64(&mut self, number: usize) {
        self.bytes.extend((number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u64(text.len());
        self.bytes.extend(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        const ARRAY: u32 = 9;
        match value {
            Value::Number(number) => {
                self.u32(4);
                self.u32(*number);
            }
            Value::Float(number) => {
                self.u32(6);
                self.bytes.extend(number.to_le_bytes());
            }
            Value::Flag(flag) => {
                self.u32(7);
                self.bytes.push(u8::from(*flag));
            }
            Value::Text(text) => {
                self.u32(8);
                self.text(text);
            }
            Value::Texts(texts) => {
                self.u32(ARRAY);
                self.u32(8);
                self.u64(texts.len());
                texts.iter().for_each(|text| self.text(text));
            }
            Value::Integers(numbers) => {
                self.u32(ARRAY);
                self.u32(5);
                self.u64(numbers.len());
                numbers.iter().for_each(|it| self.u32(*it as i32 as u32));
            }
        }
    }
}

#[cfg(test)]
mod tests;
