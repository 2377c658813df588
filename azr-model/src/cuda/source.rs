//! The source of the kernels of one operation, and what stands before it when it is compiled.

/// What all kernels share; no kernel includes a file.
const SHARED: &str = include_str!("../../cuda/device.cuh");

/// One `kernel.cu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// The operation, for messages.
    pub(crate) name: &'static str,
    /// The text of the file.
    pub(crate) text: &'static str,
}

impl Source {
    /// What a compiler gets: line numbers in its messages are those of the file.
    pub(crate) fn whole(&self) -> String {
        let (name, text) = (self.name, self.text);
        format!("#line 1 \"device.cuh\"\n{SHARED}\n#line 1 \"{name}/kernel.cu\"\n{text}")
    }

    /// The names of its kernels: what stands before the first bracket behind `__launch_bounds__(..)`.
    #[cfg(feature = "emulator")]
    pub(crate) fn kernels(&self) -> Vec<&'static str> {
        let heads = self.text.split("__global__").skip(1);
        heads
            .filter_map(|head| {
                let name = head.trim_start().strip_prefix("void __launch_bounds__")?;
                let name = name.split_once(')')?.1.split('(').next()?;
                Some(name.trim())
            })
            .collect()
    }
}
