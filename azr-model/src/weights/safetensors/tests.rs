//! What is written is read back; what is damaged, missing, left over or no number is refused by name.

use super::*;
use crate::config::Architecture;
use crate::fixture;
use crate::precision::Precision;
use ::safetensors::tensor::{TensorView, serialize};
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;
use std::io::Cursor;

type Named = Vec<(String, Vec<usize>, Dtype, Vec<u8>)>;

fn model() -> Parameters {
    fixture::parameters(&fixture::config(Architecture::Qwen2, true))
}

fn written(parameters: &Parameters, precision: Precision) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(parameters, precision, &mut bytes).unwrap();
    bytes
}

fn tensors(parameters: &Parameters) -> Named {
    let bytes = |entry: &Entry| {
        parameters.data[entry.range()]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect()
    };
    let entries = parameters.layout().entries().iter();
    entries
        .map(|entry| {
            (
                entry.name.clone(),
                entry.shape.clone(),
                Dtype::F32,
                bytes(entry),
            )
        })
        .collect()
}

fn file(tensors: &Named) -> Vec<u8> {
    let views = tensors.iter().map(|(name, shape, dtype, bytes)| {
        (
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    serialize(views, None).unwrap()
}

fn open(files: &[Vec<u8>]) -> InFile<Checkpoint<'_>> {
    let named = files.iter().enumerate().map(|(idx, bytes)| {
        let reader: Box<dyn ReadSeek + '_> = Box::new(Cursor::new(bytes.as_slice()));
        (PathBuf::from(format!("shard-{idx}")), reader)
    });
    Checkpoint::open(named.collect())
}

fn load(files: &[Vec<u8>]) -> Result<Parameters, SafetensorsError> {
    let layout = Arc::clone(model().layout());
    open(files)
        .and_then(|mut checkpoint| checkpoint.read(layout))
        .map_err(|(_, error)| error)
}

#[test]
fn f32_weights_come_back_bit_for_bit() {
    assert!(load(&[written(&model(), Precision::F32)]).unwrap() == model());
}

#[test]
fn bfloat16_weights_come_back_as_candle_rounds_them() {
    let loaded = load(&[written(&model(), Precision::Bf16)]).unwrap();
    let reference = Tensor::new(model().data, &Device::Cpu)
        .unwrap()
        .to_dtype(DType::BF16)
        .unwrap();
    assert_eq!(
        loaded.data,
        reference
            .to_dtype(DType::F32)
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    );
}

#[test]
fn the_safetensors_crate_reads_what_is_written() {
    let bytes = written(&model(), Precision::F32);
    let file = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), model().layout().entries().len());
    for (name, shape, dtype, values) in tensors(&model()) {
        let tensor = file.tensor(&name).unwrap();
        assert_eq!(
            (tensor.shape(), tensor.dtype(), tensor.data()),
            (shape.as_slice(), dtype, values.as_slice())
        );
    }
}

#[test]
fn shards_are_one_model_and_a_tensor_in_two_of_them_is_refused() {
    let all = tensors(&model());
    let (first, second) = all.split_at(7);
    assert!(load(&[file(&first.to_vec()), file(&second.to_vec())]).unwrap() == model());
    let twice = load(&[file(&all[..8].to_vec()), file(&second.to_vec())]).unwrap_err();
    assert!(
        matches!(twice, SafetensorsError::Duplicate { .. }),
        "{twice}"
    );
}

#[test]
fn missing_left_over_and_misshapen_tensors_are_refused_by_name() {
    let mut all = tensors(&model());
    let gone = all.remove(3);
    assert!(
        matches!(load(&[file(&all)]).unwrap_err(), SafetensorsError::Missing { name } if name == gone.0)
    );
    let mut all = tensors(&model());
    all.push((
        "model.layers.7.extra".to_owned(),
        vec![1],
        Dtype::F32,
        vec![0; 4],
    ));
    assert!(matches!(
        load(&[file(&all)]).unwrap_err(),
        SafetensorsError::Unexpected { count: 1, .. }
    ));
    let mut all = tensors(&model());
    all[2].1.reverse();
    all[0].1 = vec![VOCABULARY_AND_WIDTH];
    assert!(matches!(
        load(&[file(&all)]).unwrap_err(),
        SafetensorsError::Shape { .. }
    ));
    let mut all = tensors(&model());
    all[1].2 = Dtype::I32;
    assert!(matches!(
        load(&[file(&all)]).unwrap_err(),
        SafetensorsError::Dtype { .. }
    ));
}

const VOCABULARY_AND_WIDTH: usize = fixture::VOCABULARY * 32;

#[test]
fn a_repeated_head_and_rotary_frequencies_are_harmless() {
    let mut all = tensors(&model());
    let (_, shape, dtype, bytes) = all[0].clone();
    all.push(("lm_head.weight".to_owned(), shape, dtype, bytes));
    all.push((
        "model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(),
        vec![4],
        Dtype::F32,
        vec![0; 16],
    ));
    let bytes = [file(&all)];
    assert!(load(&bytes).unwrap() == model());
    assert!(
        open(&bytes)
            .unwrap()
            .same_bytes("lm_head.weight", "model.embed_tokens.weight")
            .unwrap()
    );
    assert!(
        !open(&bytes)
            .unwrap()
            .same_bytes("lm_head.weight", "model.norm.weight")
            .unwrap()
    );
}

#[test]
fn weights_that_are_not_numbers_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut parameters = model();
        parameters.get_mut("model.norm.weight").unwrap()[1] = value;
        let error = load(&[written(&parameters, Precision::F32)]).unwrap_err();
        assert!(
            matches!(&error, SafetensorsError::NotFinite { name } if name == "model.norm.weight"),
            "{error}"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_in_words() {
    let bytes = written(&model(), Precision::F32);
    for length in (0..5000).chain((5000..bytes.len()).step_by(991)) {
        let words = load(&[bytes[..length].to_vec()]).unwrap_err().to_string();
        assert!(words.contains("download it again"), "{length}: {words}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(
        load(&[longer]).unwrap_err(),
        SafetensorsError::DataLength { .. }
    ));
}

#[test]
fn a_header_that_claims_absurd_sizes_is_refused_before_memory_is_taken() {
    for claimed in [u64::MAX, 1 << 40, (1 << 24) + 1] {
        let mut bytes = written(&model(), Precision::F32);
        bytes[..8].copy_from_slice(&claimed.to_le_bytes());
        assert!(matches!(
            load(&[bytes]).unwrap_err(),
            SafetensorsError::HeaderLength { .. }
        ));
    }
    let header = format!(
        "{{\"a\":{{\"dtype\":\"F32\",\"shape\":[{0},{0}],\"data_offsets\":[0,4]}}}}",
        u32::MAX
    );
    let bytes = [
        (header.len() as u64).to_le_bytes().as_slice(),
        header.as_bytes(),
        &[0; 4],
    ]
    .concat();
    assert!(matches!(
        load(&[bytes]).unwrap_err(),
        SafetensorsError::Header(_)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    /// A flipped byte is a model or an error, never a panic.
    #[test]
    fn damaged_files_never_panic(flips in prop::collection::vec((0usize..4000, any::<u8>()), 1..6)) {
        let mut bytes = written(&model(), Precision::F32);
        for (place, value) in flips {
            bytes[place] = value;
        }
        let _ = load(&[bytes]);
    }
}
