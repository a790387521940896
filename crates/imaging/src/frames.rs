//! The sizes of the frames inside GIF and WebP files. A frame's size need not agree with that of
//! the whole picture, and decoders take memory for the frame.

use crate::format::PictureFormat;
use crate::limits::{DecodeError, DecodeLimits};

/// Returns the most bytes that the decoder uses for a GIF's first frame, the only one that is
/// decoded, besides the canvas. 0 when the blocks before it cannot be read; then the decoder
/// reports the error.
///
/// # Errors
/// Like [`DecodeLimits::check_sides`], for the frame.
pub(crate) fn memory_of_gif_frame(bytes: &[u8], limits: &DecodeLimits) -> Result<u64, DecodeError> {
    let Some(frame) = first_gif_frame(bytes) else {
        return Ok(0);
    };
    limits.check_sides(frame.width, frame.height)?;
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    // A colour index for each pixel, and four bytes of colour unless they fit into the canvas.
    Ok(if frame.spans_canvas {
        pixels
    } else {
        5 * pixels
    })
}

struct GifFrame {
    width: u32,
    height: u32,
    /// Whether it spans the canvas from left to right, and lies within it.
    spans_canvas: bool,
}

fn first_gif_frame(bytes: &[u8]) -> Option<GifFrame> {
    const EXTENSION: u8 = 0x21;
    const IMAGE: u8 = 0x2c;
    /// The signature and the logical screen descriptor.
    const HEADER: usize = 13;

    let side = |at: usize| -> Option<u32> {
        let [low, high] = *bytes.get(at..at + 2)?.as_array()?;
        Some(u16::from_le_bytes([low, high]).into())
    };
    let mut at = HEADER + colour_table(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            IMAGE => {
                let (left, top) = (side(at + 1)?, side(at + 3)?);
                let (width, height) = (side(at + 5)?, side(at + 7)?);
                return Some(GifFrame {
                    width,
                    height,
                    spans_canvas: left == 0 && width == side(6)? && top + height <= side(8)?,
                });
            }
            EXTENSION => {
                // An extension: a label, then length-prefixed blocks up to an empty one.
                at += 2;
                loop {
                    let length = usize::from(*bytes.get(at)?);
                    at += 1 + length;
                    if length == 0 {
                        break;
                    }
                }
            }
            _ => return None,
        }
    }
}

/// Bytes of the global colour table, from the flags of the screen descriptor.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Refuses an extended WebP file with a frame that is larger than its canvas. The decoder compares
/// the sizes only after it has decoded the frame.
///
/// # Errors
/// [`DecodeError::Damaged`].
pub(crate) fn check_webp_frames(bytes: &[u8]) -> Result<(), DecodeError> {
    match larger_frame(bytes) {
        Some((width, height)) => Err(DecodeError::Damaged {
            format: PictureFormat::WebP,
            reason: format!("it has a frame of {width} x {height} pixels, larger than its canvas"),
        }),
        None => Ok(()),
    }
}

/// Returns whether the metadata of a WebP file is as long as the file claims. The decoder allocates
/// memory for it before it reads it.
pub(crate) fn holds_webp_metadata(bytes: &[u8]) -> bool {
    Chunks::of(bytes, FIRST_CHUNK)
        .filter(|chunk| &chunk.label == b"EXIF")
        .all(|chunk| chunk.length <= chunk.data.len())
}

/// Offset of the first chunk of a WebP file, after `RIFF`, a length and `WEBP`.
const FIRST_CHUNK: usize = 12;

fn larger_frame(bytes: &[u8]) -> Option<(u32, u32)> {
    /// The length of the header of an animation's frame, which precedes its chunks.
    const FRAME_HEADER: usize = 16;

    let mut chunks = Chunks::of(bytes, FIRST_CHUNK);
    let first = chunks.next().filter(|chunk| &chunk.label == b"VP8X")?;
    let side = |at: usize| -> Option<u32> {
        let [low, middle, high] = *first.data.get(at..at + 3)?.as_array()?;
        Some(1 + u32::from_le_bytes([low, middle, high, 0]))
    };
    let (width, height) = (side(4)?, side(7)?);
    let is_larger = |size: &(u32, u32)| size.0 > width || size.1 > height;
    for chunk in chunks {
        let found = if &chunk.label == b"ANMF" {
            // Either the pixels alone, or the alpha channel and then the pixels.
            Chunks::of(bytes, chunk.from + FRAME_HEADER)
                .take(2)
                .filter_map(|inner| inner.frame())
                .find(is_larger)
        } else {
            chunk.frame().filter(is_larger)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// A chunk of a RIFF file.
struct Chunk<'b> {
    label: [u8; 4],
    /// Offset of its data.
    from: usize,
    /// The length that it claims.
    length: usize,
    /// The data, as far as the file has them.
    data: &'b [u8],
}

impl Chunk<'_> {
    /// Returns the size of the frame in the chunk, if it is a frame.
    fn frame(&self) -> Option<(u32, u32)> {
        match &self.label {
            // A tag of three bytes and a start code of three; the upper bits of a side are a scale.
            b"VP8 " => {
                let [low, high, lower, higher] = *self.data.get(6..10)?.as_array()?;
                let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
                Some((side([low, high]), side([lower, higher])))
            }
            // A signature byte, then 14 bits for each side, which is stored minus one.
            b"VP8L" => {
                let header = u32::from_le_bytes(*self.data.get(1..5)?.as_array()?);
                Some((1 + (header & 0x3fff), 1 + (header >> 14 & 0x3fff)))
            }
            _ => None,
        }
    }
}

/// The chunks of a RIFF file, one after the other.
struct Chunks<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Chunks<'b> {
    fn of(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at }
    }
}

impl<'b> Iterator for Chunks<'b> {
    type Item = Chunk<'b>;

    fn next(&mut self) -> Option<Chunk<'b>> {
        let label = *self
            .bytes
            .get(self.at..self.at.checked_add(4)?)?
            .as_array()?;
        let length = *self.bytes.get(self.at + 4..self.at + 8)?.as_array()?;
        let length = u32::from_le_bytes(length) as usize;
        let from = self.at + 8;
        let rest = &self.bytes[from..];
        // A chunk of odd length is followed by a padding byte.
        self.at = from.saturating_add(length).saturating_add(length % 2);
        Some(Chunk {
            label,
            from,
            length,
            data: &rest[..length.min(rest.len())],
        })
    }
}
