//! The finish of each style tag, measured by the characteristics of the style.

use std::collections::HashSet;

use clippy_drawings::Style;
use clippy_generate::{GenerateRequest, LocalProvider};
use image::{Rgb, RgbImage};

use crate::support::{drawn, generate, picture, reference, sent, styled};

async fn paint_in_style(tag: &str) -> RgbImage {
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("owl"))),
        refs: vec![reference("style", 0.8, &styled("fish", Style::SoftShading))],
        style_tags: if tag.is_empty() {
            Vec::new()
        } else {
            vec![tag.to_owned()]
        },
        seed: Some(1),
        ..GenerateRequest::default()
    };
    picture(
        &generate(&LocalProvider, &request)
            .await
            .expect("a picture")
            .images[0]
            .bytes,
    )
}

fn colourfulness(pixel: &Rgb<u8>) -> u8 {
    let [r, g, b] = pixel.0;
    r.max(g).max(b) - r.min(g).min(b)
}

fn share(picture: &RgbImage, is: impl Fn(&Rgb<u8>) -> bool) -> f32 {
    picture.pixels().filter(|pixel| is(pixel)).count() as f32
        / (picture.width() * picture.height()) as f32
}

fn lightness(pixel: &Rgb<u8>) -> f32 {
    (0.3 * f32::from(pixel.0[0]) + 0.59 * f32::from(pixel.0[1]) + 0.11 * f32::from(pixel.0[2]))
        / 255.0
}

fn mean(picture: &RgbImage, value: impl Fn(&Rgb<u8>) -> f32) -> f32 {
    picture.pixels().map(value).sum::<f32>() / (picture.width() * picture.height()) as f32
}

fn colours(picture: &RgbImage) -> usize {
    picture.pixels().collect::<HashSet<_>>().len()
}

/// The fraction of horizontal neighbours that are equal.
fn flatness(picture: &RgbImage) -> f32 {
    let pairs = (picture.width() - 1) * picture.height();
    let equal = picture.rows().flat_map(|row| {
        let row: Vec<&Rgb<u8>> = row.collect();
        row.windows(2)
            .map(|pair| pair[0] == pair[1])
            .collect::<Vec<_>>()
    });
    equal.filter(|equal| *equal).count() as f32 / pairs as f32
}

#[tokio::test]
async fn pixel_art_is_square_pixels_of_a_small_palette() {
    let made = paint_in_style("pixel_art").await;
    assert!(colours(&made) <= 24, "{} colours", colours(&made));
    let cell = made.width().min(made.height()) / 84;
    for (x, y, pixel) in made.enumerate_pixels() {
        assert_eq!(
            pixel,
            made.get_pixel(x / cell * cell, y / cell * cell),
            "at {x},{y}"
        );
    }
}

#[tokio::test]
async fn monochrome_and_manga_have_no_hue_and_all_tones() {
    for tag in ["monochrome", "manga_style"] {
        let made = paint_in_style(tag).await;
        assert!(
            made.pixels().all(|pixel| colourfulness(pixel) <= 2),
            "{tag}"
        );
        assert!(
            share(&made, |pixel| lightness(pixel) < 0.25) > 0.01
                && share(&made, |pixel| lightness(pixel) > 0.9) > 0.02,
            "{tag}"
        );
    }
    let made = paint_in_style("manga_style").await;
    let extreme = share(&made, |pixel| {
        lightness(pixel) < 0.2 || lightness(pixel) > 0.9
    });
    assert!(extreme > 0.75, "ink and paper, {extreme}");
}

#[tokio::test]
async fn line_art_is_ink_on_paper() {
    let made = paint_in_style("line_art").await;
    let paper = share(&made, |pixel| lightness(pixel) > 0.9);
    let ink = share(&made, |pixel| lightness(pixel) < 0.4);
    assert!(paper > 0.75 && ink > 0.01, "paper {paper}, ink {ink}");
}

#[tokio::test]
async fn neon_is_light_in_the_dark() {
    let made = paint_in_style("neon_lights").await;
    assert!(mean(&made, lightness) < 0.35);
    assert!(
        share(&made, |pixel| lightness(pixel) > 0.6
            || colourfulness(pixel) > 120)
            > 0.01
    );
}

#[tokio::test]
async fn pastel_is_pale() {
    let (plain, made) = (
        paint_in_style("").await,
        paint_in_style("pastel_colors").await,
    );
    assert!(mean(&made, lightness) > 0.72, "{}", mean(&made, lightness));
    assert!(
        mean(&made, |pixel| f32::from(colourfulness(pixel)))
            < 0.75 * mean(&plain, |pixel| f32::from(colourfulness(pixel)))
    );
    assert!(share(&made, |pixel| lightness(pixel) < 0.25) < 0.02);
}

#[tokio::test]
async fn vector_art_and_cel_shading_are_flatter_than_the_painting() {
    let plain = paint_in_style("").await;
    let vector = paint_in_style("vector_art").await;
    assert!(
        flatness(&vector) > 0.5 && flatness(&vector) > flatness(&plain) + 0.1,
        "{} and {}",
        flatness(&vector),
        flatness(&plain)
    );
    let cel = paint_in_style("cel_shading").await;
    // Of 64 tones, those with at least half a percent of the pixels.
    let tones = |picture: &RgbImage| {
        let mut counts = [0usize; 64];
        for pixel in picture.pixels() {
            counts[(lightness(pixel) * 63.0) as usize] += 1;
        }
        let all: usize = counts.iter().sum();
        counts.iter().filter(|count| **count * 200 >= all).count()
    };
    assert!(
        tones(&cel) * 6 <= tones(&plain) * 5,
        "{} tones and {}",
        tones(&cel),
        tones(&plain)
    );
    assert_ne!(cel, plain);
}
