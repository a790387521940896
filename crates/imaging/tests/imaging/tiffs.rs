//! TIFF files of the kinds that scanners, Photoshop and scientific programs write.

use clippy_imaging::{DecodeError, DecodeLimits, RgbImage, decode, probe};
use image::Rgb;

use crate::make::{self, Tag};

fn read(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    decode(bytes, &DecodeLimits::default()).map(clippy_imaging::Picture::into_pixels)
}

#[test]
fn palettes_of_every_depth_and_byte_order_are_read() {
    let (width, height) = (13usize, 7usize);
    for little in [true, false] {
        for bits in [1usize, 2, 4, 8] {
            let colours = 1usize << bits;
            let choice = |x: usize, y: usize| (x * 5 + y * 3) % colours;
            let colour = |at: usize, channel: usize| ((at * 70 + channel * 40) % 256) as u8;
            let map = (0..3).flat_map(|channel| {
                (0..colours).map(move |at| u16::from(colour(at, channel)) * 257)
            });
            let mut strip = Vec::new();
            for y in 0..height {
                let mut row = vec![0u8; (width * bits).div_ceil(8)];
                for x in 0..width {
                    row[x * bits / 8] |= (choice(x, y) << (8 - bits - x * bits % 8)) as u8;
                }
                strip.extend(row);
            }
            let tags = [
                Tag::Short(258, vec![bits as u16]),
                Tag::Short(259, vec![1]),
                Tag::Short(262, vec![3]),
                Tag::Short(277, vec![1]),
                Tag::Short(320, map.collect()),
            ];
            let bytes = make::tiff(little, (width as u32, height as u32), &tags, &strip);
            let seen = probe(&bytes).expect("a header");
            assert_eq!((seen.width, seen.height), (13, 7));
            let expected = RgbImage::from_fn(13, 7, |x, y| {
                Rgb([0, 1, 2].map(|channel| colour(choice(x as usize, y as usize), channel)))
            });
            let picture = read(&bytes).unwrap_or_else(|error| panic!("{bits} bits: {error}"));
            assert_eq!(picture, expected, "{bits} bits, little-endian: {little}");

            for at in 0..bytes.len() {
                for flip in [0xff, 0x80, 0x01] {
                    let mut damaged = bytes.clone();
                    damaged[at] ^= flip;
                    let _ = read(&damaged);
                }
                let _ = read(&bytes[..at]);
            }
        }
    }
}

fn three_channels(photometric: u16, bits: u16, strip: &[u8]) -> Vec<u8> {
    let tags = [
        Tag::Short(258, vec![bits; 3]),
        Tag::Short(259, vec![1]),
        Tag::Short(262, vec![photometric]),
        Tag::Short(277, vec![3]),
    ];
    make::tiff(true, (2, 1), &tags, strip)
}

#[test]
fn colours_in_lab_are_read() {
    // White and red, as L*, a*, b*.
    let lab = three_channels(8, 8, &[255, 0, 0, 138, 81, 70]);
    let icc = three_channels(9, 8, &[255, 128, 128, 138, 209, 198]);
    let shorts = |values: [u16; 6]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let lab_16 = three_channels(8, 16, &shorts([65_535, 0, 0, 35_579, 20_687, 17_892]));
    let icc_16 = three_channels(
        9,
        16,
        &shorts([65_280, 32_768, 32_768, 35_441, 53_455, 50_660]),
    );
    for (name, bytes) in [
        ("CIE", lab),
        ("ICC", icc),
        ("CIE, 16 bits", lab_16),
        ("ICC, 16 bits", icc_16),
    ] {
        let picture = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(*picture.get_pixel(0, 0), Rgb([255; 3]), "{name}");
        let Rgb([red, green, blue]) = *picture.get_pixel(1, 0);
        assert!(
            red > 250 && green < 12 && blue < 12,
            "{name}: {red} {green} {blue}"
        );
    }
}

#[test]
fn grey_of_floating_point_numbers_is_read() {
    let tags = [
        Tag::Short(258, vec![32]),
        Tag::Short(259, vec![1]),
        Tag::Short(262, vec![1]),
        Tag::Short(277, vec![1]),
        Tag::Short(339, vec![3]),
    ];
    let of = |values: [f32; 4]| {
        let strip: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let picture = read(&make::tiff(true, (4, 1), &tags, &strip)).expect("a picture");
        [0, 1, 2, 3].map(|x| picture.get_pixel(x, 0).0[0])
    };
    assert_eq!(
        of([0.0, 0.5, 1.0, f32::NAN]),
        [0, 128, 255, 0],
        "1 is white"
    );
    assert_eq!(
        of([0.0, 127.5, 255.0, -3.0]),
        [0, 128, 255, 0],
        "255 is white"
    );
}

#[test]
fn unsupported_kinds_are_named_in_one_sentence() {
    let of = |photometric: u16, bits: u16, samples: u16, format: u16| {
        let tags = [
            Tag::Short(258, vec![bits; samples.into()]),
            Tag::Short(259, vec![1]),
            Tag::Short(262, vec![photometric]),
            Tag::Short(277, vec![samples]),
            Tag::Short(339, vec![format; samples.into()]),
        ];
        let strip = vec![0; usize::from(bits) / 8 * usize::from(samples) * 4];
        read(&make::tiff(true, (2, 2), &tags, &strip))
            .expect_err("it is not read")
            .to_string()
    };
    for (message, words) in [
        (of(6, 8, 3, 1), "YCbCr"),
        (of(10, 8, 3, 1), "L*a*b*"),
        (of(4, 8, 1, 1), "a transparency mask"),
        (of(1, 64, 1, 3), "64 bits (floating-point"),
        (of(1, 16, 1, 3), "16 bits (floating-point"),
    ] {
        assert!(
            message.contains(words) && message.contains("convert") && !message.contains('\n'),
            "{message}"
        );
    }
}
