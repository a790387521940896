//! Bad input gives a clear error, in bounded memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

use clippy_core::{Error, ErrorCode};
use clippy_imaging::{DecodeError, DecodeLimits, decode, decode_file, probe};
use image::ImageFormat;

use crate::make;

/// Counts the most bytes that the current thread holds, so that "bounded" is measured.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all calls are forwarded to the system's allocator; only the counters are added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            held.set(held.get() + layout.size());
            let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
        });
        // SAFETY: the caller guarantees what the system's allocator requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(layout.size())));
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work`, and returns the most bytes that this thread held meanwhile, beyond what it held
/// before.
pub fn memory_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    MOST.set(before);
    let outcome = work();
    (outcome, MOST.get() - before)
}

fn refused(bytes: &[u8]) -> DecodeError {
    decode(bytes, &DecodeLimits::default()).expect_err("this is not a valid picture")
}

#[test]
fn empty_and_foreign_files_are_not_pictures() {
    assert!(matches!(refused(b""), DecodeError::Empty));
    for nonsense in [
        &b"hello"[..],
        b"<!doctype html><html></html>",
        b"{\"a\": 1}",
        &[0; 5000],
        b"\x89PN",
        b"GIF",
    ] {
        assert!(
            matches!(refused(nonsense), DecodeError::NotAPicture),
            "{nonsense:?}"
        );
    }
    let error = Error::from(refused(b"hello"));
    assert_eq!(error.code, ErrorCode::InvalidPicture);
    assert!(error.message.contains("PNG, JPEG"), "{error}");
}

#[test]
fn unsupported_formats_are_named() {
    for (bytes, name) in [
        (&b"%PDF-1.7\n"[..], "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
    ] {
        let error = refused(bytes);
        assert!(
            matches!(&error, DecodeError::Unsupported { what } if what.to_uppercase().contains(&name.to_uppercase())),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_truncated_file_of_any_format_is_an_error() {
    let picture = make::scene(37, 23);
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        let whole = make::file(&picture, format);
        assert!(
            decode(&whole, &DecodeLimits::default()).is_ok(),
            "{format:?}"
        );
        for cut in [
            1,
            3,
            9,
            20,
            40,
            whole.len() / 4,
            whole.len() / 2,
            whole.len() * 3 / 4,
        ] {
            let error = refused(&whole[..cut]);
            let code = Error::from(error).code;
            assert_eq!(code, ErrorCode::InvalidPicture, "{format:?} cut at {cut}");
        }
        let truncated = refused(&whole[..whole.len() * 3 / 4]);
        println!("{format:?}: {truncated}");
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let picture = make::scene(29, 31);
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        let whole = make::file(&picture, format);
        for at in (0..whole.len()).step_by(whole.len() / 150 + 1) {
            for flip in [0xff, 0x80, 0x01] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                let limits = DecodeLimits {
                    pixels: 1 << 22,
                    allocation: 32 << 20,
                    ..DecodeLimits::default()
                };
                let (_, memory) =
                    memory_of(|| decode(&damaged, &limits).map(|picture| picture.dimensions()));
                assert!(
                    memory < 96 << 20,
                    "{format:?} with byte {at} flipped took {memory} bytes"
                );
            }
        }
    }
}

#[test]
fn a_header_with_a_huge_size_is_refused_without_allocating() {
    let bytes = make::png_that_claims(60_000, 60_000);
    let (error, memory) = memory_of(|| refused(&bytes));
    assert!(
        matches!(
            error,
            DecodeError::TooManyPixels {
                width: 60_000,
                height: 60_000,
                ..
            } | DecodeError::TooMuchMemory { .. }
        ),
        "{error}"
    );
    assert!(memory < 1 << 20, "{memory} bytes");
    assert_eq!(Error::from(error).code, ErrorCode::TooLarge);
    // GIF and BMP put their size in the header as well.
    let mut gif = make::animated_gif(4, 4);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let (error, memory) = memory_of(|| refused(&gif));
    assert_eq!(Error::from(error).code, ErrorCode::TooLarge);
    assert!(memory < 1 << 20, "{memory} bytes");
}

#[test]
fn the_largest_picture_stays_within_its_memory() {
    let limits = DecodeLimits {
        pixels: 1024 * 1024,
        allocation: 8 << 20,
        ..DecodeLimits::default()
    };
    let bytes = make::file(&make::scene(1024, 1024), ImageFormat::Png);
    let (picture, memory) = memory_of(|| decode(&bytes, &limits).unwrap());
    assert_eq!(picture.dimensions(), (1024, 1024));
    assert!(memory <= (8 << 20) + 2 * 3 * 1024 * 1024, "{memory} bytes");
    let bytes = make::file(&make::scene(1025, 1024), ImageFormat::Png);
    assert!(matches!(
        decode(&bytes, &limits),
        Err(DecodeError::TooManyPixels { width: 1025, .. })
    ));
}

#[test]
fn a_file_of_200_megabytes_is_refused_without_reading_it() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&make::file(&make::scene(8, 8), ImageFormat::Png))
        .unwrap();
    file.as_file().set_len(200 << 20).unwrap();
    let (error, memory) =
        memory_of(|| decode_file(file.path(), &DecodeLimits::default()).unwrap_err());
    assert!(
        matches!(error, DecodeError::TooManyBytes { bytes, .. } if bytes == 200 << 20),
        "{error}"
    );
    assert!(memory < 1 << 20, "{memory} bytes");
    assert_eq!(Error::from(error).code, ErrorCode::TooLarge);
    let small = DecodeLimits {
        bytes: 10,
        ..DecodeLimits::default()
    };
    assert!(matches!(
        decode(b"0123456789a", &small),
        Err(DecodeError::TooManyBytes {
            bytes: 11,
            limit: 10
        })
    ));
}

#[test]
fn a_missing_file_and_a_folder_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let missing =
        decode_file(&folder.path().join("none.png"), &DecodeLimits::default()).unwrap_err();
    assert!(missing.to_string().contains("none.png"), "{missing}");
    assert_eq!(Error::from(missing).code, ErrorCode::NotFound);
    assert!(decode_file(folder.path(), &DecodeLimits::default()).is_err());
}

#[test]
fn probing_reads_no_pixels() {
    let bytes = make::png_that_claims(5000, 4000);
    let (probed, memory) = memory_of(|| probe(&bytes).unwrap());
    assert_eq!(
        (probed.width, probed.height, probed.format.media_type()),
        (5000, 4000, "image/png")
    );
    assert!(memory < 1 << 20, "{memory} bytes");
    assert!(matches!(probe(b""), Err(DecodeError::Empty)));
}
