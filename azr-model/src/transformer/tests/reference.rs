//! A plain decoder in f64: one token, one head, one element at a time.

use crate::{config::ModelConfig, parameters::Layout};

pub(super) struct Model<'a> {
    layout: &'a Layout,
    weights: &'a [f64],
}

impl<'a> Model<'a> {
    pub(super) fn new(layout: &'a Layout, weights: &'a [f64]) -> Self {
        Self { layout, weights }
    }

    fn config(&self) -> &ModelConfig {
        self.layout.config()
    }

    fn get(&self, name: &str) -> &'a [f64] {
        &self.weights[self.layout.find(name).unwrap().range()]
    }

    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let dot = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let mut y: Vec<f64> = self
            .get(&format!("{name}.weight"))
            .chunks_exact(x.len())
            .map(dot)
            .collect();
        if let Some(bias) = self.layout.find(&format!("{name}.bias")) {
            for (y, bias) in y.iter_mut().zip(&self.weights[bias.range()]) {
                *y += bias;
            }
        }
        y
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let root = (mean + f64::from(self.config().rms_norm_eps)).sqrt();
        x.iter()
            .zip(self.get(name))
            .map(|(x, w)| x / root * w)
            .collect()
    }

    fn turn(&self, head: &mut [f64], position: usize) {
        let half = head.len() / 2;
        for i in 0..half {
            let frequency =
                f64::from(self.config().rope_theta).powf(-2.0 * i as f64 / head.len() as f64);
            let frequency = self.config().rope_scaling.scaled(frequency);
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            let (a, b) = (head[i], head[i + half]);
            (head[i], head[i + half]) = (a * cos - b * sin, b * cos + a * sin);
        }
    }

    fn attention(&self, layer: usize, stream: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let e = self.config().head_dim;
        let name = |tail: &str| format!("model.layers.{layer}.{tail}");
        let normed: Vec<Vec<f64>> = stream
            .iter()
            .map(|x| self.norm(&name("input_layernorm.weight"), x))
            .collect();
        let project = |tail: &str, head_norm: Option<&str>| -> Vec<Vec<f64>> {
            let rows = normed.iter().enumerate().map(|(position, x)| {
                let mut row = self.linear(&name(tail), x);
                let Some(head_norm) = head_norm else {
                    return row;
                };
                for head in row.chunks_exact_mut(e) {
                    if self.layout.find(&name(head_norm)).is_some() {
                        let scaled = self.norm(&name(head_norm), head);
                        head.copy_from_slice(&scaled);
                    }
                    self.turn(head, position);
                }
                row
            });
            rows.collect()
        };
        let (q, k) = (
            project("self_attn.q_proj", Some("self_attn.q_norm.weight")),
            project("self_attn.k_proj", Some("self_attn.k_norm.weight")),
        );
        let v = project("self_attn.v_proj", None);
        let group = self.config().heads_per_kv_head();
        let mixed = (0..stream.len()).map(|t| {
            let mut out = Vec::new();
            for head in 0..self.config().heads {
                let kv = head / group * e..(head / group + 1) * e;
                let query = &q[t][head * e..(head + 1) * e];
                let dot = |key: &[f64]| {
                    query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>() / (e as f64).sqrt()
                };
                let p = softmax(&(0..=t).map(|j| dot(&k[j][kv.clone()])).collect::<Vec<_>>());
                out.extend(
                    kv.clone()
                        .map(|c| (0..=t).map(|j| p[j] * v[j][c]).sum::<f64>()),
                );
            }
            self.linear(&name("self_attn.o_proj"), &out)
        });
        mixed.collect()
    }

    fn feed_forward(&self, layer: usize, x: &[f64]) -> Vec<f64> {
        let name = |tail: &str| format!("model.layers.{layer}.{tail}");
        let normed = self.norm(&name("post_attention_layernorm.weight"), x);
        let (gate, up) = (
            self.linear(&name("mlp.gate_proj"), &normed),
            self.linear(&name("mlp.up_proj"), &normed),
        );
        let gated: Vec<f64> = gate
            .iter()
            .zip(&up)
            .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
            .collect();
        self.linear(&name("mlp.down_proj"), &gated)
    }

    /// Log-probability of each token after the first, and the entropy of its distribution.
    pub(super) fn scores(&self, tokens: &[u32], temperature: f64) -> Vec<(f64, f64)> {
        let d = self.config().hidden_size;
        let table = self.get("model.embed_tokens.weight");
        let mut stream: Vec<Vec<f64>> = tokens
            .iter()
            .map(|it| table[*it as usize * d..][..d].to_vec())
            .collect();
        for layer in 0..self.config().layers {
            let mixed = self.attention(layer, &stream);
            for (x, mixed) in stream.iter_mut().zip(mixed) {
                x.iter_mut().zip(mixed).for_each(|(x, mixed)| *x += mixed);
            }
            for x in &mut stream {
                let added = self.feed_forward(layer, x);
                x.iter_mut().zip(added).for_each(|(x, added)| *x += added);
            }
        }
        let head = if self.config().tied_embeddings {
            table
        } else {
            self.get("lm_head.weight")
        };
        let score = |(x, target): (&Vec<f64>, &u32)| {
            let hidden = self.norm("model.norm.weight", x);
            let dot = |row: &[f64]| {
                row.iter().zip(&hidden).map(|(w, h)| w * h).sum::<f64>() / temperature
            };
            let p = softmax(&head.chunks_exact(d).map(dot).collect::<Vec<_>>());
            (
                p[*target as usize].ln(),
                -p.iter().map(|p| p * p.ln()).sum::<f64>(),
            )
        };
        stream.iter().zip(&tokens[1..]).map(score).collect()
    }
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let max = z.iter().fold(f64::NEG_INFINITY, |max, z| max.max(*z));
    let sum: f64 = z.iter().map(|z| (z - max).exp()).sum();
    z.iter().map(|z| (z - max).exp() / sum).collect()
}
