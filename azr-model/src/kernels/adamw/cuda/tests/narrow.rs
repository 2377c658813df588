//! Rounded moments on the device: the contract, the bits of the processor, and faults that must be caught.

use super::super::{CudaNarrow, SOURCE, step_narrow};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::adamw::{
        Draws, Factors, NarrowKind,
        tests::narrow::{KINDS, State, contract, fresh, gradient, mean, on_cpu},
    },
};

fn on_device(device: &Device) -> impl Fn(State, Factors, Draws) -> State {
    move |it, factors, draws| {
        let [mut weights, mut slopes] =
            [&it.weights, &it.gradient].map(|it| device.upload(it).unwrap());
        let [mut first, mut second] =
            [&it.first, &it.second].map(|it| CudaNarrow::upload(device, it).unwrap());
        step_narrow(
            device,
            weights.view_mut(),
            slopes.view_mut(),
            (&mut first, &mut second),
            factors,
            draws,
        )
        .unwrap();
        State {
            weights: device.download(weights.view()).unwrap(),
            gradient: device.download(slopes.view()).unwrap(),
            first: first.download(device).unwrap(),
            second: second.download(device).unwrap(),
        }
    }
}

/// The bits of both moments after two steps are those of the processor; only the weights may be fused otherwise.
fn same_bits(device: &Device, kind: NarrowKind, n: usize) {
    let factors = Factors {
        gradient_scale: 0.3,
        keep: 0.99,
        beta1: 0.9,
        beta2: 0.99,
        rate: 0.1,
        second_scale: 10.0,
        eps: 1e-8,
    };
    let after = |form: &dyn Fn(State, Factors, Draws) -> State| {
        let mut state = fresh(kind, n);
        for number in 1..=2 {
            state.gradient = gradient(n, 20 + number as u32);
            let draws = Draws {
                seed: 5,
                step: number,
            };
            state = form(state, factors, draws);
        }
        (state.first, state.second)
    };
    assert!(after(&on_device(device)) == after(&on_cpu(1)), "{kind:?}");
}

#[test]
fn rounded_moments_match_the_reference_and_the_bits_of_the_processor() {
    let device = test_device();
    for kind in KINDS {
        for n in [1, 37, 256, 257, 2049, 5001] {
            contract(&on_device(&device), kind, n);
            same_bits(&device, kind, n);
        }
        mean(&on_device(&device), kind);
    }
}

#[test]
fn moments_of_two_kinds_or_another_length_are_refused() {
    let device = test_device();
    let zeros = |kind, n| CudaNarrow::zeros(&device, kind, n).unwrap();
    let [bf16, float8] = KINDS;
    for (mut first, mut second) in [
        (zeros(bf16, 9), zeros(float8, 9)),
        (zeros(bf16, 9), zeros(bf16, 8)),
    ] {
        let mut both = [1, 2].map(|_| device.zeros::<f32>(9).unwrap());
        let [weights, slopes] = both.each_mut().map(|it| it.view_mut());
        let factors = Factors {
            gradient_scale: 1.0,
            keep: 1.0,
            beta1: 0.9,
            beta2: 0.9,
            rate: 0.1,
            second_scale: 1.0,
            eps: 1e-8,
        };
        let draws = Draws { seed: 1, step: 1 };
        let moments = (&mut first, &mut second);
        let refused = step_narrow(&device, weights, slopes, moments, factors, draws);
        assert!(refused.unwrap_err().to_string().contains("of one kind"));
    }
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            ("narrowed(m, bits >> 16)", "narrowed(m, 0u)"),
            ("narrowed(v, bits & 0xffffu)", "narrowed(v, bits >> 16)"),
            ("mix(mix(at ^ key) ^ other_key)", "mix(at ^ key)"),
            ("root_max = warp_max(root_max);", ""),
            ("small ? it + SMALL : it", "it"),
            ("code & 0x80u ? -m[i] : m[i]", "m[i]"),
            ("v = held * held", "v = held"),
            ("0.0f < root[i] && 0.0f < root_inverse", "0u"),
        ],
        |device| {
            for kind in KINDS {
                contract(&on_device(device), kind, 1037);
                same_bits(device, kind, 1037);
            }
        },
    );
}
