//! Memory is limited by a budget for any input: for one picture, and for all pictures of the
//! process.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use clippy_imaging::{
    Budget, DecodeError, DecodeLimits, decode, decode_sketch_within, decode_within, edge_map, probe,
};
use image::ImageFormat;

use crate::bad_pictures::memory_of;
use crate::make;

/// The environment variable that makes this test program the measured process.
const MEASURED: &str = "CLIPPY_IMAGING_MEASURED";

#[test]
fn a_picture_of_one_pixel_by_forty_million_is_refused_by_its_header() {
    let bytes = make::png_of_zeros(1, 40_000_000, 8, 0);
    assert!(bytes.len() < 1 << 20);
    let (error, memory) =
        memory_of(|| decode(&bytes, &DecodeLimits::default()).expect_err("too long"));
    assert!(
        matches!(
            error,
            DecodeError::TooLong {
                width: 1,
                height: 40_000_000,
                limit: 65_535
            }
        ),
        "{error}"
    );
    assert!(memory < 1 << 20, "{memory} bytes");
    assert_eq!(Error::from(error).code, ErrorCode::TooLarge);
    let (seen, memory) = memory_of(|| probe(&bytes).expect("a header"));
    assert!(
        (seen.width, seen.height) == (1, 40_000_000) && memory < 1 << 20,
        "{memory} bytes"
    );
}

#[test]
fn sides_and_ratios_are_limited() {
    let limits = DecodeLimits {
        side: 1000,
        stretch: 8,
        ..DecodeLimits::default()
    };
    let of = |width, height| decode(&make::png_of_zeros(width, height, 8, 2), &limits);
    assert_eq!(
        of(1000, 125).expect("eight to one").dimensions(),
        (1000, 125)
    );
    assert!(matches!(
        of(1001, 900),
        Err(DecodeError::TooLong { limit: 1000, .. })
    ));
    assert!(matches!(
        of(100, 801),
        Err(DecodeError::TooStretched { limit: 8, .. })
    ));
    let message = of(801, 100).expect_err("too thin").to_string();
    assert!(
        message.contains("801 x 100") && message.contains("8 times"),
        "{message}"
    );
}

#[test]
fn a_picture_with_a_side_of_0_is_no_picture() {
    for (width, height) in [(10_799_u16, 0_u16), (0, 3), (0, 0)] {
        let gif = make::gif_with_frame(width, height);
        let error = decode(&gif, &DecodeLimits::default()).expect_err("nothing to see");
        let message = error.to_string();
        assert!(
            message.contains(&format!("{width} x {height}")) && message.contains("a side is 0"),
            "{message}"
        );
        assert_eq!(Error::from(error).code, ErrorCode::InvalidPicture);
    }
}

#[test]
fn a_colour_profile_is_not_unpacked() {
    let unpacked = 200 << 20;
    let profile = [b"profile\0\0".to_vec(), make::zlib_zeros(unpacked)].concat();
    assert!(profile.len() < 2 << 20);
    let pixels = make::zlib_zeros((1 + 3 * 8) * 8);
    let bytes = make::png_with(8, 8, 8, 2, 0, &pixels, &[(b"iCCP", profile)]);
    for read in [
        |bytes: &[u8]| decode(bytes, &DecodeLimits::default()).map(|_| ()),
        |bytes: &[u8]| probe(bytes).map(|_| ()),
    ] {
        let (outcome, memory) = memory_of(|| read(&bytes));
        outcome.expect("a picture");
        assert!(memory < 4 << 20, "{memory} bytes");
    }
    // Texts are not unpacked either.
    let text = [b"Comment\0\0".to_vec(), make::zlib_zeros(unpacked)].concat();
    let bytes = make::png_with(8, 8, 8, 2, 0, &pixels, &[(b"zTXt", text)]);
    let (outcome, memory) = memory_of(|| decode(&bytes, &DecodeLimits::default()));
    outcome.expect("a picture");
    assert!(memory < 4 << 20, "{memory} bytes");
}

#[test]
fn pictures_with_sixteen_bits_or_alpha_take_no_more_than_rgb() {
    let pixels = 1500 * 1000;
    for (depth, kind) in [(8, 0), (8, 2), (8, 6), (16, 0), (16, 2), (16, 6)] {
        let bytes = make::png_of_zeros(1500, 1000, depth, kind);
        let (picture, memory) =
            memory_of(|| decode(&bytes, &DecodeLimits::default()).expect("a picture"));
        assert_eq!(picture.dimensions(), (1500, 1000));
        assert!(
            memory < 3 * pixels + (2 << 20),
            "{depth} bits of kind {kind}: {memory} bytes"
        );
    }
    // Other formats are converted to RGB in the buffer that they were read into. Some decoders hold
    // as much again.
    for (format, most) in [
        (ImageFormat::Bmp, 3),
        (ImageFormat::Jpeg, 3),
        (ImageFormat::WebP, 7),
        (ImageFormat::Gif, 8),
    ] {
        let bytes = make::file(&make::scene(1500, 1000), format);
        let (picture, memory) =
            memory_of(|| decode(&bytes, &DecodeLimits::default()).expect("a picture"));
        assert_eq!(picture.dimensions(), (1500, 1000));
        assert!(
            memory < most * pixels + bytes.len() + (2 << 20),
            "{format:?}: {memory} bytes"
        );
    }
}

#[test]
fn pictures_that_exceed_the_budget_wait() {
    // A picture holds six bytes per pixel while it is processed: the budget is enough for two.
    let budget = Budget::new(2 * 6 * 512 * 512 + 4096);
    let bytes = make::png_of_zeros(512, 512, 8, 2);
    let limits = DecodeLimits {
        patience: Duration::from_secs(120),
        ..DecodeLimits::default()
    };
    let (at_once, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let picture = decode_within(&budget, &bytes, &limits).expect("its turn comes");
                most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let edges = edge_map(&picture);
                at_once.fetch_sub(1, Ordering::SeqCst);
                drop(picture);
                edges
            });
        }
    });
    assert!(
        (1..=2).contains(&most.load(Ordering::SeqCst)),
        "{most:?} at a time"
    );
    assert_eq!(
        budget.free() / 1024,
        budget.total() / 1024,
        "all of it came back"
    );
}

#[test]
fn a_picture_beyond_the_budget_is_refused_and_a_long_wait_gives_a_retryable_error() {
    let budget = Budget::new(6 << 20);
    let limits = DecodeLimits {
        patience: Duration::from_millis(30),
        ..DecodeLimits::default()
    };
    let large = make::png_of_zeros(1100, 1000, 8, 2);
    let (error, memory) =
        memory_of(|| decode_within(&budget, &large, &limits).expect_err("more than there is"));
    assert!(
        matches!(error, DecodeError::TooMuchMemory { limit } if limit == 6 << 20),
        "{error}"
    );
    assert!(memory < 1 << 20, "{memory} bytes");
    assert_eq!(Error::from(error).code, ErrorCode::TooLarge);

    let small = make::png_of_zeros(900, 1000, 8, 2);
    let held = decode_within(&budget, &small, &limits).expect("there is room");
    let error = Error::from(decode_within(&budget, &small, &limits).expect_err("there is none"));
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("try again"), "{error}");
    drop(held);
    decode_within(&budget, &small, &limits).expect("there is room again");
}

#[test]
fn a_sketch_is_trimmed_within_the_memory_that_it_holds() {
    let (side, pixels) = (1200, 1200 * 1200);
    // Enough for the picture and its square, and nothing else.
    let budget = Budget::new(20 << 20);
    let limits = DecodeLimits {
        patience: Duration::from_millis(30),
        ..DecodeLimits::default()
    };
    let photo = make::file(&make::scene(side, side), ImageFormat::Png);
    let (whole, memory) = memory_of(|| {
        decode_sketch_within(&budget, &photo, &limits)
            .expect("a picture")
            .expect("no paper")
    });
    assert_eq!(whole.dimensions(), (side, side));
    assert!(memory < 4 * pixels, "{memory} bytes: it was copied");
    let held = budget.total() - budget.free();
    assert!(held.abs_diff(6 * pixels as u64) <= 1024, "{held} bytes");
    drop(whole);

    // A thin line becomes a square that is larger than the picture: all of it counts.
    let mut line = clippy_imaging::RgbImage::from_pixel(1500, 20, image::Rgb([255; 3]));
    for x in 2..1498 {
        line.put_pixel(x, 10, image::Rgb([0; 3]));
    }
    let line = make::file(&line, ImageFormat::Png);
    let square = decode_sketch_within(&budget, &line, &limits)
        .expect("a picture")
        .expect("a line");
    let held = 6 * u64::from(square.width()) * u64::from(square.height());
    assert!(square.width() > 1500 && budget.total() - budget.free() >= held);
    drop(square);
    assert_eq!(budget.free(), budget.total());
    let little = Budget::new(6 << 20);
    assert!(matches!(
        decode_sketch_within(&little, &line, &limits),
        Err(DecodeError::TooMuchMemory { .. })
    ));
    let white = clippy_imaging::RgbImage::from_pixel(90, 90, image::Rgb([255; 3]));
    let empty = make::file(&white, ImageFormat::Png);
    assert!(
        decode_sketch_within(&budget, &empty, &limits)
            .expect("a picture")
            .is_none()
    );
}

/// Not a test by itself: the measured process runs this.
#[test]
fn measured() {
    if std::env::var_os(MEASURED).is_none() {
        return;
    }
    let bytes = make::png_of_zeros(3600, 3600, 16, 6);
    let limits = DecodeLimits {
        patience: Duration::from_secs(300),
        ..DecodeLimits::default()
    };
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let picture = decode(&bytes, &limits).expect("a picture");
                assert_eq!(edge_map(&picture).width(), 3600);
            });
        }
    });
    let status = std::fs::read_to_string("/proc/self/status").expect("this process");
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("its peak");
    println!("{peak}");
}

#[test]
fn a_process_stays_small_while_decoding_many_large_pictures() {
    let child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "memory::measured", "--nocapture"])
        .env(MEASURED, "1")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{text}");
    let peak = text
        .split_whitespace()
        .skip_while(|word| !word.ends_with("VmHWM:"))
        .nth(1)
        .and_then(|kib| kib.parse().ok());
    let peak: u64 = peak.expect("a number");
    // Twelve of them take 1.7 GB as stored in their files; the budget of all pictures is 416 MiB.
    assert!(peak < 520 * 1024, "{peak} KiB");
}
