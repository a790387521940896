//! Parses the JSON that Python writes, which may contain `NaN` and `Infinity`.

use serde_json::Value;

/// Numbers that JSON does not have. `-Infinity` must be tried before `Infinity`.
const NON_JSON_NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// Parses a value. Numbers that JSON does not have become null.
pub fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes)
        .ok()
        .or_else(|| serde_json::from_slice(&with_null(bytes)).ok())
}

fn with_null(bytes: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(bytes.len());
    let (mut at, mut within_text) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if !within_text
            && let Some(word) = NON_JSON_NUMBERS.iter().find(|word| rest.starts_with(word))
        {
            written.extend_from_slice(b"null");
            at += word.len();
            continue;
        }
        let length = if within_text && *byte == b'\\' && rest.len() > 1 {
            2
        } else {
            1
        };
        within_text ^= *byte == b'"';
        written.extend_from_slice(&rest[..length]);
        at += length;
    }
    written
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn numbers_that_json_does_not_have_become_null_and_texts_are_unchanged() {
        let text = br#"{"max": Infinity, "min": [-Infinity, NaN], "NaN": "NaN, \"Infinity\" \\", "n": -1.5}"#;
        let expected =
            json!({"max": null, "min": [null, null], "NaN": "NaN, \"Infinity\" \\", "n": -1.5});
        assert_eq!(super::json(text), Some(expected));
        for bad in [&b"{"[..], b"", b"NaNN", b"\"\\"] {
            assert_eq!(super::json(bad), None, "{bad:?}");
        }
    }
}
