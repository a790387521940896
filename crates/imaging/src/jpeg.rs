//! Reads the markers of a JPEG file: whether it is complete, and the memory that decoding takes.

/// Returns whether the file's first JPEG stream ends with its end-of-image marker (ITU-T T.81,
/// B.1.1.3 and B.2.1).
///
/// Segments are skipped by their length, so an end-of-image marker of a thumbnail inside EXIF does
/// not count. One pass, no allocation.
pub(crate) fn reaches_its_end(bytes: &[u8]) -> bool {
    const START_OF_IMAGE: u8 = 0xd8;
    const END_OF_IMAGE: u8 = 0xd9;

    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == 0xff) {
        let Some(&marker) = rest.get(at + 1) else {
            return false;
        };
        rest = match marker {
            END_OF_IMAGE => return true,
            // A fill byte: the next one may be the marker.
            0xff => &rest[at + 1..],
            // Coded data (a stuffed zero, a restart) and markers without a segment.
            0x00 | 0x01 | 0xd0..=0xd7 | START_OF_IMAGE => &rest[at + 2..],
            _ => {
                let Some(&[high, low]) = rest.get(at + 2..at + 4) else {
                    return false;
                };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(after) = rest.get(at + 2 + length..) else {
                    return false;
                };
                after
            }
        };
    }
    false
}

/// Bytes of the coefficients that a decoder keeps for the whole picture: it does so for progressive
/// files, and for files whose first scan lacks a component. Others are decoded one row of blocks at
/// a time. 0 when the markers cannot be read.
pub(crate) fn kept_coefficients(bytes: &[u8]) -> u64 {
    frame_and_coefficients(bytes).map_or(0, |(_, coefficients)| coefficients)
}

/// Bytes of all samples of the picture and of the coefficients that are kept beside them; `None`
/// when the markers cannot be read.
pub(crate) fn memory(bytes: &[u8]) -> Option<u64> {
    frame_and_coefficients(bytes).map(|(samples, coefficients)| samples + coefficients)
}

/// Bytes of all samples, one each, and of the coefficients that are kept for the whole picture.
fn frame_and_coefficients(bytes: &[u8]) -> Option<(u64, u64)> {
    const START_OF_SCAN: u8 = 0xda;
    // Start-of-frame markers, except for 0xc4, 0xc8 and 0xcc. 0xc2, 0xc6, 0xca and 0xce are
    // progressive.
    let is_frame =
        |marker: u8| (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);

    let mut frame: Option<(bool, usize, u64, u64)> = None;
    let mut rest = bytes.get(2..)?;
    loop {
        let at = rest.iter().position(|&byte| byte == 0xff)?;
        let marker = *rest.get(at + 1)?;
        if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd9 | 0xff) {
            rest = &rest[at + if marker == 0xff { 1 } else { 2 }..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*rest.get(at + 2)?, *rest.get(at + 3)?]));
        let segment = rest.get(at + 4..at + 2 + length.max(2))?;
        if marker == START_OF_SCAN {
            let (progressive, components, samples, coefficients) = frame?;
            let whole = usize::from(*segment.first()?) >= components;
            let kept = if whole && !progressive {
                0
            } else {
                coefficients
            };
            return Some((samples, kept));
        }
        if is_frame(marker) {
            let &[_, high, low, wide, narrow, count, ref components @ ..] = segment else {
                return None;
            };
            let height = u64::from(u16::from_be_bytes([high, low]));
            let width = u64::from(u16::from_be_bytes([wide, narrow]));
            let factors = components.as_chunks::<3>().0.iter().take(count.into());
            let factors: Vec<(u64, u64)> = factors
                .map(|[_, factors, _]| (u64::from(factors >> 4), u64::from(factors & 15)))
                .collect();
            let across = factors.iter().map(|(across, _)| *across).max()?.max(1);
            let down = factors.iter().map(|(_, down)| *down).max()?.max(1);
            let blocks: u64 = factors.iter().map(|(across, down)| across * down).sum();
            // 64 coefficients of two bytes.
            let coefficients =
                width.div_ceil(8 * across) * height.div_ceil(8 * down) * blocks * 128;
            frame = Some((
                matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce),
                count.into(),
                width * height * u64::from(count),
                coefficients,
            ));
        }
        rest = &rest[at + 2 + length.max(2)..];
    }
}

#[cfg(test)]
mod tests {
    use super::{kept_coefficients, reaches_its_end};

    /// Returns the markers of a file of 1000 x 500 pixels: a frame of three components, the first
    /// with twice the resolution.
    fn markers(frame: u8, in_first_scan: u8) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0x00, 0x04, 0xff, 0xc2];
        bytes.extend([
            0xff, frame, 0x00, 17, 8, 0x01, 0xf4, 0x03, 0xe8, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0,
        ]);
        bytes.extend([0xff, 0xda, 0x00, 6 + 2 * in_first_scan, in_first_scan]);
        bytes.extend(vec![0; usize::from(3 + 2 * in_first_scan)]);
        bytes
    }

    #[test]
    fn coefficients_are_kept_for_progressive_files_and_for_scans_of_one_component() {
        // 63 x 32 units of 16 x 16 pixels, each with six blocks.
        let all = 63 * 32 * 6 * 128;
        for (frame, in_first_scan, kept) in
            [(0xc0, 3, 0), (0xc0, 1, all), (0xc2, 3, all), (0xc2, 1, all)]
        {
            assert_eq!(
                kept_coefficients(&markers(frame, in_first_scan)),
                kept,
                "{frame:x} {in_first_scan}"
            );
        }
        let whole = markers(0xc2, 3);
        for cut in 0..whole.len() {
            let _ = kept_coefficients(&whole[..cut]);
        }
        assert_eq!(kept_coefficients(&[0xff; 40]), 0);
    }

    #[test]
    fn the_end_inside_a_segment_does_not_count() {
        let thumbnail_only = [
            0xff, 0xd8, 0xff, 0xe1, 0x00, 0x06, 0xff, 0xd8, 0xff, 0xd9, 0x12,
        ];
        assert!(!reaches_its_end(&thumbnail_only));
        let mut whole = thumbnail_only.to_vec();
        whole.extend([0xff, 0x00, 0xff, 0xd0, 0xff, 0xff, 0xd9]);
        assert!(reaches_its_end(&whole));
        assert!(!reaches_its_end(&whole[..whole.len() - 1]));
    }

    #[test]
    fn a_segment_longer_than_the_file_is_not_an_end() {
        assert!(!reaches_its_end(&[
            0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0xff, 0xd9
        ]));
        assert!(!reaches_its_end(&[0xff, 0xd8, 0xff, 0xe0, 0x00]));
        assert!(!reaches_its_end(&[0xff]));
        assert!(!reaches_its_end(&[]));
    }
}
