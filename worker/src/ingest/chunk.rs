//! Processes one chunk: takes parsed lines, and returns the points to store and the outcomes.
//! Processing a chunk twice does no harm, so a run may repeat it after a crash.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use clippy_common::run_blocking;
use clippy_core::Result;
use clippy_core::bulk::IngestRequest;
use clippy_core::embedding::EmbedInput;
use clippy_core::gallery::{
    ADDED_FIELD, HASH_FIELD, HEIGHT_FIELD, ID_FIELD, MD5_FIELD, PATH_FIELD, Payload, Point,
    STYLE_GROUP_FIELD, Space, Vectors, WIDTH_FIELD, With, added_now,
};
use clippy_core::ids::PointId;
use clippy_core::ledger::{DRY_RUN, FailureKind, LineFailure, LineOutcome, LineRecord};
use clippy_core::sentences::Underscores;
use clippy_core::styles::StyleVectors;
use clippy_core::trash::Tombstone;
use clippy_imaging::DecodeLimits;
use clippy_library::identity::id_of;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, Semaphore};

use crate::ingest::embed::EmbedRequests;
use crate::ingest::manifest::Entry;
use crate::ingest::mark::{FIELD, Mark, carried_over, md5_hex, same_but_mark};
use crate::ingest::paths::{FoundPicture, NOT_SERVED, Roots};
use crate::ingest::picture::{Content, PreparedPicture, check_header, prepare, read_if_changed};
use crate::ingest::reviewed;
use crate::ingest::run::{ChunkProcessor, Processed, Write, deleted_meanwhile};
use crate::ingest::source::Line;
use crate::ingest::{Tools, deleted};
use crate::style_groups::CurrentGroups;

/// Runs work on blocking threads, at most one task per core at a time, since decoding takes memory.
#[derive(Clone)]
pub(crate) struct Threads(Arc<Semaphore>);

impl Threads {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(
            std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        )))
    }

    /// Runs one task. A panic in it fails its own line only.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LineFailure> + Send + 'static,
    ) -> Result<T, LineFailure> {
        let other = |reason: &str| LineFailure::new(FailureKind::Other, reason);
        let permit = self
            .0
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| other("the run has ended"))?;
        let work = move || {
            let outcome = work();
            drop(permit);
            outcome
        };
        run_blocking(work, |error| {
            tracing::error!(%error, "reading a picture panicked");
            other("reading the picture failed; see the log")
        })
        .await
    }
}

/// Processes the chunks of an ingest.
pub(crate) struct IngestProcessor {
    tools: Tools,
    roots: Arc<Roots>,
    template: Option<String>,
    underscores: Underscores,
    styles: StyleVectors,
    limits: DecodeLimits,
    dry_run: bool,
    threads: Threads,
    /// Roots that this run has recorded with the collection.
    recorded: Mutex<HashSet<PathBuf>>,
}

/// The result of comparing a line's file with the stored point.
enum FileCheck {
    /// The same content is stored already.
    Same { found: FoundPicture, mark: Mark },
    /// The picture has to be embedded.
    New {
        found: FoundPicture,
        prepared: Box<PreparedPicture>,
    },
    /// The picture would be embedded if this were not a dry run.
    WouldEmbed,
}

/// The file of a picture that has to be embedded.
struct Found {
    /// Its path, as the payload has it.
    path: String,
    /// When the picture was added: the stored point's time, if it is known, since a changed
    /// picture is not a new one.
    added: Option<Value>,
}

/// What to do with a line once its vectors are made.
enum LinePlan {
    Done(LineOutcome, Option<Box<Write>>),
    Store(Box<PendingPoint>),
}

/// A point to store, still without its new vectors.
struct PendingPoint {
    payload: Payload,
    mark: Mark,
    /// Whether a stored vector is kept where no new one is made.
    keeps: bool,
    /// Whether the stored text vector is removed.
    drops_text: bool,
}

impl IngestProcessor {
    pub(crate) fn new(
        tools: Tools,
        request: &IngestRequest,
        limits: DecodeLimits,
        roots: Roots,
        underscores: Underscores,
        styles: StyleVectors,
    ) -> Self {
        Self {
            recorded: Mutex::default(),
            underscores,
            styles,
            tools,
            roots: Arc::new(roots),
            template: (!request.no_text).then(|| request.lines.text_template.clone()),
            limits,
            dry_run: request.dry_run,
            threads: Threads::new(),
        }
    }

    async fn work(&self, lines: Vec<Line>) -> Result<Vec<Processed>> {
        let mut processed = Vec::with_capacity(lines.len());
        let mut entries = Vec::new();
        for line in lines {
            match line {
                Line::Settled(record) => processed.push(Processed::of(record, None)),
                Line::Entry { number, entry } => entries.push((number, *entry)),
            }
        }
        let entries_ids: Vec<PointId> = entries.iter().map(|(_, entry)| entry.id).collect();
        let gone = deleted::tombstones(&*self.tools.trash, &entries_ids).await?;
        entries.retain(|(number, entry)| match gone.get(&entry.id) {
            Some(stone) => {
                let record = skipped_line(*number, entry.id, stone);
                processed.push(Processed::of(record, None));
                false
            }
            None => true,
        });
        let ids: Vec<PointId> = entries.iter().map(|(_, entry)| entry.id).collect();
        // Read for each chunk, since they may be found again while this run lasts.
        let gallery = &*self.tools.gallery;
        let groups = CurrentGroups::read(gallery, self.tools.embedder.info()).await?;
        let stored = by_id(self.tools.gallery.retrieve(&ids, With::PAYLOAD).await?);
        for (_, entry) in &mut entries {
            reviewed::keep(entry, stored.get(&entry.id).map(|point| &point.payload));
        }
        let checks = join_all(
            entries
                .iter()
                .map(|(_, entry)| self.check_file(entry, stored.get(&entry.id))),
        )
        .await;

        let unwanted = self.unwanted_content(&entries, &checks, &stored).await?;
        let mut requests = EmbedRequests::default();
        let mut plans = Vec::with_capacity(entries.len());
        let mut lines = Vec::with_capacity(entries.len());
        let mut hidden = vec![false; entries.len()];
        for (place, ((number, entry), check)) in entries.into_iter().zip(checks).enumerate() {
            lines.push((number, entry.id));
            plans.push(match check {
                Err(failure) => LinePlan::Done(failure.into(), None),
                Ok(FileCheck::WouldEmbed) => LinePlan::Done(would_embed(), None),
                Ok(FileCheck::New { found, prepared }) => {
                    let unwanted = unwanted.get(&prepared.mark.md5);
                    match unwanted.filter(|_| !stored.contains_key(&entry.id)) {
                        Some(stone) => LinePlan::Done(deleted::skip(stone), None),
                        None => {
                            hidden[place] = !found.served;
                            self.record_root(&found).await?;
                            let found = Found {
                                path: found.path,
                                added: match stored.get(&entry.id) {
                                    Some(point) => point.payload.get(ADDED_FIELD).cloned(),
                                    None => Some(added_now()),
                                },
                            };
                            self.plan_new(place, entry, found, *prepared, &mut requests)
                        }
                    }
                }
                Ok(FileCheck::Same { found, mark }) => {
                    hidden[place] = !found.served;
                    // The mark was read from the stored point, so the point is among `stored`.
                    let known = stored
                        .get(&entry.id)
                        .map(|point| &point.payload)
                        .cloned()
                        .unwrap_or_default();
                    if !self.dry_run {
                        self.record_root(&found).await?;
                    }
                    self.plan_same(place, entry, found.path, mark, &known, &mut requests)
                }
            });
        }

        let kept: Vec<PointId> = plans
            .iter()
            .zip(&lines)
            .filter(|(plan, _)| matches!(plan, LinePlan::Store(store) if store.keeps))
            .map(|(_, (_, id))| *id)
            .collect();
        let (made, mut kept) =
            futures::try_join!(requests.embed(&*self.tools.embedder, lines.len()), async {
                Ok(if kept.is_empty() {
                    HashMap::new()
                } else {
                    by_id(self.tools.gallery.retrieve(&kept, With::VECTORS).await?)
                })
            })?;

        for ((((line, id), plan), made), hidden) in
            lines.into_iter().zip(plans).zip(made).zip(hidden)
        {
            let (outcome, write) = finish(id, plan, made, kept.remove(&id), &groups);
            let remark = hidden.then_some(NOT_SERVED);
            processed.push(Processed {
                record: LineRecord {
                    line,
                    id: Some(id),
                    outcome,
                },
                write,
                remark,
            });
        }
        processed.sort_by_key(|processed| processed.record.line);
        Ok(processed)
    }

    /// The tombstones of the content of new pictures: a copy of a deleted picture is not added,
    /// even with another id.
    async fn unwanted_content(
        &self,
        entries: &[(u64, Entry)],
        checks: &[Result<FileCheck, LineFailure>],
        stored: &HashMap<PointId, Point>,
    ) -> Result<HashMap<String, Tombstone>> {
        let new = entries
            .iter()
            .zip(checks)
            .filter_map(|((_, entry), check)| match check {
                Ok(FileCheck::New { prepared, .. }) if !stored.contains_key(&entry.id) => {
                    Some(prepared.mark.md5.clone())
                }
                _ => None,
            });
        deleted::tombstones_of_content(&*self.tools.trash, &new.collect::<Vec<_>>()).await
    }

    async fn check_file(
        &self,
        entry: &Entry,
        stored: Option<&Point>,
    ) -> Result<FileCheck, LineFailure> {
        let known = stored.and_then(|point| Mark::of(&point.payload));
        let (roots, limits, dry_run) = (self.roots.clone(), self.limits, self.dry_run);
        let (local_path, model) = (entry.local_path.clone(), self.tools.embedder.info().clone());
        let expected = entry.by_content.then_some(entry.id);
        let looked = self
            .threads
            .run(move || {
                let found = roots.find(&local_path)?;
                match read_if_changed(&found, known.as_ref(), &model.fingerprint, &limits)? {
                    Content::Same(mark) => Ok(FileCheck::Same { found, mark }),
                    Content::New { bytes, .. }
                        if expected.is_some_and(|id| !has_id(&bytes, id)) =>
                    {
                        Err(overwritten())
                    }
                    Content::New { bytes, .. } if dry_run => {
                        check_header(&bytes, &limits).map(|()| FileCheck::WouldEmbed)
                    }
                    Content::New { bytes, mark } => {
                        let prepared = Box::new(prepare(&bytes, mark, &model.transform, &limits)?);
                        Ok(FileCheck::New { found, prepared })
                    }
                }
            })
            .await;
        looked.map_err(|failure| failure.about(&entry.local_path))
    }

    /// Records a root with the collection before the first point under it is stored.
    async fn record_root(&self, found: &FoundPicture) -> Result<()> {
        let Some(root) = &found.root else {
            return Ok(());
        };
        // The lock is held until the root is recorded, so that no other chunk stores points under
        // it before.
        let mut recorded = self.recorded.lock().await;
        if !recorded.contains(root) {
            self.tools.gallery.add_root(&root.to_string_lossy()).await?;
            recorded.insert(root.clone());
        }
        Ok(())
    }

    fn plan_new(
        &self,
        place: usize,
        entry: Entry,
        found: Found,
        prepared: PreparedPicture,
        requests: &mut EmbedRequests,
    ) -> LinePlan {
        let PreparedPicture {
            mut mark,
            width,
            height,
            hash,
            image,
            edge,
        } = prepared;
        requests.push_picture(place, image, edge, &self.styles);
        let sentence = self
            .template
            .as_deref()
            .and_then(|template| entry.text(template, self.underscores));
        mark.text = sentence
            .as_ref()
            .map(|sentence| md5_hex(sentence.as_bytes()));
        if let Some(sentence) = sentence {
            requests.push(place, Space::Text, EmbedInput::Text(sentence));
        }
        let mut payload = payload_of(entry, found.path);
        payload.extend(found.added.map(|added| (ADDED_FIELD.to_owned(), added)));
        for (name, value) in [
            (MD5_FIELD, Value::from(mark.md5.as_str())),
            (WIDTH_FIELD, width.into()),
            (HEIGHT_FIELD, height.into()),
        ] {
            if payload.get(name).is_none_or(Value::is_null) {
                payload.insert(name.to_owned(), value);
            }
        }
        payload.insert(HASH_FIELD.to_owned(), format!("{hash:016x}").into());
        LinePlan::Store(Box::new(PendingPoint {
            payload,
            mark,
            keeps: false,
            drops_text: false,
        }))
    }

    fn plan_same(
        &self,
        place: usize,
        entry: Entry,
        path: String,
        mut mark: Mark,
        known: &Payload,
        requests: &mut EmbedRequests,
    ) -> LinePlan {
        let before = Mark::of(known);
        let mut text_changes = false;
        if let Some(template) = &self.template {
            let sentence = entry.text(template, self.underscores);
            let hash = sentence
                .as_ref()
                .map(|sentence| md5_hex(sentence.as_bytes()));
            text_changes = hash != mark.text;
            mark.text = hash;
            if text_changes && let Some(sentence) = sentence {
                if self.dry_run {
                    return LinePlan::Done(would_embed(), None);
                }
                requests.push(place, Space::Text, EmbedInput::Text(sentence));
            }
        }
        let id = entry.id;
        let wanted = carried_over(payload_of(entry, path), known);
        if self.dry_run {
            LinePlan::Done(LineOutcome::Unchanged, None)
        } else if text_changes || !same_but_mark(&wanted, known) {
            let drops_text = text_changes && mark.text.is_none();
            LinePlan::Store(Box::new(PendingPoint {
                payload: wanted,
                mark,
                keeps: true,
                drops_text,
            }))
        } else if before.as_ref() == Some(&mark) {
            LinePlan::Done(LineOutcome::Unchanged, None)
        } else {
            LinePlan::Done(
                LineOutcome::Unchanged,
                Some(Box::new(Write::Fields(id, mark.to_payload()))),
            )
        }
    }
}

impl ChunkProcessor for IngestProcessor {
    fn process(self: Arc<Self>, lines: Vec<Line>) -> BoxFuture<'static, Result<Vec<Processed>>> {
        async move { self.work(lines).await }.boxed()
    }

    fn writes(&self) -> bool {
        !self.dry_run
    }
}

/// Completes a plan with its vectors.
///
/// If only the payload or the text vector of a point changed, the whole point is written
/// nevertheless, with its stored vectors: payload, mark and text vector then change in one write,
/// so that a crash cannot leave a mark that does not describe its text vector.
fn finish(
    id: PointId,
    plan: LinePlan,
    made: Result<Vectors, LineFailure>,
    kept: Option<Point>,
    groups: &CurrentGroups,
) -> (LineOutcome, Option<Write>) {
    let PendingPoint {
        mut payload,
        mark,
        keeps,
        drops_text,
    } = match plan {
        LinePlan::Done(outcome, write) => return (outcome, write.map(|write| *write)),
        LinePlan::Store(store) => *store,
    };
    let made = match made {
        Ok(made) => made,
        Err(failure) => return (failure.into(), None),
    };
    let embedded = made.iter().any(|(_, vector)| vector.is_some());
    let vectors = if keeps {
        let Some(mut point) = kept else {
            return (deleted_meanwhile().into(), None);
        };
        if made.text.is_some() || drops_text {
            point.vectors.text = made.text;
        }
        point.vectors
    } else {
        made
    };
    payload.extend(mark.to_payload());
    groups.add_to(&mut payload, &vectors);
    let outcome = if embedded {
        LineOutcome::Embedded
    } else {
        LineOutcome::Unchanged
    };
    (
        outcome,
        Some(Write::Point(Point {
            id,
            vectors,
            payload,
        })),
    )
}

/// Returns the payload of a manifest's line. The fields of the mark, of the style's group and of the
/// time of adding are reserved, so that values in the manifest are dropped.
fn payload_of(entry: Entry, path: String) -> Payload {
    let mut payload = entry.payload;
    payload.remove(FIELD);
    payload.remove(STYLE_GROUP_FIELD);
    payload.remove(ADDED_FIELD);
    let id = match entry.id {
        PointId::Number(number) => Value::from(number),
        PointId::Uuid(uuid) => Value::from(uuid.to_string()),
    };
    payload.insert(ID_FIELD.to_owned(), id);
    payload.insert(PATH_FIELD.to_owned(), path.into());
    payload
}

fn skipped_line(line: u64, id: PointId, stone: &Tombstone) -> LineRecord {
    LineRecord {
        line,
        id: Some(id),
        outcome: deleted::skip(stone),
    }
}

/// Whether an id was made from these bytes.
fn has_id(bytes: &[u8], id: PointId) -> bool {
    id_of(&Sha256::digest(bytes).into()) == id
}

fn overwritten() -> LineFailure {
    let reason = "the file was overwritten after it was scanned: add its folder again";
    LineFailure::new(FailureKind::Overwritten, reason)
}

fn would_embed() -> LineOutcome {
    LineOutcome::Skipped {
        reason: DRY_RUN.to_owned(),
    }
}

pub(crate) fn by_id(points: Vec<Point>) -> HashMap<PointId, Point> {
    points.into_iter().map(|point| (point.id, point)).collect()
}
