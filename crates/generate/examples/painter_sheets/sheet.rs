//! A contact sheet: pictures in a grid.

use std::error::Error;
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgb, RgbImage, imageops};

const GAP: u32 = 5;

pub struct Sheet {
    picture: RgbImage,
    cell: u32,
}

impl Sheet {
    pub fn new(columns: usize, rows: usize, cell: u32) -> Self {
        let side = |count: usize| count as u32 * (cell + GAP) + GAP;
        Self {
            picture: RgbImage::from_pixel(side(columns), side(rows), Rgb([250; 3])),
            cell,
        }
    }

    /// Puts a picture into a cell, scaled to fit.
    pub fn put(&mut self, column: usize, row: usize, picture: &RgbImage) {
        let scale = self.cell as f32 / picture.width().max(picture.height()) as f32;
        let side = |length: u32| ((length as f32 * scale) as u32).max(1);
        let small = imageops::resize(
            picture,
            side(picture.width()),
            side(picture.height()),
            imageops::FilterType::CatmullRom,
        );
        let place = |index: usize, length: u32| {
            i64::from(index as u32 * (self.cell + GAP) + GAP + (self.cell - length) / 2)
        };
        imageops::replace(
            &mut self.picture,
            &small,
            place(column, small.width()),
            place(row, small.height()),
        );
    }

    pub fn save(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let file = std::io::BufWriter::new(std::fs::File::create(path)?);
        self.picture
            .write_with_encoder(PngEncoder::new_with_quality(
                file,
                CompressionType::Best,
                FilterType::Adaptive,
            ))?;
        println!(
            "{}: {} by {} pixels",
            path.display(),
            self.picture.width(),
            self.picture.height()
        );
        Ok(())
    }
}
