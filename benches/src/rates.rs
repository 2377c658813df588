//! Time as criterion measures it, with rates in FLOP/s and B/s instead of elements and binary bytes.

use std::time::{Duration, Instant};

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// Wall time.
pub struct Rates;

/// What one iteration does: multiplications and additions, and bytes that it has to read and write.
pub fn work(flops: usize, bytes: usize) -> Throughput {
    Throughput::ElementsAndBytes {
        elements: flops as u64,
        bytes: bytes as u64,
    }
}

impl Measurement for Rates {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        WallTime.start()
    }

    fn end(&self, start: Instant) -> Duration {
        WallTime.end(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        WallTime.add(one, other)
    }

    fn zero(&self) -> Duration {
        WallTime.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Rates {
    fn scale_values(&self, typical_value: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical_value, values)
    }

    fn scale_throughputs(
        &self,
        typical_value: f64,
        throughput: &Throughput,
        values: &mut [f64],
    ) -> &'static str {
        let (amount, unit) = match throughput {
            Throughput::Elements(flops) => (*flops, "GFLOP/s"),
            Throughput::Bytes(bytes) => (*bytes, "GB/s"),
            other => {
                let plain = WallTime;
                return plain
                    .formatter()
                    .scale_throughputs(typical_value, other, values);
            }
        };
        // Something a nanosecond is a billion of it a second.
        for value in values {
            *value = amount as f64 / *value;
        }
        unit
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}
