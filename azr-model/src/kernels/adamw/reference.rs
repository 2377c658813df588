//! One AdamW step in f64, one weight at a time.

pub(super) struct Options {
    pub(super) lr: f64,
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) eps: f64,
    pub(super) decay: f64,
}

pub(super) fn step(w: &mut f64, g: f64, m: &mut f64, v: &mut f64, t: i32, options: &Options) {
    *w *= 1.0 - options.lr * options.decay;
    *m = options.beta1 * *m + (1.0 - options.beta1) * g;
    *v = options.beta2 * *v + (1.0 - options.beta2) * g * g;
    let m_hat = *m / (1.0 - options.beta1.powi(t));
    let v_hat = *v / (1.0 - options.beta2.powi(t));
    *w -= options.lr * m_hat / (v_hat.sqrt() + options.eps);
}
