//! What ptxas says of each kernel when it is asked to be verbose.

/// What one kernel takes of a multiprocessor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub kernel: String,
    pub registers: usize,
    /// Static shared memory.
    pub shared_bytes: usize,
    pub stack_bytes: usize,
    /// Stores and loads together.
    pub spill_bytes: usize,
}

/// One for each `Compiling entry function 'NAME'` of the output.
pub fn usages(said: &str) -> Vec<Usage> {
    let mut found: Vec<Usage> = Vec::new();
    for line in said.lines() {
        if let Some(rest) = line.split("Compiling entry function '").nth(1) {
            found.push(Usage {
                kernel: rest.split('\'').next().unwrap_or_default().to_string(),
                ..Usage::default()
            });
        }
        let Some(usage) = found.last_mut() else {
            continue;
        };
        usage.stack_bytes = usage
            .stack_bytes
            .max(number_before(line, " bytes stack frame"));
        usage.spill_bytes += number_before(line, " bytes spill stores");
        usage.spill_bytes += number_before(line, " bytes spill loads");
        usage.registers = usage.registers.max(number_before(line, " registers"));
        usage.shared_bytes = usage.shared_bytes.max(number_before(line, " bytes smem"));
    }
    found
}

/// The number that ends where `words` begin; 0 where there is none.
fn number_before(line: &str, words: &str) -> usize {
    let Some(end) = line.find(words) else {
        return 0;
    };
    let digits = line[..end]
        .rfind(|it: char| !it.is_ascii_digit())
        .map_or(0, |at| at + 1);
    line[digits..end].parse().unwrap_or(0)
}
