//! Decodes PNG row by row into RGB, without a second buffer for the file's own pixels and without
//! unpacking what is not needed (colour profiles, texts). A file without its end is accepted when
//! it has all rows.

use std::io::{Cursor, ErrorKind};

use image::RgbImage;
use image::metadata::Orientation;
use png::{BitDepth, ColorType, DecodingError, InterlaceInfo, Limits, Reader, Transformations};

use crate::format::PictureFormat;
use crate::limits::{DecodeError, DecodeLimits};
use crate::pixels::{Layout, Sample, on_white};

/// Most bytes for anything but the picture: the chunks that are read, and a few rows.
const BESIDES: usize = 16 << 20;

/// A PNG whose header has been read.
pub(crate) struct Png<'b> {
    reader: Reader<Cursor<&'b [u8]>>,
}

impl<'b> Png<'b> {
    /// Reads everything before the pixels.
    pub(crate) fn open(bytes: &'b [u8], limits: &DecodeLimits) -> Result<Self, DecodeError> {
        let mut decoder =
            png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: BESIDES });
        decoder.set_ignore_text_chunk(true);
        // A small file may contain a profile that unpacks to any size.
        decoder.set_ignore_iccp_chunk(true);
        let (width, height) = decoder.read_header_info().map_err(from_png)?.size();
        limits.check_sides(width, height)?;
        decoder.set_transformations(Transformations::EXPAND);
        Ok(Self {
            reader: decoder.read_info().map_err(from_png)?,
        })
    }

    pub(crate) fn dimensions(&self) -> (u32, u32) {
        self.reader.info().size()
    }

    pub(crate) fn orientation(&self) -> Orientation {
        let exif = self.reader.info().exif_metadata.as_ref();
        exif.and_then(|exif| Orientation::from_exif_chunk(exif))
            .unwrap_or(Orientation::NoTransforms)
    }

    /// Returns the most bytes that [`Png::read`] allocates, including its result.
    pub(crate) fn need(&self) -> u64 {
        let (width, height) = self.dimensions();
        // The widest row has eight bytes a pixel, and a few of them are held at a time.
        u64::from(width) * u64::from(height) * 3 + u64::from(width) * 8 * 8 + (1 << 20)
    }

    pub(crate) fn read(mut self) -> Result<RgbImage, DecodeError> {
        let (width, height) = self.dimensions();
        let layout = self.layout()?;
        let row_bytes = width as usize * 3;
        let mut picture = RgbImage::new(width, height);
        let mut rgb = vec![0; row_bytes];
        let (mut line, mut missing) = (0, self.rows());
        loop {
            let row = match self.reader.next_interlaced_row() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                // Chunks after the rows are not read.
                Err(DecodingError::IoError(error))
                    if missing == 0 && error.kind() == ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(error) => return Err(from_png(error)),
            };
            missing = missing.saturating_sub(1);
            let rgb = &mut rgb[..row.data().len() / layout.bytes() * 3];
            on_white(layout, row.data(), rgb);
            match row.interlace() {
                InterlaceInfo::Null(_) => {
                    if let Some(target) = picture.get_mut(line..line + row_bytes) {
                        target.copy_from_slice(rgb);
                    }
                    line += row_bytes;
                }
                InterlaceInfo::Adam7(pass) => {
                    png::expand_interlaced_row(&mut picture, row_bytes, rgb, pass, 24)
                }
            }
        }
        Ok(picture)
    }

    /// Returns the number of stored rows: those of all passes of an interlaced file.
    fn rows(&self) -> u64 {
        /// The first column and row of each pass of Adam7, and the step between its rows.
        const PASSES: [(u32, u32, u32); 7] = [
            (0, 0, 8),
            (4, 0, 8),
            (0, 4, 8),
            (2, 0, 4),
            (0, 2, 4),
            (1, 0, 2),
            (0, 1, 2),
        ];
        let (width, height) = self.dimensions();
        if !self.reader.info().interlaced {
            return height.into();
        }
        let passes = PASSES.iter().filter(|(left, ..)| width > *left);
        passes
            .map(|(_, top, step)| u64::from(height.saturating_sub(*top).div_ceil(*step)))
            .sum()
    }

    fn layout(&self) -> Result<Layout, DecodeError> {
        let (colour, depth) = self.reader.output_color_type();
        let channels = match colour {
            ColorType::Grayscale => 1,
            ColorType::GrayscaleAlpha => 2,
            ColorType::Rgb => 3,
            ColorType::Rgba => 4,
            // Palettes have been expanded.
            ColorType::Indexed => {
                return Err(damaged("its colours are of no known kind".to_owned()));
            }
        };
        let sample = if depth == BitDepth::Sixteen {
            Sample::Short { high: 0 }
        } else {
            Sample::Byte
        };
        Ok(Layout { channels, sample })
    }
}

fn damaged(reason: String) -> DecodeError {
    DecodeError::Damaged {
        format: PictureFormat::Png,
        reason,
    }
}

fn from_png(error: DecodingError) -> DecodeError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            DecodeError::Truncated {
                format: PictureFormat::Png,
            }
        }
        DecodingError::LimitsExceeded => damaged(format!(
            "the data before its pixels have over {BESIDES} bytes"
        )),
        error => damaged(error.to_string()),
    }
}
