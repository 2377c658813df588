//! The table of a raw output: what was checked, each kernel by what the device reaches, the engine, one step.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

use crate::lines::{Peer, Timed};

/// How `run` says where it ran.
const DEVICE: &str = "device: ";

/// What a raw output holds; other lines are for who reads it whole.
#[derive(Debug, Default)]
struct Raw {
    device: String,
    /// What was found of GPUs, contracts and golden numbers, as it was printed.
    checks: Vec<String>,
    kernels: Vec<Timed>,
    peers: Vec<Peer>,
    engine: Vec<Engine>,
    steps: Vec<Value>,
}

/// A line of `azr bench --json`.
#[derive(Debug, Deserialize)]
struct Engine {
    what: String,
    model: String,
    device: String,
    dtype: String,
    batch: usize,
    tokens_per_second: Median,
    flops_per_second: f64,
    bytes_per_second: f64,
}

#[derive(Debug, Deserialize)]
struct Median {
    median: f64,
}

/// What the device was seen to reach.
struct Peaks<'a>(&'a Raw);

impl Peaks<'_> {
    /// Bytes a second, read and written, of a copy.
    fn copy(&self) -> Option<f64> {
        let copy = self.0.kernels.iter().find(|it| it.about.kernel == "copy");
        copy.map(|it| it.bytes as f64 / it.seconds)
    }

    /// Floating-point operations a second of the best product that holds its weights like this, ours or a peer's.
    fn product(&self, dtype: &str) -> Option<f64> {
        let ours = self.0.kernels.iter();
        let ours = ours.filter(|it| it.about.kernel == "linear" && it.about.dtype == dtype);
        let peers = |it: &Timed| self.0.peer(it).map_or(it.seconds, |peer| peer.seconds);
        ours.map(|it| it.flops as f64 / it.seconds.min(peers(it)))
            .max_by(f64::total_cmp)
    }
}

impl Raw {
    fn read(text: &str) -> Self {
        let mut raw = Self::default();
        for line in text.lines() {
            if let Some(device) = line.strip_prefix(DEVICE) {
                raw.device = device.to_owned();
            }
            if line.starts_with("test result: ") || line.starts_with("golden ") {
                raw.checks.push(line.to_owned());
            }
            // One line may be an answer of any of the programs.
            let Ok(value) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            if let Ok(peer) = Peer::deserialize(&value) {
                raw.peers.push(peer);
            } else if let Ok(kernel) = Timed::deserialize(&value) {
                raw.kernels.push(kernel);
            } else if let Ok(engine) = Engine::deserialize(&value) {
                raw.engine.push(engine);
            } else if value["seconds"]["total"].is_number() {
                raw.steps.push(value);
            } else if let Some(findings) = value["findings"].as_array() {
                let cuda = findings.iter().filter(|it| it["name"] == "cuda");
                let found = cuda.filter_map(|it| it["found"].as_str());
                raw.checks.extend(found.map(|it| format!("cuda: {it}")));
            }
        }
        raw
    }

    fn peer(&self, kernel: &Timed) -> Option<&Peer> {
        self.peers.iter().find(|it| it.about == kernel.about)
    }
}

/// The table.
pub fn of(raw: &str) -> String {
    let raw = Raw::read(raw);
    let mut text = format!("device: {}\n", raw.device);
    if raw.device == "emulator" {
        text += "emulated: times say nothing\n";
    }
    for check in &raw.checks {
        text += &format!("{check}\n");
    }
    text + &kernels(&raw) + &engine(&raw) + &steps(&raw)
}

fn kernels(raw: &Raw) -> String {
    let peaks = Peaks(raw);
    let mut rows = vec![
        [
            "kernel",
            "us",
            "GB/s",
            "of copy",
            "TFLOP/s",
            "of product",
            "PyTorch us",
            "its speed",
        ]
        .map(str::to_owned),
    ];
    for it in &raw.kernels {
        let about = &it.about;
        let shape: Vec<String> = about.shape.iter().map(usize::to_string).collect();
        let (bytes, flops) = (it.bytes as f64 / it.seconds, it.flops as f64 / it.seconds);
        let peer = raw.peer(it);
        rows.push([
            format!("{} {} {}", about.kernel, about.dtype, shape.join("x")),
            short(it.seconds * 1e6),
            short(bytes / 1e9),
            share(bytes, peaks.copy()),
            short(flops / 1e12),
            share(flops, peaks.product(&about.dtype)),
            peer.map_or_else(dash, |peer| {
                format!("{} {}", peer.computed_in, short(peer.seconds * 1e6))
            }),
            peer.map_or_else(dash, |peer| format!("{:.2}", peer.seconds / it.seconds)),
        ]);
    }
    let named = raw.peers.first();
    let named = named.map_or("PyTorch: not here".to_owned(), |it| it.peer.clone());
    format!("\n{}{named}\n", aligned(&rows))
}

fn engine(raw: &Raw) -> String {
    let peaks = Peaks(raw);
    let mut rows = vec![
        [
            "engine",
            "tokens/s",
            "GB/s",
            "of copy",
            "TFLOP/s",
            "of product",
        ]
        .map(str::to_owned),
    ];
    for it in &raw.engine {
        // What the processor reaches is no share of what a device does.
        let on_device = it.device.starts_with("cuda").then_some(&peaks);
        rows.push([
            format!(
                "{} {} {}, batch {}, {}",
                it.what, it.model, it.dtype, it.batch, it.device
            ),
            short(it.tokens_per_second.median),
            short(it.bytes_per_second / 1e9),
            share(it.bytes_per_second, on_device.and_then(Peaks::copy)),
            short(it.flops_per_second / 1e12),
            share(
                it.flops_per_second,
                on_device.and_then(|it_is| it_is.product(&it.dtype)),
            ),
        ]);
    }
    format!("\n{}", aligned(&rows))
}

fn steps(raw: &Raw) -> String {
    let mut text = String::new();
    for step in &raw.steps {
        text += "\nstep, seconds:";
        for (phase, seconds) in step["seconds"].as_object().into_iter().flatten() {
            // Writing to a string cannot fail.
            let _ = write!(text, " {phase} {:.2}", seconds.as_f64().unwrap_or(f64::NAN));
        }
        text += "\n";
    }
    text
}

fn dash() -> String {
    "-".to_owned()
}

fn share(rate: f64, peak: Option<f64>) -> String {
    peak.map_or_else(dash, |peak| format!("{:.0} %", 100.0 * rate / peak))
}

/// Three digits or so.
fn short(value: f64) -> String {
    match value {
        it if 100.0 <= it => format!("{it:.0}"),
        it if 1.0 <= it => format!("{it:.1}"),
        it if 0.001 <= it => format!("{it:.3}"),
        0.0 => "0".to_owned(),
        it => format!("{it:.0e}"),
    }
}

/// The first column to the left, the others to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        text += &format!("{:<1$}", row[0], width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            text += &format!("  {cell:>0$}", width(column));
        }
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_output_becomes_a_table_with_shares_of_what_the_device_reaches() {
        let raw = r#"
device: cuda
== doctor
{"version":"0.1.0","findings":[{"name":"disk","found":"much"},{"name":"cuda","found":"1 GPU"}]}
running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored
golden small: 9 log-probabilities, off by at most 1.0e-6 nats
{"kernel":"copy","dtype":"f32","shape":[10],"flops":0,"bytes":1000000000,"seconds":0.001}
{"kernel":"norm","dtype":"f32","shape":[4,8],"flops":100,"bytes":400000000,"seconds":0.0005}
{"kernel":"linear","dtype":"f32","shape":[2,3,4],"flops":1000000000,"bytes":7,"seconds":0.001}
{"peer":"PyTorch 2","kernel":"linear","dtype":"f32","shape":[2,3,4],"computed_in":"f32","seconds":0.0005}
{"what":"train","model":"m","device":"cuda:0","dtype":"f32","batch":8,"tokens_per_second":{"median":1234.0},"flops_per_second":1e12,"bytes_per_second":5e11}
{"what":"train","model":"m","device":"cpu","dtype":"f32","batch":8,"tokens_per_second":{"median":1.5},"flops_per_second":1e9,"bytes_per_second":5e8}
{"step":1,"seconds":{"propose":1.5,"total":2.0}}
"#;
        let expected = "\
device: cuda
cuda: 1 GPU
test result: ok. 3 passed; 0 failed; 0 ignored
golden small: 9 log-probabilities, off by at most 1.0e-6 nats

kernel              us  GB/s  of copy  TFLOP/s  of product  PyTorch us  its speed
copy f32 10       1000  1000    100 %        0         0 %           -          -
norm f32 4x8       500   800     80 %    2e-7         0 %           -          -
linear f32 2x3x4  1000  7e-6      0 %      1.0        50 %     f32 500       0.50
PyTorch 2

engine                        tokens/s   GB/s  of copy  TFLOP/s  of product
train m f32, batch 8, cuda:0      1234    500     50 %      1.0        50 %
train m f32, batch 8, cpu          1.5  0.500        -    0.001           -

step, seconds: propose 1.50 total 2.00
";
        let words = |text: &str| -> Vec<String> {
            text.lines()
                .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect()
        };
        assert_eq!(words(&of(raw)), words(expected));
        assert!(!of(raw).contains("emulated"));
        assert!(of("device: emulator\n").contains("emulated: times say nothing"));
    }
}
