//! Proposes tags for pictures.

use std::collections::HashSet;
use std::sync::Arc;

use clippy_core::bulk::TagRequest;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{Gallery, Payload, Point, With, tags_of, words_of};
use clippy_core::gallery::{PROPOSED_BY_FIELD, PROPOSED_WORDS_FIELD};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result, blocking, sentences, styles};
use futures::{StreamExt, TryStreamExt, stream};

use crate::calibration::{Calibration, Example, NOTE, check_enough};
use crate::evidence::{Evidence, Neighbours};
use crate::lexicon::{Lexicon, tagged};
use crate::observer::{Observer, Stage};
use crate::record::{Proposal, decided, to_fields};
use crate::sample::choose;

/// Pictures that are read together.
pub(crate) const PAGE: usize = 64;
/// Pictures whose neighbours are looked up at the same time.
const AT_ONCE: usize = 4;
/// Tagged pictures that the calibration is fitted on.
const SAMPLE: usize = 2_000;
/// The most proposals of one picture.
const MOST_PROPOSALS: usize = 32;

/// Proposes tags, with everything that was learned from the gallery.
pub(crate) struct Proposer {
    gallery: Arc<dyn Gallery>,
    lexicon: Arc<Lexicon>,
    fingerprint: String,
    by_style: bool,
    at_least: f64,
    pub(crate) calibration: Calibration,
}

/// What is known about a picture, apart from the lexicon.
struct Known {
    point: Point,
    image: Vec<f32>,
    neighbours: Neighbours,
    /// The tags that it has.
    own: HashSet<usize>,
}

/// A picture, and what was proposed for it.
pub(crate) struct Proposed {
    pub(crate) id: PointId,
    pub(crate) proposals: Vec<Proposal>,
    /// The payload fields to store; `None` when they are stored already.
    pub(crate) fields: Option<Payload>,
}

/// Reads pictures with their tagged neighbours. Those without an image vector are left out.
async fn know(
    gallery: &dyn Gallery,
    lexicon: &Lexicon,
    points: Vec<Point>,
    by_style: bool,
) -> Result<Vec<Known>> {
    let known: Vec<Option<Known>> = stream::iter(points.into_iter().map(|point| async move {
        let Some(neighbours) = Neighbours::find(gallery, lexicon, &point, by_style).await? else {
            return Ok(None);
        };
        let own = tags_of(&point.payload)
            .filter_map(|tag| lexicon.index(tag))
            .collect();
        let image = point.vectors.image.clone().unwrap_or_default();
        Ok::<_, Error>(Some(Known {
            point,
            image,
            neighbours,
            own,
        }))
    }))
    .buffered(AT_ONCE)
    .try_collect()
    .await?;
    Ok(known.into_iter().flatten().collect())
}

impl Proposer {
    /// Learns from the gallery: embeds its tags and the vocabulary, and fits the calibration, which
    /// is stored as a note.
    pub(crate) async fn prepare(
        gallery: &Arc<dyn Gallery>,
        embedder: &dyn Embedder,
        request: &TagRequest,
        observer: &dyn Observer,
    ) -> Result<Option<Self>> {
        let reader: &dyn Gallery = &**gallery;
        let lexicon = Lexicon::read(reader, &request.vocabulary).await?;
        check_enough(lexicon.tagged)?;
        let form = sentences::read_form(reader).await?;
        let report = |done, total| observer.progress(Stage::Words, done, total);
        let template = (request.text_template.as_str(), form);
        let lexicon = lexicon.embed(reader, embedder, template, &report).await?;
        let lexicon = Arc::new(lexicon);
        let by_style = styles::check_search(reader, embedder.info()).await.is_ok();
        let fingerprint = embedder.info().fingerprint.clone();
        let learned = learn(reader, &lexicon, &fingerprint, by_style, observer).await?;
        let Some(calibration) = learned else {
            return Ok(None);
        };
        let note = serde_json::to_value(&calibration)
            .map_err(|error| Error::internal("a calibration is not JSON").with_source(error))?;
        reader.set_note(NOTE, note).await?;
        Ok(Some(Self {
            gallery: Arc::clone(gallery),
            lexicon,
            fingerprint,
            by_style,
            at_least: request.at_least,
            calibration,
        }))
    }

    /// The number of words that pictures are compared with.
    pub(crate) fn words(&self) -> usize {
        let wanted = self.lexicon.entries.iter().filter(|entry| entry.wanted);
        wanted.count()
    }

    /// Proposes tags for these pictures, which come with payloads and vectors.
    pub(crate) async fn propose(&self, points: Vec<Point>) -> Result<Vec<Proposed>> {
        let known = know(&*self.gallery, &self.lexicon, points, self.by_style).await?;
        let (lexicon, calibration) = (Arc::clone(&self.lexicon), self.calibration.clone());
        let (fingerprint, at_least) = (self.fingerprint.clone(), self.at_least);
        blocking("comparing pictures with words", move || {
            let each = known.into_iter().map(|known| {
                let proposals = weigh(&lexicon, &calibration, &known, at_least);
                Proposed {
                    id: known.point.id,
                    fields: changed(&known.point.payload, &proposals, &fingerprint),
                    proposals,
                }
            });
            Ok(each.collect())
        })
        .await
    }
}

/// Fits the calibration; `None` when the run was stopped.
async fn learn(
    gallery: &dyn Gallery,
    lexicon: &Arc<Lexicon>,
    fingerprint: &str,
    by_style: bool,
    observer: &dyn Observer,
) -> Result<Option<Calibration>> {
    let sample = choose(gallery, &tagged(), SAMPLE).await?;
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for (page, ids) in sample.chunks(PAGE).enumerate() {
        if observer.is_stopped() {
            return Ok(None);
        }
        let points = gallery.retrieve(ids, With::ALL).await?;
        let known = know(gallery, lexicon, points, by_style).await?;
        let lexicon = Arc::clone(lexicon);
        let (of_seen, of_unseen) = blocking("learning from tags", move || {
            Ok(examples(&lexicon, &known, page * PAGE))
        })
        .await?;
        seen.extend(of_seen);
        unseen.extend(of_unseen);
        let done = (page * PAGE + ids.len()) as u64;
        observer.progress(Stage::Learning, done, sample.len() as u64);
    }
    let (fingerprint, counts) = (fingerprint.to_owned(), (lexicon.tagged, sample.len()));
    let fitted = blocking("fitting a calibration", move || {
        Ok(Calibration::fit(&fingerprint, counts, &seen, &unseen))
    });
    fitted.await.map(Some)
}

/// The evidence about pictures whose tags are known. Every tag is also an example of a word that no
/// picture has.
fn examples(
    lexicon: &Lexicon,
    known: &[Known],
    first: usize,
) -> (Vec<Example<4>>, Vec<Example<2>>) {
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for (index, picture) in known.iter().enumerate() {
        let Known {
            image,
            neighbours,
            own,
            ..
        } = picture;
        let any = |tag: usize| lexicon.entries[tag].count > 0;
        let found = Evidence::weigh(lexicon, neighbours, image, own, any);
        let picture = first + index;
        seen.extend(found.seen.into_iter().map(|(tag, features)| Example {
            picture,
            features,
            right: own.contains(&tag),
        }));
        unseen.extend(found.unseen.into_iter().map(|(tag, features)| Example {
            picture,
            features,
            right: own.contains(&tag),
        }));
    }
    (seen, unseen)
}

/// The proposals for one picture, the most probable first.
fn weigh(
    lexicon: &Lexicon,
    calibration: &Calibration,
    known: &Known,
    at_least: f64,
) -> Vec<Proposal> {
    let entries = &lexicon.entries;
    let is_new = |tag: usize| entries[tag].count == 0 && entries[tag].wanted;
    let none = HashSet::new();
    let found = Evidence::weigh(lexicon, &known.neighbours, &known.image, &none, is_new);
    let decided = decided(&known.point.payload);
    let seen = found.seen.iter();
    let seen = seen.map(|(tag, features)| (*tag, calibration.of_seen(features)));
    let unseen = found.unseen.iter();
    let unseen = unseen.map(|(tag, features)| (*tag, calibration.of_unseen(features)));
    let mut proposals: Vec<Proposal> = seen
        .chain(unseen)
        .filter(|(tag, probability)| entries[*tag].wanted && *probability >= at_least)
        .filter(|(tag, _)| !decided.contains(&entries[*tag].tag.to_lowercase()))
        .map(|(tag, probability)| Proposal {
            tag: entries[tag].tag.clone(),
            probability,
        })
        .collect();
    proposals.sort_by(|left, right| {
        let by_probability = right.probability.total_cmp(&left.probability);
        by_probability.then_with(|| left.tag.cmp(&right.tag))
    });
    proposals.truncate(MOST_PROPOSALS);
    proposals
}

/// The fields to store, unless they are stored already. A picture that has no proposals and never
/// had any needs none.
fn changed(payload: &Payload, proposals: &[Proposal], fingerprint: &str) -> Option<Payload> {
    let has_any = words_of(payload, PROPOSED_WORDS_FIELD).next().is_some();
    if proposals.is_empty() && !has_any && !payload.contains_key(PROPOSED_BY_FIELD) {
        return None;
    }
    let fields = to_fields(proposals, fingerprint);
    let same = |(name, value): (&String, &serde_json::Value)| payload.get(name) == Some(value);
    (!fields.iter().all(same)).then_some(fields)
}
