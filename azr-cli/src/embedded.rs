//! The model that this program carries: azr-tiny, made by `azr pretrain` from programs that no human wrote.
//!
//! `azr pretrain --config configs/pretrain/azr-tiny.toml --out DIR` makes these files again.

/// Its name on the command line and in run files.
pub const NAME: &str = "azr-tiny";

/// The files of its Hugging Face directory, by name.
pub const FILES: &[(&str, &[u8])] = &[
    (
        "config.json",
        include_bytes!("../assets/azr-tiny/config.json"),
    ),
    (
        "generation_config.json",
        include_bytes!("../assets/azr-tiny/generation_config.json"),
    ),
    (
        "model.safetensors",
        include_bytes!("../assets/azr-tiny/model.safetensors"),
    ),
    (
        "tokenizer.json",
        include_bytes!("../assets/azr-tiny/tokenizer.json"),
    ),
    (
        "tokenizer_config.json",
        include_bytes!("../assets/azr-tiny/tokenizer_config.json"),
    ),
];

/// The run file of `azr train` without arguments.
pub const RUN_FILE: &str = include_str!("../../configs/tiny.toml");
