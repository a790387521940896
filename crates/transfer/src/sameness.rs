//! Whether two points are the same, so that a second import changes nothing.

use clippy_core::gallery::{Payload, Point, STYLE_GROUP_FIELD};
use serde_json::Value;

/// The largest difference of two values of a vector. Engines may scale a vector to unit length
/// again, which changes its last bits.
const VECTOR_TOLERANCE: f32 = 1e-6;
/// The largest difference of two numbers of a payload, relative to them. Reading a number from JSON
/// may change its last bit.
const NUMBER_TOLERANCE: f64 = 1e-14;

/// Whether a collection's point is what would be imported. It may have vectors in more spaces. The
/// group of similar styles is left out, since it is found anew from time to time.
pub(crate) fn is_same(stored: &Point, imported: &Point) -> bool {
    let vectors = imported.vectors.iter().all(|(space, imported)| {
        match (imported, stored.vectors.get(space)) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(imported), Some(stored)) => is_same_vector(imported, stored),
        }
    });
    vectors && is_same_payload(&stored.payload, &imported.payload)
}

fn is_same_vector(left: &[f32], right: &[f32]) -> bool {
    let mut pairs = left.iter().zip(right);
    left.len() == right.len() && pairs.all(|(left, right)| (left - right).abs() <= VECTOR_TOLERANCE)
}

fn is_same_payload(left: &Payload, right: &Payload) -> bool {
    let is_compared = |(name, _): &(&String, &Value)| *name != STYLE_GROUP_FIELD;
    let count = |payload: &Payload| payload.iter().filter(is_compared).count();
    count(left) == count(right)
        && left.iter().filter(is_compared).all(|(name, value)| {
            right
                .get(name)
                .is_some_and(|other| is_same_value(value, other))
        })
}

/// Whether two values are equal, except for the last bits of fractions.
pub(crate) fn is_same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            let pair = one.as_f64().zip(other.as_f64());
            pair.is_some_and(|(one, other)| {
                (one - other).abs() <= NUMBER_TOLERANCE * one.abs().max(other.abs())
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other
                        .get(name)
                        .is_some_and(|other| is_same_value(value, other))
                })
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::gallery::Vectors;
    use clippy_core::ids::PointId;
    use serde_json::json;

    use super::*;

    fn point(image: &[f32], payload: Value) -> Point {
        let Value::Object(payload) = payload else {
            panic!("an object");
        };
        Point {
            id: PointId::Number(1),
            vectors: Vectors {
                image: Some(image.to_vec()),
                ..Vectors::default()
            },
            payload,
        }
    }

    #[test]
    fn only_what_a_person_or_a_model_changed_is_a_difference() {
        let stored = point(
            &[0.6, 0.8],
            json!({"a": [1, {"b": 0.1}], "_clippy_style": 3}),
        );
        for same in [
            point(&[0.6, 0.8], json!({"a": [1, {"b": 0.1}]})),
            point(
                &[0.600_000_1, 0.8],
                json!({"a": [1, {"b": 0.100_000_000_000_000_02}]}),
            ),
        ] {
            assert!(is_same(&stored, &same), "{same:?}");
        }
        let mut fewer = point(&[0.6, 0.8], json!({"a": [1, {"b": 0.1}]}));
        fewer.vectors.image = None;
        assert!(is_same(&stored, &fewer));
        fewer.vectors.text = Some(vec![1.0, 0.0]);
        assert!(!is_same(&stored, &fewer));
        for other in [
            point(&[0.8, 0.6], json!({"a": [1, {"b": 0.1}]})),
            point(&[0.6, 0.8], json!({"a": [1, {"b": 0.2}]})),
            point(&[0.6, 0.8], json!({"a": [2, {"b": 0.1}]})),
            point(&[0.6, 0.8], json!({"a": [1, {"b": 0.1}], "c": null})),
            point(&[0.6, 0.8], json!({"b": [1, {"b": 0.1}]})),
            point(&[0.6], json!({"a": [1, {"b": 0.1}]})),
        ] {
            assert!(!is_same(&stored, &other), "{other:?}");
        }
    }
}
