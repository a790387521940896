//! Manifests as people have them: written by other programs, on other systems, packed, and through
//! pipes.

use std::io::Write;

use clippy_core::ledger::{FailureKind, LineOutcome};
use clippy_worker::ingest::{RunSettings, ingest};
use tokio_util::sync::CancellationToken;

use crate::support::{House, line};

/// Three lines of pictures 1 to 3.
fn three() -> String {
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
async fn a_manifest_in_any_form_that_is_clear_stores_every_picture() {
    let list = format!("[\n{}\n]", three().trim().replace('\n', ",\n"));
    for (form, content) in [
        (
            "byte order mark",
            [b"\xef\xbb\xbf", three().as_bytes()].concat(),
        ),
        (
            "Windows line ends",
            three().replace('\n', "\r\n").into_bytes(),
        ),
        ("gzip", gzipped(three().as_bytes())),
        ("UTF-16", utf16(&three())),
        ("a list", list.clone().into_bytes()),
        ("a list in gzip", gzipped(list.as_bytes())),
        (
            "commas at line ends",
            three().replace("}\n", "},\n").into_bytes(),
        ),
        (
            "ids of a table",
            three()
                .replace("\"id\":1,", "\"id\":1.0,")
                .replace("\"id\":2,", "\"id\":\"2.0\",")
                .into_bytes(),
        ),
        (
            "paths of Windows",
            three().replace("\"1.png\"", "\".\\\\1.png\"").into_bytes(),
        ),
    ] {
        let house = House::with_pictures(3);
        std::fs::write(house.path("manifest.jsonl"), content).expect("written");
        let report = house
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
                house.gallery.point(id).payload["path"],
                format!("{id}.png"),
                "{form}"
            );
        }
    }
}

#[tokio::test]
async fn file_names_match_whichever_way_their_accents_are_written() {
    let house = House::new();
    house.picture("cafe\u{301}.png", 1);
    house.picture("\u{fc}ber.png", 2);
    let entry = |id, path: &str| {
        serde_json::json!({"id": id, "local_path": path, "tags_all": ["x"]}).to_string()
    };
    house.manifest(&[entry(1, "caf\u{e9}.png"), entry(2, "u\u{308}ber.png")]);
    let report = house.ingest().await.expect("ingested");
    assert_eq!(report.totals.embedded, 2, "{report:?}");
    assert_eq!(
        house.gallery.point(1).payload["path"],
        "cafe\u{301}.png",
        "as the file system writes it"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_manifest_from_a_pipe_is_read_to_its_end() {
    let house = House::with_pictures(3);
    let pipe = house.path("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo is there");
    assert!(made.success());
    // A pipe is in no folder of pictures, so their paths are whole.
    let folder = house.path("").display().to_string();
    let text = three().replace("\"local_path\":\"", &format!("\"local_path\":\"{folder}"));
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, gzipped(text.as_bytes())))
    };
    let mut request = house.request();
    request.lines.manifest = pipe;
    request.lines.images_root = Some(house.path(""));
    let report = house.ingest_with(&request).await.expect("ingested");
    writer.join().expect("joined").expect("written");
    assert_eq!(
        (report.totals.lines, report.totals.embedded),
        (3, 3),
        "{report:?}"
    );
}

#[tokio::test]
async fn what_is_no_manifest_is_refused_with_what_it_is() {
    let house = House::with_pictures(1);
    for (content, word) in [
        (&b"PK\x03\x04and so on"[..], "zip"),
        (b"\x1f\x8bbroken", "gzip"),
        (b"\x89PNG\0\0", "no text"),
    ] {
        std::fs::write(house.path("manifest.jsonl"), content).expect("written");
        let error = house.ingest().await.expect_err(word);
        assert!(error.message.contains(word), "{}", error.message);
    }
}

#[tokio::test]
async fn failures_are_told_by_kind_with_their_number_and_the_mend() {
    let house = House::with_pictures(1);
    std::fs::write(house.path("words.png"), b"no picture").expect("written");
    house.manifest(&[
        line(1, "apple"),
        line(7, "gone"),
        line(8, "gone"),
        "{\"id\":2,".to_owned(),
        line(9, "x").replace("9.png", "words.png"),
    ]);
    let mut request = house.request();
    request.lines.fail_log = Some(house.path("failed.txt"));
    let report = house
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
    let log = std::fs::read_to_string(house.path("failed.txt")).expect("the list");
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
        "each id stands below its reason: {log}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_the_folders_is_refused_and_a_whole_path_outside_is_told() {
    let (house, elsewhere) = (House::with_pictures(1), House::with_pictures(2));
    std::os::unix::fs::symlink(elsewhere.path("2.png"), house.path("2.png")).expect("linked");
    let outside = elsewhere.path("1.png").display().to_string();
    house.manifest(&[
        line(1, "x"),
        line(2, "x"),
        line(3, "x").replace("3.png", &outside),
    ]);
    let report = house.ingest().await.expect("ingested");
    assert_eq!(
        (report.totals.embedded, report.totals.failed),
        (2, 1),
        "{report:?}"
    );
    let outcomes = house.ledger.outcomes();
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
    // Named as a folder that pictures are served from, both are good.
    let settings = RunSettings {
        served_from: vec![elsewhere.path("")],
        ..RunSettings::default()
    };
    let never = CancellationToken::new();
    let report = ingest(house.tools(), &house.request(), &settings, &(), &never)
        .await
        .expect("ingested");
    assert_eq!(
        (report.totals.failed, report.reasons.is_empty()),
        (0, true),
        "{report:?}"
    );
}
