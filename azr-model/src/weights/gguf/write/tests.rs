//! What is written is what candle and llama.cpp's rules write, and is read back as it was.

use super::super::read;
use super::super::tests::draft::Draft;
use super::*;
use crate::config::{Dimensions, RopeScaling};
use crate::transformer::Transformer;
use crate::{fixture, score};
use candle_core::quantized::gguf_file;
use std::io::Cursor;

const LLAMA3: RopeScaling = RopeScaling::Llama3 {
    factor: 4.0,
    low_freq_factor: 1.0,
    high_freq_factor: 3.0,
    original_max_position_embeddings: 50,
};

fn parameters(change: impl Fn(&mut Dimensions), architecture: Architecture) -> Parameters {
    let mut dimensions = (*fixture::config(architecture, true)).clone();
    change(&mut dimensions);
    fixture::parameters(&ModelConfig::new(dimensions).unwrap())
}

fn all() -> Vec<Parameters> {
    let mut all = Vec::new();
    for architecture in Architecture::ALL {
        all.push(parameters(|_| (), architecture));
        all.push(parameters(|it| it.tied_embeddings = false, architecture));
    }
    let linear = RopeScaling::Linear { factor: 2.5 };
    for scaling in [linear, LLAMA3] {
        all.push(parameters(
            |it| it.rope_scaling = scaling,
            Architecture::Llama,
        ));
    }
    all
}

fn written(parameters: &Parameters, stored: Stored) -> Result<Vec<u8>, ToFileError> {
    let language = fixture::language();
    let file = GgufFile::plan("a model", parameters, &language, stored)?;
    let mut bytes = Vec::new();
    file.write(&mut bytes).unwrap();
    Ok(bytes)
}

fn halves(parameters: &Parameters) -> Parameters {
    let mut halves = parameters.clone();
    for entry in parameters.layout().entries() {
        if 1 < entry.shape.len() {
            let values = &mut halves.data[entry.range()];
            let tensor = Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
            let half = tensor.to_dtype(candle_core::DType::F16).unwrap();
            let wide = half.to_dtype(candle_core::DType::F32).unwrap();
            values.copy_from_slice(&wide.to_vec1::<f32>().unwrap());
        }
    }
    halves
}

#[test]
fn a_file_is_read_back_as_the_model_it_was_made_of() {
    for parameters in all() {
        let model = read(&mut Cursor::new(written(&parameters, Stored::F16).unwrap())).unwrap();
        assert_eq!(model.parameters.config(), parameters.config());
        assert!(
            model.parameters == halves(&parameters),
            "{:?}",
            parameters.config()
        );
        let language = fixture::language();
        assert_eq!(model.language.stop_tokens(), language.stop_tokens());
        assert_eq!(
            model.language.tokenizer().special(),
            language.tokenizer().special()
        );
        let chat = |it: &Language| it.encode_chat("hello world", "é").unwrap();
        assert_eq!(chat(&model.language), chat(&language));
    }
}

#[test]
fn every_tensor_has_the_name_the_order_and_the_bytes_that_others_give_it() {
    for parameters in all() {
        for (stored, kind) in [
            (Stored::F16, GgmlDType::F16),
            (Stored::Q8_0, GgmlDType::Q8_0),
        ] {
            let mut file = Cursor::new(written(&parameters, stored).unwrap());
            let content = gguf_file::Content::read(&mut file).unwrap();
            let draft = Draft::new(&parameters, kind);
            let factors = usize::from(parameters.config().rope_scaling == LLAMA3);
            assert_eq!(
                content.tensor_infos.len(),
                draft.tensors.len() + factors,
                "{:?}",
                parameters.config()
            );
            for (name, expected) in &draft.tensors {
                let found = content.tensor(&mut file, name, &Device::Cpu).unwrap();
                assert_eq!(found.shape(), expected.shape(), "{name}");
                assert_eq!(found.dtype(), expected.dtype(), "{name}");
                assert!(found.data().unwrap() == expected.data().unwrap(), "{name}");
            }
            for (key, expected) in &draft.metadata {
                let known = key.starts_with("general.") || !key.starts_with("tokenizer.");
                if known {
                    let found = &content.metadata[key];
                    assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{key}");
                }
            }
        }
    }
}

/// Half precision has 11 bits, so a weight moves by up to 1 in 2048 of itself; logits of these models are sums of
/// hundreds of such products through two blocks, and the largest difference seen is 0.03 nats.
const HALF_NATS_MAX: f32 = 0.06;

#[test]
fn log_probabilities_of_a_written_model_are_within_what_its_weights_lost() {
    for parameters in all() {
        let bytes = written(&parameters, Stored::F16).unwrap();
        let again = read(&mut Cursor::new(bytes)).unwrap().parameters;
        let tokens: Vec<u32> = (0..100).map(|it| it * 37 % 259).collect();
        let scores = |parameters: Parameters| {
            let transformer = Transformer::on_cpu(parameters).unwrap();
            score::logprobs(&transformer, std::slice::from_ref(&tokens)).unwrap()
        };
        let (before, after) = (scores(parameters.clone()), scores(again));
        let pairs = before[0].iter().zip(&after[0]).skip(1);
        let worst = pairs
            .map(|(a, b)| (a.unwrap() - b.unwrap()).abs())
            .max_by(f32::total_cmp)
            .unwrap();
        let config = parameters.config();
        assert!(0.0 < worst && worst < HALF_NATS_MAX, "{config:?}: {worst}");
    }
}

#[test]
fn rows_that_cannot_be_cut_into_blocks_are_written_as_halves() {
    let parameters = parameters(|it| it.ffn_size = 72, Architecture::Llama);
    let mut file = Cursor::new(written(&parameters, Stored::Q8_0).unwrap());
    let content = gguf_file::Content::read(&mut file).unwrap();
    let kind = |name: &str| content.tensor_infos[name].ggml_dtype;
    assert_eq!(kind("blk.0.ffn_down.weight"), GgmlDType::F16);
    assert_eq!(kind("blk.0.ffn_up.weight"), GgmlDType::Q8_0);
    assert_eq!(kind("blk.0.ffn_norm.weight"), GgmlDType::F32);
    assert!(read(&mut file).is_ok());
}

#[test]
fn what_has_no_form_in_a_file_is_refused_before_anything_is_written() {
    let scaled = parameters(|it| it.rope_scaling = LLAMA3, Architecture::Qwen3);
    assert!(matches!(
        written(&scaled, Stored::F16),
        Err(ToFileError::Scaling)
    ));
    for value in [1e5, -f32::INFINITY, f32::NAN] {
        let mut parameters = parameters(|_| (), Architecture::Qwen2);
        parameters
            .get_mut("model.layers.1.mlp.up_proj.weight")
            .unwrap()[7] = value;
        let refused = written(&parameters, Stored::F16);
        assert!(
            matches!(&refused, Err(ToFileError::Range { name }) if name == "model.layers.1.mlp.up_proj.weight")
        );
    }
}
