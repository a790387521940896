//! Paints the contact sheet of the local provider: every sketch of the list in the style of every reference.
//!
//! `cargo run -p clippy-generate --example style_sheet -- SHEET.png CELL SKETCH,… REFERENCE[:TAG],…`
//! The first row shows the references, the first column the sketches.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use clippy_generate::{
    GenerateRequest, GenerationContext, LocalProvider, MemoryJournal, NoProgress, Provider, ReferenceInput,
    ReferencePicture, ReferencePictures, Resolver, admit, data_url,
};
use clippy_imaging::{DecodeLimits, decode, decode_file};
use image::{Rgb, RgbImage, imageops};

struct Nothing;

#[async_trait::async_trait]
impl ReferencePictures for Nothing {
    async fn reference_picture(&self, id: clippy_core::ids::PointId) -> clippy_core::Result<ReferencePicture> {
        Err(clippy_core::Error::not_found(format!("{id}: the sheet has no gallery")))
    }
}

fn on_cell(picture: &RgbImage, cell: u32) -> RgbImage {
    let scale = cell as f32 / picture.width().max(picture.height()) as f32;
    let (width, height) = ((picture.width() as f32 * scale) as u32, (picture.height() as f32 * scale) as u32);
    let small = imageops::resize(picture, width.max(1), height.max(1), imageops::FilterType::CatmullRom);
    let mut tile = RgbImage::from_pixel(cell, cell, Rgb([255, 255, 255]));
    imageops::replace(&mut tile, &small, i64::from((cell - small.width()) / 2), i64::from((cell - small.height()) / 2));
    tile
}

fn file(path: &str) -> Result<String, Box<dyn Error>> {
    Ok(data_url("image/png", &std::fs::read(path)?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sheet, cell, sketches, references] = arguments.as_slice() else {
        return Err("usage: style_sheet SHEET.png CELL SKETCH,… REFERENCE[:TAG],…".into());
    };
    let cell: u32 = cell.parse()?;
    let (sketches, references): (Vec<&str>, Vec<&str>) = (sketches.split(',').collect(), references.split(',').collect());
    let gap = 6;
    let size = |count: usize| (count as u32 + 1) * (cell + gap) + gap;
    let mut picture = RgbImage::from_pixel(size(references.len()), size(sketches.len()), Rgb([250, 250, 250]));
    let mut put = |column: usize, row: usize, tile: &RgbImage| {
        let place = |index: usize| i64::from(index as u32 * (cell + gap) + gap);
        imageops::replace(&mut picture, &on_cell(tile, cell), place(column), place(row));
    };
    let resolver = Resolver::new(Arc::new(Nothing), Arc::default());
    let context = GenerationContext {
        cancel: tokio_util::sync::CancellationToken::new(),
        progress: Arc::new(NoProgress),
        journal: Arc::new(MemoryJournal::default()),
        scope: "contact sheet".to_owned(),
    };
    for (row, sketch) in sketches.iter().enumerate() {
        put(0, row + 1, &decode_file(sketch.as_ref(), &DecodeLimits::default())?);
        for (column, reference) in references.iter().enumerate() {
            let (path, tag) = reference.split_once(':').map_or((*reference, None), |(path, tag)| (path, Some(tag)));
            if row == 0 {
                put(column + 1, 0, &decode_file(path.as_ref(), &DecodeLimits::default())?);
            }
            let input = ReferenceInput {
                role: "style".to_owned(),
                weight: Some(0.85),
                image_url: Some(file(path)?),
                ..ReferenceInput::default()
            };
            let request = GenerateRequest {
                sketch: Some(file(sketch)?),
                refs: vec![input],
                style_tags: tag.map(str::to_owned).into_iter().collect(),
                aspect_ratio: Some("1:1".to_owned()),
                seed: Some(7),
                ..GenerateRequest::default()
            };
            let receipt = admit(&LocalProvider, &request)?;
            let generation = Arc::new(resolver.resolve(&request).await?);
            let begun = Instant::now();
            let generated = LocalProvider.generate(generation, receipt, &context).await?;
            println!("{sketch} in the style of {reference}: {:.2} s", begun.elapsed().as_secs_f32());
            put(column + 1, row + 1, &decode(&generated.images[0].bytes, &DecodeLimits::default())?);
        }
    }
    picture.save(sheet)?;
    println!("{sheet}: {} by {} pixels", picture.width(), picture.height());
    Ok(())
}
