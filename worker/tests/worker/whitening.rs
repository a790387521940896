//! Style vectors without training: the whitening is fitted on the collection's own pictures, stored
//! as a note, and used by backfill, ingest and search alike.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::embedding::{EmbedInput, Embedder, Embedding};
use clippy_core::gallery::{GalleryNotes, STYLE_SCHEMA_VERSION};
use clippy_core::preferences::PreferenceRule;
use clippy_core::styles::{self, NOTE, StyleVectors};
use clippy_core::whitening::FEWEST_PICTURES;
use clippy_core::{ErrorCode, Result};
use clippy_search::{SearchQuery, Searcher, SearcherOptions};
use clippy_testing::{FakeEmbedder, MemoryPreferences};
use clippy_worker::backfill::backfill;
use clippy_worker::ingest::{IngestReport, RunSettings};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{DIMENSION, Fixture, line};

const STATISTICS: &str = "statistics-of-the-fake";
const PICTURES: u64 = 40;

/// Pictures that were ingested with a model that gives statistics.
async fn ingested(pictures: u64) -> Fixture {
    let mut fixture = Fixture::with_pictures(pictures);
    use_statistics(&mut fixture, STATISTICS);
    fixture.ingest().await.expect("ingested");
    fixture
}

fn use_statistics(fixture: &mut Fixture, fingerprint: &str) {
    fixture.embedder = Arc::new(FakeEmbedder::new(DIMENSION).with_style(fingerprint));
}

async fn fill(fixture: &Fixture, which: Which, force_all: bool) -> Result<IngestReport> {
    let request = BackfillRequest {
        lines: fixture.request().lines,
        which,
        force_all,
        ids_file: None,
    };
    let (settings, never) = (RunSettings::default(), CancellationToken::new());
    backfill(fixture.tools(), &request, &settings, &(), &never).await
}

fn style_of(fixture: &Fixture, id: u64) -> Option<Embedding> {
    fixture.gallery.point(id).vectors.style
}

async fn note(fixture: &Fixture) -> Option<Value> {
    fixture.gallery.note(NOTE).await.expect("read")
}

async fn refusal(fixture: &Fixture) -> String {
    let checked = styles::check_search(&*fixture.gallery, fixture.embedder.info()).await;
    let error = checked.expect_err("refused");
    assert_eq!(error.code, ErrorCode::Unsupported);
    error.message
}

#[tokio::test]
async fn backfill_fits_the_whitening_once_and_ingest_uses_it() {
    let fixture = ingested(PICTURES).await;
    assert_eq!((style_of(&fixture, 1), note(&fixture).await), (None, None));
    assert!(
        refusal(&fixture)
            .await
            .contains("clippy backfill --which style")
    );

    let report = fill(&fixture, Which::Style, false).await.expect("filled");
    assert_eq!(report.totals.embedded, PICTURES);
    let fitted = note(&fixture).await.expect("a whitening");
    let made = styles::check_search(&*fixture.gallery, fixture.embedder.info()).await;
    let made = made.expect("it can be searched by style");
    assert!(matches!(made, StyleVectors::Whitened(_)), "{made:?}");
    for id in 1..=PICTURES {
        let style = style_of(&fixture, id).expect("made");
        let length: f32 = style.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4, "{id}: {length}");
    }

    // A new picture is whitened with the same note, and a second run changes nothing.
    fixture.picture("41.png", 7);
    fixture.manifest(&(1..=41).map(|id| line(id, "apple")).collect::<Vec<_>>());
    fixture.ingest().await.expect("ingested");
    assert_eq!(
        style_of(&fixture, 41),
        style_of(&fixture, 7),
        "the same pixels"
    );
    let report = fill(&fixture, Which::Style, false).await.expect("filled");
    assert_eq!(report.totals.unchanged, 41);
    assert_eq!(note(&fixture).await.as_ref(), Some(&fitted));

    let report = fill(&fixture, Which::Style, true).await.expect("filled");
    assert_eq!(report.totals.embedded, 41);
    assert_ne!(
        note(&fixture).await.as_ref(),
        Some(&fitted),
        "another sample"
    );
}

#[tokio::test]
async fn a_query_is_whitened_like_the_pictures() {
    let fixture = ingested(PICTURES).await;
    fill(&fixture, Which::Style, false).await.expect("filled");
    let searcher = Searcher::new(
        fixture.embedder.clone(),
        fixture.gallery.clone(),
        Arc::new(MemoryPreferences::default()),
        SearcherOptions {
            hnsw_ef: 128,
            rule: PreferenceRule::default(),
            limits: clippy_imaging::DecodeLimits::default(),
        },
    );
    let bytes = std::fs::read(fixture.path("9.png")).expect("there");
    let query = SearchQuery {
        style_image: Some(bytes.into()),
        calibrated: false,
        collapse: false,
        ..SearchQuery::default()
    };
    let answer = searcher.search(query).await.expect("found");
    let best = &answer.hits[0];
    let of_best = fixture.gallery.points.lock()[&best.id]
        .vectors
        .style
        .clone();
    assert_eq!(of_best, style_of(&fixture, 9));
    let score = best.scores.values().next().expect("one probe");
    assert!((score - 1.0).abs() < 1e-4, "{score}");
    let raw = fixture
        .embedder
        .embed(vec![EmbedInput::Text("x".to_owned())])
        .await;
    assert_ne!(raw.expect("embedded").embeddings[0], of_best.expect("made"));
}

#[tokio::test]
async fn statistics_of_another_model_are_not_compared() {
    let mut fixture = ingested(PICTURES).await;
    fill(&fixture, Which::Style, false).await.expect("filled");
    let fitted = note(&fixture).await;
    use_statistics(&mut fixture, "statistics-of-another");
    assert!(refusal(&fixture).await.contains("--force-all"));
    fixture.picture("41.png", 7);
    fixture.manifest(&(1..=41).map(|id| line(id, "apple")).collect::<Vec<_>>());
    fixture.ingest().await.expect("ingested");
    assert_eq!(style_of(&fixture, 41), None);
    let error = fill(&fixture, Which::Style, false)
        .await
        .expect_err("refused");
    assert!(error.message.contains("--force-all"), "{error}");
    assert_eq!(note(&fixture).await, fitted);

    fill(&fixture, Which::Style, true).await.expect("filled");
    assert_ne!(note(&fixture).await, fitted);
    let checked = styles::check_search(&*fixture.gallery, fixture.embedder.info()).await;
    checked.expect("it can be searched by style");
    assert!(style_of(&fixture, 41).is_some());
}

#[tokio::test]
async fn too_few_pictures_are_refused_by_name_and_left_out_of_all() {
    let fixture = ingested(FEWEST_PICTURES as u64 - 1).await;
    let error = fill(&fixture, Which::Style, false)
        .await
        .expect_err("refused");
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(error.message.contains("at least 32"), "{error}");
    let report = fill(&fixture, Which::All, false).await.expect("filled");
    assert_eq!(report.totals.unchanged, FEWEST_PICTURES as u64 - 1);
    assert_eq!((style_of(&fixture, 1), note(&fixture).await), (None, None));
}

#[tokio::test]
async fn an_older_collection_is_filled_once_it_is_migrated() {
    let fixture = ingested(PICTURES).await;
    let version = &fixture.gallery.schema_version;
    let now = version.swap(STYLE_SCHEMA_VERSION - 1, Ordering::SeqCst);
    let error = fill(&fixture, Which::Style, false)
        .await
        .expect_err("refused");
    assert!(error.message.contains("clippy migrate"), "{error}");
    version.store(now, Ordering::SeqCst);
    fill(&fixture, Which::Style, false).await.expect("filled");
    assert!(style_of(&fixture, 1).is_some());
}
