//! The memory for decoding the strips or tiles of a TIFF file, beside the picture. The size of a
//! part differs from the picture's, and the size of a JPEG inside a part may differ from both.

use std::io::{Read, Seek};

use tiff::decoder::Decoder;
use tiff::tags::Tag;

use crate::format::PictureFormat;
use crate::jpeg;
use crate::limits::DecodeError;

/// A value of the tag Compression: each part is a whole JPEG.
const JPEG: u64 = 7;
/// Most bytes before the pixels of a JPEG inside a TIFF with shared tables.
const LONGEST_HEADER: usize = 64 << 10;

/// Returns the most bytes for decoding one part, besides the picture. Parts are decoded one by one.
///
/// # Errors
/// [`DecodeError::Damaged`] for a JPEG part whose header cannot be read.
pub(crate) fn memory_of_a_part<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    bytes: &[u8],
) -> Result<u64, DecodeError> {
    let mut number = |tag: Tag| -> Option<u64> {
        let values = decoder.find_tag_unsigned_vec::<u64>(tag).ok().flatten();
        values.and_then(|values| values.first().copied())
    };
    let width = number(Tag::TileWidth)
        .max(number(Tag::ImageWidth))
        .unwrap_or(0);
    let bits = number(Tag::BitsPerSample).unwrap_or(1);
    let samples = number(Tag::SamplesPerPixel).unwrap_or(1);
    // A row of a part is unpacked as a whole, even when the picture is narrower.
    let row = width
        .saturating_mul(bits)
        .saturating_mul(samples)
        .div_ceil(8);
    if number(Tag::Compression) != Some(JPEG) {
        return Ok(row);
    }
    Ok(row.saturating_add(largest_jpeg(decoder, bytes)?))
}

/// Returns the memory for the largest JPEG of the file: a copy of it, its pixels and its
/// coefficients.
fn largest_jpeg<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    bytes: &[u8],
) -> Result<u64, DecodeError> {
    let unreadable = || DecodeError::Damaged {
        format: PictureFormat::Tiff,
        reason: "the list of its strips or tiles cannot be read".to_owned(),
    };
    let mut numbers = |tag: Tag| -> Result<Vec<u64>, DecodeError> {
        let values = decoder.find_tag_unsigned_vec::<u64>(tag);
        Ok(values.map_err(|_| unreadable())?.unwrap_or_default())
    };
    let mut offsets = numbers(Tag::StripOffsets)?;
    offsets.extend(numbers(Tag::TileOffsets)?);
    let mut lengths = numbers(Tag::StripByteCounts)?;
    lengths.extend(numbers(Tag::TileByteCounts)?);
    // The tables are a JPEG without pixels, followed by a part: the end marker of the tables and
    // the start marker of the part are dropped.
    let tables = decoder.get_tag_u8_vec(Tag::JPEGTables).unwrap_or_default();
    let tables = tables
        .len()
        .checked_sub(2)
        .map(|end| &tables[..end])
        .unwrap_or_default();
    let mut most = 0;
    for (offset, length) in offsets.iter().zip(lengths) {
        let part = usize::try_from(*offset)
            .ok()
            .and_then(|offset| bytes.get(offset..))
            .unwrap_or_default();
        let part = &part[..usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(part.len())];
        let need = if tables.is_empty() {
            jpeg::memory(part)
        } else {
            let after = part.get(2..).unwrap_or_default();
            // Only the length of a header, so that a large part is not copied.
            let after = &after[..after.len().min(LONGEST_HEADER)];
            jpeg::memory(&[tables, after].concat())
        };
        let need = need.ok_or_else(|| DecodeError::Damaged {
            format: PictureFormat::Tiff,
            reason: "the header of a JPEG inside it cannot be read".to_owned(),
        })?;
        most = most.max(need.saturating_add(part.len() as u64));
    }
    Ok(most)
}
