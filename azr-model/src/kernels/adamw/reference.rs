//! One AdamW step in f64, one weight at a time; and what moments of 16 and 8 bits stand for.

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

/// A moment of 16 bits: the upper half of an f32.
pub(super) fn from_bf16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// A first moment of 8 bits: a sign, 4 bits of exponent, 3 of fraction.
pub(super) fn first_of(code: u8, scale: f32) -> f64 {
    let sign = if code < 128 { 1.0 } else { -1.0 };
    sign * number(u32::from(code % 128), 3) * f64::from(scale)
}

/// The root of a second moment of 8 bits: 4 bits of exponent, 4 of fraction.
pub(super) fn root_of(code: u8, scale: f32) -> f64 {
    number(u32::from(code), 4) * f64::from(scale)
}

/// `(1 + fraction) 2^(exponent - 15)`, or `fraction 2^-14` where the exponent is 0.
fn number(code: u32, fraction_bits: i32) -> f64 {
    let of_one = 2f64.powi(fraction_bits);
    let exponent = (f64::from(code) / of_one).floor();
    let fraction = f64::from(code) / of_one - exponent;
    if exponent == 0.0 {
        fraction * 2f64.powi(-14)
    } else {
        (1.0 + fraction) * (exponent - 15.0).exp2()
    }
}
