//! Pictures in forms that are rare but valid.

use clippy_imaging::{DecodeError, DecodeLimits, RgbImage, decode};
use image::{DynamicImage, ImageFormat, Rgb};
use png::{BitDepth, ColorType};

use crate::make;

fn read(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    decode(bytes, &DecodeLimits::default()).map(clippy_imaging::Picture::into_pixels)
}

/// Returns the pixels as the `image` crate reads them, on a white background.
fn expected(bytes: &[u8]) -> RgbImage {
    let over = |value: u8, alpha: u8| {
        ((u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8
    };
    match image::load_from_memory(bytes).expect("a picture") {
        DynamicImage::ImageRgb16(picture) => {
            RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
                Rgb(picture.get_pixel(x, y).0.map(|value| (value >> 8) as u8))
            })
        }
        DynamicImage::ImageLuma16(picture) => {
            RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
                Rgb([(picture.get_pixel(x, y).0[0] >> 8) as u8; 3])
            })
        }
        DynamicImage::ImageRgba16(picture) => {
            RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
                let [red, green, blue, alpha] =
                    picture.get_pixel(x, y).0.map(|value| (value >> 8) as u8);
                Rgb([over(red, alpha), over(green, alpha), over(blue, alpha)])
            })
        }
        DynamicImage::ImageLumaA16(picture) => {
            RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
                let [grey, alpha] = picture.get_pixel(x, y).0.map(|value| (value >> 8) as u8);
                Rgb([over(grey, alpha); 3])
            })
        }
        other => {
            let picture = other.into_rgba8();
            RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
                let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
                Rgb([over(red, alpha), over(green, alpha), over(blue, alpha)])
            })
        }
    }
}

fn encoded(
    width: u32,
    height: u32,
    colour: ColorType,
    depth: BitDepth,
    transparent: Option<Vec<u8>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        let colours = 1 << (depth as u8);
        encoder.set_palette(
            (0..colours * 3)
                .map(|at| (at * 83 % 256) as u8)
                .collect::<Vec<u8>>(),
        );
    }
    if let Some(transparent) = transparent {
        encoder.set_trns(transparent);
    }
    let row = (width as usize * colour.samples() * depth as usize).div_ceil(8);
    let data: Vec<u8> = (0..row * height as usize)
        .map(|at| (at * 59 + at / row * 7) as u8)
        .collect();
    encoder
        .write_header()
        .expect("a header")
        .write_image_data(&data)
        .expect("its pixels");
    bytes
}

#[test]
fn every_kind_of_png_is_read_as_the_image_crate_reads_it() {
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb as Colour, Rgba};
    let kinds = [
        (Grayscale, vec![One, Two, Four, Eight, Sixteen]),
        (GrayscaleAlpha, vec![Eight, Sixteen]),
        (Indexed, vec![One, Two, Four, Eight]),
        (Colour, vec![Eight, Sixteen]),
        (Rgba, vec![Eight, Sixteen]),
    ];
    for (colour, depths) in kinds {
        for depth in depths {
            let transparent = match (colour, depth) {
                (Indexed, _) => Some(vec![0, 128]),
                (Grayscale, Eight) => Some(vec![0, 59]),
                (Colour, Eight) => Some(vec![0, 0, 0, 59, 0, 118]),
                _ => None,
            };
            for transparent in [None, transparent] {
                let bytes = encoded(19, 11, colour, depth, transparent.clone());
                let picture =
                    read(&bytes).unwrap_or_else(|error| panic!("{colour:?} {depth:?}: {error}"));
                assert_eq!(
                    picture,
                    expected(&bytes),
                    "{colour:?} {depth:?} {transparent:?}"
                );
            }
        }
    }
}

#[test]
fn interlaced_png_is_read_with_every_size_and_depth() {
    // Adam7: the first column and row of each pass, and its steps.
    let passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    for (width, height) in [(1usize, 1usize), (3, 2), (8, 8), (13, 21), (40, 3)] {
        let value = |x: usize, y: usize, channel: usize| (x * 31 + y * 17 + channel * 90) as u8;
        for depth in [8u8, 16] {
            let mut data = Vec::new();
            for (left, top, across, down) in passes {
                for y in (top..height).step_by(down) {
                    let columns: Vec<usize> = (left..width).step_by(across).collect();
                    if columns.is_empty() {
                        continue;
                    }
                    data.push(0);
                    for x in columns {
                        for channel in 0..3 {
                            data.push(value(x, y, channel));
                            data.extend((depth == 16).then_some(201));
                        }
                    }
                }
            }
            let bytes = make::png_with(
                width as u32,
                height as u32,
                depth,
                2,
                1,
                &make::zlib_stored(&data),
                &[],
            );
            let picture = read(&bytes)
                .unwrap_or_else(|error| panic!("{width} x {height}, {depth} bits: {error}"));
            let whole = RgbImage::from_fn(width as u32, height as u32, |x, y| {
                Rgb([0, 1, 2].map(|channel| value(x as usize, y as usize, channel)))
            });
            assert_eq!(picture, whole, "{width} x {height}, {depth} bits");
            assert_eq!(
                read(&bytes[..bytes.len() - 13]).expect("a file without its end chunk is read"),
                whole
            );
            assert!(
                read(&bytes[..bytes.len() - 12 - 8 - 1]).is_err(),
                "{width} x {height}: the last row is cut"
            );
        }
    }
}

#[test]
fn a_png_without_its_end_is_accepted_when_it_has_all_rows() {
    for picture in [
        make::scene(37, 23),
        make::scene(300, 200),
        RgbImage::from_pixel(64, 64, make::RED),
    ] {
        let whole = make::file(&picture, ImageFormat::Png);
        // Cut off the end chunk, then the checksum of the last chunk of pixels, then most of the
        // stream's own checksum.
        for missing in [1, 11, 12, 14, 16, 19] {
            let taken = read(&whole[..whole.len() - missing]);
            assert_eq!(
                taken.unwrap_or_else(|error| panic!("{missing} bytes missing: {error}")),
                picture
            );
        }
        let cut = read(&whole[..whole.len() * 2 / 3]).expect_err("rows are missing");
        assert!(matches!(cut, DecodeError::Truncated { .. }), "{cut}");
    }
}

#[test]
fn bitmaps_of_few_bits_or_with_packed_rows_are_read() {
    let bitmap = |bits: u16,
                  compression: u32,
                  palette: &[[u8; 4]],
                  data: &[u8],
                  (width, height): (i32, i32)| {
        let offset = 54 + 4 * palette.len() as u32;
        let mut bytes = b"BM".to_vec();
        bytes.extend((offset + data.len() as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(offset.to_le_bytes());
        bytes.extend(40u32.to_le_bytes());
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend(1u16.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(compression.to_le_bytes());
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend((palette.len() as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(palette.iter().flatten());
        bytes.extend(data);
        bytes
    };
    // Blue, green, red.
    let palette = [[0, 0, 255, 0], [255, 0, 0, 0]];
    let (red, blue) = (Rgb([255, 0, 0]), Rgb([0, 0, 255]));
    let striped = RgbImage::from_fn(4, 2, |x, _| if x % 2 == 0 { red } else { blue });
    let one_bit = bitmap(
        1,
        0,
        &palette,
        &[0b0101_0000, 0, 0, 0, 0b0101_0000, 0, 0, 0],
        (4, 2),
    );
    let four_bits = bitmap(
        4,
        0,
        &palette,
        &[0x01, 0x01, 0, 0, 0x01, 0x01, 0, 0],
        (4, 2),
    );
    let top_down = bitmap(8, 0, &palette, &[0, 1, 0, 1, 0, 1, 0, 1], (4, -2));
    let row = [1, 0, 1, 1, 1, 0, 1, 1];
    let packed = bitmap(
        8,
        1,
        &palette,
        &[&row[..], &[0, 0], &row, &[0, 1]].concat(),
        (4, 2),
    );
    for (name, bytes) in [
        ("1 bit", one_bit),
        ("4 bits", four_bits),
        ("top down", top_down),
        ("packed", packed),
    ] {
        assert_eq!(
            read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")),
            striped,
            "{name}"
        );
    }
    let sixteen = bitmap(
        16,
        0,
        &[],
        &[0x00, 0x7c, 0x1f, 0x00, 0x00, 0x7c, 0x1f, 0x00],
        (4, 1),
    );
    assert_eq!(
        read(&sixteen).expect("five bits a channel").get_pixel(0, 0),
        &red
    );
}

#[test]
fn a_gif_frame_that_covers_a_part_of_the_canvas_is_put_on_white() {
    let mut bytes = b"GIF89a".to_vec();
    // A canvas of 6 x 4 with two colours, and a red frame of 2 x 2 at (1, 1).
    bytes.extend([6, 0, 4, 0, 0x80, 0, 0]);
    bytes.extend([255, 0, 0, 0, 0, 255]);
    bytes.extend([0x2c, 1, 0, 1, 0, 2, 0, 2, 0, 0]);
    // LZW with codes of three bits: clear, four zeros, end; the fourth zero and the end take four
    // bits.
    bytes.extend([2, 3, 0x04, 0xa0, 0, 0, 0x3b]);
    match read(&bytes) {
        Ok(picture) => {
            assert_eq!(picture.dimensions(), (6, 4));
            assert_eq!(*picture.get_pixel(0, 0), Rgb([255; 3]));
        }
        Err(error) => assert!(
            matches!(
                error,
                DecodeError::Damaged { .. } | DecodeError::Truncated { .. }
            ),
            "{error}"
        ),
    }
}
