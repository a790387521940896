//! Frames, strips and tiles that are larger than their picture: the memory for decoding is known
//! before it is taken.

use clippy_imaging::{Budget, DecodeError, DecodeLimits, decode, decode_within};
use image::ImageFormat;

use crate::bad_pictures::memory_of;
use crate::make::{self, Tag};

/// Most bytes that a refused file may take.
const LITTLE: usize = 1 << 20;

/// Expects that a file is refused, with little memory.
fn refused(bytes: &[u8]) -> DecodeError {
    let (error, memory) =
        memory_of(|| decode(bytes, &DecodeLimits::default()).expect_err("too large inside"));
    assert!(memory < LITTLE, "{memory} bytes, then {error}");
    error
}

#[test]
fn a_gif_frame_larger_than_its_canvas_counts_for_limits_and_budget() {
    let error = refused(&make::gif_with_frame(10_000, 10_000));
    assert!(
        matches!(error, DecodeError::TooManyPixels { width: 10_000, .. }),
        "{error}"
    );
    let budget = Budget::new(4 << 20);
    let (error, memory) = memory_of(|| {
        decode_within(
            &budget,
            &make::gif_with_frame(3000, 3000),
            &DecodeLimits::default(),
        )
        .expect_err("the frame does not fit")
    });
    assert!(
        matches!(error, DecodeError::TooMuchMemory { .. }),
        "{error}"
    );
    assert!(memory < LITTLE, "{memory} bytes");
}

#[test]
fn a_webp_frame_larger_than_its_canvas_is_refused_by_its_header() {
    let frame = make::vp8_frame(16_383, 16_383);
    let still = make::webp_of_one_pixel(0, std::slice::from_ref(&frame));
    let head = [vec![0; 12], vec![100, 0, 0, 0]].concat();
    let animated = make::webp_of_one_pixel(
        2,
        &[
            make::riff_chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]),
            make::riff_chunk(b"ANMF", &[head, frame].concat()),
        ],
    );
    for bytes in [still, animated] {
        let error = refused(&bytes);
        assert!(matches!(error, DecodeError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("16383 x 16383"), "{error}");
    }
}

#[test]
fn a_jpeg_inside_a_tiff_is_counted_by_its_own_size() {
    let mut jpeg = make::file(&make::scene(8, 8), ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("a frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3a, 0x98, 0x3a, 0x98]);
    let bytes = make::tiff(
        true,
        (8, 8),
        &[
            Tag::Short(258, vec![8, 8, 8]),
            Tag::Short(259, vec![7]),
            Tag::Short(262, vec![2]),
            Tag::Short(277, vec![3]),
        ],
        &jpeg,
    );
    let error = refused(&bytes);
    assert!(
        matches!(error, DecodeError::TooMuchMemory { .. }),
        "{error}"
    );
}

#[test]
fn a_tile_far_wider_than_its_tiff_is_counted() {
    let mut bytes = make::tiff(
        true,
        (8, 8),
        &[
            Tag::Short(258, vec![8, 8, 8, 8]),
            Tag::Short(259, vec![1]),
            Tag::Short(262, vec![2]),
            Tag::Short(277, vec![4]),
            Tag::Long(322, vec![1 << 28]),
            Tag::Long(323, vec![16]),
            // A fourth channel that is ignored, so that rows are unpacked beside the picture.
            Tag::Short(338, vec![0]),
        ],
        &[0; 64],
    );
    // The same offsets and lengths, of tiles instead of strips.
    for (strips, tiles) in [(273_u16, 324_u16), (279, 325)] {
        let entry = [strips.to_le_bytes(), 4_u16.to_le_bytes()].concat();
        let at = bytes.windows(4).position(|window| window == entry);
        let at = at.expect("the tag");
        bytes[at..at + 2].copy_from_slice(&tiles.to_le_bytes());
    }
    let error = refused(&bytes);
    assert!(
        matches!(error, DecodeError::TooMuchMemory { .. }),
        "{error}"
    );
}
