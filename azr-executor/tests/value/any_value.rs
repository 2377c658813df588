//! Values of all kinds, for property tests.

use azr_executor::Value;
use azr_executor::value::{Decimal, Factory, Fraction, Range};
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
        library_leaf(),
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
            (hashable, many.clone(), 0..18_usize).prop_map(|(keys, values, kind)| {
                let items = keys.into_iter().zip(values).collect();
                match kind {
                    0..=2 => Value::dict(items),
                    3..=5 => Value::counter(items),
                    6..=8 => Value::ordered_dict(items),
                    kind => Value::default_dict(Factory::ALL[(kind - 9) % 9], items),
                }
            }),
            (many, prop::option::of(0..8_u64))
                .prop_map(|(elements, length_max)| Value::deque(elements, length_max)),
        ]
    })
}

/// Those of the standard library without parts of any type. Small numbers, so that equal ones meet.
fn library_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Ellipsis),
        (-9..9_i64, -9..9_i64, any::<i64>()).prop_map(|(start, stop, step)| {
            let range = Range::new(start.into(), stop.into(), step.into());
            range.map_or(Value::Ellipsis, Value::Range)
        }),
        (any::<i64>(), -9..9_i64).prop_map(|(over, under)| {
            Fraction::new(over.into(), under.into()).map_or(Value::None, Value::Fraction)
        }),
        "[-+]?[0-9]{1,9}([.][0-9]{1,9})?(E[-+]?[0-9]{1,17})?|-?s?NaN[0-9]{0,3}|-?Inf"
            .prop_map(|text| Decimal::parse(&text).map_or(Value::None, Value::Decimal)),
        (-9..9_i64).prop_map(
            |small| Decimal::parse(&small.to_string()).map_or(Value::None, Value::Decimal)
        ),
    ]
}
