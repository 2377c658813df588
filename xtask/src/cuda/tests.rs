//! What is read of the compiler's words, and which spills are excused.

use super::{
    is_excused,
    ptxas::{Usage, usages},
};

const SAID: &str = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'sums' for 'sm_90a'
ptxas info    : Function properties for sums
    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 1056 bytes smem
ptxas info    : Compiling entry function 'adds' for 'sm_90a'
ptxas info    : Function properties for adds
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 22 registers, used 0 barriers
";

#[test]
fn registers_shared_memory_and_spills_are_read() {
    let usage = |kernel: &str, registers, shared_bytes, stack_bytes, spill_bytes| Usage {
        kernel: kernel.into(),
        registers,
        shared_bytes,
        stack_bytes,
        spill_bytes,
    };
    assert_eq!(
        usages(SAID),
        [usage("sums", 40, 1056, 8, 28), usage("adds", 22, 0, 0, 0)]
    );
    assert_eq!(usages("nothing"), []);
}

#[test]
fn only_the_head_of_a_file_excuses_spills_and_only_with_a_reason() {
    let text = "// Sums.\n// Spills: sums, because it is run once.\n\ncode();\n// Spills: adds, because it is late.\n";
    assert!(is_excused(text, "sums"));
    assert!(!is_excused(text, "adds"));
    assert!(!is_excused("// Spills: sums, because \n", "sums"));
    assert!(!is_excused("// Spills: sums\n", "sums"));
}
