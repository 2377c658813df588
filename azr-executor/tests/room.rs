//! How much memory and stack a program has: the same in all backends that serve many runs.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::{Backend, Job, Python, Scrutiny};
use jobs::{job, outputs, serving, start};

fn generous(program: &str, input: &str, scrutiny: Scrutiny) -> Job {
    job(program, &[input], scrutiny, 60_000)
}

fn each_serving() -> Vec<(Backend, Python)> {
    let started = |backend| (backend, start(1, backend));
    serving().into_iter().map(started).collect()
}

fn all_backends() -> Vec<(Backend, Python)> {
    let mut all = each_serving();
    all.push((Backend::Exec, start(1, Backend::Exec)));
    all
}

const FILLS_ALL_AND_RETURNS: &str = "
keep = []
def f(n):
    text = '\\xe9' * 400000
    for size in (1 << 20, 1 << 16, 1 << 13, n):
        try:
            while True:
                keep.append(bytearray(size))
        except MemoryError:
            pass
    return len(text) and text
";

#[test]
fn a_program_that_used_up_its_memory_has_its_result_written() {
    for (backend, sandbox) in each_serving() {
        let fills = generous(FILLS_ALL_AND_RETURNS, "600", Scrutiny::Run);
        let output = outputs(&sandbox, &fills).remove(0);
        assert!(output.starts_with("'é"), "{backend}: {output}");
    }
}

const FREES_THEN_GROWS: &str = "
def f(n):
    x = [bytes(100_000) for _ in range(600)]
    del x
    b = bytearray(1 << 20)
    while len(b) < n << 20:
        b += bytes(1 << 20)
    return len(b) >> 20
";

#[test]
fn what_was_given_back_is_there_for_a_block_that_grows() {
    for (backend, sandbox) in each_serving() {
        let grows = generous(FREES_THEN_GROWS, "230", Scrutiny::Run);
        assert_eq!(outputs(&sandbox, &grows), ["230"], "{backend}");
    }
}

const GROWS_BESIDE_MUCH: &str = "
def f(n):
    b = bytearray(1 << 20)
    big = [bytes(1 << 30) for _ in range(4)]
    b += b'x' * (1 << 20)
    return len(b) >> 20, len(big)
";

#[test]
fn a_block_grows_beside_four_gigabytes_of_others() {
    for (backend, sandbox) in each_serving() {
        let mut grows = generous(GROWS_BESIDE_MUCH, "1", Scrutiny::Run);
        grows.limits.memory_bytes_max = 6 << 30;
        assert_eq!(outputs(&sandbox, &grows), ["(2, 4)"], "{backend}");
    }
}

#[test]
fn near_its_limit_a_second_call_has_as_much_as_the_first() {
    for (backend, sandbox) in each_serving() {
        for step in 0..24 {
            let program = "def f(n):\n    return len([0] * n)\n";
            let mut check = generous(program, "600000", Scrutiny::Check);
            check.limits.memory_bytes_max = 4_400_000 + step * 100_000;
            let output = outputs(&sandbox, &check).remove(0);
            assert_ne!(output, "nondeterministic", "{backend}, step {step}");
        }
    }
}

const COUNTS_WHAT_IT_GETS: &str = "
def f(size):
    keep = []
    try:
        while True:
            keep.append(bytearray(size))
    except MemoryError:
        n = len(keep)
        keep = None
        return n * size >> 10
";

const GROWS_BY_BITS: &str = "
def f(size):
    keep = [bytearray() for _ in range(16)]
    n = 0
    try:
        while True:
            n += size
            for one in keep:
                one += bytes(size)
    except MemoryError:
        keep = None
        return n >> 6
";

#[test]
fn a_program_gets_as_much_in_all_of_them_whatever_its_blocks() {
    let started = each_serving();
    for (program, block) in [
        (COUNTS_WHAT_IT_GETS, "200"),
        (COUNTS_WHAT_IT_GETS, "60_000"),
        (COUNTS_WHAT_IT_GETS, "1_000_000"),
        (GROWS_BY_BITS, "1_000"),
        (GROWS_BY_BITS, "50_000"),
    ] {
        let kibibytes = started.iter().map(|(_, sandbox)| {
            let mut counts = generous(program, block, Scrutiny::Run);
            counts.limits.memory_bytes_max = 80 << 20;
            outputs(sandbox, &counts)[0].parse().unwrap()
        });
        let kibibytes: Vec<u32> = kibibytes.collect();
        let (least, most) = (
            kibibytes.iter().min().unwrap(),
            kibibytes.iter().max().unwrap(),
        );
        assert!(
            20 << 10 < *least && most - least <= most / 20,
            "{block}: {kibibytes:?}"
        );
    }
}

const FILLS_TWICE: &str = "
def fill(size):
    keep = []
    try:
        while True:
            keep.append(bytearray(size))
    except MemoryError:
        n = len(keep)
        keep.clear()
        return n * size >> 10
def f(size):
    return [fill(size), fill(size)]
";

/// The C library lowers the end of a large heap when all of it is freed, if it is let.
#[test]
fn a_program_may_fill_its_memory_and_free_it_and_fill_it_again() {
    let started = all_backends();
    let small = [1_000, 5_000, 20_000, 40_000, 130_000, 500_000, 2_000_000];
    for (mebibytes, blocks) in [
        (64, &small[..]),
        (256, &[20_000, 40_000, 130_000]),
        (1024, &[130_000, 500_000]),
    ] {
        for block in blocks {
            let filled = started.iter().flat_map(|(backend, sandbox)| {
                let mut fills = generous(FILLS_TWICE, &block.to_string(), Scrutiny::Run);
                fills.limits.memory_bytes_max = mebibytes << 20;
                let output = outputs(sandbox, &fills).remove(0);
                let numbers = output.trim_matches(['[', ']']).split(", ");
                let numbers: Vec<u32> = numbers.filter_map(|it| it.parse().ok()).collect();
                assert_eq!(
                    numbers.len(),
                    2,
                    "{backend}, {mebibytes} MiB of {block}: {output}"
                );
                numbers
            });
            let filled: Vec<u32> = filled.collect();
            let (least, most) = (filled.iter().min().unwrap(), filled.iter().max().unwrap());
            assert!(
                most - least <= most / 20,
                "{mebibytes} MiB of {block}: {filled:?}"
            );
        }
    }
}

const RECURSES_IN_C: &str = "
import sys
class L:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return True if self.n == 0 else L(self.n - 1) == other
def f(n):
    sys.setrecursionlimit(1_000_000)
    return L(n) == 1
";

#[test]
fn the_stack_is_as_deep_everywhere() {
    let depths = each_serving().into_iter().map(|(_, sandbox)| {
        let is_deep = |depth: u32| {
            let recurses = generous(RECURSES_IN_C, &depth.to_string(), Scrutiny::Run);
            outputs(&sandbox, &recurses) == ["True"]
        };
        // The deepest, to 16 calls.
        let (mut works, mut fails) = (0_u32, 1 << 17);
        while 16 < fails - works {
            let middle = works.midpoint(fails);
            if is_deep(middle) {
                works = middle;
            } else {
                fails = middle;
            }
        }
        works
    });
    let depths: Vec<u32> = depths.collect();
    let (least, most) = (depths.iter().min().unwrap(), depths.iter().max().unwrap());
    assert!(1_000 < *least && most - least <= most / 100, "{depths:?}");
}
