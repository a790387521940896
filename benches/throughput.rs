//! Measures how much of the encoder's speed 32 simultaneous clients get, and the latency of a
//! single client.
//!
//! Run with `cargo bench --bench throughput`. Everything is measured in one run: the encoder alone
//! in full batches, one input at a time, then the whole server over HTTP. Printed as JSON lines,
//! one a model.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clippy_api::{ApiOptions, ApiParts, AppState, GenerationParts};
use clippy_clip::{Device, EmbedderOptions, LoadedModel, ModelSource, TorchEmbedder};
use clippy_core::embedding::{EmbedInput, Embedder, ModelPixels};
use clippy_core::gallery::{Gallery, GalleryWriter, Point, Vectors};
use clippy_core::ids::PointId;
use clippy_core::live::{Live, LivePair};
use clippy_core::preferences::PreferenceRule;
use clippy_drawings::Style;
use clippy_gallery::{
    EdgeGallery, EdgeOptions, EmbeddedState, GalleryPictures, PictureFiles, PictureOptions,
};
use clippy_imaging::{DecodeLimits, edge_map, transform, transform_grey};
use clippy_jobs::{EventHub, JobStore, SqliteJobs, SqliteSettings};
use clippy_search::{LiveSearcher, MakeSearcher, Searcher, SearcherOptions};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 32;
const SECONDS: u64 = 12;
const POINTS: u64 = 5_000;
/// How many different drawings there are. A measurement without repetition ends when they are used
/// up.
const DRAWINGS: usize = 6_000;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let bundled =
        ModelSource::Folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/clippy-small"));
    measure(
        "clippy-small",
        LoadedModel::load(&bundled, Device::Cpu, None)?,
    )
    .await?;
    measure(
        "ViT-B-32, random weights",
        LoadedModel::random("ViT-B-32", Device::Cpu, None, 7)?,
    )
    .await
}

async fn measure(name: &str, model: LoadedModel) -> Result<(), AnyError> {
    let precision = model.precision.to_string();
    let embedder =
        tokio::task::spawn_blocking(|| TorchEmbedder::start(model, EmbedderOptions::default()))
            .await??;
    let embedder: Arc<dyn Embedder> = Arc::new(embedder);
    let info = Arc::clone(embedder.info());
    let side = info.transform.side;

    let grey = |value: u8| {
        EmbedInput::Pixels(ModelPixels {
            side,
            rgb: vec![value; (side * side * 3) as usize],
        })
    };
    // A sketch has two inputs: its picture and its edge map.
    let pairs = rate(|| vec![grey(90), grey(200)], 1, &embedder).await? / 2.0;
    let full = rate(|| (0..128).map(grey).collect(), 2, &embedder).await?;
    let words = |number: usize| EmbedInput::Text(format!("a red apple number {number}"));
    let texts = rate(|| (0..128).map(words).collect(), 2, &embedder).await?;

    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path(), &embedder).await?;
    let drawn = drawings()?;
    let (alone, crowd) = drawn.split_at(DRAWINGS / 6);
    let one_sketch = server.load(alone, alone.len()).run(1).await?;
    let many_sketches = server.load(crowd, crowd.len()).run(CLIENTS).await?;
    // The same few drawings repeatedly, as when an artist changes weights or pages.
    let again = server
        .load(&crowd[crowd.len() - CLIENTS..], usize::MAX)
        .run(CLIENTS)
        .await?;
    let many_texts = server.load(&[], usize::MAX).run(CLIENTS).await?;
    server.stop().await?;
    let failed = many_sketches.failed + again.failed + many_texts.failed + one_sketch.failed;

    println!(
        "{}",
        json!({
            "model": name,
            "precision": precision,
            "encoder_pictures_per_second": full.round(),
            "encoder_texts_per_second": texts.round(),
            "sketch_searches_per_second": many_sketches.per_second.round(),
            "same_sketches_again_per_second": again.per_second.round(),
            "text_searches_per_second": many_texts.per_second.round(),
            "sketch_share_of_encoder": share(many_sketches.per_second * 2.0, full),
            "text_share_of_encoder": share(many_texts.per_second, texts),
            "failed_requests": failed,
            "one_client_ms": rounded(1000.0 / one_sketch.per_second),
            // The part of it that embedding took, to compare with the next line.
            "one_client_embed_ms": rounded(one_sketch.embed_ms),
            "unbatched_encoder_ms": rounded(1000.0 / pairs),
        })
    );
    Ok(())
}

fn share(part: f64, whole: f64) -> f64 {
    (part / whole * 1000.0).round() / 1000.0
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Measures the inputs a second, with this many calls in progress.
async fn rate(
    inputs: impl Fn() -> Vec<EmbedInput>,
    calls: usize,
    embedder: &Arc<dyn Embedder>,
) -> Result<f64, AnyError> {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < Duration::from_secs(SECONDS / 2) {
        let answers =
            futures::future::try_join_all((0..calls).map(|_| embedder.embed(inputs()))).await?;
        done += answers
            .iter()
            .map(|answer| answer.embeddings.len())
            .sum::<usize>();
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// Makes sketches as a drawing pad sends them. All differ, since embeddings are cached.
fn drawings() -> Result<Vec<Vec<u8>>, AnyError> {
    let subjects = clippy_drawings::subjects();
    let drawn = (0..DRAWINGS)
        .zip(subjects.iter().cycle())
        .map(|(seed, subject)| {
            let mut bytes = std::io::Cursor::new(Vec::new());
            clippy_drawings::sketch(subject, seed as u64)?
                .write_to(&mut bytes, image::ImageFormat::Png)?;
            Ok(bytes.into_inner())
        });
    drawn.collect()
}

struct Server {
    url: String,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<clippy_core::Result<()>>,
}

impl Server {
    async fn start(folder: &Path, embedder: &Arc<dyn Embedder>) -> Result<Self, AnyError> {
        let info = Arc::clone(embedder.info());
        let gallery = EdgeGallery::open(EdgeOptions {
            folder: folder.join("collection"),
            name: "bench".to_owned(),
            model: (*info).clone(),
            indexing_threshold_kb: None,
        })
        .await?;
        gallery.upsert(points(embedder).await?).await?;
        gallery.optimize().await?;
        let gallery: Arc<dyn Gallery> = Arc::new(gallery);
        let state = Arc::new(
            EmbeddedState::open(&folder.join("clippy.db"), PreferenceRule::default()).await?,
        );
        let options = SearcherOptions {
            hnsw_ef: 128,
            rule: PreferenceRule::default(),
            limits: DecodeLimits::default(),
        };
        let preferences = Arc::clone(&state);
        let make: MakeSearcher = Arc::new(move |live: &Live| {
            let (embedder, gallery) = (Arc::clone(&live.embedder), Arc::clone(&live.gallery));
            Searcher::new(
                embedder,
                gallery,
                Arc::clone(&preferences) as _,
                options.clone(),
            )
        });
        let live = Live {
            name: "bench".to_owned(),
            embedder: Arc::clone(embedder),
            gallery: Arc::clone(&gallery),
        };
        let files = PictureFiles::new(PictureOptions::new(folder.join("thumbnails")))?;
        let pictures = GalleryPictures::new(Arc::clone(&gallery) as _, files);
        let jobs: Arc<dyn JobStore> =
            Arc::new(SqliteJobs::open(&folder.join("jobs.db"), SqliteSettings::default()).await?);
        let parts = ApiParts {
            searcher: LiveSearcher::new(LivePair::new(live), make),
            gallery,
            trash: Arc::new(state.trash("pictures")),
            maps: Arc::new(state.maps("pictures")),
            preferences: Arc::clone(&state) as _,
            tastes: Arc::clone(&state) as _,
            boards: Arc::clone(&state) as _,
            history: state,
            backup: None,
            pictures: Arc::new(pictures),
            recent: Arc::new(()),
            events: EventHub::start(Arc::clone(&jobs)),
            jobs,
            generation: GenerationParts::local(folder)?,
            watching: Arc::new(clippy_core::watching::NotWatching),
        };
        let state = AppState::new(parts, ApiOptions::default())?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}/api/search/hybrid", listener.local_addr()?);
        let stop = CancellationToken::new();
        let serving = tokio::spawn(clippy_api::serve(
            listener,
            state,
            stop.clone().cancelled_owned(),
        ));
        Ok(Self { url, stop, serving })
    }

    /// Runs at most this many searches for these sketches in turn or, without any, for words.
    fn load<'d>(&self, sketches: &'d [Vec<u8>], most: usize) -> Load<'d> {
        Load {
            url: self.url.clone(),
            sketches,
            most,
        }
    }

    async fn stop(self) -> Result<(), AnyError> {
        self.stop.cancel();
        Ok(self.serving.await??)
    }
}

/// Vectors as a gallery has them, where look and edges go together: the project's drawings in a few
/// styles, and copies of each that lie a little beside it.
async fn points(embedder: &Arc<dyn Embedder>) -> Result<Vec<Point>, AnyError> {
    let how = &embedder.info().transform;
    let styles = [
        Style::LineArt,
        Style::CelShading,
        Style::PixelArt,
        Style::SoftShading,
        Style::NeonLights,
    ];
    let mut drawn = Vec::new();
    for subject in clippy_drawings::subjects() {
        for style in styles {
            let picture = clippy_drawings::render(subject, style)?;
            let inputs = vec![
                EmbedInput::Pixels(transform(how, &picture)),
                EmbedInput::Pixels(transform_grey(how, &edge_map(&picture))),
                EmbedInput::Text(format!("an illustration with {}", subject.name)),
            ];
            drawn.push((subject.name, embedder.embed(inputs).await?.embeddings));
        }
    }
    let mut state = 1_u64;
    let mut beside = |vector: &[f32]| {
        let noise: Vec<f32> = vector
            .iter()
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
            })
            .collect();
        let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
        let share = 0.35 / length(&noise);
        let mut moved: Vec<f32> = vector
            .iter()
            .zip(&noise)
            .map(|(value, noise)| value + share * noise)
            .collect();
        let whole = length(&moved);
        moved.iter_mut().for_each(|value| *value /= whole);
        Some(moved)
    };
    let points = (0..POINTS)
        .zip(drawn.iter().cycle())
        .map(|(id, (subject, made))| {
            let vectors = Vectors {
                image: beside(&made[0]),
                edge: beside(&made[1]),
                text: beside(&made[2]),
                style: None,
            };
            let payload =
                serde_json::Map::from_iter([("tags_all".to_owned(), json!([subject, "drawing"]))]);
            Point {
                id: PointId::Number(id),
                vectors,
                payload,
            }
        });
    Ok(points.collect())
}

struct Load<'d> {
    url: String,
    sketches: &'d [Vec<u8>],
    most: usize,
}

struct Outcome {
    per_second: f64,
    failed: u64,
    /// The mean duration of embedding in the answers.
    embed_ms: f64,
}

/// The fields of an answer that are read.
#[derive(serde::Deserialize)]
struct Answer {
    took_ms: Took,
}

#[derive(serde::Deserialize)]
struct Took {
    embed: f64,
}

impl Load<'_> {
    async fn run(&self, clients: usize) -> Result<Outcome, AnyError> {
        let (done, failed, embed_us) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let http = clippy_http::client().build().expect("a client");
        let begin = Instant::now();
        futures::future::join_all((0..clients).map(|client| {
            let (done, failed, embed_us, http) = (&done, &failed, &embed_us, &http);
            async move {
                let mut number = client;
                while number < self.most && begin.elapsed() < Duration::from_secs(SECONDS) {
                    let form = reqwest::multipart::Form::new().text("top", "24");
                    let form = match self.sketches.get(number % self.sketches.len().max(1)) {
                        Some(sketch) => form.part(
                            "sketch",
                            reqwest::multipart::Part::bytes(sketch.clone()).file_name("s.png"),
                        ),
                        None => form.text("query_text", format!("a red apple number {number}")),
                    };
                    number += clients;
                    let answer = match http.post(&self.url).multipart(form).send().await {
                        Ok(response) if response.status().is_success() => {
                            response.json::<Answer>().await.ok()
                        }
                        _ => None,
                    };
                    match answer {
                        Some(Answer { took_ms }) => {
                            embed_us.fetch_add((took_ms.embed * 1_000.0) as u64, Ordering::Relaxed);
                            done.fetch_add(1, Ordering::Relaxed)
                        }
                        None => failed.fetch_add(1, Ordering::Relaxed),
                    };
                }
            }
        }))
        .await;
        let done = done.load(Ordering::Relaxed) as f64;
        Ok(Outcome {
            per_second: done / begin.elapsed().as_secs_f64(),
            failed: failed.load(Ordering::Relaxed),
            embed_ms: embed_us.load(Ordering::Relaxed) as f64 / 1_000.0 / done.max(1.0),
        })
    }
}
