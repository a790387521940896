//! Sketches and perceptual hashes of typical pictures.

use clippy_imaging::{
    DecodeLimits, Encoding, RgbImage, appearance, decode, encode, hamming, perceptual_hash,
    thumbnail, trim_sketch,
};
use image::Rgb;

fn blob(width: u32, height: u32, seed: f64) -> RgbImage {
    let (far_x, far_y) = (f64::from(width), f64::from(height));
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / far_x, f64::from(y) / far_y);
        let wave = |share: f64| {
            127.5 + 127.0 * (seed * share + 7.0 * x * share + 5.0 * y * (seed + share)).sin()
        };
        Rgb([wave(1.0) as u8, wave(1.7) as u8, wave(0.4) as u8])
    })
}

#[test]
fn copies_keep_their_appearance_and_other_colours_do_not() {
    let off = |one: &[u8], other: &[u8]| {
        one.iter()
            .zip(other)
            .map(|(one, other)| one.abs_diff(*other))
            .max()
            .unwrap()
    };
    for seed in 1..6 {
        let picture = blob(320, 240, f64::from(seed));
        let cells = appearance(&picture);
        assert_eq!(cells.len(), 8 * 8 * 3);
        let saved = decode(
            &encode(&picture, Encoding::Jpeg(60)).unwrap(),
            &DecodeLimits::default(),
        )
        .unwrap();
        assert!(off(&cells, &appearance(&saved)) <= 8, "saved as JPEG");
        assert!(
            off(&cells, &appearance(&thumbnail(&picture, 160))) <= 8,
            "scaled"
        );
        let swapped = RgbImage::from_fn(320, 240, |x, y| {
            let Rgb([red, green, blue]) = *picture.get_pixel(x, y);
            Rgb([blue, red, green])
        });
        assert!(
            off(&cells, &appearance(&swapped)) > 30,
            "the same drawing in other colours"
        );
    }
    assert!(appearance(&RgbImage::new(0, 0)).is_empty());
}

#[test]
fn the_same_picture_scaled_or_saved_again_has_nearly_the_same_hash() {
    for seed in 0..6 {
        let picture = blob(320, 240, f64::from(seed));
        let hash = perceptual_hash(&picture);
        let saved = decode(
            &encode(&picture, Encoding::Jpeg(60)).unwrap(),
            &DecodeLimits::default(),
        )
        .unwrap();
        assert!(hamming(hash, perceptual_hash(&saved)) <= 4, "saved as JPEG");
        assert!(
            hamming(hash, perceptual_hash(&thumbnail(&picture, 100))) <= 4,
            "scaled"
        );
        for other in 0..seed {
            let apart = hamming(hash, perceptual_hash(&blob(320, 240, f64::from(other))));
            assert!(apart > 8, "{seed} and {other} are {apart} apart");
        }
    }
    assert_eq!(perceptual_hash(&RgbImage::new(0, 0)), 0);
    assert_eq!(hamming(0b1011, 0b0001), 2);
}

#[test]
fn a_sketch_is_trimmed_to_the_same_square_anywhere_on_its_pad() {
    let draw = |left: u32, top: u32, width: u32, height: u32| {
        let mut pad = RgbImage::from_pixel(width, height, Rgb([255; 3]));
        for step in 0..120_u32 {
            for thick in 0..3 {
                pad.put_pixel(left + step, top + step / 2 + thick, Rgb([0, 0, 0]));
                pad.put_pixel(left + step, top + 60 - step / 2 + thick, Rgb([200, 30, 30]));
            }
        }
        pad
    };
    let trimmed = trim_sketch(&draw(30, 40, 900, 600)).unwrap();
    assert_eq!(trimmed.width(), trimmed.height());
    assert_eq!(
        Some(trimmed.clone()),
        trim_sketch(&draw(700, 500, 900, 600))
    );
    assert_eq!(Some(trimmed), trim_sketch(&draw(10, 10, 200, 90)));
}

#[test]
fn a_sketch_saved_as_jpeg_is_trimmed_as_well() {
    let mut pad = RgbImage::from_pixel(600, 400, Rgb([255; 3]));
    for x in 200..300 {
        for y in 150..160 {
            pad.put_pixel(x, y, Rgb([10, 10, 10]));
        }
    }
    let saved = decode(
        &encode(&pad, Encoding::Jpeg(80)).unwrap(),
        &DecodeLimits::default(),
    )
    .unwrap();
    let side = trim_sketch(&saved).unwrap().width();
    assert!((119..=140).contains(&side), "{side}");
}
