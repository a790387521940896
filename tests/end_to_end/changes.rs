//! Bulk changes while clients search and a re-index runs: nothing fails, nothing comes back, and
//! undoing restores every bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clippy_core::gallery::{Filter, GalleryReader as _, Payload, STYLE_GROUP_FIELD, With};
use clippy_core::ids::PointId;
use clippy_gallery::EdgeGallery;
use clippy_imaging::{Encoding, RgbImage, encode};
use serde_json::{Value, json};

use crate::harness::{Server, wait_for_blocking};
use crate::older_collection::stored;
use crate::qdrant::{Qdrant, run_json};
use crate::reindex::start_job;

/// Sets the number of pictures instead of [`PICTURES`].
const COUNT: &str = "CLIPPY_CHANGED_PICTURES";
const PICTURES: u64 = 150;
const CLIENTS: usize = 32;
/// The time between two searches of a client, so that the changes and the re-index have most of the
/// processor. With another number of pictures, clients search without a pause.
const PAUSE: Duration = Duration::from_millis(1_500);
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

/// What a collection stores of each point: its payload, and the bits of its vectors.
type Stored = BTreeMap<u64, (Payload, BTreeMap<String, Vec<u32>>)>;

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|value| value.to_bits()).collect()
}

/// Where a collection is.
enum Place<'q> {
    /// In a data folder. Nobody may have it open.
    Embedded(PathBuf),
    /// On a server.
    Server(&'q Qdrant),
}

impl Place<'_> {
    fn read(&self, folder: &str, name: &str) -> Stored {
        match self {
            Self::Embedded(data) => read_embedded(&data.join(folder), name),
            Self::Server(qdrant) => {
                let (mut vectors, payloads) = stored(qdrant, name);
                let each = payloads.into_iter().map(|(id, payload)| {
                    let vectors = vectors.remove(&id).unwrap_or_default();
                    let bits = vectors
                        .into_iter()
                        .map(|(space, vector)| (space, bits(&vector)));
                    (id, (payload, bits.collect()))
                });
                each.collect()
            }
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Embedded(_) => Vec::new(),
            Self::Server(qdrant) => qdrant.settings(),
        }
    }
}

fn read_embedded(folder: &Path, name: &str) -> Stored {
    let runtime = tokio::runtime::Runtime::new().expect("one");
    runtime.block_on(async {
        let gallery = EdgeGallery::open_existing(folder.to_owned(), name.to_owned(), None).await;
        let gallery = gallery.expect("opened");
        let (mut points, mut from) = (Stored::new(), None);
        loop {
            let page = gallery
                .scroll(&Filter::default(), from, 500, With::ALL)
                .await;
            let page = page.expect("read");
            for point in page.points {
                let PointId::Number(id) = point.id else {
                    panic!("{} is not a number", point.id)
                };
                let vectors = point.vectors.iter().filter_map(|(space, vector)| {
                    let vector = vector.as_ref()?;
                    Some((format!("{space:?}").to_lowercase(), bits(vector)))
                });
                points.insert(id, (point.payload.clone(), vectors.collect()));
            }
            from = page.next;
            if from.is_none() {
                return points;
            }
        }
    })
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

/// Re-indexes without a pause until the changes are made, so that they meet a re-index at every
/// stage. Returns how many there were, and the name of the collection that is live then.
fn reindex_until(server: &Server, first: String, are_changed: &AtomicBool) -> (usize, String) {
    let (mut job, mut done) = (first, 0);
    loop {
        let live = succeeded(server, &job)["live"].clone();
        done += 1;
        if are_changed.load(Ordering::SeqCst) {
            return (done, live.as_str().expect("a name").to_owned());
        }
        job = start_job(server, "reindex", &json!({}));
    }
}

/// Searches until `over`. No search may fail, and once `deleted` is set, none may show a picture of
/// the deleted group.
fn search(
    server: &Server,
    number: usize,
    pause: Duration,
    (over, deleted): (&AtomicBool, &AtomicBool),
) -> u64 {
    let api = server.api();
    let mut done = 0;
    while !over.load(Ordering::SeqCst) {
        if done > 0 {
            std::thread::sleep(pause);
        }
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
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::Embedded(folder.path().join("data"));
    change_during_searches_and_a_reindex(folder.path(), &place);
}

#[test]
fn bulk_changes_of_a_collection_on_a_server_are_whole_and_are_undone_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let qdrant = Qdrant::start();
    change_during_searches_and_a_reindex(folder.path(), &Place::Server(&qdrant));
}

fn change_during_searches_and_a_reindex(folder: &Path, place: &Place<'_>) {
    let (count, pause) = match std::env::var(COUNT) {
        Ok(text) => (text.parse().expect("a number"), Duration::ZERO),
        Err(_) => (PICTURES, PAUSE),
    };
    let in_group = |group: &str| (0..count).filter(|id| group_of(*id) == group).count() as u64;
    let (deleted, edited) = (in_group(GROUPS[0]), in_group(GROUPS[1]));
    let manifest = draw(&folder.join("pictures"), count);
    let own = place.settings();
    let ingest = [
        "ingest",
        "--manifest",
        manifest.to_str().expect("text"),
        "--json",
    ];
    let report = run_json(folder, &own, &ingest);
    assert_eq!(report["totals"]["embedded"], count, "{report}");
    let before = place.read("collection", "clippy");

    let root = manifest.parent().expect("a folder").display().to_string();
    let mut settings = vec![("IMAGES_ROOT", root.as_str())];
    settings.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let server = Server::start_with(folder, "serve", &[], &settings);
    let (over, is_deleted) = (AtomicBool::new(false), AtomicBool::new(false));
    let searches = AtomicU64::new(0);
    let are_changed = AtomicBool::new(false);
    let (deletion, edit, live) = std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (server, state, searches) = (&server, (&over, &is_deleted), &searches);
            scope.spawn(move || {
                // A client that panics must not leave the others searching for ever.
                let stop = StopOnPanic(state.0);
                searches.fetch_add(search(server, number, pause, state), Ordering::SeqCst);
                drop(stop);
            });
        }
        let stop = StopOnPanic(&over);
        let first = start_job(&server, "reindex", &json!({}));
        wait_for_blocking("the re-index to begin", LIMIT, || {
            let job = server.api().job(&first);
            (job["progress"]["done"].as_u64() > Some(0)).then_some(())
        });
        let reindexing = scope.spawn(|| reindex_until(&server, first, &are_changed));
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
        are_changed.store(true, Ordering::SeqCst);
        let (reindexes, live) = reindexing.join().expect("re-indexed");
        eprintln!("{reindexes} re-indexes during the changes");

        drop(stop);
        over.store(true, Ordering::SeqCst);
        (deletion, edit, live)
    });
    eprintln!("{} searches", searches.load(Ordering::SeqCst));
    let collection = server.api().get_json("/api/admin/collection");
    assert_eq!(collection["name"], live.as_str());
    assert_eq!(collection["points"], count - deleted, "{collection}");
    let again = run_json(folder, &own, &ingest);
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
    let after = place.read(&format!("collections/{live}"), &live);
    assert_eq!(after.len(), before.len());
    for (id, (payload, vectors)) in &before {
        let (payload_after, vectors_after) = &after[id];
        // A new search for styles adds its keys to those of the one before.
        let compared = |payload: &Payload| {
            let mut payload = payload.clone();
            payload.remove(STYLE_GROUP_FIELD);
            payload
        };
        assert_eq!(compared(payload_after), compared(payload), "{id}");
        // The re-index made the vectors of the other pictures again, in other batches.
        if group_of(*id) == GROUPS[0] {
            assert_eq!(vectors_after, vectors, "{id}");
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
