//! Files that declare more than any machine has are refused without memory being taken for them.
//!
//! One test, because the measure (the largest address space this process ever had) belongs to the process.

use azr_model::language_model::{LanguageModel, LoadError};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Far above what reading these small files needs, far below what they declare.
const GROWTH_KIB_MAX: u64 = 512 * 1024;

const WIDTH: u64 = 1 << 20;
const VOCABULARY: u64 = 1 << 24;

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this machine");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmPeak:"))
        .expect("this machine");
    line.split_whitespace()
        .nth(1)
        .expect("this machine")
        .parse()
        .expect("this machine")
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [text(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
}

/// A header whose embedding has 16 million rows of a million numbers, and every other tensor to match.
fn gguf() -> Vec<u8> {
    gguf_with(WIDTH / 8, &[])
}

/// The same with heads of this width and more tensors.
fn gguf_with(width: u64, more: &[(&str, Vec<u64>)]) -> Vec<u8> {
    let number = |key: &str, value: u64| entry(key, 10, &value.to_le_bytes());
    let metadata = [
        entry("general.architecture", 8, &text("llama")),
        number("llama.block_count", 1),
        number("llama.context_length", 1),
        number("llama.embedding_length", WIDTH),
        number("llama.feed_forward_length", WIDTH),
        number("llama.attention.head_count", 8),
        number("llama.attention.key_length", width),
        entry(
            "llama.attention.layer_norm_rms_epsilon",
            6,
            &1e-5f32.to_le_bytes(),
        ),
    ];
    let matrices = [
        "attn_q",
        "attn_k",
        "attn_v",
        "attn_output",
        "ffn_gate",
        "ffn_up",
        "ffn_down",
    ];
    let tensors: Vec<Vec<u8>> = matrices
        .iter()
        .map(|name| (format!("blk.0.{name}.weight"), vec![WIDTH, WIDTH]))
        .chain(
            ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"]
                .map(|name| (format!("{name}.weight"), vec![WIDTH])),
        )
        .chain([("token_embd.weight".to_owned(), vec![WIDTH, VOCABULARY])])
        .chain(
            more.iter()
                .map(|(name, sizes)| ((*name).to_owned(), sizes.clone())),
        )
        .map(|(name, sizes)| {
            let sizes: Vec<u8> = [(sizes.len() as u32).to_le_bytes().to_vec()]
                .into_iter()
                .chain(sizes.iter().map(|size| size.to_le_bytes().to_vec()))
                .flatten()
                .collect();
            [text(&name), sizes, vec![0; 4], vec![0; 8]].concat()
        })
        .collect();
    let counts = [
        (tensors.len() as u64).to_le_bytes(),
        (metadata.len() as u64).to_le_bytes(),
    ]
    .concat();
    [
        b"GGUF\x03\0\0\0".to_vec(),
        counts,
        metadata.concat(),
        tensors.concat(),
        vec![0; 64],
    ]
    .concat()
}

/// Arrays and texts that claim to be as long as a length can say.
fn gguf_with_a_long(kind: u32, claimed: u64) -> Vec<u8> {
    let value = [
        if kind == 9 {
            0u32.to_le_bytes().to_vec()
        } else {
            Vec::new()
        },
        claimed.to_le_bytes().to_vec(),
    ];
    let counts = [0u64.to_le_bytes(), 1u64.to_le_bytes()].concat();
    [
        b"GGUF\x03\0\0\0".to_vec(),
        counts,
        entry("tokenizer.ggml.tokens", kind, &value.concat()),
    ]
    .concat()
}

fn safetensors(header: &str) -> Vec<u8> {
    [text(header), vec![0; 64]].concat()
}

fn huge_config() -> String {
    json!({"model_type": "llama", "hidden_size": WIDTH, "num_hidden_layers": 1024, "num_attention_heads": 8,
           "intermediate_size": WIDTH, "vocab_size": VOCABULARY})
    .to_string()
}

fn refused(path: &Path) -> LoadError {
    LanguageModel::load_local(path).expect_err("a hostile file must not load")
}

fn directory(place: &Path, name: &str, weights: &[u8]) -> PathBuf {
    let small =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/small/llama-tied-gqa/tokenizer.json");
    let directory = place.join(name);
    fs::create_dir(&directory).expect("this machine");
    fs::write(directory.join("config.json"), huge_config()).expect("this machine");
    fs::write(
        directory.join("tokenizer.json"),
        fs::read(small).expect("this machine"),
    )
    .expect("this machine");
    fs::write(directory.join("model.safetensors"), weights).expect("this machine");
    directory
}

#[test]
fn no_declared_size_is_believed() {
    let place = tempfile::tempdir().unwrap();
    let before = peak_kib();
    let files = [
        gguf(),
        gguf_with(1 << 62, &[("rope_freqs.weight", vec![4])]),
        gguf_with_a_long(8, u64::MAX),
        gguf_with_a_long(8, 1 << 24),
        gguf_with_a_long(9, u64::MAX),
        gguf_with_a_long(9, 1 << 22),
    ];
    for (idx, bytes) in files.iter().enumerate() {
        let path = place.path().join(format!("{idx}.gguf"));
        fs::write(&path, bytes).unwrap();
        let error = refused(&path);
        assert!(matches!(error, LoadError::Gguf { .. }), "{idx}: {error:?}");
    }
    let matrix = |end: u64| {
        json!({"model.embed_tokens.weight": {"dtype": "F32", "shape": [VOCABULARY, WIDTH], "data_offsets": [0, end]}})
            .to_string()
    };
    let weights = [
        safetensors(&matrix(VOCABULARY * WIDTH * 4)),
        safetensors(&matrix(64)),
        [u64::MAX.to_le_bytes().to_vec(), vec![b' '; 64]].concat(),
    ];
    for (idx, bytes) in weights.iter().enumerate() {
        let error = refused(&directory(place.path(), &format!("{idx}"), bytes));
        assert!(
            matches!(error, LoadError::Safetensors { .. }),
            "{idx}: {error:?}"
        );
    }
    let growth = peak_kib() - before;
    assert!(
        growth < GROWTH_KIB_MAX,
        "reading hostile files took {growth} KiB of address space"
    );
}
