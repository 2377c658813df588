//! The most memory this process has held, as the kernel counts it.

use std::fs;

/// Begins a new count, where the kernel allows that; elsewhere the peak of the whole process counts.
pub fn forget_peak() {
    // 5 resets the peak resident size and nothing else (proc(5)); without it the figure is only less sharp.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident size since the count began, bytes.
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_counted() {
        forget_peak();
        let before = peak_bytes().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(
            before + (48 << 20) < peak_bytes().unwrap(),
            "{} bytes held",
            block.len()
        );
    }
}
