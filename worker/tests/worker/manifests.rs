//! Manifests of other programs and systems: in other encodings, compressed, and through pipes.

use std::io::Write;

use clippy_core::ledger::{FailureKind, LineOutcome};
use clippy_worker::ingest::{RunSettings, ingest};
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, line};

/// Returns the manifest lines of pictures 1 to 3.
fn three_lines() -> String {
    (1..=3).map(|id| line(id, "apple") + "\n").collect()
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect()
}

#[tokio::test]
async fn every_form_of_manifest_stores_every_picture() {
    let list = format!("[\n{}\n]", three_lines().trim().replace('\n', ",\n"));
    for (form, content) in [
        (
            "byte order mark",
            [b"\xef\xbb\xbf", three_lines().as_bytes()].concat(),
        ),
        (
            "Windows line ends",
            three_lines().replace('\n', "\r\n").into_bytes(),
        ),
        ("gzip", gzipped(three_lines().as_bytes())),
        ("UTF-16", utf16(&three_lines())),
        ("a list", list.clone().into_bytes()),
        ("a list in gzip", gzipped(list.as_bytes())),
        (
            "commas at line ends",
            three_lines().replace("}\n", "},\n").into_bytes(),
        ),
        (
            "ids of a table",
            three_lines()
                .replace("\"id\":1,", "\"id\":1.0,")
                .replace("\"id\":2,", "\"id\":\"2.0\",")
                .into_bytes(),
        ),
        (
            "paths of Windows",
            three_lines()
                .replace("\"1.png\"", "\".\\\\1.png\"")
                .into_bytes(),
        ),
    ] {
        let fixture = Fixture::with_pictures(3);
        std::fs::write(fixture.path("manifest.jsonl"), content).expect("written");
        let report = fixture
            .ingest()
            .await
            .unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(
            (report.totals.lines, report.totals.embedded),
            (3, 3),
            "{form}: {report:?}"
        );
        assert!(report.reasons.is_empty(), "{form}: {report:?}");
        for id in 1..=3 {
            assert_eq!(
                fixture.gallery.point(id).payload["path"],
                format!("{id}.png"),
                "{form}"
            );
        }
    }
}

#[tokio::test]
async fn file_names_match_in_any_unicode_normalisation() {
    let fixture = Fixture::new();
    fixture.picture("cafe\u{301}.png", 1);
    fixture.picture("\u{fc}ber.png", 2);
    let entry = |id, path: &str| {
        serde_json::json!({"id": id, "local_path": path, "tags_all": ["x"]}).to_string()
    };
    fixture.manifest(&[entry(1, "caf\u{e9}.png"), entry(2, "u\u{308}ber.png")]);
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!(report.totals.embedded, 2, "{report:?}");
    assert_eq!(
        fixture.gallery.point(1).payload["path"],
        "cafe\u{301}.png",
        "as the file system writes it"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_manifest_from_a_pipe_is_read_to_its_end() {
    let fixture = Fixture::with_pictures(3);
    let pipe = fixture.path("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo is there");
    assert!(made.success());
    // A pipe has no folder of pictures, so the paths are absolute.
    let folder = fixture.path("").display().to_string();
    let text = three_lines().replace("\"local_path\":\"", &format!("\"local_path\":\"{folder}"));
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, gzipped(text.as_bytes())))
    };
    let mut request = fixture.request();
    request.lines.manifest = pipe;
    request.lines.images_root = Some(fixture.path(""));
    let report = fixture.ingest_with(&request).await.expect("ingested");
    writer.join().expect("joined").expect("written");
    assert_eq!(
        (report.totals.lines, report.totals.embedded),
        (3, 3),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_manifest_is_refused_and_its_format_named() {
    let fixture = Fixture::with_pictures(1);
    for (content, word) in [
        (&b"PK\x03\x04and so on"[..], "zip"),
        (b"\x1f\x8bbroken", "gzip"),
        (b"\x89PNG\0\0", "not text"),
    ] {
        std::fs::write(fixture.path("manifest.jsonl"), content).expect("written");
        let error = fixture.ingest().await.expect_err(word);
        assert!(error.message.contains(word), "{}", error.message);
    }
}

#[tokio::test]
async fn failures_are_reported_by_kind_with_their_number_and_a_remedy() {
    let fixture = Fixture::with_pictures(1);
    std::fs::write(fixture.path("words.png"), b"no picture").expect("written");
    fixture.manifest(&[
        line(1, "apple"),
        line(7, "gone"),
        line(8, "gone"),
        "{\"id\":2,".to_owned(),
        line(9, "x").replace("9.png", "words.png"),
    ]);
    let mut request = fixture.request();
    request.lines.fail_log = Some(fixture.path("failed.txt"));
    let report = fixture
        .ingest_with(&request)
        .await
        .expect("bad lines are not fatal");
    let kinds: Vec<(FailureKind, u64)> = report
        .reasons
        .failed
        .iter()
        .map(|alike| (alike.kind, alike.lines))
        .collect();
    assert_eq!(
        kinds,
        [
            (FailureKind::NoFile, 2),
            (FailureKind::NotJson, 1),
            (FailureKind::NotAPicture, 1)
        ]
    );
    let text = report.reasons.text();
    assert!(
        text.contains("2 lines failed") && text.contains("7.png") && text.contains("--images-root"),
        "{text}"
    );
    assert!(!report.reasons.nothing_succeeded(&report.totals));
    let log = std::fs::read_to_string(fixture.path("failed.txt")).expect("the list");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>(),
        [&"7", &"8", &"line 3", &"9"]
    );
    assert!(
        lines[0].starts_with('#') && lines[0].contains("7.png"),
        "each id is below its reason: {log}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_the_folders_is_refused_and_an_absolute_path_outside_gets_a_remark() {
    let (fixture, elsewhere) = (Fixture::with_pictures(1), Fixture::with_pictures(2));
    std::os::unix::fs::symlink(elsewhere.path("2.png"), fixture.path("2.png")).expect("linked");
    let outside = elsewhere.path("1.png").display().to_string();
    fixture.manifest(&[
        line(1, "x"),
        line(2, "x"),
        line(3, "x").replace("3.png", &outside),
    ]);
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!(
        (report.totals.embedded, report.totals.failed),
        (2, 1),
        "{report:?}"
    );
    let outcomes = fixture.ledger.outcomes();
    assert!(
        matches!(
            &outcomes[&1],
            LineOutcome::Failed {
                kind: FailureKind::Outside,
                ..
            }
        ),
        "{outcomes:?}"
    );
    let text = report.reasons.text();
    assert!(
        text.contains("1 line: the picture lies outside") && text.contains("IMAGES_ROOT"),
        "{text}"
    );
    // If pictures are served from that folder, both are accepted.
    let settings = RunSettings {
        served_from: vec![elsewhere.path("")],
        ..RunSettings::default()
    };
    let never = CancellationToken::new();
    let report = ingest(fixture.tools(), &fixture.request(), &settings, &(), &never)
        .await
        .expect("ingested");
    assert_eq!(
        (report.totals.failed, report.reasons.is_empty()),
        (0, true),
        "{report:?}"
    );
}
