//! Bulk changes while clients search and a re-index runs: nothing fails, nothing comes back, and
//! undoing restores every bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clippy_core::gallery::{Filter, GalleryReader as _, Point, STYLE_GROUP_FIELD, Vectors, With};
use clippy_core::ids::PointId;
use clippy_gallery::EdgeGallery;
use clippy_imaging::{Encoding, RgbImage, encode};
use serde_json::{Value, json};

use crate::harness::{Server, json as run_json, wait_for_blocking};
use crate::reindex::start_job;

/// Sets the number of pictures instead of [`PICTURES`].
const COUNT: &str = "CLIPPY_CHANGED_PICTURES";
const PICTURES: u64 = 300;
const CLIENTS: usize = 32;
/// A picture has one of these tags, by its id.
const GROUPS: [&str; 3] = ["deleted", "edited", "other"];
/// The longest time for one job.
const LIMIT: Duration = Duration::from_secs(1_800);

fn group_of(id: u64) -> &'static str {
    GROUPS[usize::try_from(id).expect("small") % GROUPS.len()]
}

/// Draws pictures and writes their manifest, and returns its path.
fn draw(folder: &Path, count: u64) -> PathBuf {
    let mut lines = String::new();
    std::fs::create_dir_all(folder).expect("a temporary folder");
    for id in 0..count {
        let shade = |x: u32, part: u64| ((id * part + u64::from(x) * (id % 7)) % 256) as u8;
        let picture = RgbImage::from_fn(24, 24, |x, y| {
            [shade(x, 37), shade(y, 101), shade(x * y, 11)].into()
        });
        let name = format!("{id}.png");
        let bytes = encode(&picture, Encoding::Png).expect("a picture");
        std::fs::write(folder.join(&name), bytes).expect("a temporary folder");
        let line = json!({ "id": id, "local_path": name, "tags_all": [group_of(id), "drawn"] });
        lines.push_str(&format!("{line}\n"));
    }
    let manifest = folder.join("manifest.jsonl");
    std::fs::write(&manifest, lines).expect("a temporary folder");
    manifest
}

/// Reads all points of a collection that no process has open.
fn points_of(data: &Path, folder: &Path, name: &str) -> BTreeMap<PointId, Point> {
    let runtime = tokio::runtime::Runtime::new().expect("one");
    runtime.block_on(async {
        let gallery = EdgeGallery::open_existing(data.join(folder), name.to_owned(), None).await;
        let gallery = gallery.expect("opened");
        let (mut points, mut from) = (BTreeMap::new(), None);
        loop {
            let page = gallery
                .scroll(&Filter::default(), from, 500, With::ALL)
                .await;
            let page = page.expect("read");
            points.extend(page.points.into_iter().map(|point| (point.id, point)));
            from = page.next;
            if from.is_none() {
                return points;
            }
        }
    })
}

fn bits(vectors: &Vectors) -> Vec<Option<Vec<u32>>> {
    let each = vectors.iter();
    each.map(|(_, vector)| {
        let vector = vector.as_ref()?;
        Some(vector.iter().map(|value| value.to_bits()).collect())
    })
    .collect()
}

fn change(server: &Server, body: &Value) -> String {
    let answer = server.api().post_json("/api/pictures/bulk", body);
    let job = answer.expect(202).json();
    job["id"].as_str().expect("an id").to_owned()
}

fn succeeded(server: &Server, id: &str) -> Value {
    let job = server.api().wait_for_job(id, LIMIT);
    assert_eq!(job["state"], "succeeded", "{job}");
    job["result"].clone()
}

/// Searches until `over`. No search may fail, and once `deleted` is set, none may show a picture of
/// the deleted group.
fn search(server: &Server, number: usize, (over, deleted): (&AtomicBool, &AtomicBool)) -> u64 {
    let api = server.api();
    let mut done = 0;
    while !over.load(Ordering::SeqCst) {
        let is_deleted = deleted.load(Ordering::SeqCst);
        let like = GROUPS.len() as u64 * (number as u64 % 9) + 2;
        let body = match number % 3 {
            0 => json!({ "query_text": "a deleted drawing", "top": 50 }),
            1 => json!({ "query_text": "edited", "tag_filters": "drawn", "top": 50 }),
            _ => json!({ "like": [like], "top": 50 }),
        };
        let answer = api
            .post_json("/api/search/hybrid", &body)
            .expect(200)
            .json();
        let results = answer["results"].as_array().expect("results");
        assert!(!results.is_empty(), "{answer}");
        let comes_back = |found: &&Value| {
            let id = found["id"].as_u64().expect("a number");
            is_deleted && group_of(id) == GROUPS[0]
        };
        let back = results.iter().find(comes_back);
        assert!(back.is_none(), "a deleted picture is found: {back:?}");
        done += 1;
    }
    done
}

#[test]
fn bulk_changes_during_searches_and_a_reindex_are_whole_and_are_undone_bit_for_bit() {
    let count = std::env::var(COUNT).map_or(PICTURES, |text| text.parse().expect("a number"));
    let in_group = |group: &str| (0..count).filter(|id| group_of(*id) == group).count() as u64;
    let (deleted, edited) = (in_group(GROUPS[0]), in_group(GROUPS[1]));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = draw(&folder.path().join("pictures"), count);
    let ingest = [
        "ingest",
        "--manifest",
        manifest.to_str().expect("text"),
        "--json",
    ];
    let report = run_json(folder.path(), &ingest);
    assert_eq!(report["totals"]["embedded"], count, "{report}");
    let data = folder.path().join("data");
    let before = points_of(&data, Path::new("collection"), "clippy");

    let root = manifest.parent().expect("a folder").display().to_string();
    let settings = [("IMAGES_ROOT", root.as_str())];
    let server = Server::start_with(folder.path(), "serve", &[], &settings);
    let (over, is_deleted) = (AtomicBool::new(false), AtomicBool::new(false));
    let searches = AtomicU64::new(0);
    let (deletion, edit, live) = std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (server, state, searches) = (&server, (&over, &is_deleted), &searches);
            scope.spawn(move || {
                // A client that panics must not leave the others searching for ever.
                let stop = StopOnPanic(state.0);
                searches.fetch_add(search(server, number, state), Ordering::SeqCst);
                drop(stop);
            });
        }
        let stop = StopOnPanic(&over);
        let reindex = start_job(&server, "reindex", &json!({}));
        wait_for_blocking("the re-index to begin", LIMIT, || {
            let job = server.api().job(&reindex);
            (job["progress"]["done"].as_u64() > Some(0)).then_some(())
        });
        let deletion = change(
            &server,
            &json!({ "action": "delete", "filter": { "tags": [GROUPS[0]] } }),
        );
        let edit = change(
            &server,
            &json!({
                "action": "add_tags", "tags": ["checked"], "filter": { "tags": [GROUPS[1]] },
            }),
        );
        let result = succeeded(&server, &deletion);
        assert_eq!(result["changes"]["changed"], deleted, "{result}");
        is_deleted.store(true, Ordering::SeqCst);
        let result = succeeded(&server, &edit);
        assert_eq!(result["changes"]["changed"], edited, "{result}");
        let running = server.api().job(&reindex)["state"] == "running";
        eprintln!("the re-index ran during all of both changes: {running}");
        let live = succeeded(&server, &reindex)["live"].clone();

        drop(stop);
        over.store(true, Ordering::SeqCst);
        (deletion, edit, live.as_str().expect("a name").to_owned())
    });
    eprintln!("{} searches", searches.load(Ordering::SeqCst));
    let collection = server.api().get_json("/api/admin/collection");
    assert_eq!(collection["name"], live.as_str());
    assert_eq!(collection["points"], count - deleted, "{collection}");
    let again = run_json(folder.path(), &ingest);
    assert_eq!(again["totals"]["skipped"], deleted, "{again}");
    assert_eq!(again["totals"]["embedded"], 0, "{again}");
    let with_tag = json!({
        "action": "delete", "filter": { "tags": ["checked"] }, "dry_run": true,
    });
    let counted = server.api().post_json("/api/pictures/bulk", &with_tag);
    assert_eq!(counted.expect(200).json()["count"], edited);

    for id in [edit, deletion] {
        let undo = change(
            &server,
            &json!({ "action": "restore", "filter": { "change": id } }),
        );
        succeeded(&server, &undo);
    }
    assert!(server.stop().success());
    let after = points_of(&data, &Path::new("collections").join(&live), &live);
    assert_eq!(after.len(), before.len());
    for (id, before) in &before {
        let after = &after[id];
        // A new search for styles adds its keys to those of the one before.
        let payload = |point: &Point| {
            let mut payload = point.payload.clone();
            payload.remove(STYLE_GROUP_FIELD);
            payload
        };
        assert_eq!(payload(after), payload(before), "{id}");
        let PointId::Number(number) = *id else {
            panic!("{id} is not a number")
        };
        // The re-index made the vectors of the other pictures again, in other batches.
        if group_of(number) == GROUPS[0] {
            assert_eq!(bits(&after.vectors), bits(&before.vectors), "{id}");
        }
    }
}

/// Ends all searches when a thread of the test panics.
struct StopOnPanic<'o>(&'o AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}
