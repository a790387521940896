//! Makes the missing vectors for one chunk of a manifest.

use std::sync::Arc;

use clippy_core::Result;
use clippy_core::bulk::BackfillRequest;
use clippy_core::embedding::EmbedInput;
use clippy_core::gallery::{PerSpace, Point, Space, Vectors, With};
use clippy_core::ids::PointId;
use clippy_core::ledger::{LineFailure, LineOutcome, LineRecord, NOT_STORED};
use clippy_core::sentences::Underscores;
use clippy_core::styles::StyleVectors;
use clippy_imaging::DecodeLimits;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use crate::backfill::selection::Selection;
use crate::ingest::Tools;
use crate::ingest::chunk::{Threads, by_id};
use crate::ingest::embed::EmbedRequests;
use crate::ingest::manifest::Entry;
use crate::ingest::mark::{Mark, md5_hex};
use crate::ingest::paths::Roots;
use crate::ingest::picture::{PreparedPicture, prepare, read_file};
use crate::ingest::reviewed;
use crate::ingest::run::{ChunkProcessor, Processed, Write};
use crate::ingest::source::Line;

/// Makes the vectors that stored points lack.
pub(crate) struct BackfillProcessor {
    tools: Tools,
    roots: Arc<Roots>,
    template: String,
    underscores: Underscores,
    spaces: &'static [Space],
    styles: StyleVectors,
    force_all: bool,
    selection: Option<Arc<Selection>>,
    limits: DecodeLimits,
    threads: Threads,
}

/// A line whose point lacks vectors.
struct Filling {
    line: u64,
    id: PointId,
    /// The mark to store with the vectors; `None` leaves the stored one.
    mark: Option<Mark>,
}

impl BackfillProcessor {
    pub(super) fn new(
        tools: Tools,
        request: &BackfillRequest,
        limits: DecodeLimits,
        roots: Roots,
        (spaces, styles): (&'static [Space], StyleVectors),
        underscores: Underscores,
        selection: Option<Arc<Selection>>,
    ) -> Self {
        Self {
            tools,
            roots: Arc::new(roots),
            template: request.lines.text_template.clone(),
            underscores,
            spaces,
            styles,
            force_all: request.force_all,
            selection,
            limits,
            threads: Threads::new(),
        }
    }

    async fn work(&self, lines: Vec<Line>) -> Result<Vec<Processed>> {
        let mut processed = Vec::with_capacity(lines.len());
        let mut settle = |line, id, outcome| {
            processed.push(Processed::of(LineRecord { line, id, outcome }, None));
        };
        let mut entries = Vec::new();
        for line in lines {
            match line {
                Line::Settled(record) => settle(record.line, record.id, record.outcome),
                Line::Entry { number, entry }
                    if self
                        .selection
                        .as_ref()
                        .is_some_and(|selection| !selection.holds(number, entry.id)) =>
                {
                    settle(
                        number,
                        Some(entry.id),
                        skipped("it is not in the list of ids"),
                    );
                }
                Line::Entry { number, entry } => entries.push((number, *entry)),
            }
        }
        let ids: Vec<PointId> = entries.iter().map(|(_, entry)| entry.id).collect();
        let stored = by_id(self.tools.gallery.retrieve(&ids, With::ALL).await?);
        let mut wanting = Vec::new();
        for (number, mut entry) in entries {
            let Some(point) = stored.get(&entry.id) else {
                settle(number, Some(entry.id), skipped(NOT_STORED));
                continue;
            };
            reviewed::keep(&mut entry, Some(&point.payload));
            let wanted = self.wanted(&entry, &point.vectors);
            if wanted == PerSpace::default() {
                settle(number, Some(entry.id), LineOutcome::Unchanged);
            } else {
                wanting.push((number, entry, wanted, point));
            }
        }

        let pictures = join_all(
            wanting
                .iter()
                .map(|(_, entry, wanted, _)| self.prepare_picture(entry, *wanted)),
        )
        .await;
        let mut requests = EmbedRequests::default();
        let mut fillings = Vec::with_capacity(wanting.len());
        for ((line, entry, wanted, point), picture) in wanting.into_iter().zip(pictures) {
            match picture {
                Err(failure) => settle(line, Some(entry.id), failure.into()),
                Ok(prepared) => {
                    let mark = self.request_vectors(
                        fillings.len(),
                        &entry,
                        wanted,
                        point,
                        prepared,
                        &mut requests,
                    );
                    fillings.push(Filling {
                        line,
                        id: entry.id,
                        mark,
                    });
                }
            }
        }
        let made = requests
            .embed(&*self.tools.embedder, fillings.len())
            .await?;
        for (Filling { line, id, mark }, made) in fillings.into_iter().zip(made) {
            let (outcome, write) = match made {
                Err(failure) => (failure.into(), None),
                Ok(vectors) => {
                    let fields = mark.map(|mark| mark.to_payload());
                    (
                        LineOutcome::Embedded,
                        Some(Write::Vectors(id, vectors, fields)),
                    )
                }
            };
            processed.push(Processed::of(
                LineRecord {
                    line,
                    id: Some(id),
                    outcome,
                },
                write,
            ));
        }
        processed.sort_by_key(|processed| processed.record.line);
        Ok(processed)
    }

    /// Returns which vectors of a point have to be made.
    fn wanted(&self, entry: &Entry, vectors: &Vectors) -> PerSpace<bool> {
        let missing = |space: Space| {
            vectors
                .get(space)
                .as_ref()
                .is_none_or(|vector| vector.iter().all(|value| *value == 0.0))
        };
        PerSpace::from_fn(|space| {
            self.spaces.contains(&space)
                && (self.force_all || missing(space))
                // Without tags there is no sentence to embed.
                && (space != Space::Text || !entry.tags.is_empty())
        })
    }

    /// Decodes the picture if its pixels are needed.
    async fn prepare_picture(
        &self,
        entry: &Entry,
        wanted: PerSpace<bool>,
    ) -> Result<Option<Box<PreparedPicture>>, LineFailure> {
        if !wanted.image && !wanted.edge && !wanted.style {
            return Ok(None);
        }
        let (roots, limits) = (self.roots.clone(), self.limits);
        let (local_path, model) = (entry.local_path.clone(), self.tools.embedder.info().clone());
        self.threads
            .run(move || {
                let found = roots.find(&local_path)?;
                let (bytes, mark) = read_file(&found, &model.fingerprint, &limits)?;
                prepare(&bytes, mark, &model.transform, &limits)
                    .map(|prepared| Some(Box::new(prepared)))
            })
            .await
    }

    /// Requests the vectors, and returns the mark to store with them: a new one if both vectors of
    /// the picture are made from the current file, else the old one with its text updated.
    fn request_vectors(
        &self,
        place: usize,
        entry: &Entry,
        wanted: PerSpace<bool>,
        point: &Point,
        prepared: Option<Box<PreparedPicture>>,
        requests: &mut EmbedRequests,
    ) -> Option<Mark> {
        let before = Mark::of(&point.payload);
        let mut mark = before.clone();
        if let Some(prepared) = prepared {
            let PreparedPicture {
                mark: fresh,
                image,
                edge,
                ..
            } = *prepared;
            if wanted.image && wanted.edge {
                mark = Some(Mark {
                    text: before.as_ref().and_then(|before| before.text.clone()),
                    ..fresh
                });
            }
            if wanted.style {
                requests.push_style(place, image.clone(), &self.styles);
            }
            if wanted.image {
                requests.push(place, Space::Image, EmbedInput::Pixels(image));
            }
            if wanted.edge {
                requests.push(place, Space::Edge, EmbedInput::Pixels(edge));
            }
        }
        if wanted.text
            && let Some(sentence) = entry.text(&self.template, self.underscores)
        {
            if let Some(mark) = &mut mark {
                mark.text = Some(md5_hex(sentence.as_bytes()));
            }
            requests.push(place, Space::Text, EmbedInput::Text(sentence));
        }
        mark.filter(|mark| before.as_ref() != Some(mark))
    }
}

impl ChunkProcessor for BackfillProcessor {
    fn process(self: Arc<Self>, lines: Vec<Line>) -> BoxFuture<'static, Result<Vec<Processed>>> {
        async move { self.work(lines).await }.boxed()
    }

    fn writes(&self) -> bool {
        true
    }
}

fn skipped(reason: &str) -> LineOutcome {
    LineOutcome::Skipped {
        reason: reason.to_owned(),
    }
}
