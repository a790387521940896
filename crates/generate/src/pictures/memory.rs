//! Limits on the size of a generation's pictures, and the memory that they take.

use std::time::Duration;

use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{Budget, DecodeLimits, RgbImage};

use crate::contract::MOST_REFERENCES;

/// The longest side to which references are scaled: the largest that any provider is sent.
pub(crate) const REFERENCE_SIDE: u32 = 1536;
/// The longest side to which sketches are scaled, and bases that are not edited: the largest
/// picture that any provider makes.
pub(crate) const DRAWING_SIDE: u32 = 2048;
/// How long a job waits for its share of the memory.
pub(crate) const MEMORY_PATIENCE: Duration = Duration::from_secs(600);

/// The longest allowed side of an uploaded or fetched picture.
const LONGEST_SIDE: u32 = 16_384;
/// The largest allowed ratio of the longer to the shorter side. Comic strips can be thirty times
/// as high as wide.
const MOST_STRETCHED: u32 = 32;
/// The same for the base of an edit, which determines the new picture's ratio: the limit of
/// `aspect_ratio`.
const MOST_STRETCHED_EDIT: u32 = 8;
/// Bytes that an edit needs for each pixel: the base, its mask, the new picture at the same size,
/// the depth of the seam, and the new file.
const EDIT_PIXEL: u64 = 10;

/// Limits for a request that a caller waits for.
pub(crate) const INTAKE: DecodeLimits = DecodeLimits {
    bytes: 24 << 20,
    pixels: 40_000_000,
    side: LONGEST_SIDE,
    stretch: MOST_STRETCHED,
    allocation: 400 << 20,
    patience: Duration::from_secs(20),
};

/// Limits for a job, which can wait for memory.
pub(crate) const JOB: DecodeLimits = DecodeLimits {
    patience: MEMORY_PATIENCE,
    ..INTAKE
};

/// Bytes of a picture.
pub(crate) fn bytes_of(picture: &RgbImage) -> u64 {
    picture.as_raw().len() as u64
}

/// Bytes of a square picture.
pub(crate) fn square_bytes(side: u32) -> u64 {
    u64::from(side) * u64::from(side) * 3
}

/// Bytes that an edit of a base of this size needs.
pub(crate) fn edit_bytes((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height) * EDIT_PIXEL
}

/// Checks that a base of this size can be edited under a mask.
///
/// # Errors
/// [`ErrorCode::TooLarge`] with the reason and what to do.
pub(crate) fn check_edit((width, height): (u32, u32)) -> Result<()> {
    INTAKE.check_sides(width, height).map_err(|error| {
        let error = Error::from(error);
        Error {
            message: format!("base: {}", error.message),
            ..error
        }
    })?;
    let too_large = |message: String| Err(Error::new(ErrorCode::TooLarge, message));
    // The same job may also have references and a sketch.
    let others = square_bytes(REFERENCE_SIDE) * MOST_REFERENCES as u64 + square_bytes(DRAWING_SIDE);
    let most = Budget::of_jobs().total().saturating_sub(others) / EDIT_PIXEL;
    if u64::from(width) * u64::from(height) > most {
        return too_large(format!(
            "base is {width} x {height} pixels, but at most {} megapixels can be edited under a \
             mask: scale base and mask down",
            most / 1_000_000
        ));
    }
    if width.max(height) > width.min(height).saturating_mul(MOST_STRETCHED_EDIT) {
        return too_large(format!(
            "base is {width} x {height} pixels, but for an edit its longer side may be at most \
             {MOST_STRETCHED_EDIT} times its shorter side: crop base and mask to the part around \
             the edit"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_request_fits_the_memory_of_jobs() {
        let references = square_bytes(REFERENCE_SIDE) * MOST_REFERENCES as u64;
        let drawing = square_bytes(DRAWING_SIDE);
        let all = Budget::of_jobs().total();
        assert!(
            references + 2 * drawing <= all,
            "{references} + 2 * {drawing}"
        );
        let largest_edit = (1..)
            .take_while(|side| check_edit((*side, *side)).is_ok())
            .last()
            .expect("one can be edited");
        assert!(largest_edit >= 4000, "{largest_edit}");
        assert!(references + drawing + edit_bytes((largest_edit, largest_edit)) <= all);
    }

    #[test]
    fn bases_too_large_or_too_thin_to_edit_are_refused_with_the_reason() {
        let large = check_edit((7000, 5000)).expect_err("35 megapixels");
        assert!(
            large.code == ErrorCode::TooLarge && large.message.contains("megapixels"),
            "{}",
            large.message
        );
        let thin = check_edit((100, 900)).expect_err("nine to one");
        assert!(
            thin.code == ErrorCode::TooLarge && thin.message.contains("8 times"),
            "{}",
            thin.message
        );
        check_edit((100, 800)).expect("eight to one");
    }
}
