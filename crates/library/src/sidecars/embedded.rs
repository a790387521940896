//! The metadata inside a picture: XMP and IPTC, where each format stores them.

use clippy_imaging::PictureFormat;

use super::description::Description;
use super::encoding::text_of;
use super::{iptc, xmp};

/// The start of a JPEG segment with XMP.
const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// The start of a JPEG segment with Photoshop's resources.
const JPEG_PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
/// The keyword of a PNG's text chunk with XMP.
const PNG_XMP: &[u8] = b"XML:com.adobe.xmp\0";
/// The largest packet that is read.
const MOST_BYTES: usize = 1 << 20;

/// Reads the metadata inside a picture from its first and its last MiB. Metadata that cannot be
/// parsed is ignored.
#[must_use]
pub fn read_embedded(format: PictureFormat, head: &[u8], tail: &[u8]) -> Description {
    let mut description = Description::default();
    match format {
        PictureFormat::Jpeg => {
            for segment in jpeg_segments(head) {
                if let Some(packet) = segment.strip_prefix(JPEG_XMP) {
                    add_xmp(&mut description, packet);
                } else if let Some(resources) = segment.strip_prefix(JPEG_PHOTOSHOP) {
                    description.merge(iptc::parse_resources(resources));
                }
            }
        }
        PictureFormat::Png => {
            for chunk in png_texts(head) {
                // The keyword is followed by a flag and a method of compression, a language, and a
                // translated keyword.
                let text = chunk
                    .strip_prefix(PNG_XMP)
                    .and_then(|rest| rest.strip_prefix(&[0, 0]))
                    .and_then(|rest| after_zero(after_zero(rest)?));
                if let Some(packet) = text {
                    add_xmp(&mut description, packet);
                }
            }
        }
        PictureFormat::WebP => {
            if let Some(packet) = webp_xmp(head).or_else(|| last_webp_xmp(tail)) {
                add_xmp(&mut description, packet);
            }
        }
        PictureFormat::Gif | PictureFormat::Bmp | PictureFormat::Tiff => {}
    }
    description
}

fn add_xmp(description: &mut Description, packet: &[u8]) {
    if packet.len() <= MOST_BYTES
        && let Ok(found) = xmp::parse(&text_of(packet))
    {
        description.merge(found);
    }
}

fn after_zero(bytes: &[u8]) -> Option<&[u8]> {
    let zero = bytes.iter().position(|byte| *byte == 0)?;
    bytes.get(zero + 1..)
}

/// Returns the application segments of a JPEG, up to its pixels.
fn jpeg_segments(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let &[0xff, marker @ 0xc0..=0xfe, high, low, ref after @ ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?;
        // The pixels begin.
        if marker == 0xda {
            return None;
        }
        let segment = after.get(..length)?;
        rest = &after[length..];
        Some(if (0xe0..=0xef).contains(&marker) {
            segment
        } else {
            &[]
        })
    })
}

/// Returns the international text chunks (`iTXt`) of a PNG.
fn png_texts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
            let length = usize::try_from(length).ok()?;
            let kind = rest.get(4..8)?;
            let chunk = rest.get(8..8_usize.checked_add(length)?)?;
            rest = rest.get(8 + length + 4..).unwrap_or_default();
            if kind == b"iTXt" {
                return Some(chunk);
            }
        }
    })
}

/// Returns the XMP of a WebP, if its first MiB contains it.
fn webp_xmp(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(12..)?;
    loop {
        let kind = rest.get(..4)?;
        let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        if kind == b"XMP " {
            return rest.get(8..8_usize.checked_add(length)?);
        }
        rest = rest.get(8_usize.checked_add(length)?.checked_add(length % 2)?..)?;
    }
}

/// Returns the XMP of a large WebP, which is in one of its last chunks. The chunk's name may also
/// occur elsewhere.
fn last_webp_xmp(tail: &[u8]) -> Option<&[u8]> {
    let packet_at = |at: usize| {
        let length = u32::from_le_bytes(tail.get(at + 4..at + 8)?.try_into().ok()?);
        let packet = tail.get(at + 8..(at + 8).checked_add(usize::try_from(length).ok()?)?)?;
        packet.starts_with(b"<").then_some(packet)
    };
    tail.windows(4)
        .enumerate()
        .filter(|(_, window)| *window == b"XMP ")
        .find_map(|(at, _)| packet_at(at))
}

#[cfg(test)]
mod tests {
    use super::super::iptc::tests::resources;
    use super::super::xmp::tests::LIGHTROOM_PACKET;
    use super::*;

    fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).expect("short").to_be_bytes();
        [&[0xff, marker], &length[..], data].concat()
    }

    fn jpeg() -> Vec<u8> {
        [
            vec![0xff, 0xd8],
            segment(0xe0, b"JFIF\0\x01\x02"),
            segment(0xe1, &[JPEG_XMP, LIGHTROOM_PACKET.as_bytes()].concat()),
            segment(0xed, &[JPEG_PHOTOSHOP, &resources()].concat()),
            segment(0xda, b"pixels"),
        ]
        .concat()
    }

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("short").to_be_bytes();
        [&length[..], kind, data, b"crc!"].concat()
    }

    fn png() -> Vec<u8> {
        let text = [PNG_XMP, b"\0\0\0\0", LIGHTROOM_PACKET.as_bytes()].concat();
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[0; 13]),
            chunk(b"iTXt", b"Comment\0\0\0\0\0hello"),
            chunk(b"iTXt", &text),
            chunk(b"IDAT", b"pixels"),
        ]
        .concat()
    }

    fn webp() -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("short").to_le_bytes();
        let packet = LIGHTROOM_PACKET.as_bytes();
        [
            b"RIFF\0\0\0\0WEBPVP8X",
            &length(&[0; 10])[..],
            &[0; 10],
            b"VP8 ",
            &length(b"odd"),
            b"odd\0XMP ",
            &length(packet),
            packet,
        ]
        .concat()
    }

    #[test]
    fn xmp_and_iptc_are_found_where_each_format_stores_them() {
        let found = read_embedded(PictureFormat::Jpeg, &jpeg(), &[]);
        assert_eq!(found.tags, ["red_fox", "snow", "animals", "gestrüpp"]);
        assert_eq!(found.artist.as_deref(), Some("Ann Wada"));
        for (format, bytes) in [(PictureFormat::Png, png()), (PictureFormat::WebP, webp())] {
            let found = read_embedded(format, &bytes, &[]);
            assert_eq!(found.tags, ["red_fox", "snow", "animals"], "{format}");
        }
        let found = read_embedded(PictureFormat::WebP, &webp()[..20], &webp()[20..]);
        assert_eq!(found.tags, ["red_fox", "snow", "animals"], "at its end");
    }

    #[test]
    fn truncated_bytes_cause_no_panic() {
        for (format, whole) in [
            (PictureFormat::Jpeg, jpeg()),
            (PictureFormat::Png, png()),
            (PictureFormat::WebP, webp()),
        ] {
            for cut in 0..whole.len() {
                let _ = read_embedded(format, &whole[..cut], &whole[cut..]);
            }
            let _ = read_embedded(format, &[0xff; 64], &[0xff; 64]);
        }
    }
}
