//! From the scores of the candidates to a ranking.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::calibration::{Level, QueryBackground, Sampled, TotalBackground};
use super::colours::{self, Colour};
use super::evidence::{Evidence, Guesses, style_gain};
use super::lexical::LexicalQuery;
use super::words::{Shares, WordFloors, WordScores, Words, WordsPart};
use crate::gallery::{Candidate, Candidates, Payload, Probe, ProbeKind, tags_of};
use crate::ids::PointId;
use crate::preferences::PreferenceRule;

/// One value for each probe that has one.
pub type PerProbe = BTreeMap<ProbeKind, f32>;

/// An artist's taste.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taste {
    /// Weights of tags; empty when nothing is known or it was not asked for.
    pub tag_weights: HashMap<String, f64>,
    /// How tag weights change a score.
    pub rule: PreferenceRule,
}

/// Everything that a ranking is made from.
#[derive(Debug, Clone)]
pub struct RankingParts<'a> {
    /// The comparisons of the query, one of each kind, then its guesses. Their weights sum to 1,
    /// where those with a common weight field count once and guesses do not count.
    pub probes: &'a [Probe],
    /// The guesses at the subject, in the order of their probes.
    pub guesses: Option<&'a Guesses>,
    /// The query's words.
    pub words: Words,
    /// The artist's taste.
    pub taste: Taste,
    /// A sample of the collection, when it is calibrated.
    pub sampled: Option<&'a Sampled>,
    /// Whether weights act on calibrated scores, where there is a sample; else on cosines.
    pub calibrated: bool,
}

/// Ranks the candidates of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    probes: Vec<(ProbeKind, f32)>,
    words: Words,
    shares: Shares,
    /// The colours that the words name.
    colours: Vec<Colour>,
    taste: Taste,
    evidence: Evidence,
    background: Option<QueryBackground>,
    /// The background of sums of scores, from the same sample.
    totals: Option<TotalBackground>,
    is_calibrated: bool,
}

/// A ranked point.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The point.
    pub id: PointId,
    /// The value that it is ranked by.
    pub score: f32,
    /// The cosine with each probe, where the point has a vector.
    pub scores: PerProbe,
    /// The share of the collection with a lower cosine; empty without calibration.
    pub percentiles: PerProbe,
    /// The share of the collection with a lower sum of weighted scores; words are included, taste
    /// is not.
    pub percentile: Option<f32>,
    /// How much of the words its tags cover; `None` without words or without tags.
    pub lexical: Option<f32>,
    /// The comparison with the words that adds most to the score.
    pub words_part: Option<WordsPart>,
    /// Its payload, when the candidates brought it.
    pub payload: Payload,
    /// Pictures that look the same and were left out for it, best first.
    pub duplicates: Vec<PointId>,
}

impl Hit {
    /// A hit without anything but its score.
    #[must_use]
    pub fn bare(id: PointId, score: f32) -> Self {
        Self {
            id,
            score,
            scores: PerProbe::new(),
            percentiles: PerProbe::new(),
            percentile: None,
            lexical: None,
            words_part: None,
            payload: Payload::default(),
            duplicates: Vec::new(),
        }
    }
}

/// The highest values that a point outside of the candidates can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnseenBound {
    /// Of [`Hit::score`].
    pub score: f32,
    /// Of [`Hit::percentile`].
    pub percentile: Option<f32>,
}

/// Best first, equal scores by id, so that pages never overlap.
pub(super) fn by_score(left: &Hit, right: &Hit) -> Ordering {
    right
        .score
        .partial_cmp(&left.score)
        .unwrap_or(Ordering::Equal)
        .then(left.id.cmp(&right.id))
}

impl Ranking {
    /// A ranking of these parts.
    ///
    /// It is calibrated when that is asked for and some probe with a weight has a background. A
    /// probe without one (too few pictures of the sample have a vector there) then counts nothing,
    /// since cosines and calibrated scores cannot be added.
    #[must_use]
    pub fn new(parts: RankingParts<'_>) -> Self {
        let RankingParts {
            probes,
            guesses,
            words,
            taste,
            sampled,
            calibrated,
        } = parts;
        let background = sampled.map(|sampled| sampled.background(probes));
        let has_background = |background: &QueryBackground| {
            let mut weighted = probes
                .iter()
                .enumerate()
                .filter(|(_, probe)| probe.weight > 0.0);
            weighted.any(|(index, _)| background.level(index).is_some())
        };
        let is_calibrated = calibrated && background.as_ref().is_some_and(has_background);
        let shares = if words.is_empty() {
            Shares::SENTENCE_ONLY
        } else {
            Shares::WORDS
        };
        let evidence = guesses
            .filter(|_| is_calibrated)
            .map(|guesses| Evidence::new(probes, guesses))
            .unwrap_or_default();
        let gain = if is_calibrated {
            style_gain(probes)
        } else {
            1.0
        };
        let weight = |probe: &Probe| match probe.kind {
            ProbeKind::Style => gain * probe.weight,
            _ => probe.weight,
        };
        let without_totals = Self {
            probes: probes
                .iter()
                .map(|probe| (probe.kind, weight(probe)))
                .collect(),
            colours: words
                .wanted
                .as_ref()
                .map(|wanted| colours::named_in(wanted.subjects()))
                .unwrap_or_default(),
            words,
            shares,
            taste,
            evidence,
            background,
            totals: None,
            is_calibrated,
        };
        Self {
            totals: without_totals.measure_totals(),
            ..without_totals
        }
    }

    /// The background of the sums. The sample comes without payloads: its pictures with a sentence
    /// count as tagged, with tags that match nothing.
    fn measure_totals(&self) -> Option<TotalBackground> {
        let weights: Vec<f32> = self.probes.iter().map(|(_, weight)| *weight).collect();
        self.background.as_ref()?.of_total(&weights, |scores| {
            let words = self.word_scores(scores, None);
            self.add_up(scores, &words)
        })
    }

    /// Whether candidates must bring their payloads.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        !self.words.is_empty() || !self.taste.tag_weights.is_empty()
    }

    /// The words that candidates are looked up by.
    #[must_use]
    pub fn lexical_tags(&self) -> Vec<String> {
        let wanted = self.words.wanted.as_ref();
        wanted.map(|words| words.tags()).unwrap_or_default()
    }

    /// The model whose proposed tags candidates are looked up by, too.
    #[must_use]
    pub fn lexical_proposed_by(&self) -> Option<String> {
        self.words.proposed_by.clone()
    }

    /// Whether weights act on calibrated scores.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        self.is_calibrated
    }

    /// Whether hits have a percentile.
    #[must_use]
    pub fn has_percentiles(&self) -> bool {
        self.totals.is_some()
    }

    /// The kinds of the probes that count, with their indexes.
    pub(super) fn weighted_probes(&self) -> impl Iterator<Item = (usize, ProbeKind)> {
        let weighted = |(index, (kind, weight)): (usize, &(ProbeKind, f32))| {
            (*weight > 0.0).then_some((index, *kind))
        };
        self.probes.iter().enumerate().filter_map(weighted)
    }

    /// The words to search for.
    pub(super) fn wanted(&self) -> Option<&LexicalQuery> {
        self.words.wanted.as_ref()
    }

    /// The colours that the words name.
    pub(super) fn colours(&self) -> &[Colour] {
        &self.colours
    }

    /// Where the cosines of random pictures with a probe lie.
    pub(super) fn level(&self, probe: usize) -> Option<Level> {
        self.background.as_ref()?.level(probe)
    }

    /// Scores every candidate and sorts them.
    #[must_use]
    pub fn rank(&self, candidates: Vec<Candidate>) -> Vec<Hit> {
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .map(|candidate| self.score(candidate))
            .collect();
        hits.sort_unstable_by(by_score);
        hits
    }

    /// The difference of scores that a difference of cosines of one probe makes.
    pub(super) fn worth_of_difference(&self, probe: usize, difference: f32) -> f32 {
        let worth = match &self.background {
            Some(background) if self.is_calibrated => {
                background.worth_of_difference(probe, difference)
            }
            _ => difference,
        };
        self.probes[probe].1 * worth
    }

    fn score(&self, candidate: Candidate) -> Hit {
        let Candidate {
            id,
            scores,
            payload,
        } = candidate;
        let words = self.word_scores(&scores, Some(&payload));
        let base = self.add_up(&scores, &words);
        let taste = &self.taste;
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = taste.rule.factor(&taste.tag_weights, tags_of(&payload)) as f32;
        let percentiles = self.background.as_ref();
        let percentiles = percentiles.map(|background| background.percentiles(&scores));
        let wanted = self.words.wanted.as_ref();
        Hit {
            score: base * factor,
            percentiles: self.by_kind(&percentiles.unwrap_or_default()),
            percentile: self.totals.as_ref().map(|totals| totals.percentile(base)),
            lexical: wanted
                .filter(|_| words.is_tagged)
                .map(|wanted| wanted.score(tags_of(&payload))),
            words_part: words.strongest(&self.shares).filter(|_| wanted.is_some()),
            scores: self.by_kind(&scores),
            payload,
            ..Hit::bare(id, 0.0)
        }
    }

    fn by_kind(&self, values: &[Option<f32>]) -> PerProbe {
        let kinds = self.probes.iter().map(|(kind, _)| *kind);
        kinds
            .zip(values)
            .filter(|(kind, _)| *kind != ProbeKind::Subject)
            .filter_map(|(kind, value)| Some((kind, (*value)?)))
            .collect()
    }

    /// The scores of one picture that have to do with words. Without its payload, its tags match
    /// nothing.
    fn word_scores(&self, scores: &[Option<f32>], payload: Option<&Payload>) -> WordScores {
        let of_kind = |wanted: ProbeKind| {
            let index = self.probes.iter().position(|(kind, _)| *kind == wanted)?;
            Some((index, scores[index]?))
        };
        let sentence = of_kind(ProbeKind::Text);
        let has_tags = payload.is_some_and(|payload| tags_of(payload).next().is_some());
        let worth = |score: Option<(usize, f32)>| {
            let (index, score) = score?;
            self.worth(index, score)
        };
        WordScores {
            sentence: worth(sentence),
            tags: payload.and_then(|payload| self.words.matched(payload)),
            picture: worth(of_kind(ProbeKind::WordsImage)),
            is_tagged: has_tags || sentence.is_some(),
        }
    }

    /// A cosine in the unit of the ranking; `None` for a probe without a background.
    fn worth(&self, probe: usize, score: f32) -> Option<f32> {
        match &self.background {
            Some(background) if self.is_calibrated => background.worth(probe, score),
            _ => Some(score),
        }
    }

    /// The weighted sum of a picture's scores. A probe says nothing about a picture without a
    /// vector: 0 is what an average picture has.
    fn add_up(&self, scores: &[Option<f32>], words: &WordScores) -> f32 {
        let worth = |index: usize| {
            let worth = scores[index].and_then(|score| self.worth(index, score));
            worth.unwrap_or(0.0)
        };
        let words = self.words_weight() * words.total(&self.shares);
        let subject = self.sum(ProbeKind::is_of_pictures, worth) + words;
        let style = self.sum(|kind| kind == ProbeKind::Style, worth);
        subject + style + self.evidence.support(scores, subject)
    }

    /// The weighted sum of what the probes of some kinds are worth.
    fn sum(&self, counts: impl Fn(ProbeKind) -> bool, worth: impl Fn(usize) -> f32) -> f32 {
        let probes = self.probes.iter().enumerate();
        probes
            .filter(|(_, (kind, _))| counts(*kind))
            .map(|(index, (_, weight))| weight * worth(index))
            .sum()
    }

    /// The weight that all comparisons with words share.
    pub(super) fn words_weight(&self) -> f32 {
        let of_words = self.probes.iter().filter(|(kind, _)| kind.is_of_words());
        of_words.map(|(_, weight)| *weight).fold(0.0, f32::max)
    }

    /// The highest score of a point outside of these candidates; `None` when there is no such
    /// point.
    ///
    /// This is the stopping rule of the threshold algorithm (Fagin, Lotem, Naor 2001): the scores
    /// of a point in no list are at most the floors of the lists, and the ranking rises with every
    /// score. A list without a floor is complete, so an unseen point has no vector there. Unwanted
    /// words only lower a score.
    #[must_use]
    pub fn unseen_bound(&self, candidates: &Candidates) -> Option<UnseenBound> {
        if candidates.floors.iter().all(Option::is_none) {
            return None;
        }
        let floors = &candidates.floors;
        let floor = |index: usize| self.floor(index, floors[index]);
        let words = self.words_weight() * self.unseen_words(candidates).bound(&self.shares);
        let subject = self.sum(ProbeKind::is_of_pictures, floor) + words;
        let style = self.sum(|kind| kind == ProbeKind::Style, floor);
        let base = subject + style + self.evidence.bound(floors, subject);
        let taste = &self.taste;
        let strongest = taste.tag_weights.values().copied().fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = (1.0 + taste.rule.alpha * strongest) as f32;
        Some(UnseenBound {
            score: base.max(base * factor),
            percentile: self.totals.as_ref().map(|totals| totals.percentile(base)),
        })
    }

    fn unseen_words(&self, candidates: &Candidates) -> WordFloors {
        let floor = |wanted: ProbeKind, floor: Option<f32>| {
            let index = self.probes.iter().position(|(kind, _)| *kind == wanted);
            index.map_or(0.0, |index| {
                self.floor(index, floor.or(candidates.floors[index]))
            })
        };
        let lacking = candidates.lacking_floor;
        WordFloors {
            sentence: floor(ProbeKind::Text, None),
            picture: floor(ProbeKind::WordsImage, None),
            untagged: lacking.map_or(0.0, |lacking| floor(ProbeKind::WordsImage, Some(lacking))),
            matching: candidates
                .lexical_floor
                .filter(|_| self.words.wanted.is_some())
                .map(|lexical| floor(ProbeKind::Text, Some(lexical))),
        }
    }

    /// A floor in the unit of the ranking; at least 0, which a point without a vector has.
    fn floor(&self, probe: usize, floor: Option<f32>) -> f32 {
        let worth = floor.and_then(|floor| self.worth(probe, floor));
        worth.unwrap_or(0.0).max(0.0)
    }
}

#[cfg(test)]
mod tests;
