//! Values of all kinds, for property tests.

use azr_executor::Value;
use proptest::prelude::*;

/// Values as a worker could report them.
pub fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<[u8; 40]>()
            .prop_map(|bytes| Value::Int(num_bigint::BigInt::from_signed_bytes_le(&bytes))),
        any::<f64>().prop_map(Value::Float),
        (any::<f64>(), any::<f64>()).prop_map(|(real, imag)| Value::Complex(real, imag)),
        any::<String>().prop_map(Value::Str),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..6);
        let hashable = many.clone().prop_map(|values| {
            values
                .into_iter()
                .filter(Value::is_hashable)
                .collect::<Vec<_>>()
        });
        prop_oneof![
            many.clone().prop_map(Value::List),
            many.clone().prop_map(Value::Tuple),
            hashable.clone().prop_map(Value::set),
            hashable.clone().prop_map(Value::frozen_set),
            (hashable, many)
                .prop_map(|(keys, values)| Value::dict(keys.into_iter().zip(values).collect())),
        ]
    })
}
