//! Picture files made here, byte by byte where no encoder would.

use std::io::Cursor;

use clippy_imaging::RgbImage;
use image::codecs::gif::GifEncoder;
use image::{Delay, DynamicImage, Frame, ImageFormat, Rgb, RgbaImage};

pub const RED: Rgb<u8> = Rgb([250, 20, 30]);
pub const BLUE: Rgb<u8> = Rgb([10, 30, 240]);

pub fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 5) as u8, (y * 7) as u8, ((x ^ y) * 3) as u8]))
}

pub fn file(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A chunk of a PNG, with its checksum.
pub fn png_chunk(label: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(label);
    chunk.extend(data);
    let checksum = crc32(&chunk[4..]);
    chunk.extend(checksum.to_be_bytes());
    chunk
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

/// A PNG whose header promises so many pixels and which holds nearly none.
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

/// A GIF with a red frame and a blue one.
pub fn animated_gif(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let mut encoder = GifEncoder::new(&mut bytes);
        for colour in [RED, BLUE] {
            let [red, green, blue] = colour.0;
            let picture = RgbaImage::from_pixel(width, height, image::Rgba([red, green, blue, 255]));
            let delay = Delay::from_saturating_duration(std::time::Duration::from_millis(100));
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).unwrap();
        }
    }
    bytes
}

/// An animated PNG: the red picture is the first frame, a blue one follows.
pub fn animated_png(width: u32, height: u32) -> Vec<u8> {
    let chunks = |picture: &RgbImage| {
        let bytes = file(picture, ImageFormat::Png);
        let mut at = 8;
        let mut chunks = Vec::new();
        while at < bytes.len() {
            let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            chunks.push((bytes[at + 4..at + 8].to_vec(), bytes[at + 8..at + 8 + length].to_vec()));
            at += 12 + length;
        }
        chunks
    };
    let control = |sequence: u32| {
        let mut data: Vec<u8> = [sequence, width, height, 0, 0].iter().flat_map(|value| value.to_be_bytes()).collect();
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
    for (sequence, (_, data)) in (2_u32..)
        .zip(chunks(&RgbImage::from_pixel(width, height, BLUE)).into_iter().filter(|(label, _)| label == b"IDAT"))
    {
        bytes.extend(png_chunk(b"fdAT", &[&sequence.to_be_bytes()[..], &data].concat()));
    }
    bytes.extend(png_chunk(b"IEND", &[]));
    bytes
}

/// An animated WebP of a red frame and a blue one, both lossless.
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
    body.extend(chunk(b"VP8X", &[vec![2, 0, 0, 0], three(width - 1), three(height - 1)].concat()));
    body.extend(chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]));
    for colour in [RED, BLUE] {
        let still = file(&RgbImage::from_pixel(width, height, colour), ImageFormat::WebP);
        let frame = [three(0), three(0), three(width - 1), three(height - 1), three(100), vec![0]].concat();
        // A still file is a header of 12 bytes and the chunk of the picture.
        body.extend(chunk(b"ANMF", &[frame, still[12..].to_vec()].concat()));
    }
    [b"RIFF".to_vec(), (body.len() as u32).to_le_bytes().to_vec(), body].concat()
}
