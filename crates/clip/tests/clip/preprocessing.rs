use std::collections::BTreeSet;

use clippy_clip::preprocess::default_transform;
use clippy_core::embedding::{ImageTransform, Interpolation, ResizeMode};
use clippy_imaging::{
    DecodeLimits, RgbImage, decode_file, edge_map, normalise, transform, transform_grey,
};
use safetensors::SafeTensors;

use crate::fixtures;

/// Parses a transform such as `shortest.bicubic.32`.
fn parse(kind: &str) -> ImageTransform {
    let parts: Vec<&str> = kind.split('.').collect();
    let [mode, interpolation, side] = parts[..] else {
        panic!("{kind}")
    };
    let resize_mode = match mode {
        "shortest" | "normalised" => ResizeMode::Shortest,
        "longest" => ResizeMode::Longest,
        "squash" => ResizeMode::Squash,
        _ => panic!("{kind}"),
    };
    let interpolation = match interpolation {
        "bicubic" => Interpolation::Bicubic,
        "bilinear" => Interpolation::Bilinear,
        _ => panic!("{kind}"),
    };
    ImageTransform {
        resize_mode,
        interpolation,
        ..default_transform(side.parse().unwrap())
    }
}

#[test]
fn pixels_are_within_one_step_of_open_clips() {
    let file = fixtures::read("preprocess/expected.safetensors");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for name in tensors.names() {
        let (kind, picture) = name.split_once('/').unwrap();
        let how = parse(kind);
        let decoded = decode_file(
            &fixtures::path("preprocess").join(picture),
            &DecodeLimits::default(),
        )
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        let pixels = transform(&how, &decoded);
        if kind.starts_with("normalised") {
            let expected = fixtures::floats(&tensors, name);
            let values = normalise(&how, &[pixels]).unwrap();
            assert_eq!(values.len(), expected.len(), "{name}");
            // A byte more or less is 1 / (255 * 0.26) here.
            let near = values
                .iter()
                .zip(&expected)
                .filter(|(one, other)| (*one - *other).abs() < 0.0156)
                .count();
            assert!(
                near * 100 >= values.len() * 95,
                "{name}: {near} of {}",
                values.len()
            );
        } else {
            let expected = fixtures::bytes(&tensors, name);
            assert_eq!(pixels.rgb.len(), expected.len(), "{name}");
            let near = pixels
                .rgb
                .iter()
                .zip(&expected)
                .filter(|(one, other)| one.abs_diff(**other) <= 1)
                .count();
            let worst = pixels
                .rgb
                .iter()
                .zip(&expected)
                .map(|(one, other)| one.abs_diff(*other))
                .max();
            let share = near as f64 / expected.len() as f64;
            if share < 0.95 {
                wrong.push(format!(
                    "{name}: {:.2} % within 1, worst {worst:?}",
                    share * 100.0
                ));
            }
        }
        seen.insert(picture.to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.len() >= 30, "{}", seen.len());
}

#[test]
fn a_grey_picture_is_scaled_as_its_three_channels_would_be() {
    let mut compared = 0;
    for kind in [
        "shortest.bicubic.32",
        "longest.bilinear.48",
        "squash.bicubic.20",
    ] {
        for picture in std::fs::read_dir(fixtures::path("preprocess")).unwrap() {
            let path = picture.unwrap().path();
            let Ok(picture) = decode_file(&path, &DecodeLimits::default()) else {
                continue;
            };
            let edges = edge_map(&picture);
            let whole = RgbImage::from_fn(edges.width(), edges.height(), |x, y| {
                [edges.get_pixel(x, y).0[0]; 3].into()
            });
            assert!(
                transform_grey(&parse(kind), &edges) == transform(&parse(kind), &whole),
                "{kind}, {}",
                path.display()
            );
            compared += 1;
        }
    }
    assert!(compared >= 15, "{compared} pictures were compared");
}
