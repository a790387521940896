//! Paints a contact sheet with the local provider: a row for each sketch, and a column for each
//! style reference.
//!
//! ```sh
//! cargo run -p clippy-generate --example style_sheet -- \
//!     SHEET.png [CELL] [SUBJECT,…] [STYLE:SUBJECT[+TAG],…]
//! ```
//!
//! The first row shows the references, the first column the sketches. Both are drawings of the demo
//! gallery. A reference never shows the subject of a sketch.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use clippy_drawings::{Style, render, sketch, subject};
use clippy_generate::{
    GenerateRequest, GenerationContext, LocalProvider, MemoryJournal, NoProgress, Provider,
    ReferenceInput, ReferencePicture, ReferencePictures, Resolver, admit, data_url,
};
use clippy_imaging::{DecodeLimits, Encoding, decode, encode};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgb, RgbImage, imageops};

const SKETCHES: &str = "cat,apple,sailboat,house,mushroom,owl";
const REFERENCES: &str = "cel_shading:dog,impressionism:tree,neon_lights:guitar,art_deco:lamp,\
                          soft_shading:fish,vaporwave:planet";

struct NoGallery;

#[async_trait::async_trait]
impl ReferencePictures for NoGallery {
    async fn reference_picture(
        &self,
        id: clippy_core::ids::PointId,
    ) -> clippy_core::Result<ReferencePicture> {
        Err(clippy_core::Error::not_found(format!(
            "{id}: the sheet has no gallery"
        )))
    }
}

/// Scales a picture to fit a square cell, with white around it.
fn fit_to_cell(picture: &RgbImage, cell: u32) -> RgbImage {
    let scale = cell as f32 / picture.width().max(picture.height()) as f32;
    let (width, height) = (
        (picture.width() as f32 * scale) as u32,
        (picture.height() as f32 * scale) as u32,
    );
    let small = imageops::resize(
        picture,
        width.max(1),
        height.max(1),
        imageops::FilterType::CatmullRom,
    );
    let mut tile = RgbImage::from_pixel(cell, cell, Rgb([255, 255, 255]));
    imageops::replace(
        &mut tile,
        &small,
        i64::from((cell - small.width()) / 2),
        i64::from((cell - small.height()) / 2),
    );
    tile
}

fn to_data_url(picture: &RgbImage) -> Result<String, Box<dyn Error>> {
    Ok(data_url("image/png", &encode(picture, Encoding::Png)?))
}

/// Draws a reference `style:subject+tag`; returns it with its tag.
fn reference(text: &str) -> Result<(RgbImage, Option<&str>), Box<dyn Error>> {
    let (text, tag) = text
        .split_once('+')
        .map_or((text, None), |(text, tag)| (text, Some(tag)));
    let (style, name) = text.split_once(':').ok_or("a reference is STYLE:SUBJECT")?;
    let style = Style::ALL
        .into_iter()
        .find(|known| known.tag() == style)
        .ok_or(format!("no style {style}"))?;
    Ok((
        render(subject(name).ok_or(format!("no subject {name}"))?, style)?,
        tag,
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &'static str| {
        arguments.get(index).cloned().unwrap_or(default.to_owned())
    };
    let (sheet, cell) = (
        argument(0, "local-provider.png"),
        argument(1, "240").parse::<u32>()?,
    );
    let (sketches, references) = (argument(2, SKETCHES), argument(3, REFERENCES));
    let (sketches, references): (Vec<&str>, Vec<&str>) = (
        sketches.split(',').collect(),
        references.split(',').collect(),
    );
    let gap = 6;
    let size = |count: usize| (count as u32 + 1) * (cell + gap) + gap;
    let mut picture = RgbImage::from_pixel(
        size(references.len()),
        size(sketches.len()),
        Rgb([250, 250, 250]),
    );
    let mut put = |column: usize, row: usize, tile: &RgbImage| {
        let place = |index: usize| i64::from(index as u32 * (cell + gap) + gap);
        imageops::replace(
            &mut picture,
            &fit_to_cell(tile, cell),
            place(column),
            place(row),
        );
    };
    let resolver = Resolver::new(Arc::new(NoGallery), Arc::default());
    let context = GenerationContext {
        cancel: tokio_util::sync::CancellationToken::new(),
        hand_over: tokio_util::sync::CancellationToken::new(),
        progress: Arc::new(NoProgress),
        journal: Arc::new(MemoryJournal::default()),
        scope: "contact sheet".to_owned(),
        earlier: Vec::new(),
        seed: 1,
    };
    for (row, name) in sketches.iter().enumerate() {
        let drawn = sketch(subject(name).ok_or(format!("no subject {name}"))?, 1)?;
        put(0, row + 1, &drawn);
        for (column, text) in references.iter().enumerate() {
            let (style, tag) = reference(text)?;
            if row == 0 {
                put(column + 1, 0, &style);
            }
            let input = ReferenceInput {
                role: "style".to_owned(),
                weight: Some(0.85),
                image_url: Some(to_data_url(&style)?),
                ..ReferenceInput::default()
            };
            let request = GenerateRequest {
                sketch: Some(to_data_url(&drawn)?),
                refs: vec![input],
                style_tags: tag.map(str::to_owned).into_iter().collect(),
                aspect_ratio: Some("1:1".to_owned()),
                seed: Some(7),
                ..GenerateRequest::default()
            };
            let receipt = admit(&LocalProvider, &request)?;
            let generation = Arc::new(resolver.resolve(&request).await?);
            let start = Instant::now();
            let generated = LocalProvider
                .generate(generation, receipt, &context)
                .await?;
            println!(
                "{name} in the style of {text}: {:.2} s",
                start.elapsed().as_secs_f32()
            );
            put(
                column + 1,
                row + 1,
                &*decode(&generated.images[0].bytes, &DecodeLimits::default())?,
            );
        }
    }
    let file = std::io::BufWriter::new(std::fs::File::create(&sheet)?);
    picture.write_with_encoder(PngEncoder::new_with_quality(
        file,
        CompressionType::Best,
        FilterType::Adaptive,
    ))?;
    println!(
        "{sheet}: {} by {} pixels",
        picture.width(),
        picture.height()
    );
    Ok(())
}
