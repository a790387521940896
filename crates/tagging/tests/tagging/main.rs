//! Proposes and reviews tags over a collection in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use clippy_core::bulk::{TEXT_TEMPLATE, TagRequest, Vocabulary};
use clippy_core::embedding::{EmbedInput, Embedder};
use clippy_core::gallery::{GalleryReader, GalleryWriter, Payload, Point, words_of};
use clippy_core::ids::PointId;
use clippy_core::trash::Trash;
use clippy_core::{ErrorCode, Result};
use clippy_tagging::{
    Decision, NOTE, Observer, Proposal, Reviewer, Stage, TagAction, TagCursor, TagReport, TagTools,
    proposals_of, run,
};
use clippy_testing::{FakeEmbedder, MemoryGallery, MemoryTrash, TaggedPicture, tagged_pictures};

const DIMENSION: usize = 16;
/// Pictures with tags, and the ids of those without follow.
const TAGGED: u64 = 800;
const UNTAGGED: u64 = 400;

struct Setup {
    gallery: Arc<MemoryGallery>,
    embedder: Arc<FakeEmbedder>,
    trash: Arc<MemoryTrash>,
    truth: HashMap<PointId, Vec<String>>,
}

impl Setup {
    async fn with(tagged: u64, untagged: u64) -> Self {
        let embedder = Arc::new(FakeEmbedder::new(DIMENSION));
        let gallery = Arc::new(MemoryGallery::new(embedder.info()));
        let mut pictures = tagged_pictures(1, tagged, DIMENSION, false);
        pictures.extend(tagged_pictures(1 + tagged, untagged, DIMENSION, true));
        let truth = |TaggedPicture { point, tags }: &TaggedPicture| (point.id, tags.clone());
        let truth = pictures.iter().map(truth).collect();
        let points = pictures.into_iter().map(|picture| picture.point).collect();
        gallery.upsert(points).await.expect("stored");
        Self {
            gallery,
            embedder,
            trash: Arc::default(),
            truth,
        }
    }

    fn tools(&self) -> TagTools {
        TagTools {
            gallery: self.gallery.clone(),
            embedder: self.embedder.clone(),
            trash: self.trash.clone(),
        }
    }

    async fn tag(&self, request: TagRequest) -> Result<TagReport> {
        run(
            &self.tools(),
            &request,
            ("a run", None),
            TagCursor::default(),
            &Watcher::default(),
        )
        .await
    }

    fn proposals(&self) -> Vec<(Point, Vec<Proposal>)> {
        let points = self.gallery.points.lock();
        let by = &self.embedder.info().fingerprint;
        let each = points.values().cloned();
        each.map(|point| {
            let proposals = proposals_of(&point.payload, by);
            (point, proposals)
        })
        .collect()
    }

    fn reviewer(&self) -> Reviewer<'_> {
        let change = (&*self.trash as &dyn Trash, "a review", Some("ann"));
        Reviewer::new(&*self.gallery, &*self.embedder, TEXT_TEMPLATE, change)
    }

    /// An untagged picture with a proposal.
    fn proposed(&self) -> (PointId, Proposal) {
        let all = self.proposals();
        let found = all.into_iter().find_map(|(point, proposals)| {
            Some((point.id, proposals.into_iter().next()?)).filter(|_| is_untagged(point.id))
        });
        found.expect("some are proposed")
    }
}

fn is_untagged(id: PointId) -> bool {
    id > PointId::Number(TAGGED)
}

fn request(at_least: f64) -> TagRequest {
    TagRequest {
        at_least,
        vocabulary: Vocabulary::Gallery,
        accept: false,
        text_template: TEXT_TEMPLATE.to_owned(),
    }
}

#[derive(Default)]
struct Watcher {
    /// Stops after this many checkpoints; 0 is never.
    stops_after: usize,
    checkpoints: AtomicUsize,
    stopped: AtomicBool,
    last: tokio::sync::Mutex<TagCursor>,
}

#[async_trait]
impl Observer for Watcher {
    fn progress(&self, _stage: Stage, done: u64, total: u64) {
        assert!(done <= total, "{done} of {total}");
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    async fn checkpoint(&self, cursor: &TagCursor) -> Result<()> {
        *self.last.lock().await = cursor.clone();
        let made = self.checkpoints.fetch_add(1, Ordering::SeqCst) + 1;
        self.stopped
            .store(made == self.stops_after, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn what_is_proposed_for_unseen_pictures_is_right_as_often_as_stated() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    let report = setup.tag(request(0.3)).await.expect("proposed");
    assert!(
        report.complete && report.pictures == TAGGED + UNTAGGED,
        "{report:?}"
    );
    let unseen = setup
        .proposals()
        .into_iter()
        .filter(|(point, _)| is_untagged(point.id));
    let stated: Vec<(f64, bool)> = unseen
        .flat_map(|(point, proposals)| {
            let truth = setup.truth[&point.id].clone();
            let right = move |one: Proposal| (one.probability, truth.contains(&one.tag));
            proposals.into_iter().map(right)
        })
        .collect();
    for (low, high) in [(0.4, 0.6), (0.85, 0.95)] {
        let within = stated
            .iter()
            .filter(|(stated, _)| (low..high).contains(stated));
        let (mut count, mut right, mut sum) = (0.0, 0.0, 0.0);
        for (stated, is_right) in within {
            count += 1.0;
            sum += stated;
            right += f64::from(u8::from(*is_right));
        }
        assert!(count > 100.0, "{count} between {low} and {high}");
        let off: f64 = (right - sum) / count;
        assert!(
            off.abs() < 0.06,
            "stated {}, right {}",
            sum / count,
            right / count
        );
    }
    // All pictures of a group have its tag, so that it is certain.
    assert!(stated.iter().any(|(stated, _)| *stated > 0.97));
    let notes = setup.gallery.notes.lock();
    let fingerprint = &setup.embedder.info().fingerprint;
    assert_eq!(notes[NOTE]["fingerprint"], fingerprint.as_str());
    assert_eq!(notes[NOTE]["tagged"], TAGGED);
}

#[tokio::test]
async fn a_second_run_proposes_the_same() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    setup.tag(request(0.5)).await.expect("proposed");
    let first = setup.gallery.points.lock().clone();
    setup.tag(request(0.5)).await.expect("proposed");
    assert_eq!(*setup.gallery.points.lock(), first);
}

#[tokio::test]
async fn a_run_that_was_stopped_left_whole_pictures_and_continues() {
    let whole = Setup::with(TAGGED, UNTAGGED).await;
    let expected = whole.tag(request(0.5)).await.expect("proposed");
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    let watcher = Watcher {
        stops_after: 14,
        ..Watcher::default()
    };
    let stopped = run(
        &setup.tools(),
        &request(0.5),
        ("a run", None),
        TagCursor::default(),
        &watcher,
    )
    .await;
    assert!(!stopped.expect("stopped").complete);
    let done = setup
        .proposals()
        .iter()
        .filter(|(_, some)| !some.is_empty())
        .count();
    assert!(
        done > 0 && (done as u64) < expected.proposed_pictures,
        "{done}"
    );
    let cursor = watcher.last.lock().await.clone();
    let report = run(
        &setup.tools(),
        &request(0.5),
        ("a run", None),
        cursor,
        &Watcher::default(),
    )
    .await;
    assert_eq!(report.expect("continued"), expected);
    assert_eq!(*setup.gallery.points.lock(), *whole.gallery.points.lock());
}

#[tokio::test]
async fn an_accepted_tag_is_a_tag_with_a_new_text_vector_and_a_rejected_one_never_returns() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    setup.tag(request(0.3)).await.expect("proposed");
    let (id, Proposal { tag, .. }) = setup.proposed();
    let decision = |accept: &[&str], reject: &[&str]| Decision {
        id,
        accept: accept.iter().map(|tag| (*tag).to_owned()).collect(),
        reject: reject.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let reviewed = setup
        .reviewer()
        .review(vec![decision(&[&tag, "never_proposed"], &[])])
        .await;
    assert_eq!(reviewed.expect("accepted").accepted, 1);
    let point = setup.gallery.points.lock()[&id].clone();
    assert_eq!(
        words_of(&point.payload, "tags_all").collect::<Vec<_>>(),
        [tag.as_str()]
    );
    assert_eq!(
        words_of(&point.payload, "accepted_tags").collect::<Vec<_>>(),
        [tag.as_str()]
    );
    assert!(!words_of(&point.payload, "proposed_words").any(|word| word == tag));
    let sentence = TEXT_TEMPLATE.replace("{tags}", &tag.replace('_', " "));
    let made = setup
        .embedder
        .embed(vec![EmbedInput::Text(sentence)])
        .await
        .expect("embedded");
    let off = |left: &[f32], right: &[f32]| {
        let each = left.iter().zip(right);
        each.map(|(left, right)| (left - right).abs())
            .fold(0.0, f32::max)
    };
    assert!(off(&point.vectors.text.expect("made"), &made.embeddings[0]) < 1e-5);

    let again = setup
        .reviewer()
        .review(vec![decision(&[&tag], &[&tag])])
        .await;
    assert_eq!(
        again.expect("nothing").pictures,
        0,
        "it is not proposed any more"
    );

    let (id, Proposal { tag, .. }) = setup.proposed();
    let decision = Decision {
        id,
        accept: Vec::new(),
        reject: vec![tag.clone()],
    };
    let reviewed = setup
        .reviewer()
        .review(vec![decision])
        .await
        .expect("rejected");
    assert_eq!((reviewed.accepted, reviewed.rejected), (0, 1));
    setup.tag(request(0.3)).await.expect("proposed again");
    let payload = setup.gallery.points.lock()[&id].payload.clone();
    assert!(!words_of(&payload, "proposed_words").any(|word| word == tag));
    assert!(!words_of(&payload, "tags_all").any(|word| word == tag));
}

#[tokio::test]
async fn nothing_is_changed_when_one_picture_does_not_exist() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    setup.tag(request(0.3)).await.expect("proposed");
    let before = setup.gallery.points.lock().clone();
    let (id, Proposal { tag, .. }) = setup.proposed();
    let decision = |id| Decision {
        id,
        accept: vec![tag.clone()],
        reject: Vec::new(),
    };
    let decisions = vec![decision(id), decision(PointId::Number(999_999))];
    let error = setup
        .reviewer()
        .review(decisions)
        .await
        .expect_err("refused");
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("999999"), "{}", error.message);
    assert_eq!(*setup.gallery.points.lock(), before);
}

#[tokio::test]
async fn all_proposals_of_a_tag_are_decided_on_at_once() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    setup.tag(request(0.3)).await.expect("proposed");
    let reviewer = setup.reviewer();
    let of_tag = |least: f64| {
        let all = setup.proposals();
        let each = all.iter().flat_map(|(_, proposals)| proposals);
        each.filter(|one| one.tag == "group_0" && one.probability >= least)
            .count() as u64
    };
    let (probable, all) = (of_tag(0.95), of_tag(0.0));
    assert!(probable > 0, "of {all}");
    let accepted = reviewer
        .review_tag("group_0", 0.95, TagAction::Accept)
        .await
        .expect("done");
    assert_eq!((accepted.accepted, accepted.more), (probable, false));
    let rejected = reviewer
        .review_tag("group_0", 0.0, TagAction::Reject)
        .await
        .expect("done");
    assert_eq!(rejected.rejected, all - probable);
    assert_eq!(of_tag(0.0), 0);
}

#[tokio::test]
async fn accepting_at_once_gives_the_tags_that_would_be_proposed() {
    let proposed = Setup::with(TAGGED, UNTAGGED).await;
    let report = proposed.tag(request(0.9)).await.expect("proposed");
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    let accepting = TagRequest {
        accept: true,
        ..request(0.9)
    };
    let accepted = setup.tag(accepting).await.expect("accepted");
    assert_eq!(
        (accepted.proposed, accepted.accepted),
        (report.proposed, report.proposed)
    );
    for (point, proposals) in proposed.proposals() {
        let tags = setup.gallery.points.lock()[&point.id].payload.clone();
        assert!(
            proposals
                .iter()
                .all(|one| words_of(&tags, "tags_all").any(|tag| tag == one.tag))
        );
    }
}

#[tokio::test]
async fn proposals_of_a_replaced_model_are_not_read_and_are_made_anew() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    setup.tag(request(0.5)).await.expect("proposed");
    let mut old = Payload::new();
    old.insert("proposed_by".to_owned(), "a replaced model".into());
    let (id, proposal) = setup.proposed();
    setup.gallery.set_payload(id, old).await.expect("stored");
    let payload = |id: PointId| setup.gallery.points.lock()[&id].payload.clone();
    let by = &setup.embedder.info().fingerprint;
    assert_eq!(proposals_of(&payload(id), by), []);
    let reviewed = setup
        .reviewer()
        .review_tag(&proposal.tag, 0.0, TagAction::Accept)
        .await;
    reviewed.expect("others are accepted");
    assert!(!words_of(&payload(id), "tags_all").any(|tag| tag == proposal.tag));
    setup.tag(request(0.5)).await.expect("proposed again");
    assert_eq!(payload(id)["proposed_by"], by.as_str());
}

#[tokio::test]
async fn what_cannot_be_tagged_is_refused_with_the_reason() {
    let few = Setup::with(100, 10).await;
    let error = few.tag(request(0.9)).await.expect_err("too few");
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(error.message.contains("100"), "{}", error.message);
    for at_least in [0.0, 1.0, f64::NAN] {
        let error = few.tag(request(at_least)).await.expect_err("refused");
        assert_eq!(error.code, ErrorCode::InvalidInput);
    }
    few.gallery.schema_version.store(4, Ordering::SeqCst);
    let error = few.tag(request(0.9)).await.expect_err("an older schema");
    assert!(
        error.message.contains("clippy migrate"),
        "{}",
        error.message
    );
    few.gallery.schema_version.store(5, Ordering::SeqCst);
    *few.gallery.fingerprint.lock() = "another".to_owned();
    let error = few.tag(request(0.9)).await.expect_err("another model");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!(few.gallery.info().await.expect("info").points, 110);
}

#[tokio::test]
async fn words_of_a_file_are_proposed_only_from_the_file() {
    let setup = Setup::with(TAGGED, UNTAGGED).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("words.txt");
    let unknown: String = (0..40_000)
        .map(|number| format!("unknown {number}\n"))
        .collect();
    std::fs::write(
        &file,
        format!("# two of the gallery's\nSUBJECT_1\n{unknown}"),
    )
    .expect("written");
    let of_file = TagRequest {
        vocabulary: Vocabulary::File(file),
        ..request(0.3)
    };
    let report = setup.tag(of_file).await.expect("proposed");
    assert_eq!(report.words, 40_001);
    assert!(report.proposed > 20);
    let all = setup.proposals();
    let mut tags = all
        .iter()
        .flat_map(|(_, proposals)| proposals)
        .map(|one| one.tag.as_str());
    assert!(tags.all(|tag| tag == "subject_1" || tag.starts_with("unknown")));
}
