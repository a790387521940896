//! Decodes the text of a file in any of the common encodings.

/// Decodes UTF-8 with or without a byte order mark, UTF-16 with one, or else Latin-1, in which
/// every byte is a character.
pub(super) fn text_of(bytes: &[u8]) -> String {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => text_of(rest),
        [0xff, 0xfe, rest @ ..] => sixteen(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => sixteen(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => latin_1(bytes),
        },
    }
}

/// Decodes Latin-1.
pub(super) fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn sixteen(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| unit(*pair))
        .collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_every_encoding_that_sidecars_have() {
        for bytes in [
            "café".as_bytes(),
            b"\xef\xbb\xbfcaf\xc3\xa9",
            b"caf\xe9",
            b"\xff\xfec\0a\0f\0\xe9\0",
            b"\xfe\xff\0c\0a\0f\0\xe9",
        ] {
            assert_eq!(text_of(bytes), "café", "{bytes:?}");
        }
        assert_eq!(text_of(b""), "");
    }
}
