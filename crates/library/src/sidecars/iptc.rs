//! IPTC-IIM: the keywords that older programs write into a picture, inside Photoshop's image
//! resources.

use super::description::{Description, fill};
use super::encoding::{latin_1, text_of};

/// The number of the image resource that contains IPTC.
const IPTC_RESOURCE: u16 = 0x0404;
/// The value of data set 1:90 if the texts are UTF-8: ESC % G.
const UTF_8: &[u8] = b"\x1b%G";

/// Parses the image resources of Photoshop (`8BIM` …).
pub(super) fn parse_resources(mut bytes: &[u8]) -> Description {
    let mut description = Description::default();
    while let Some(rest) = bytes.strip_prefix(b"8BIM") {
        let Some((number, data, after)) = resource(rest) else {
            break;
        };
        if number == IPTC_RESOURCE {
            description.merge(parse(data));
        }
        bytes = after;
    }
    description
}

/// Returns a resource's number and data, and the bytes after it. Names and data are padded to even
/// lengths.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let number = u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]);
    let name = 1 + usize::from(*bytes.get(2)?);
    let bytes = bytes.get(2 + name + name % 2..)?;
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    let data = bytes.get(4..4_usize.checked_add(length)?)?;
    let after = bytes.get(4 + length + length % 2..).unwrap_or_default();
    Some((number, data, after))
}

/// Parses a sequence of data sets: a marker, record and number, a length, and the data.
fn parse(mut bytes: &[u8]) -> Description {
    let mut description = Description::default();
    let mut is_utf_8 = false;
    while let [0x1c, record, number, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // The highest bit marks an extended length, which no text needs.
        let Some(data) = rest.get(..length).filter(|_| high & 0x80 == 0) else {
            break;
        };
        bytes = &rest[length..];
        if (*record, *number) == (1, 90) {
            is_utf_8 = data == UTF_8;
            continue;
        }
        if *record != 2 {
            continue;
        }
        let text = if is_utf_8 || std::str::from_utf8(data).is_ok() {
            text_of(data)
        } else {
            latin_1(data)
        };
        match number {
            25 => description.add_tag(&text),
            5 => fill(&mut description.title, &text),
            80 => fill(&mut description.artist, &text),
            115 => fill(&mut description.source, &text),
            116 => fill(&mut description.licence, &text),
            120 => fill(&mut description.caption, &text),
            _ => {}
        }
    }
    description
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn set(record: u8, number: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).expect("short").to_be_bytes();
        [&[0x1c, record, number], &length[..], data].concat()
    }

    /// Photoshop's resources with two keywords and an author.
    pub(in crate::sidecars) fn resources() -> Vec<u8> {
        let data = [
            set(2, 0, &[0, 2]),
            set(2, 25, b"Red Fox"),
            set(2, 25, b"gestr\xfcpp"),
            set(2, 80, b"Ann Wada"),
            set(2, 116, b"(c) Ann"),
        ]
        .concat();
        let length = u32::try_from(data.len()).expect("short").to_be_bytes();
        let other = b"8BIM\x03\xed\0\0\0\0\0\x03abc\0";
        [&other[..], b"8BIM\x04\x04\0\0", &length[..], &data].concat()
    }

    #[test]
    fn keywords_are_read_past_other_resources_in_both_encodings() {
        let found = parse_resources(&resources());
        assert_eq!(found.tags, ["red_fox", "gestrüpp"]);
        assert_eq!(found.artist.as_deref(), Some("Ann Wada"));
        assert_eq!(found.licence.as_deref(), Some("(c) Ann"));
        let utf_8 = [set(1, 90, UTF_8), set(2, 25, "雪".as_bytes())].concat();
        assert_eq!(parse(&utf_8).tags, ["雪"]);
    }

    #[test]
    fn truncated_bytes_cause_no_panic() {
        let whole = resources();
        for cut in 0..whole.len() {
            let _ = parse_resources(&whole[..cut]);
        }
        let _ = parse_resources(&[b'8', b'B', b'I', b'M', 4, 4, 255, 255, 255, 255, 255, 255]);
        let _ = parse(&[0x1c, 2, 25, 0xff, 0xff, 1]);
    }
}
