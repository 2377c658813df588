//! The model that this program carries: azr-tiny, made by `azr pretrain` from programs that no human wrote.

/// Its name on the command line and in run files.
pub const NAME: &str = "azr-tiny";

/// The files of its Hugging Face directory, by name.
pub const FILES: &[(&str, &[u8])] = &[];

/// The run file of `azr train` without arguments.
pub const RUN_FILE: &str = include_str!("../../configs/tiny.toml");
