//! Whether a JPEG file is whole.

/// Whether the file's first JPEG stream ends with its end-of-image marker (ITU-T T.81, B.1.1.3 and B.2.1).
///
/// Segments are skipped by their length, so an end-of-image marker of a thumbnail inside EXIF does not count. One pass,
/// no allocation.
pub(crate) fn reaches_its_end(bytes: &[u8]) -> bool {
    const START_OF_IMAGE: u8 = 0xd8;
    const END_OF_IMAGE: u8 = 0xd9;

    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == 0xff) {
        let Some(&marker) = rest.get(at + 1) else { return false };
        rest = match marker {
            END_OF_IMAGE => return true,
            // A fill byte: the next one may be the marker.
            0xff => &rest[at + 1..],
            // Coded data (a stuffed zero, a restart) and markers without a segment.
            0x00 | 0x01 | 0xd0..=0xd7 | START_OF_IMAGE => &rest[at + 2..],
            _ => {
                let Some(&[high, low]) = rest.get(at + 2..at + 4) else { return false };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(after) = rest.get(at + 2 + length..) else { return false };
                after
            }
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::reaches_its_end;

    #[test]
    fn the_end_inside_a_segment_does_not_count() {
        let thumbnail_only = [0xff, 0xd8, 0xff, 0xe1, 0x00, 0x06, 0xff, 0xd8, 0xff, 0xd9, 0x12];
        assert!(!reaches_its_end(&thumbnail_only));
        let mut whole = thumbnail_only.to_vec();
        whole.extend([0xff, 0x00, 0xff, 0xd0, 0xff, 0xff, 0xd9]);
        assert!(reaches_its_end(&whole));
        assert!(!reaches_its_end(&whole[..whole.len() - 1]));
    }

    #[test]
    fn a_segment_longer_than_the_file_is_no_end() {
        assert!(!reaches_its_end(&[0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0xff, 0xd9]));
        assert!(!reaches_its_end(&[0xff, 0xd8, 0xff, 0xe0, 0x00]));
        assert!(!reaches_its_end(&[0xff]));
        assert!(!reaches_its_end(&[]));
    }
}
