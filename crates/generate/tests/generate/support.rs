//! Helpers of the tests: requests with pictures, contexts that record progress, snapshots.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clippy_core::ids::PointId;
use clippy_drawings::{Style, render, sketch, subject};
use clippy_generate::{
    FetchPolicy, Fetcher, GenerateError, GenerateRequest, Generated, Generation, GenerationContext,
    GenerationProgress, GenerationProgressSink, MemoryJournal, Preview, Provider, ReferenceInput,
    ReferencePicture, ReferencePictures, Resolver, admit, data_url, make,
};
use clippy_imaging::{DecodeLimits, Encoding, decode, encode};
use image::{Rgb, RgbImage};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A gallery of a few pictures.
#[derive(Default)]
pub struct Gallery(pub HashMap<PointId, ReferencePicture>);

#[async_trait::async_trait]
impl ReferencePictures for Gallery {
    async fn reference_picture(&self, id: PointId) -> clippy_core::Result<ReferencePicture> {
        self.0
            .get(&id)
            .cloned()
            .ok_or_else(|| clippy_core::Error::not_found("no such point"))
    }
}

/// Records progress and previews.
#[derive(Default)]
pub struct Recorder {
    pub progress: Mutex<Vec<GenerationProgress>>,
    pub previews: Mutex<Vec<Preview>>,
}

impl GenerationProgressSink for Recorder {
    fn progress(&self, progress: GenerationProgress) {
        self.progress.lock().expect("no panic").push(progress);
    }
    fn preview(&self, preview: Preview) {
        self.previews.lock().expect("no panic").push(preview);
    }
}

pub fn context() -> (GenerationContext, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let context = GenerationContext {
        cancel: CancellationToken::new(),
        hand_over: CancellationToken::new(),
        progress: recorder.clone(),
        journal: Arc::new(MemoryJournal::default()),
        scope: "job".to_owned(),
        earlier: Vec::new(),
        seed: 4_242,
    };
    (context, recorder)
}

pub fn resolver() -> Resolver {
    Resolver::new(
        Arc::new(Gallery::default()),
        Arc::new(Fetcher::new(
            FetchPolicy::default(),
            clippy_generate::fetch::SystemResolver,
        )),
    )
}

pub fn png(picture: &RgbImage) -> Vec<u8> {
    encode(picture, Encoding::Png).expect("a PNG")
}

pub fn sent(picture: &RgbImage) -> String {
    data_url("image/png", &png(picture))
}

pub fn picture(bytes: &[u8]) -> RgbImage {
    decode(bytes, &DecodeLimits::default())
        .expect("a picture")
        .into_pixels()
}

pub fn styled(name: &str, style: Style) -> RgbImage {
    render(subject(name).expect("a subject"), style).expect("a drawing")
}

/// A hand-drawn sketch, trimmed to a square.
pub fn drawn(name: &str) -> RgbImage {
    let pad = sketch(subject(name).expect("a subject"), 1).expect("a sketch");
    clippy_imaging::trim_sketch(&pad).expect("something is drawn")
}

pub fn reference(role: &str, weight: f32, picture: &RgbImage) -> ReferenceInput {
    ReferenceInput {
        role: role.to_owned(),
        weight: Some(weight),
        image_url: Some(sent(picture)),
        ..ReferenceInput::default()
    }
}

/// A picture of one colour.
pub fn flat(width: u32, height: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(colour))
}

/// A white rectangle in the middle of black.
pub fn mask(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let inside =
            (width / 4..width * 3 / 4).contains(&x) && (height / 4..height * 3 / 4).contains(&y);
        Rgb([if inside { 255 } else { 0 }; 3])
    })
}

pub async fn resolve(request: &GenerateRequest) -> Arc<Generation> {
    Arc::new(resolver().resolve(request).await.expect("good pictures"))
}

pub async fn generate_in(
    provider: &dyn Provider,
    request: &GenerateRequest,
    context: &GenerationContext,
) -> Result<Generated, GenerateError> {
    admit(provider, request).expect("admitted");
    make(provider, request, resolve(request).await, context).await
}

pub async fn generate(
    provider: &dyn Provider,
    request: &GenerateRequest,
) -> Result<Generated, GenerateError> {
    generate_in(provider, request, &context().0).await
}

/// Waits until a condition holds.
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < end, "timed out waiting until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Compares a value with `snapshots/<name>.json`. Pictures in base64 are replaced by a summary.
/// `UPDATE_SNAPSHOTS=1` rewrites the snapshots.
pub fn snapshot(name: &str, value: &Value) {
    let path = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it"))
        .join("tests/generate/snapshots")
        .join(format!("{name}.json"));
    let text = format!(
        "{}\n",
        serde_json::to_string_pretty(&readable(value)).expect("JSON")
    );
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{name} differs from its snapshot. UPDATE_SNAPSHOTS=1 accepts it. It is now:\n{text}"
    );
}

/// Replaces pictures in base64 by `<image/png 64x64, mean 255,255,255>`, and sorts fields by name,
/// since the order in `serde_json` depends on the features that other crates enable.
pub fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 80 => {
            let Ok(bytes) = clippy_generate::picture_bytes(text) else {
                return value.clone();
            };
            let Ok(probe) = clippy_imaging::probe(&bytes) else {
                return value.clone();
            };
            let image = picture(&bytes);
            let sums = image.pixels().fold([0u64; 3], |sums, pixel| {
                std::array::from_fn(|c| sums[c] + u64::from(pixel.0[c]))
            });
            let mean = sums.map(|sum| sum / u64::from(image.width() * image.height()));
            Value::String(format!(
                "<{} {}x{}, mean {mean:?}>",
                probe.format.media_type(),
                probe.width,
                probe.height
            ))
        }
        Value::Array(values) => values.iter().map(readable).collect(),
        Value::Object(map) => {
            let sorted: BTreeMap<String, Value> = map
                .iter()
                .map(|(key, value)| (key.clone(), readable(value)))
                .collect();
            sorted.into_iter().collect()
        }
        other => other.clone(),
    }
}
