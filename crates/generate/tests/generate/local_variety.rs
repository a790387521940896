//! The local provider: how the pictures of one run differ, and their sizes.

use clippy_drawings::Style;
use clippy_generate::{GenerateRequest, LocalProvider, estimate};
use clippy_painter::{Plane, colour_distance};
use image::{RgbImage, imageops};

use crate::support::{drawn, flat, generate, mask, picture, reference, sent, styled};

/// The pictures of a run.
const RUN: u32 = 3;

async fn run(request: GenerateRequest) -> Vec<RgbImage> {
    let request = GenerateRequest {
        count: RUN,
        seed: Some(40),
        ..request
    };
    let made = generate(&LocalProvider, &request).await.expect("pictures");
    made.images
        .iter()
        .map(|image| picture(&image.bytes))
        .collect()
}

/// The mean of a distance over all pairs of pictures.
fn mean_of_pairs(pictures: &[RgbImage], distance: impl Fn(&RgbImage, &RgbImage) -> f32) -> f32 {
    let mut all = Vec::new();
    for (index, one) in pictures.iter().enumerate() {
        for other in &pictures[..index] {
            all.push(distance(one, other));
        }
    }
    all.iter().sum::<f32>() / all.len() as f32
}

fn colours_apart(pictures: &[RgbImage]) -> f32 {
    mean_of_pairs(pictures, |one, other| {
        colour_distance(&Plane::from_rgb(one), &Plane::from_rgb(other))
    })
}

/// How much the places of light and dark differ, whatever the overall lightness: 1 less the
/// correlation of the lightness of small copies.
fn places_apart(pictures: &[RgbImage]) -> f32 {
    let tones = |picture: &RgbImage| {
        let small = imageops::resize(picture, 24, 24, imageops::FilterType::Triangle);
        let tones: Vec<f32> = imageops::grayscale(&small)
            .pixels()
            .map(|pixel| f32::from(pixel.0[0]))
            .collect();
        let mean = tones.iter().sum::<f32>() / tones.len() as f32;
        tones.iter().map(|tone| tone - mean).collect::<Vec<_>>()
    };
    mean_of_pairs(pictures, |one, other| {
        let (one, other) = (tones(one), tones(other));
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let size = (product(&one, &one) * product(&other, &other)).sqrt();
        1.0 - product(&one, &other) / size.max(1e-3)
    })
}

fn three_styles() -> Vec<clippy_generate::ReferenceInput> {
    [
        ("lamp", Style::SoftShading),
        ("tree", Style::Impressionism),
        ("dog", Style::CelShading),
    ]
    .map(|(name, style)| reference("style", 0.6, &styled(name, style)))
    .into()
}

#[tokio::test]
async fn the_pictures_of_a_run_have_other_colours_and_without_a_sketch_other_compositions() {
    let subject = GenerateRequest {
        refs: vec![reference("subject", 0.8, &styled("cat", Style::VectorArt))],
        ..GenerateRequest::default()
    };
    let sketched = |refs| GenerateRequest {
        sketch: Some(sent(&drawn("house"))),
        refs,
        ..GenerateRequest::default()
    };
    let words = GenerateRequest {
        prompt: Some("green hills".to_owned()),
        ..GenerateRequest::default()
    };
    let mut alike = Vec::new();
    for (what, request, colours, places) in [
        ("words", words, 0.04, 0.3),
        ("a subject", subject, 0.04, 0.3),
        ("a sketch", sketched(Vec::new()), 0.04, 0.0),
        ("a sketch and styles", sketched(three_styles()), 0.035, 0.0),
    ] {
        let pictures = run(request).await;
        let (colour, place) = (colours_apart(&pictures), places_apart(&pictures));
        println!("{what}: colours {colour}, places {place}");
        if colour < colours || place < places {
            alike.push(format!(
                "{what}: colours are {colour} apart, places {place}"
            ));
        }
    }
    assert!(alike.is_empty(), "{}", alike.join("\n"));
}

/// The fraction of the sketch's ink that is an edge of the picture.
fn ink_shown(sketch: &RgbImage, made: &RgbImage) -> f32 {
    let ink = clippy_painter::ink(&imageops::resize(
        sketch,
        made.width(),
        made.height(),
        imageops::FilterType::Triangle,
    ));
    let edges = clippy_imaging::edge_map(&imageops::blur(made, 1.0));
    let (width, height) = (made.width() as i64, made.height() as i64);
    let is_edge = |x: i64, y: i64| {
        (0..width).contains(&x)
            && (0..height).contains(&y)
            && edges.get_pixel(x as u32, y as u32).0[0] > 127
    };
    let places: Vec<i64> = (0..width * height)
        .filter(|index| ink[*index as usize] > 0.8)
        .collect();
    let shown = places.iter().filter(|index| {
        let (x, y) = (**index % width, **index / width);
        (-4..=4).any(|dy| (-4..=4).any(|dx| is_edge(x + dx, y + dy)))
    });
    shown.count() as f32 / places.len().max(1) as f32
}

#[tokio::test]
async fn the_lines_of_a_sketch_stay_where_they_are_in_every_picture_of_a_run() {
    let sketch = drawn("house");
    for refs in [Vec::new(), three_styles()] {
        let pictures = run(GenerateRequest {
            sketch: Some(sent(&sketch)),
            refs,
            ..GenerateRequest::default()
        })
        .await;
        for (number, made) in pictures.iter().enumerate() {
            let shown = ink_shown(&sketch, made);
            assert!(shown > 0.8, "picture {number} shows {shown} of the ink");
        }
        let turned = imageops::flip_horizontal(&pictures[1]);
        let shown = ink_shown(&sketch, &turned);
        assert!(shown < 0.8, "the measure sees a mirrored drawing: {shown}");
    }
}

#[tokio::test]
async fn a_size_in_pixels_is_painted_and_an_edit_has_the_detail_of_its_base() {
    let style = || {
        vec![reference(
            "style",
            0.7,
            &styled("tree", Style::Impressionism),
        )]
    };
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("apple"))),
        refs: style(),
        aspect_ratio: Some("1024:768".to_owned()),
        seed: Some(2),
        ..GenerateRequest::default()
    };
    let made = generate(&LocalProvider, &request).await.expect("a picture");
    let large = picture(&made.images[0].bytes);
    assert_eq!(large.dimensions(), (1024, 768));
    // It is the small picture with more detail, not another one.
    let small = GenerateRequest {
        aspect_ratio: Some("4:3".to_owned()),
        ..request
    };
    let made = generate(&LocalProvider, &small).await.expect("a picture");
    let small = picture(&made.images[0].bytes);
    let same = places_apart(&[small.clone(), large.clone()]);
    assert!(same < 0.05, "{same}");
    let (width, height) = small.dimensions();
    let enlarged = imageops::resize(&small, 1024, 768, imageops::FilterType::CatmullRom);
    let detail = |picture: &RgbImage| {
        let soft = imageops::blur(picture, 1.5);
        let apart = |(one, two): (&u8, &u8)| f64::from(one.abs_diff(*two));
        picture
            .as_raw()
            .iter()
            .zip(soft.as_raw())
            .map(apart)
            .sum::<f64>()
    };
    let (own, scaled) = (detail(&large), detail(&enlarged));
    assert!(
        own > 1.25 * scaled,
        "detail {own}, but {scaled} enlarged from {width} x {height}"
    );
}

#[test]
fn the_estimate_says_how_long_it_takes_and_more_pixels_take_longer() {
    let note = |request: &GenerateRequest| {
        let note = estimate(&LocalProvider, request).expect("an estimate").note;
        assert!(note.starts_with("this provider is free; about "), "{note}");
        note
    };
    let request = |ratio: &str| GenerateRequest {
        prompt: Some("red hills".to_owned()),
        aspect_ratio: Some(ratio.to_owned()),
        count: 3,
        ..GenerateRequest::default()
    };
    assert!(note(&request("1:1")).contains("3 pictures of 512 x 512 pixels"));
    assert!(note(&request("1536:1024")).contains("3 pictures of 1536 x 1024 pixels"));
    let edit = GenerateRequest {
        base: Some(sent(&flat(900, 600, [9, 9, 9]))),
        mask: Some(sent(&mask(900, 600))),
        ..request("1:1")
    };
    let recoloured = note(&edit);
    assert!(recoloured.contains("of 900 x 600 pixels"), "{recoloured}");
    let painted = note(&GenerateRequest {
        style_tags: vec!["pixel_art".to_owned()],
        ..edit
    });
    assert!(painted.contains("of 904 x 600 pixels"), "{painted}");
}
