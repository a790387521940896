//! Ten thousand pictures are deleted and edited while clients search and a re-index runs.

use std::sync::atomic::AtomicBool;

use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::changes::{ChangeAction, ChangeJob, ChangeRequest, PictureFilter};
use clippy_core::gallery::{Space, Vectors, words_of};
use clippy_core::trash::KeptFilter;
use clippy_search::LiveSearcher;

use super::*;

const COUNT: u64 = 10_000;
const CLIENTS: usize = 32;
/// Parts that are large enough for this many pictures.
const LARGE_PARTS: BulkSettings = BulkSettings {
    part_lines: 500,
    most_parts: 100,
    parts_at_once: 50,
};

/// A unit vector that differs with its number.
fn vector(number: u64, space: Space) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (space as u64 + 1);
    let mut values: Vec<f32> = (0..OLD)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

fn point(number: u64) -> Point {
    let subject = if number < COUNT / 2 {
        "kitten"
    } else {
        "house"
    };
    let payload = json!({
        "id": number, "path": format!("none/{number}.png"), "tags_all": [subject, "ink"],
        "rating": "safe", "score": number as f64 / 7.0,
    });
    let Value::Object(payload) = payload else {
        unreachable!("an object")
    };
    Point {
        id: number.into(),
        vectors: Vectors::from_fn(|space| Some(vector(number, space))),
        payload,
    }
}

/// A payload, and vectors by their bits.
type Bits = (String, Vec<Option<Vec<u32>>>);

fn bits(points: &BTreeMap<PointId, Point>) -> BTreeMap<PointId, Bits> {
    let of = |point: &Point| {
        let each = point.vectors.iter().map(|(_, vector)| {
            let values = vector.as_ref()?.iter();
            Some(values.map(|value| value.to_bits()).collect())
        });
        (format!("{:?}", point.payload), each.collect())
    };
    points.iter().map(|(id, point)| (*id, of(point))).collect()
}

fn change(filter: PictureFilter, action: ChangeAction) -> ChangeJob {
    ChangeJob {
        change_pictures: ChangeRequest {
            filter,
            action,
            tags: Vec::new(),
            from: None,
            to: None,
            text_template: TEXT_TEMPLATE.to_owned(),
        },
    }
}

fn tagged(tag: &str) -> PictureFilter {
    PictureFilter {
        tags: vec![tag.to_owned()],
        ..PictureFilter::default()
    }
}

fn of_job(id: JobId) -> PictureFilter {
    PictureFilter {
        change: Some(id.to_string()),
        ..PictureFilter::default()
    }
}

fn rename() -> ChangeJob {
    let mut job = change(PictureFilter::default(), ChangeAction::RenameTag);
    job.change_pictures.from = Some("house".to_owned());
    job.change_pictures.to = Some("home".to_owned());
    job
}

impl Process {
    async fn changed(&self, job: &ChangeJob) -> (JobId, u64) {
        let id = self.submit(JobKind::Backfill, job).await;
        let result = self.result(id).await;
        let changed = result["changes"]["changed"].as_u64();
        (id, changed.expect("a number"))
    }

    fn worker_of_large_parts(&self) -> Worker {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("one");
        let folders = Folders::new(None, Some(std::env::temp_dir()));
        let handlers = handlers(&self.tools, &folders, LARGE_PARTS)
            .with(ReindexJob::new(self.reindex.clone(), LARGE_PARTS));
        let jobs = Arc::clone(&self.jobs);
        runtime.spawn(async move {
            let settings = RunnerSettings {
                lanes: vec![(Lane::Bulk, 2), (Lane::Control, 2)],
                timing: short_timing(),
                drain: Duration::from_secs(5),
            };
            let runner = Runner::new(jobs, handlers, settings).expect("good settings");
            runner.run(CancellationToken::new()).await;
        });
        Worker(Some(runtime))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_pictures_change_while_clients_search_and_a_reindex_runs() {
    let fixture = Fixture::new();
    let process = Process::open(&fixture.path("data"), OLD).await;
    let gallery = Arc::clone(&process.live.now().gallery);
    for first in (0..COUNT).step_by(1_000) {
        let points = (first..first + 1_000).map(point).collect();
        gallery.upsert(points).await.expect("stored");
    }
    drop(gallery);
    let before = bits(&process.points().await);
    assert_eq!(before.len() as u64, COUNT);

    // 32 clients search until the end.
    let stop = Arc::new(AtomicBool::new(false));
    let searcher = LiveSearcher::new(
        Arc::clone(&process.live),
        Arc::clone(&process.reindex.searcher),
    );
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (stop, searcher) = (Arc::clone(&stop), Arc::clone(&searcher));
            tokio::spawn(async move {
                let mut found = 0_u64;
                while !stop.load(Ordering::SeqCst) {
                    let (searcher, _live) = searcher.now();
                    let query = SearchQuery {
                        text: Some(format!("words {} of {client}", found % 5)),
                        ..SearchQuery::default()
                    };
                    let answer = searcher.search(query).await.expect("a search never fails");
                    assert!(!answer.hits.is_empty());
                    found += 1;
                }
                found
            })
        })
        .collect();

    // The re-index runs, and waits for its model.
    let _worker = process.worker_of_large_parts();
    let to_new = ReindexRequest {
        allow_missing: true,
        ..to_new()
    };
    let reindex = process.submit(JobKind::Reindex, &to_new).await;
    process
        .wait("the re-index to run", reindex, |job| {
            job.children.as_ref().is_some_and(|parts| parts.total > 0)
        })
        .await;

    let (deleted, count) = process
        .changed(&change(tagged("kitten"), ChangeAction::Delete))
        .await;
    assert_eq!(count, COUNT / 2);
    let (renamed, count) = process.changed(&rename()).await;
    assert_eq!(count, COUNT / 2);
    let points = process.points().await;
    assert_eq!(points.len() as u64, COUNT / 2);
    let is_home = |point: &Point| words_of(&point.payload, "tags_all").eq(["home", "ink"]);
    assert!(points.values().all(is_home));

    // Undone, every bit is as it was.
    for job in [renamed, deleted] {
        let undo = change(of_job(job), ChangeAction::Restore);
        assert_eq!(process.changed(&undo).await.1, COUNT / 2);
    }
    assert!(bits(&process.points().await) == before, "not the same bits");
    let left = process.tools.trash.list(&KeptFilter::default(), 0, 9).await;
    assert!(left.expect("read").is_empty());

    // Changed once more. Nothing comes back with the new collection.
    process
        .changed(&change(tagged("kitten"), ChangeAction::Delete))
        .await;
    process.changed(&rename()).await;
    process.open_gate();
    process.result(reindex).await;
    let live = process.live.now();
    assert_eq!(live.embedder.info().dimension, NEW);
    let count = |filter: PictureFilter| {
        let gallery = Arc::clone(&live.gallery);
        async move { gallery.count(&filter.to_gallery()).await.expect("counted") }
    };
    assert_eq!(count(PictureFilter::default()).await, COUNT / 2);
    assert_eq!(count(tagged("kitten")).await, 0);
    assert_eq!(count(tagged("home")).await, COUNT / 2);

    stop.store(true, Ordering::SeqCst);
    for client in clients {
        assert!(client.await.expect("no search failed") > 0);
    }
}
