//! Pictures that are small files but huge when decoded: they are refused by their headers, or
//! scaled down when they are decoded.

use std::process::Command;
use std::sync::Arc;

use clippy_core::ErrorCode;
use clippy_generate::{
    GenerateRequest, Generation, Intake, LocalProvider, ReferenceInput, Resolver, data_url,
};
use clippy_painter::composite;
use image::{GrayImage, Luma, Rgb, RgbImage};

use crate::support::{drawn, generate, reference, resolver, sent};

// Shared with the tests of the crate that decodes pictures.
#[path = "../../../imaging/tests/imaging/make/png.rs"]
mod make;

/// The environment variable that tells the measured process what to do.
const MEASURED: &str = "CLIPPY_GENERATE_MEASURED";

fn zeros(width: u32, height: u32) -> String {
    data_url("image/png", &make::png_of_zeros(width, height, 8, 0))
}

/// Requests with this picture in each possible field.
fn everywhere(picture: &str) -> Vec<(&'static str, GenerateRequest)> {
    let base = || Some(sent(&RgbImage::new(64, 64)));
    let picture = || Some(picture.to_owned());
    let reference = |role: &str| {
        vec![ReferenceInput {
            role: role.to_owned(),
            image_url: picture(),
            ..ReferenceInput::default()
        }]
    };
    let request = GenerateRequest {
        style_tags: vec!["pixel_art".into()],
        ..GenerateRequest::default()
    };
    vec![
        (
            "refs[0]",
            GenerateRequest {
                refs: reference("style"),
                ..request.clone()
            },
        ),
        (
            "refs[0]",
            GenerateRequest {
                refs: reference("subject"),
                ..request.clone()
            },
        ),
        (
            "sketch",
            GenerateRequest {
                sketch: picture(),
                ..request.clone()
            },
        ),
        (
            "base",
            GenerateRequest {
                base: picture(),
                ..request.clone()
            },
        ),
        (
            "base",
            GenerateRequest {
                base: picture(),
                mask: base(),
                ..request.clone()
            },
        ),
        (
            "mask",
            GenerateRequest {
                base: base(),
                mask: picture(),
                ..request
            },
        ),
    ]
}

#[tokio::test]
async fn pictures_too_long_or_too_thin_are_refused_in_every_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let intake = Intake::open(folder.path().join("inputs")).expect("opened");
    for (width, height, expected) in [
        (1, 30_000_000, "no side may be longer"),
        (20_000, 900, "no side may be longer"),
        (1, 3_000, "32 times"),
    ] {
        for (field, request) in everywhere(&zeros(width, height)) {
            // By the API before the job is queued, and by the job, whose pictures may also come
            // from the gallery or a URL.
            let by_the_api = intake.take(request.clone()).await.expect_err(field);
            let by_the_job = resolver().resolve(&request).await.expect_err(field);
            for error in [by_the_api, by_the_job] {
                assert_eq!(
                    error.code,
                    ErrorCode::TooLarge,
                    "{field}, {width} x {height}: {error}"
                );
                assert!(
                    error.message.starts_with(field) && error.message.contains(expected),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_edit_is_refused_when_its_base_is_too_large_or_too_thin_for_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let intake = Intake::open(folder.path().join("inputs")).expect("opened");
    // Grey and not all black, so that the mask has something to edit.
    let painted = |width: u32, height: u32| {
        let row = [vec![0], vec![255; width as usize]].concat();
        let rows = make::zlib_stored(&row.repeat(height as usize));
        data_url(
            "image/png",
            &make::png_with(width, height, 8, 0, 0, &rows, &[]),
        )
    };
    for (width, height, expected) in [(900, 100, "8 times"), (5_600, 4_200, "megapixels")] {
        let picture = painted(width, height);
        let request = GenerateRequest {
            base: Some(picture.clone()),
            mask: Some(picture),
            style_tags: vec!["pixel_art".into()],
            ..GenerateRequest::default()
        };
        for error in [
            intake.take(request.clone()).await.expect_err(expected),
            resolver().resolve(&request).await.expect_err(expected),
        ] {
            assert!(
                error.code == ErrorCode::TooLarge && error.message.contains(expected),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn references_are_scaled_down_and_an_edited_base_is_not() {
    let large = RgbImage::from_fn(3200, 1600, |x, y| Rgb([(x / 13) as u8, (y / 7) as u8, 90]));
    let white = RgbImage::from_pixel(3200, 1600, Rgb([255; 3]));
    let request = GenerateRequest {
        refs: vec![
            reference("style", 0.5, &large),
            reference("subject", 0.5, &large),
        ],
        sketch: Some(sent(&large)),
        base: Some(sent(&large)),
        ..GenerateRequest::default()
    };
    let generation = resolver().resolve(&request).await.expect("good pictures");
    let sizes: Vec<(u32, u32)> = generation
        .references
        .iter()
        .map(|reference| reference.picture.dimensions())
        .collect();
    assert_eq!(sizes, [(1536, 768), (1536, 768)]);
    assert_eq!(
        generation.sketch.as_ref().map(RgbImage::dimensions),
        Some((2048, 1024))
    );
    assert_eq!(
        generation.base.as_deref().map(RgbImage::dimensions),
        Some((2048, 1024))
    );
    let held = generation.memory.as_ref().expect("it holds memory").bytes();
    let kept = 2 * 1536 * 768 * 3 + 2 * 2048 * 1024 * 3;
    assert!(
        (kept..kept + 4096).contains(&held),
        "{held} bytes for {kept}"
    );
    let edit = GenerateRequest {
        mask: Some(sent(&white)),
        ..request
    };
    let generation = resolver().resolve(&edit).await.expect("good pictures");
    assert_eq!(
        generation.base.as_deref(),
        Some(&large),
        "an edit keeps every pixel"
    );
    assert!(
        generation
            .memory
            .as_ref()
            .is_some_and(|memory| memory.bytes() > 3200 * 1600 * 9)
    );
}

#[test]
fn a_picture_of_any_ratio_is_composited_without_being_enlarged_first() {
    let base = RgbImage::from_pixel(400, 300, Rgb([10, 20, 30]));
    let mask = GrayImage::from_fn(400, 300, |x, _| Luma([if x < 200 { 255 } else { 0 }]));
    for (width, height) in [(1, 60_000), (60_000, 1), (1, 1), (3, 5)] {
        let made = composite(
            &base,
            &mask,
            &RgbImage::from_pixel(width, height, Rgb([250, 0, 0])),
        );
        assert_eq!(
            (*made.get_pixel(50, 50), *made.get_pixel(300, 50)),
            (Rgb([250, 0, 0]), Rgb([10, 20, 30]))
        );
    }
}

/// Does nothing by itself. The tests below start this program with it in a second process, whose
/// memory they measure.
#[tokio::test(flavor = "multi_thread")]
async fn measured_process() {
    let Ok(what) = std::env::var(MEASURED) else {
        return;
    };
    let resolver = Arc::new(resolver());
    if what == "references" {
        // 2 MB as a request, 0.3 GB as the file stores its pixels.
        let file = data_url("image/png", &make::png_of_zeros(3_000, 3_000, 16, 6));
        let one = ReferenceInput {
            role: "style".into(),
            image_url: Some(file),
            ..ReferenceInput::default()
        };
        let request = GenerateRequest {
            refs: vec![one; 4],
            ..GenerateRequest::default()
        };
        let requests = (0..5).map(|_| resolve(resolver.clone(), request.clone()));
        for generation in futures::future::join_all(requests).await {
            assert_eq!(generation.references.len(), 4);
        }
    } else {
        let thin = |width, height| RgbImage::from_pixel(width, height, Rgb([200, 90, 20]));
        for (wide, high) in [(500, 16_000), (16_000, 500)] {
            let request = GenerateRequest {
                sketch: Some(sent(&drawn("cat"))),
                refs: vec![
                    reference("style", 0.8, &thin(wide, high)),
                    reference("subject", 0.8, &thin(wide, high)),
                ],
                base: Some(sent(&thin(wide, high))),
                ..GenerateRequest::default()
            };
            generate(&LocalProvider, &request).await.expect("a picture");
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("this process");
    println!(
        "{}",
        status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .expect("its peak")
    );
}

async fn resolve(resolver: Arc<Resolver>, request: GenerateRequest) -> Generation {
    let task = tokio::spawn(async move { resolver.resolve(&request).await });
    task.await.expect("no panic").expect("good pictures")
}

/// Runs [`measured_process`] in a process of its own, and returns its peak memory in MiB.
fn peak(what: &str) -> u64 {
    let child = Command::new(std::env::current_exe().expect("this binary"))
        .args([
            "--exact",
            "hostile_pictures::measured_process",
            "--nocapture",
        ])
        .env(MEASURED, what)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&child.stderr)
    );
    let words = text
        .split_whitespace()
        .skip_while(|word| !word.ends_with("VmHWM:"));
    let kib: u64 = words
        .skip(1)
        .find_map(|word| word.parse().ok())
        .expect("a number");
    println!("{what}: {} MiB", kib >> 10);
    kib >> 10
}

#[test]
fn many_large_references_at_once_stay_within_the_memory_for_pictures() {
    let peak = peak("references");
    // Decoding all twenty at once would take 2 GB: the stored pixels, and their copy in RGB. Both
    // budgets together are 736 MiB.
    assert!(peak < 736, "{peak} MiB");
}

#[test]
fn the_thinnest_accepted_pictures_are_painted_in_little_memory() {
    let peak = peak("painting");
    assert!(peak < 420, "{peak} MiB");
}
