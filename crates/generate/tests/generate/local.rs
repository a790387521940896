//! The local provider: the effects of sketches, references, weights, masks and seeds.

use clippy_drawings::Style;
use clippy_generate::{FailureClass, GenerateRequest, LocalProvider, Treatment, admit};
use clippy_painter::{Plane, colour_distance};
use clippy_testing::wait_until;
use image::{Rgb, RgbImage, imageops};

use crate::support::{
    context, drawn, flat, generate, generate_in, mask, picture, reference, sent, styled,
};

fn request(sketch: &RgbImage) -> GenerateRequest {
    GenerateRequest {
        sketch: Some(sent(sketch)),
        seed: Some(3),
        ..GenerateRequest::default()
    }
}

async fn paint(request: &GenerateRequest) -> RgbImage {
    let made = generate(&LocalProvider, request).await.expect("a picture");
    picture(&made.images[0].bytes)
}

fn distance(one: &RgbImage, two: &RgbImage) -> f32 {
    colour_distance(&Plane::from_rgb(one), &Plane::from_rgb(two))
}

/// The fraction of the first lines' pixels that have one of the second's within `reach` pixels.
fn covered(lines: &[bool], by: &[bool], width: usize, reach: isize) -> f32 {
    let height = lines.len() / width;
    let near = |index: usize| {
        let (x, y) = ((index % width) as isize, (index / width) as isize);
        (-reach..=reach).any(|dy| {
            (-reach..=reach).any(|dx| {
                let (u, v) = (x + dx, y + dy);
                u >= 0
                    && v >= 0
                    && u < width as isize
                    && v < height as isize
                    && by[v as usize * width + u as usize]
            })
        })
    };
    let all: Vec<usize> = (0..lines.len()).filter(|index| lines[*index]).collect();
    all.iter().filter(|index| near(**index)).count() as f32 / all.len().max(1) as f32
}

fn edges(picture: &RgbImage) -> Vec<bool> {
    clippy_imaging::edge_map(&imageops::blur(picture, 1.2))
        .pixels()
        .map(|pixel| pixel.0[0] > 127)
        .collect()
}

#[tokio::test]
async fn a_style_reference_moves_the_colours_at_least_halfway_to_itself() {
    let pairs = [
        (
            "cat",
            ("dog", Style::CelShading),
            ("tree", Style::Impressionism),
        ),
        (
            "house",
            ("guitar", Style::NeonLights),
            ("cupcake", Style::PastelColors),
        ),
        (
            "sailboat",
            ("lamp", Style::ArtDeco),
            ("fish", Style::SoftShading),
        ),
    ];
    for (name, (one, one_style), (two, two_style)) in pairs {
        let (one, two) = (styled(one, one_style), styled(two, two_style));
        let in_style = |style: &RgbImage| GenerateRequest {
            refs: vec![reference("style", 0.8, style)],
            ..request(&drawn(name))
        };
        let (as_one, as_two) = (paint(&in_style(&one)).await, paint(&in_style(&two)).await);
        for (own, made, other) in [(&one, &as_one, &as_two), (&two, &as_two, &as_one)] {
            let (near, far) = (distance(made, own), distance(other, own));
            assert!(
                near <= 0.5 * far,
                "{name}: {near} to its own reference, {far} in another style"
            );
        }
    }
}

#[tokio::test]
async fn the_lines_of_the_sketch_survive_in_every_style() {
    for (name, style) in [
        ("cat", Style::CelShading),
        ("house", Style::NeonLights),
        ("apple", Style::SoftShading),
        ("owl", Style::ArtDeco),
        ("sailboat", Style::PastelColors),
    ] {
        let sketch = drawn(name);
        let request = GenerateRequest {
            refs: vec![reference("style", 0.8, &styled("cup", style))],
            ..request(&sketch)
        };
        let made = paint(&request).await;
        let wanted = imageops::resize(
            &sketch,
            made.width(),
            made.height(),
            imageops::FilterType::Triangle,
        );
        // The reference's background may add edges of its own, so only the part with the drawing
        // counts.
        let (lines, found) = (edges(&wanted), edges(&made));
        let width = made.width() as usize;
        let recall = covered(&lines, &found, width, 3);
        let near: Vec<bool> = found
            .iter()
            .zip(drawn_on(&lines, width))
            .map(|(edge, inside)| *edge && inside)
            .collect();
        let precision = covered(&near, &lines, width, 3);
        let score = 2.0 * recall * precision / (recall + precision).max(1e-6);
        assert!(
            score >= 0.6,
            "{name} in {style:?}: recall {recall}, precision {precision}, F {score}"
        );
    }
}

/// Marks the rectangle around the drawing.
fn drawn_on(lines: &[bool], width: usize) -> Vec<bool> {
    let places = || {
        (0..lines.len())
            .filter(|index| lines[*index])
            .map(|index| (index % width, index / width))
    };
    let (left, right) = (
        places().map(|p| p.0).min().unwrap_or(0),
        places().map(|p| p.0).max().unwrap_or(0),
    );
    let (top, bottom) = (
        places().map(|p| p.1).min().unwrap_or(0),
        places().map(|p| p.1).max().unwrap_or(0),
    );
    (0..lines.len())
        .map(|index| {
            (left..=right).contains(&(index % width)) && (top..=bottom).contains(&(index / width))
        })
        .collect()
}

#[tokio::test]
async fn a_heavier_reference_pulls_harder() {
    let (one, two) = (
        styled("dog", Style::CelShading),
        styled("lamp", Style::ArtDeco),
    );
    let sketch = drawn("cat");
    let alone = |weight| GenerateRequest {
        refs: vec![reference("style", weight, &one)],
        ..request(&sketch)
    };
    let (light, heavy) = (paint(&alone(0.2)).await, paint(&alone(0.8)).await);
    assert!(
        distance(&heavy, &one) < 0.8 * distance(&light, &one),
        "{} and {}",
        distance(&heavy, &one),
        distance(&light, &one)
    );

    let both = |first, second| GenerateRequest {
        refs: vec![
            reference("style", first, &one),
            reference("style", second, &two),
        ],
        ..request(&sketch)
    };
    let (first, second) = (paint(&both(0.8, 0.2)).await, paint(&both(0.2, 0.8)).await);
    assert!(
        distance(&first, &one) < distance(&second, &one)
            && distance(&second, &two) < distance(&first, &two)
    );

    let nothing = GenerateRequest {
        refs: vec![reference("style", 0.0, &one)],
        ..request(&sketch)
    };
    assert_eq!(
        paint(&nothing).await,
        paint(&request(&sketch)).await,
        "a weight of 0 changes nothing"
    );
}

#[tokio::test]
async fn a_subject_reference_shows_through_by_its_weight() {
    // Red above and blue below on white. The sketch has the same two parts, which must get these
    // colours.
    let subject = RgbImage::from_fn(200, 200, |x, y| {
        let inside = (40..160).contains(&x) && (40..160).contains(&y);
        Rgb(if !inside {
            [255, 255, 255]
        } else if y < 100 {
            [200, 30, 30]
        } else {
            [30, 50, 190]
        })
    });
    let sketch = RgbImage::from_fn(300, 300, |x, y| {
        let line = |a: u32, b: u32| a.abs_diff(b) < 3;
        let within = (60..=240).contains(&x) && (60..=240).contains(&y);
        let ink =
            within && (line(x, 60) || line(x, 240) || line(y, 60) || line(y, 150) || line(y, 240));
        Rgb(if ink { [0, 0, 0] } else { [255, 255, 255] })
    });
    let at = |picture: &RgbImage, y: f32| {
        let pixel = picture
            .get_pixel(picture.width() / 2, (picture.height() as f32 * y) as u32)
            .0;
        i32::from(pixel[0]) - i32::from(pixel[2])
    };
    let mut differences = Vec::new();
    for weight in [0.2, 0.9] {
        let made = paint(&GenerateRequest {
            refs: vec![reference("subject", weight, &subject)],
            ..request(&sketch)
        })
        .await;
        differences.push(at(&made, 0.35) - at(&made, 0.65));
    }
    assert!(
        differences[1] > 150,
        "red above and blue below: {differences:?}"
    );
    assert!(
        differences[1] > differences[0] + 30,
        "more with a larger weight: {differences:?}"
    );
}

#[tokio::test]
async fn pixels_change_inside_of_the_mask_only() {
    // Odd sizes, and not the painter's own.
    let base = RgbImage::from_fn(333, 251, |x, y| {
        Rgb([
            (x * 7 % 256) as u8,
            (y * 5 % 256) as u8,
            ((x ^ y) % 256) as u8,
        ])
    });
    let mask = mask(333, 251);
    let request = GenerateRequest {
        base: Some(sent(&base)),
        mask: Some(sent(&mask)),
        refs: vec![reference("style", 0.8, &styled("fish", Style::SoftShading))],
        ..request(&drawn("apple"))
    };
    let made = paint(&request).await;
    assert_eq!(made.dimensions(), base.dimensions());
    let mut changed = 0;
    for (x, y, pixel) in made.enumerate_pixels() {
        if mask.get_pixel(x, y).0[0] == 0 {
            assert_eq!(pixel, base.get_pixel(x, y), "at {x},{y}");
        } else if pixel != base.get_pixel(x, y) {
            changed += 1;
        }
    }
    assert!(changed > 333 * 251 / 5, "only {changed} pixels changed");
}

#[tokio::test]
async fn a_seed_gives_the_same_bytes_and_another_one_does_not() {
    let style = styled("tree", Style::Impressionism);
    let with = |seed| GenerateRequest {
        refs: vec![reference("style", 0.8, &style)],
        seed: Some(seed),
        count: 2,
        aspect_ratio: Some("256:256".to_owned()),
        ..request(&drawn("cat"))
    };
    let first = generate(&LocalProvider, &with(5)).await.expect("pictures");
    let again = generate(&LocalProvider, &with(5)).await.expect("pictures");
    let later = generate(&LocalProvider, &with(6)).await.expect("pictures");
    assert_eq!(first.images[0].bytes, again.images[0].bytes);
    assert_ne!(first.images[0].bytes, first.images[1].bytes);
    assert_eq!(
        (first.images[1].seed, later.images[0].seed),
        (Some(6), Some(6))
    );
    assert_eq!(
        first.images[1].bytes, later.images[0].bytes,
        "each picture can be repeated with its own seed"
    );
}

#[tokio::test]
async fn previews_are_sent_during_the_work_and_cancelling_stops_it() {
    let style = styled("tree", Style::Impressionism);
    let request = GenerateRequest {
        refs: vec![reference("style", 0.8, &style)],
        ..request(&drawn("cat"))
    };
    let (context, recorder) = context();
    generate_in(&LocalProvider, &request, &context)
        .await
        .expect("a picture");
    let previews = recorder.previews.lock().clone();
    assert!(previews.len() >= 3, "{} previews", previews.len());
    for preview in previews.iter() {
        let preview = picture(&preview.bytes);
        assert_eq!(preview.width().max(preview.height()), 256);
    }
    let shares: Vec<f32> = recorder
        .progress
        .lock()
        .iter()
        .filter_map(|progress| progress.fraction)
        .collect();
    assert!(
        shares.windows(2).all(|pair| pair[0] <= pair[1]),
        "{shares:?}"
    );
    assert_eq!(shares.last(), Some(&1.0));

    let (context, recorder) = crate::support::context();
    let cancel = context.cancel.clone();
    let work = tokio::spawn(async move { generate_in(&LocalProvider, &request, &context).await });
    wait_until("it works", || async {
        !recorder.progress.lock().is_empty()
    })
    .await;
    cancel.cancel();
    let error = work.await.expect("ran").expect_err("cancelled");
    assert_eq!(error.class, FailureClass::Cancelled);
}

#[tokio::test]
async fn the_ratio_is_honoured_and_the_receipt_is_correct() {
    let request = GenerateRequest {
        prompt: Some("a red cat".into()),
        negative_prompt: Some("dogs".into()),
        aspect_ratio: Some("16:9".into()),
        style_tags: vec!["pixel_art".into(), "bokeh".into()],
        ..request(&drawn("cat"))
    };
    let made = generate(&LocalProvider, &request).await.expect("a picture");
    let image = &made.images[0];
    let ratio = image.width as f32 / image.height as f32;
    assert!(
        (ratio - 16.0 / 9.0).abs() < 0.04,
        "{}x{}",
        image.width,
        image.height
    );
    let treatment = |input: &str| made.receipt.line(input).map(|line| line.treatment);
    assert_eq!(treatment("sketch"), Some(Treatment::Honoured));
    assert_eq!(treatment("seed"), Some(Treatment::Honoured));
    assert_eq!(treatment("prompt"), Some(Treatment::Approximated));
    assert_eq!(treatment("negative_prompt"), Some(Treatment::Dropped));
    assert_eq!(treatment("style_tags[0]"), Some(Treatment::Honoured));
    assert_eq!(treatment("style_tags[1]"), Some(Treatment::Dropped));
    let strict = GenerateRequest {
        strict: true,
        ..request
    };
    let refused = admit(&LocalProvider, &strict).expect_err("not everything is honoured");
    assert!(
        refused.message.contains("negative_prompt") && refused.message.contains("style_tags[1]"),
        "{}",
        refused.message
    );
}

#[tokio::test]
async fn any_combination_of_inputs_gives_a_picture() {
    let style = styled("planet", Style::Vaporwave);
    let subject = styled("dog", Style::VectorArt);
    let empty = flat(900, 600, [255, 255, 255]);
    let refs = |list: &[(&str, &RgbImage)]| {
        list.iter()
            .map(|(role, picture)| reference(role, 0.7, picture))
            .collect::<Vec<_>>()
    };
    let tiny = flat(1, 1, [9, 9, 9]);
    for (what, request) in [
        (
            "words alone",
            GenerateRequest {
                prompt: Some("a red sunset".into()),
                ..GenerateRequest::default()
            },
        ),
        ("an empty sketch", request(&empty)),
        (
            "a subject alone",
            GenerateRequest {
                refs: refs(&[("subject", &subject)]),
                ..GenerateRequest::default()
            },
        ),
        (
            "a style alone",
            GenerateRequest {
                refs: refs(&[("style", &style)]),
                aspect_ratio: Some("256:256".to_owned()),
                ..GenerateRequest::default()
            },
        ),
        (
            "a base and a style",
            GenerateRequest {
                base: Some(sent(&subject)),
                refs: refs(&[("style", &style)]),
                aspect_ratio: Some("256:256".to_owned()),
                ..GenerateRequest::default()
            },
        ),
        (
            "many styles",
            GenerateRequest {
                refs: refs(&[("style", &style); 16]),
                aspect_ratio: Some("256:256".to_owned()),
                ..request(&drawn("cat"))
            },
        ),
        (
            "one pixel",
            GenerateRequest {
                sketch: Some(sent(&tiny)),
                base: Some(sent(&tiny)),
                refs: refs(&[("style", &tiny), ("subject", &tiny)]),
                aspect_ratio: Some("256:256".to_owned()),
                ..GenerateRequest::default()
            },
        ),
        (
            "a very wide sketch",
            GenerateRequest {
                refs: refs(&[("style", &style)]),
                ..request(&flat(3000, 100, [0, 0, 0]))
            },
        ),
    ] {
        let made = generate(&LocalProvider, &request)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let made = picture(&made.images[0].bytes);
        assert!(made.width() >= 128 && made.height() >= 128, "{what}");
    }
}
