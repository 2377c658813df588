//! Every kernel of the engine on shapes of real models, each checked against plain f64 before it is timed.
//!
//! `cargo bench -p azr-benches --bench kernels`; see `benches/README.md`. Whole passes are in `engine.rs`.

mod attention;
mod head;
mod optimizer;
mod products;
mod rows;

use azr_benches::rates::Rates;
use criterion::{Criterion, criterion_group, criterion_main};

fn rates() -> Criterion<Rates> {
    Criterion::default().sample_size(20).with_measurement(Rates)
}

criterion_group! {
    name = kernels;
    config = rates();
    targets = products::forward, products::backward, products::pack, attention::read, attention::decode, head::head,
        rows::norms, rows::positions, rows::gate, rows::vectors, optimizer::optimizer
}
criterion_main!(kernels);
