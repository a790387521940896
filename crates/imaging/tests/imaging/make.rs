//! Makes picture files, byte by byte where no encoder can.

use std::io::Cursor;

use clippy_imaging::RgbImage;
use image::codecs::gif::GifEncoder;
use image::{Delay, DynamicImage, Frame, ImageFormat, Rgb, RgbaImage};

mod png;

pub use png::*;

pub const RED: Rgb<u8> = Rgb([250, 20, 30]);
pub const BLUE: Rgb<u8> = Rgb([10, 30, 240]);

pub fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 5) as u8, (y * 7) as u8, ((x ^ y) * 3) as u8])
    })
}

pub fn file(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone())
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

/// Makes a PNG whose header claims this many pixels, and which has nearly none.
pub fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(png_chunk(b"IHDR", &header));
    // An empty zlib stream.
    bytes.extend(png_chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]));
    bytes.extend(png_chunk(b"IEND", &[]));
    bytes
}

/// Makes a GIF with a red frame and a blue one.
pub fn animated_gif(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let mut encoder = GifEncoder::new(&mut bytes);
        for colour in [RED, BLUE] {
            let [red, green, blue] = colour.0;
            let picture =
                RgbaImage::from_pixel(width, height, image::Rgba([red, green, blue, 255]));
            let delay = Delay::from_saturating_duration(std::time::Duration::from_millis(100));
            encoder
                .encode_frame(Frame::from_parts(picture, 0, 0, delay))
                .unwrap();
        }
    }
    bytes
}

/// Makes an animated PNG: the red picture is the first frame, a blue one follows.
pub fn animated_png(width: u32, height: u32) -> Vec<u8> {
    let chunks = |picture: &RgbImage| {
        let bytes = file(picture, ImageFormat::Png);
        let mut at = 8;
        let mut chunks = Vec::new();
        while at < bytes.len() {
            let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            chunks.push((
                bytes[at + 4..at + 8].to_vec(),
                bytes[at + 8..at + 8 + length].to_vec(),
            ));
            at += 12 + length;
        }
        chunks
    };
    let control = |sequence: u32| {
        let mut data: Vec<u8> = [sequence, width, height, 0, 0]
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect();
        data.extend([0, 1, 0, 10, 0, 0]);
        png_chunk(b"fcTL", &data)
    };
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (label, data) in chunks(&RgbImage::from_pixel(width, height, RED)) {
        match &label[..] {
            b"IHDR" => {
                bytes.extend(png_chunk(b"IHDR", &data));
                bytes.extend(png_chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
                bytes.extend(control(0));
            }
            b"IDAT" => bytes.extend(png_chunk(b"IDAT", &data)),
            _ => {}
        }
    }
    bytes.extend(control(1));
    for (sequence, (_, data)) in (2_u32..).zip(
        chunks(&RgbImage::from_pixel(width, height, BLUE))
            .into_iter()
            .filter(|(label, _)| label == b"IDAT"),
    ) {
        bytes.extend(png_chunk(
            b"fdAT",
            &[&sequence.to_be_bytes()[..], &data].concat(),
        ));
    }
    bytes.extend(png_chunk(b"IEND", &[]));
    bytes
}

/// Makes an animated WebP of a red frame and a blue one, both lossless.
pub fn animated_webp(width: u32, height: u32) -> Vec<u8> {
    let chunk = |label: &[u8; 4], data: &[u8]| {
        let mut chunk = label.to_vec();
        chunk.extend((data.len() as u32).to_le_bytes());
        chunk.extend(data);
        chunk.extend(vec![0; data.len() % 2]);
        chunk
    };
    let three = |value: u32| value.to_le_bytes()[..3].to_vec();
    let mut body = b"WEBP".to_vec();
    // The second flag bit means animation.
    body.extend(chunk(
        b"VP8X",
        &[vec![2, 0, 0, 0], three(width - 1), three(height - 1)].concat(),
    ));
    body.extend(chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]));
    for colour in [RED, BLUE] {
        let still = file(
            &RgbImage::from_pixel(width, height, colour),
            ImageFormat::WebP,
        );
        let frame = [
            three(0),
            three(0),
            three(width - 1),
            three(height - 1),
            three(100),
            vec![0],
        ]
        .concat();
        // A still file is a header of 12 bytes and the chunk of the picture.
        body.extend(chunk(b"ANMF", &[frame, still[12..].to_vec()].concat()));
    }
    [
        b"RIFF".to_vec(),
        (body.len() as u32).to_le_bytes().to_vec(),
        body,
    ]
    .concat()
}

/// A tag of a TIFF: its number, and its values as 16-bit or 32-bit numbers.
pub enum Tag {
    Short(u16, Vec<u16>),
    Long(u16, Vec<u32>),
}

/// Makes a TIFF of one strip with these tags beside those of the strip itself, in either byte
/// order.
pub fn tiff(little: bool, (width, height): (u32, u32), tags: &[Tag], strip: &[u8]) -> Vec<u8> {
    let short = |value: u16| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let long = |value: u32| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let mut bytes = if little {
        b"II".to_vec()
    } else {
        b"MM".to_vec()
    };
    bytes.extend(short(42));
    bytes.extend(long(8));
    let own = [
        Tag::Long(256, vec![width]),
        Tag::Long(257, vec![height]),
        Tag::Long(278, vec![height]),
        Tag::Long(279, vec![strip.len() as u32]),
        Tag::Long(273, vec![0]),
    ];
    let number = |tag: &Tag| match tag {
        Tag::Short(number, _) | Tag::Long(number, _) => *number,
    };
    let mut all: Vec<&Tag> = own.iter().chain(tags).collect();
    all.sort_by_key(|tag| number(tag));
    let end = 8 + 2 + 12 * all.len() + 4;
    let mut beside = Vec::new();
    let mut entries = short(all.len() as u16).to_vec();
    // The strip's offset is known once all other values are placed.
    let strip_at: usize = end
        + all
            .iter()
            .map(|tag| match tag {
                Tag::Short(_, values) if values.len() > 2 => values.len() * 2,
                Tag::Long(_, values) if values.len() > 1 => values.len() * 4,
                _ => 0,
            })
            .sum::<usize>();
    for tag in all {
        let (kind, count, data) = match tag {
            Tag::Short(_, values) => (
                3,
                values.len(),
                values
                    .iter()
                    .flat_map(|value| short(*value))
                    .collect::<Vec<u8>>(),
            ),
            Tag::Long(273, _) => (4, 1, long(strip_at as u32).to_vec()),
            Tag::Long(_, values) => (
                4,
                values.len(),
                values.iter().flat_map(|value| long(*value)).collect(),
            ),
        };
        entries.extend(short(number(tag)));
        entries.extend(short(kind));
        entries.extend(long(count as u32));
        if data.len() <= 4 {
            entries.extend(&data);
            entries.extend(vec![0; 4 - data.len()]);
        } else {
            entries.extend(long((end + beside.len()) as u32));
            beside.extend(data);
        }
    }
    bytes.extend(entries);
    bytes.extend(long(0));
    bytes.extend(beside);
    bytes.extend(strip);
    bytes
}

/// Makes a GIF with a canvas of one pixel and one frame of another size, which holds nearly no
/// pixels.
pub fn gif_with_frame(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0".to_vec();
    bytes.extend([0, 0, 0, 255, 255, 255]);
    // An extension is skipped on the way to the frame.
    bytes.extend([0x21, 0xf9, 4, 0, 0, 0, 0, 0]);
    bytes.extend([0x2c, 0, 0, 0, 0]);
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    // No table of its own; codes of two bits: clear, one pixel, end.
    bytes.extend([0, 2, 2, 0x44, 0x01, 0, 0x3b]);
    bytes
}

/// Makes a chunk of a WebP file.
pub fn riff_chunk(label: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = label.to_vec();
    chunk.extend((data.len() as u32).to_le_bytes());
    chunk.extend(data);
    chunk.extend(vec![0; data.len() % 2]);
    chunk
}

/// Makes a WebP file with a canvas of one pixel, these flags and these chunks.
pub fn webp_of_one_pixel(flags: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    body.extend(riff_chunk(b"VP8X", &[flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    body.extend(chunks.concat());
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Returns the chunk of a lossy WebP frame of this size, cut off after its header.
pub fn vp8_frame(width: u16, height: u16) -> Vec<u8> {
    let mut data = vec![0x10, 2, 0, 0x9d, 1, 0x2a];
    data.extend(width.to_le_bytes());
    data.extend(height.to_le_bytes());
    data.extend([0; 64]);
    riff_chunk(b"VP8 ", &data)
}
