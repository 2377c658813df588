//! What can be learned about a machine without changing it.

use std::fs;
use std::path::Path;
use std::thread;

use azr_model::Isa;

use super::{Finding, State, cuda};
use crate::environment::Environment;
use crate::visible::visible;

/// Disk that a run of azr-tiny and its checkpoints take at most, bytes.
const DISK_BYTES_MIN: u64 = 1 << 30;
/// Memory that azr-tiny takes to train at most, bytes.
const MEMORY_BYTES_MIN: u64 = 2 << 30;

/// Everything, in order of importance to a newcomer.
pub fn findings(environment: &Environment) -> Vec<Finding> {
    vec![
        processor(),
        engine(),
        memory(),
        disk(Path::new(".")),
        cuda::finding(environment),
        hub(environment),
    ]
}

fn processor() -> Finding {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let model = proc_field("/proc/cpuinfo", "model name")
        .unwrap_or_else(|| std::env::consts::ARCH.to_string());
    let found = format!(
        "{model}, {threads} threads, {}",
        instruction_sets().join(" ")
    );
    finding(
        "processor",
        if has_wide_arithmetic() {
            State::Good
        } else {
            State::Limited
        },
        found,
        || {
            "AVX2 and FMA make the engine several times faster; use a processor from 2013 or later"
                .into()
        },
    )
}

/// What the engine computes with here, and what of the processor it does not use.
fn engine() -> Finding {
    let products = match Isa::detect() {
        Isa::Portable => "plain code",
        Isa::Avx2 => "AVX2 and FMA",
        Isa::Avx512 => "AVX-512",
    };
    let unused = bfloat16_sets();
    let unused = if unused.is_empty() {
        "there is no AMX or AVX512_BF16".to_string()
    } else {
        format!("{} is here and not used yet", unused.join(" and "))
    };
    let state = if Isa::detect() == Isa::Portable {
        State::Limited
    } else {
        State::Good
    };
    let found = format!(
        "f32 with {products}; precision f32, or bf16 (weights rounded and read as 16 bits); {unused}"
    );
    finding("engine", state, found, || {
        "AVX2 and FMA are what it is fast with".into()
    })
}

fn memory() -> Finding {
    let kilobytes = |field| {
        proc_field("/proc/meminfo", field).and_then(|it| it.split(' ').next()?.parse::<u64>().ok())
    };
    let total = kilobytes("MemTotal").unwrap_or(0) << 10;
    let available = kilobytes("MemAvailable").unwrap_or(0) << 10;
    let found = format!(
        "{} available of {}; {}",
        gigabytes(available),
        gigabytes(total),
        plan(available)
    );
    finding(
        "memory",
        if MEMORY_BYTES_MIN <= available {
            State::Good
        } else {
            State::Limited
        },
        found,
        || {
            format!(
                "close other programs: training azr-tiny wants {}",
                gigabytes(MEMORY_BYTES_MIN)
            )
        },
    )
}

/// How large a model can be trained in this much memory: weights, gradient and two moments of AdamW in f32 are 16
/// bytes a weight, and half as much again is left for activations, caches and the samplers' packed weights.
fn plan(available: u64) -> String {
    let weights = available / 24;
    format!(
        "room to train about {} M weights in full, in f32",
        weights / 1_000_000
    )
}

fn disk(place: &Path) -> Finding {
    let Ok(space) = rustix::fs::statvfs(place) else {
        return finding(
            "disk",
            State::Limited,
            "the free space here cannot be read".into(),
            || "choose a run directory on another file system with --run-dir".into(),
        );
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let state = if DISK_BYTES_MIN <= free {
        State::Good
    } else {
        State::Limited
    };
    finding(
        "disk",
        state,
        format!("{} free in this directory", gigabytes(free)),
        || {
            format!(
                "free {} or choose another place with --run-dir",
                gigabytes(DISK_BYTES_MIN)
            )
        },
    )
}

fn hub(environment: &Environment) -> Finding {
    let place = environment
        .hub_endpoint
        .as_deref()
        .unwrap_or("the public hub (HF_ENDPOINT is not set)");
    let token = if environment.hub_token.is_some() {
        "with a token"
    } else {
        "without a token"
    };
    let cache = visible(&environment.hub_cache.display().to_string());
    finding(
        "hub",
        State::Good,
        if environment.hub_is_offline {
            format!("hub ids are looked for in {cache} alone (HF_HUB_OFFLINE is set)")
        } else {
            format!("hub ids are fetched from {place}, {token}, into {cache}")
        },
        String::new,
    )
}

pub fn finding(
    name: &'static str,
    state: State,
    found: String,
    remedy: impl FnOnce() -> String,
) -> Finding {
    let remedy = if state == State::Good {
        String::new()
    } else {
        remedy()
    };
    Finding {
        name,
        state,
        found,
        remedy,
    }
}

/// The value of the first line `field : value`.
fn proc_field(path: &str, field: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text
        .lines()
        .find(|line| line.split(':').next().is_some_and(|it| it.trim() == field))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

pub fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

#[cfg(target_arch = "x86_64")]
fn instruction_sets() -> Vec<&'static str> {
    let present = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        (
            "avx512bf16",
            std::arch::is_x86_feature_detected!("avx512bf16"),
        ),
    ];
    present
        .into_iter()
        .filter(|(_, is_present)| *is_present)
        .map(|(name, _)| name)
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_sets() -> Vec<&'static str> {
    vec![std::env::consts::ARCH]
}

/// Products of bfloat16 that the processor has.
fn bfloat16_sets() -> Vec<&'static str> {
    let flags = proc_field("/proc/cpuinfo", "flags").unwrap_or_default();
    let has = |flag: &str| flags.split(' ').any(|it| it == flag);
    [("amx_bf16", "AMX"), ("avx512_bf16", "AVX512_BF16")]
        .into_iter()
        .filter(|(flag, _)| has(flag))
        .map(|(_, name)| name)
        .collect()
}

fn has_wide_arithmetic() -> bool {
    let sets = instruction_sets();
    cfg!(not(target_arch = "x86_64")) || (sets.contains(&"avx2") && sets.contains(&"fma"))
}
