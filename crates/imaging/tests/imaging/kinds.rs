//! Valid pictures of every kind.

use clippy_imaging::{
    DecodeLimits, Encoding, PictureFormat, RgbImage, decode, decode_file, encode, probe, thumbnail,
};
use image::{ImageFormat, Rgb};

use crate::make::{self, RED};

fn read(bytes: &[u8]) -> RgbImage {
    decode(bytes, &DecodeLimits::default())
        .unwrap_or_else(|error| panic!("{error}"))
        .into_pixels()
}

#[test]
fn lossless_formats_give_back_what_was_written() {
    let picture = make::scene(41, 27);
    for (format, expected) in [
        (ImageFormat::Png, PictureFormat::Png),
        (ImageFormat::WebP, PictureFormat::WebP),
        (ImageFormat::Bmp, PictureFormat::Bmp),
        (ImageFormat::Tiff, PictureFormat::Tiff),
    ] {
        let bytes = make::file(&picture, format);
        assert_eq!(read(&bytes), picture, "{expected}");
        let probed = probe(&bytes).unwrap();
        assert_eq!(
            (probed.format, probed.width, probed.height),
            (expected, 41, 27)
        );
    }
}

#[test]
fn animated_files_give_their_first_frame() {
    let still = RgbImage::from_pixel(20, 12, RED);
    for (name, bytes) in [
        ("GIF", make::animated_gif(20, 12)),
        ("PNG", make::animated_png(20, 12)),
        ("WebP", make::animated_webp(20, 12)),
    ] {
        let first = read(&bytes);
        assert_eq!(first.dimensions(), (20, 12), "{name}");
        let furthest = first
            .as_raw()
            .iter()
            .zip(still.as_raw())
            .map(|(one, other)| one.abs_diff(*other))
            .max();
        // A GIF has a palette of its own making.
        assert!(furthest <= Some(8), "{name}: {furthest:?}");
    }
}

#[test]
fn the_format_is_recognised_by_the_content_not_by_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let picture = make::scene(10, 10);
    for (name, format) in [
        ("a.jpg", ImageFormat::Png),
        ("b.png", ImageFormat::WebP),
        ("c", ImageFormat::Bmp),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, make::file(&picture, format)).unwrap();
        assert_eq!(
            decode_file(&path, &DecodeLimits::default()).unwrap(),
            picture,
            "{name}"
        );
    }
}

#[test]
fn encoded_pictures_can_be_decoded() {
    let picture = make::scene(64, 48);
    for encoding in [Encoding::Png, Encoding::WebP] {
        assert_eq!(
            read(&encode(&picture, encoding).unwrap()),
            picture,
            "{encoding:?}"
        );
    }
    let jpeg = encode(&picture, Encoding::THUMBNAIL).unwrap();
    assert_eq!(probe(&jpeg).unwrap().format, PictureFormat::Jpeg);
    assert_eq!(read(&jpeg).dimensions(), (64, 48));
    assert!(encode(&RgbImage::new(0, 3), Encoding::Png).is_err());
    assert!(encode(&RgbImage::new(70_000, 1), Encoding::THUMBNAIL).is_err());
}

#[test]
fn thumbnails_keep_their_shape_and_never_grow() {
    for ((width, height), most, expected) in [
        ((400, 300), 200, (200, 150)),
        ((100, 50), 200, (100, 50)),
        ((50, 4000), 200, (10, 800)),
        ((4000, 1), 256, (256, 1)),
        ((10, 10), 0, (1, 1)),
    ] {
        let small = thumbnail(
            &RgbImage::from_pixel(width, height, Rgb([9, 200, 90])),
            most,
        );
        assert_eq!(small.dimensions(), expected, "{width} x {height} at {most}");
        assert!(small.pixels().all(|pixel| pixel.0 == [9, 200, 90]));
    }
}
