//! The size of a GIF's or WebP's first frame, as its own header states it. The canvas may be
//! smaller: a decoder allocates the frame all the same, so memory is counted by the larger one.

use crate::format::PictureFormat;

/// The pixels of the first frame, which is the one that is decoded. `None` when the file ends
/// before it, or is of a format without frames.
pub(crate) fn first_frame(bytes: &[u8], format: PictureFormat) -> Option<u64> {
    let (width, height) = match format {
        PictureFormat::Gif => gif(bytes)?,
        PictureFormat::WebP => webp(bytes)?,
        PictureFormat::Png | PictureFormat::Jpeg | PictureFormat::Tiff | PictureFormat::Bmp => {
            return None;
        }
    };
    Some(u64::from(width) * u64::from(height))
}

/// Skips the colour table and the extensions before the first image descriptor.
fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 13 + colour_table(*bytes.get(10)?);
    loop {
        match bytes.get(at)? {
            // An extension: its label, then blocks of up to 255 bytes, then an empty one.
            0x21 => {
                at += 2;
                loop {
                    let length = usize::from(*bytes.get(at)?);
                    at += 1 + length;
                    if length == 0 {
                        break;
                    }
                }
            }
            0x2c => return Some((little(bytes, at + 5, 2)?, little(bytes, at + 7, 2)?)),
            _ => return None,
        }
    }
}

/// Bytes of the colour table that these flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// The largest picture data of the chunks up to the first frame of an animation.
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 12;
    let mut largest = None;
    while let Some(name) = bytes.get(at..at + 4) {
        let content = at + 8;
        let length = little(bytes, at + 4, 4)? as usize;
        let found = match name {
            b"VP8 " => lossy(bytes, content),
            b"VP8L" => lossless(bytes, content),
            // Its own chunks follow its header of 16 bytes.
            b"ANMF" => {
                at = content + 16;
                continue;
            }
            _ => None,
        };
        largest = larger(largest, found);
        at = content.checked_add(length)?.checked_add(length % 2)?;
    }
    largest
}

fn larger(one: Option<(u32, u32)>, other: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let pixels = |size: &(u32, u32)| u64::from(size.0) * u64::from(size.1);
    one.into_iter().chain(other).max_by_key(pixels)
}

/// A key frame of VP8: a tag of 3 bytes, a start code of 3, and sides of 14 bits.
fn lossy(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    let side = |at| little(bytes, at, 2).map(|side| side & 0x3fff);
    Some((side(at + 6)?, side(at + 8)?))
}

/// A signature byte, and sides less one of 14 bits.
fn lossless(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    let bits = little(bytes, at + 1, 4)?;
    Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
}

/// A number of so many bytes, the lowest first.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = bytes.get(at..at.checked_add(count)?)?;
    let number = digits.iter().rev();
    Some(number.fold(0, |number, digit| number << 8 | u32::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::DecodeLimits;
    use crate::opened::Opened;

    /// A canvas of 1 x 1, and a frame of 10,000 x 10,000.
    fn large_frame_in_gif() -> Vec<u8> {
        let mut file = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
        file.extend(b"\x21\xf9\x04\0\0\0\0\0");
        file.extend(b"\x2c\x01\0\0\0\x10\x27\x10\x27\0\x02\x02\x44\x01\0\x3b");
        file
    }

    fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).expect("short").to_le_bytes();
        let padding = vec![0; content.len() % 2];
        [&name[..], &length, content, &padding].concat()
    }

    /// A canvas of 1 x 1, and picture data of 16,383 x 16,383.
    fn large_frame_in_webp() -> Vec<u8> {
        let canvas = chunk(b"VP8X", &[0; 10]);
        let frame = chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f");
        let chunks = [b"WEBP".to_vec(), canvas, frame].concat();
        let length = u32::try_from(chunks.len()).expect("short").to_le_bytes();
        [b"RIFF".to_vec(), length.to_vec(), chunks].concat()
    }

    #[test]
    fn a_frame_that_is_larger_than_its_canvas_counts_with_its_own_size() {
        for (file, format, pixels) in [
            (large_frame_in_gif(), PictureFormat::Gif, 10_000 * 10_000),
            (large_frame_in_webp(), PictureFormat::WebP, 16_383 * 16_383),
        ] {
            assert_eq!(first_frame(&file, format), Some(pixels), "{format}");
            let opened = Opened::new(&file, format, &DecodeLimits::default()).expect("a header");
            assert_eq!(opened.dimensions(), (1, 1), "{format}");
            assert!(opened.need() > pixels * 3, "{format}: {}", opened.need());
        }
    }

    #[test]
    fn a_frame_of_an_animation_is_found_and_a_file_that_ends_early_has_none() {
        let data = b"\x2f\xff\xff\xff\x0f\0";
        let frame = [vec![0; 16], chunk(b"VP8L", data)].concat();
        let file = [b"RIFF\0\0\0\0WEBP".to_vec(), chunk(b"ANMF", &frame)].concat();
        assert_eq!(
            first_frame(&file, PictureFormat::WebP),
            Some(16_384 * 16_384)
        );
        let gif = large_frame_in_gif();
        for end in 0..gif.len() - 8 {
            assert_eq!(first_frame(&gif[..end], PictureFormat::Gif), None, "{end}");
        }
    }
}
