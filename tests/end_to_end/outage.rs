//! A Qdrant server that fails during an ingest on the command line and returns: the real binary,
//! with real connections that are cut.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use clippy_fake_qdrant::Proxy;

use crate::harness::{clippy, gallery, short_manifest, wait_for_blocking};
use crate::qdrant::{Qdrant, succeed};

/// Enough for a few batches of points, and far fewer than all.
const BYTES_BEFORE_THE_OUTAGE: u64 = 60 << 10;
/// The number of failed calls before the server returns: after 0.5, 1 and 2 seconds.
const FAILED_CALLS: usize = 3;

#[test]
fn an_ingest_on_the_command_line_waits_for_a_failed_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let qdrant = Qdrant::start();
    let proxy = qdrant
        .wait(Proxy::start(qdrant.address()))
        .expect("a free port");
    let settings = vec![
        ("QDRANT_URL", proxy.url()),
        ("QDRANT_API_KEY", "secret".to_owned()),
    ];
    let manifest = short_manifest(folder.path(), 120).display().to_string();
    succeed(folder.path(), &settings, &["migrate"]);

    proxy.cut_after(BYTES_BEFORE_THE_OUTAGE);
    let mut ingest = clippy(folder.path())
        .args(["ingest", "--json", "--upsert-batch", "8", "--manifest"])
        .arg(&manifest)
        .arg("--images-root")
        .arg(gallery())
        .envs(settings.iter().map(|(name, value)| (*name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut printed = BufReader::new(ingest.stderr.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    let waits = printed
        .by_ref()
        .filter(|line| line.contains("waiting:"))
        .take(FAILED_CALLS)
        .count();
    assert_eq!(
        waits, FAILED_CALLS,
        "the ingest did not wait for the server"
    );
    proxy.restore();
    let rest = std::thread::spawn(move || printed.collect::<Vec<_>>().join("\n"));
    wait_for_blocking("the ingest to end", Duration::from_secs(120), || {
        ingest.try_wait().expect("a child")
    });
    let output = ingest.wait_with_output().expect("a child");
    let rest = rest.join().expect("the reader");

    assert!(output.status.success(), "{rest}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["totals"]["embedded"], 120, "{report} {rest}");
    assert_eq!(report["totals"]["failed"], 0, "{report} {rest}");
    let stored = qdrant.wait(async {
        let request = qdrant_client::qdrant::CountPointsBuilder::new("clippy").exact(true);
        qdrant.client().count(request).await
    });
    assert_eq!(stored.expect("counted").result.expect("a count").count, 120);
}
