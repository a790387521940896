//! Paints contact sheets with the local provider: prompts without a sketch, edits under a mask,
//! suggested sets on sketches, grids of references, weights and seeds, and sketches in several
//! styles.
//!
//! ```sh
//! cargo run -p clippy-generate --example painter_sheets -- \
//!     FOLDER [CELL] [prompts,edits,sets,grids,styles,sizes] [GALLERY]
//! ```
//!
//! The references are the drawings of the demo gallery, or those of a folder with a
//! `manifest.jsonl` and `sketches/`. `sizes` paints no sheet, but measures how long each size takes.

mod gallery;
mod sheet;
mod styles;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clippy_core::ids::PointId;
use clippy_generate::{
    FoundPicture, GenerateRequest, GenerationContext, LocalProvider, MemoryJournal, NoProgress,
    Provider, ReferenceInput, ReferencePicture, ReferencePictures, Resolver, SuggestionOptions,
    admit, data_url, estimate, suggest,
};
use clippy_imaging::{DecodeLimits, Encoding, decode, encode};
use gallery::Gallery;
use image::{Rgb, RgbImage};
use sheet::Sheet;
use styles::styles;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Half of them name a subject, which is painted from the closest picture of the gallery.
const PROMPTS: [&str; 20] = [
    "a red sunset over blue hills",
    "green hills",
    "a purple night",
    "golden fields with a white sun",
    "snow and a grey sky",
    "a teal sea of hills at sunrise",
    "orange and pink layers",
    "a forest green landscape",
    "brown hills under a yellow sky",
    "abstract turquoise background",
    "a red apple",
    "a cat",
    "a house in the snow",
    "a blue fish",
    "a rocket at night",
    "a pink flower",
    "an owl",
    "a yellow car",
    "a mushroom in the forest",
    "a guitar",
];
const EDITS: [(&str, &str); 10] = [
    ("apple", "blue"),
    ("car", "green"),
    ("cat", "purple"),
    ("flower", "yellow"),
    ("house", "pink"),
    ("fish", "red"),
    ("balloon", "teal"),
    ("mushroom", "orange"),
    ("star", "turquoise"),
    ("tree", "brown"),
];
const PAIRS: usize = 5;
const WEIGHTS: [f32; 3] = [0.25, 0.55, 0.9];
const RUN: u32 = 4;
const SEED: u64 = 8;

struct NoGallery;

#[async_trait::async_trait]
impl ReferencePictures for NoGallery {
    async fn reference_picture(&self, id: PointId) -> clippy_core::Result<ReferencePicture> {
        Err(clippy_core::Error::not_found(format!(
            "{id}: the sheet has no gallery"
        )))
    }
}

struct Painter {
    resolver: Resolver,
    context: GenerationContext,
}

impl Painter {
    fn new() -> Self {
        Self {
            resolver: Resolver::new(Arc::new(NoGallery), Arc::default()),
            context: GenerationContext {
                cancel: tokio_util::sync::CancellationToken::new(),
                hand_over: tokio_util::sync::CancellationToken::new(),
                progress: Arc::new(NoProgress),
                journal: Arc::new(MemoryJournal::default()),
                scope: "contact sheet".to_owned(),
                earlier: Vec::new(),
                seed: SEED,
            },
        }
    }

    /// The pictures of one run, and the seconds that one took.
    async fn paint(&self, what: &str, request: GenerateRequest) -> Outcome<Vec<RgbImage>> {
        let receipt = admit(&LocalProvider, &request)?;
        let generation = Arc::new(self.resolver.resolve(&request).await?);
        let start = Instant::now();
        let made = LocalProvider
            .generate(generation, receipt, &self.context)
            .await?;
        let seconds = start.elapsed().as_secs_f32() / made.images.len() as f32;
        println!("{what}: {seconds:.2} s a picture");
        let pictures = made
            .images
            .iter()
            .map(|image| Ok(decode(&image.bytes, &DecodeLimits::default())?.into_pixels()));
        pictures.collect()
    }
}

fn sent(picture: &RgbImage) -> Outcome<String> {
    Ok(data_url("image/png", &encode(picture, Encoding::Png)?))
}

fn reference(role: &str, weight: f32, picture: &RgbImage) -> Outcome<ReferenceInput> {
    Ok(ReferenceInput {
        role: role.to_owned(),
        weight: Some(weight),
        image_url: Some(sent(picture)?),
        ..ReferenceInput::default()
    })
}

fn run_of(count: u32) -> GenerateRequest {
    GenerateRequest {
        count,
        seed: Some(SEED),
        ..GenerateRequest::default()
    }
}

/// Two prompts a row, a run of pictures each.
async fn prompts(painter: &Painter, gallery: &Gallery, cell: u32) -> Outcome<Sheet> {
    let rows = PROMPTS.len() / 2;
    let mut sheet = Sheet::new(2 * RUN as usize, rows, cell);
    for (index, prompt) in PROMPTS.iter().enumerate() {
        let mut request = GenerateRequest {
            prompt: Some((*prompt).to_owned()),
            ..run_of(RUN)
        };
        if LocalProvider.subject_to_find(&request).is_some()
            && let Some(found) = gallery.closest(prompt, 5 * index + 2)
        {
            request
                .refs
                .push(reference("subject", 0.8, &gallery.picture(found)?)?);
        }
        let column = index / rows * RUN as usize;
        for (number, made) in painter.paint(prompt, request).await?.iter().enumerate() {
            sheet.put(column + number, index % rows, made);
        }
    }
    Ok(sheet)
}

/// An ellipse in the middle.
fn ellipse(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let across = (x as f32 / width as f32 - 0.5) / 0.42;
        let down = (y as f32 / height as f32 - 0.5) / 0.42;
        let inside = across * across + down * down < 1.0;
        Rgb([if inside { 255 } else { 0 }; 3])
    })
}

/// A base and two edits of it, two of them a row.
async fn edits(painter: &Painter, gallery: &Gallery, cell: u32) -> Outcome<Sheet> {
    let rows = EDITS.len() / 2;
    let mut sheet = Sheet::new(6, rows, cell);
    for (index, (name, colour)) in EDITS.iter().enumerate() {
        let Some(found) = gallery.closest(name, 5 * index + 2) else {
            println!("no {name} in this gallery");
            continue;
        };
        let base = gallery.picture(found)?;
        let request = GenerateRequest {
            prompt: Some(format!("a {colour} {name}")),
            mask: Some(sent(&ellipse(base.width(), base.height()))?),
            base: Some(sent(&base)?),
            ..run_of(2)
        };
        let column = index / rows * 3;
        sheet.put(column, index % rows, &base);
        let what = format!("{colour} {name}");
        for (number, made) in painter.paint(&what, request).await?.iter().enumerate() {
            sheet.put(column + 1 + number, index % rows, made);
        }
    }
    Ok(sheet)
}

/// A sketch, the references that are suggested for it, and a run of pictures.
async fn sets(painter: &Painter, gallery: &Gallery, cell: u32) -> Outcome<Sheet> {
    let step = (gallery.sketched.len() / 10).max(1);
    let names: Vec<&String> = gallery.sketched.iter().step_by(step).take(10).collect();
    let mut sheet = Sheet::new(9, names.len(), cell);
    for (row, name) in names.into_iter().enumerate() {
        let sketch = gallery.sketch(name)?;
        sheet.put(0, row, &sketch);
        let found: Vec<FoundPicture> = gallery
            .search(name, row)
            .into_iter()
            .map(|index| FoundPicture {
                id: PointId::Number(index as u64),
                style: Some(gallery.entries[index].style.clone()).filter(|own| !own.is_empty()),
                named_tags: (gallery.entries[index].subject == *name)
                    .then(|| name.clone())
                    .into_iter()
                    .collect(),
                percentile: None,
            })
            .collect();
        let options = SuggestionOptions {
            count: None,
            with_sketch: true,
        };
        let mut refs = Vec::new();
        for (column, own) in suggest(&LocalProvider, &found, options)?.iter().enumerate() {
            let PointId::Number(index) = own.id else {
                continue;
            };
            let picture = gallery.picture(index as usize)?;
            println!("{name}: {} {}", own.role.as_str(), own.reason);
            sheet.put(1 + column, row, &picture);
            refs.push(reference(own.role.as_str(), own.weight, &picture)?);
        }
        let request = GenerateRequest {
            sketch: Some(sent(&sketch)?),
            refs,
            ..run_of(RUN)
        };
        for (number, made) in painter.paint(name, request).await?.iter().enumerate() {
            sheet.put(5 + number, row, made);
        }
    }
    Ok(sheet)
}

/// A sketch and two style references; below, a row for each weight of the first one, the second
/// one having the rest, and a column for each seed.
async fn grids(painter: &Painter, gallery: &Gallery, cell: u32) -> Outcome<Sheet> {
    let height = 1 + WEIGHTS.len();
    let mut sheet = Sheet::new(PAIRS * (RUN as usize + 1) - 1, height, cell);
    let step = gallery.sketched.len() / PAIRS;
    for pair in 0..PAIRS {
        let name = &gallery.sketched[pair * step + 2];
        let sketch = gallery.sketch(name)?;
        let many = gallery.entries.len();
        let [one, two] = [many * pair / PAIRS + 3, many * pair / PAIRS + 9]
            .map(|index| gallery.picture(index % many));
        let (one, two) = (one?, two?);
        let left = pair * (RUN as usize + 1);
        for (column, picture) in [&sketch, &one, &two].into_iter().enumerate() {
            sheet.put(left + column, 0, picture);
        }
        for (row, weight) in WEIGHTS.into_iter().enumerate() {
            let request = GenerateRequest {
                sketch: Some(sent(&sketch)?),
                refs: vec![
                    reference("style", weight, &one)?,
                    reference("style", 1.0 - weight, &two)?,
                ],
                ..run_of(RUN)
            };
            let what = format!("{name} at {weight}");
            for (column, made) in painter.paint(&what, request).await?.iter().enumerate() {
                sheet.put(left + column, row + 1, made);
            }
        }
    }
    Ok(sheet)
}

/// Measures what the estimate is calibrated on, and saves the pictures.
async fn sizes(painter: &Painter, gallery: &Gallery, folder: &Path) -> Outcome {
    let sketch = gallery.sketch(&gallery.sketched[0])?;
    for style in [false, true] {
        for size in ["1:1", "768:768", "1024:1024", "1536:1024", "1536:1536"] {
            let refs = if style {
                let at = [gallery.entries.len() / 2, gallery.entries.len() - 1];
                at.iter()
                    .map(|index| reference("style", 0.6, &gallery.picture(*index)?))
                    .collect::<Outcome<_>>()?
            } else {
                Vec::new()
            };
            let request = GenerateRequest {
                sketch: Some(sent(&sketch)?),
                aspect_ratio: Some(size.to_owned()),
                refs,
                ..run_of(1)
            };
            println!("{}", estimate(&LocalProvider, &request)?.note);
            let made = painter.paint(&format!("{size}, {style}"), request).await?;
            let name = format!("size-{}-{style}.png", size.replace(':', "x"));
            made[0].save(folder.join(name))?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let folder = Path::new(argument(0).unwrap_or("painter-sheets"));
    let cell: u32 = argument(1).unwrap_or("160").parse()?;
    let gallery = Gallery::open(argument(3))?;
    std::fs::create_dir_all(folder)?;
    let painter = Painter::new();
    for name in argument(2)
        .unwrap_or("prompts,edits,sets,grids,styles")
        .split(',')
    {
        let sheet = match name {
            "prompts" => prompts(&painter, &gallery, cell).await?,
            "edits" => edits(&painter, &gallery, cell).await?,
            "sets" => sets(&painter, &gallery, cell).await?,
            "grids" => grids(&painter, &gallery, cell).await?,
            "styles" => styles(&painter, cell).await?,
            "sizes" => {
                sizes(&painter, &gallery, folder).await?;
                continue;
            }
            other => return Err(format!("no sheet {other}").into()),
        };
        sheet.save(&folder.join(format!("{name}.png")))?;
    }
    Ok(())
}
