//! Rotary positions, as transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`) write them.

use super::{CONTEXT_TOKENS_DEFAULT, Fields, HfConfigError};
use crate::config::RopeScaling;
use serde_json::Value;

const ROPE_THETA_DEFAULT: f64 = 10_000.0;
const REMEDY: &str = "choose a model with rotary positions of type default, linear or llama3";

/// Base and scaling. Where both layouts are in the file, transformers takes `rope_scaling`, and so does this.
pub(super) fn read(fields: &Fields) -> Result<(f64, RopeScaling), HfConfigError> {
    let refused = |field, value: String| {
        Err(HfConfigError::Unsupported {
            field,
            value,
            remedy: REMEDY,
        })
    };
    let mut chosen = ("rope_parameters", &Value::Null);
    for (field, rope) in [
        ("rope_parameters", &fields.rope_parameters),
        ("rope_scaling", &fields.rope_scaling),
    ] {
        match rope {
            Value::Null => {}
            Value::Object(entries) if entries.is_empty() => {}
            Value::Object(entries) if entries.values().any(Value::is_object) => {
                return refused(field, "one for each kind of layer".to_owned());
            }
            Value::Object(_) => chosen = (field, rope),
            other => return refused(field, other.to_string()),
        }
    }
    let (field, rope) = chosen;
    let share = rope.get("partial_rotary_factor").and_then(Value::as_f64);
    if let Some(share) = share
        .or(fields.partial_rotary_factor)
        .filter(|it| *it != 1.0)
    {
        return refused("partial_rotary_factor", share.to_string());
    }
    let theta = rope.get("rope_theta").and_then(Value::as_f64);
    let theta = theta.or(fields.rope_theta).unwrap_or(ROPE_THETA_DEFAULT);
    let kind = rope.get("rope_type").or_else(|| rope.get("type"));
    let scaling = match kind.map(Value::as_str) {
        None if rope.get("factor").is_some() => return refused(field, rope.to_string()),
        None | Some(Some("default")) => RopeScaling::Unscaled,
        Some(Some("linear")) => RopeScaling::Linear {
            factor: number(rope, "factor")?,
        },
        Some(Some("llama3")) => RopeScaling::Llama3 {
            factor: number(rope, "factor")?,
            low_freq_factor: number(rope, "low_freq_factor")?,
            high_freq_factor: number(rope, "high_freq_factor")?,
            original_max_position_embeddings: original(fields, rope)?,
        },
        Some(Some(other)) => return refused(field, other.to_owned()),
        Some(None) => return refused(field, "of a type that is no name".to_owned()),
    };
    Ok((theta, scaling))
}

fn number(rope: &Value, name: &'static str) -> Result<f64, HfConfigError> {
    let number = rope.get(name).and_then(Value::as_f64);
    number.ok_or(HfConfigError::RopeNumber { name })
}

/// Some configurations write it beside the dictionary, and it is the whole context where nobody says.
fn original(fields: &Fields, rope: &Value) -> Result<usize, HfConfigError> {
    let name = "original_max_position_embeddings";
    if let Some(original) = fields.original_max_position_embeddings {
        return Ok(original.0);
    }
    let Some(value) = rope.get(name) else {
        let context = fields.max_position_embeddings;
        return Ok(context.map_or(CONTEXT_TOKENS_DEFAULT, |it| it.0));
    };
    let original = value.as_u64().and_then(|it| usize::try_from(it).ok());
    original.ok_or(HfConfigError::RopeNumber { name })
}

/// `rope_scaling`, which both versions of transformers read.
pub(super) fn to_json(scaling: &RopeScaling) -> Value {
    match scaling {
        RopeScaling::Unscaled => Value::Null,
        // Numbers and names make no error.
        scaled => serde_json::to_value(scaled).unwrap_or_default(),
    }
}
