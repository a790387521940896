//! From the scores of the candidates to a ranking.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::calibration::{QueryBackground, Sampled, TotalBackground};
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
    /// The comparisons of the query, one of each kind. Their weights sum to 1, where those with a
    /// common weight field count once.
    pub probes: &'a [Probe],
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
    taste: Taste,
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
        let without_totals = Self {
            probes: probes
                .iter()
                .map(|probe| (probe.kind, probe.weight))
                .collect(),
            words,
            shares,
            taste,
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
        let pictures: f32 = self
            .probes
            .iter()
            .enumerate()
            .filter(|(_, (kind, _))| !kind.is_of_words())
            .map(|(index, (_, weight))| {
                let worth = scores[index].and_then(|score| self.worth(index, score));
                weight * worth.unwrap_or(0.0)
            })
            .sum();
        pictures + self.words_weight() * words.total(&self.shares)
    }

    /// The weight that all comparisons with words share.
    fn words_weight(&self) -> f32 {
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
        let base = self.unseen_pictures(candidates)
            + self.words_weight() * self.unseen_words(candidates).bound(&self.shares);
        let taste = &self.taste;
        let strongest = taste.tag_weights.values().copied().fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = (1.0 + taste.rule.alpha * strongest) as f32;
        Some(UnseenBound {
            score: base.max(base * factor),
            percentile: self.totals.as_ref().map(|totals| totals.percentile(base)),
        })
    }

    /// The most that an unseen point has from probes made of pictures.
    fn unseen_pictures(&self, candidates: &Candidates) -> f32 {
        self.probes
            .iter()
            .enumerate()
            .filter(|(_, (kind, _))| !kind.is_of_words())
            .map(|(index, (_, weight))| weight * self.floor(index, candidates.floors[index]))
            .sum()
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
mod tests {
    use super::super::lexical::LexicalQuery;
    use super::*;

    fn probe(kind: ProbeKind, weight: f32) -> Probe {
        Probe {
            kind,
            vector: vec![1.0],
            weight,
        }
    }

    /// Half by the look and half by the sentence, without any words.
    fn ranking(taste: Taste) -> Ranking {
        Ranking::new(RankingParts {
            probes: &[probe(ProbeKind::Image, 0.5), probe(ProbeKind::Text, 0.5)],
            words: Words::default(),
            taste,
            sampled: None,
            calibrated: true,
        })
    }

    fn candidate(id: u64, scores: &[Option<f32>], tags: &[&str]) -> Candidate {
        let mut payload = Payload::new();
        payload.insert("tags_all".to_owned(), tags.to_vec().into());
        Candidate {
            id: PointId::Number(id),
            scores: scores.to_vec(),
            payload,
        }
    }

    #[test]
    fn the_score_is_the_weighted_sum_and_ties_go_by_id() {
        let hits = ranking(Taste::default()).rank(vec![
            candidate(9, &[Some(0.4), Some(0.6)], &[]),
            candidate(3, &[Some(0.6), Some(0.4)], &[]),
            candidate(5, &[Some(0.9), Some(0.9)], &[]),
        ]);
        assert_eq!(
            hits.iter().map(|hit| hit.id).collect::<Vec<_>>(),
            [5, 3, 9].map(PointId::Number)
        );
        assert!((hits[0].score - 0.9).abs() < 1e-6);
        assert_eq!(hits[0].scores.get(&ProbeKind::Text), Some(&0.9));
    }

    #[test]
    fn what_the_artist_likes_moves_up() {
        let mut taste = Taste::default();
        taste.tag_weights.insert("cat".to_owned(), 1.0);
        let hits = ranking(taste).rank(vec![
            candidate(1, &[Some(0.5), Some(0.5)], &["dog"]),
            candidate(2, &[Some(0.45), Some(0.45)], &["Cat"]),
        ]);
        assert_eq!(hits[0].id, PointId::Number(2));
        assert!((hits[0].score - 0.45 * 1.2).abs() < 1e-6);
    }

    #[test]
    fn words_find_the_tagged_by_tags_and_the_untagged_by_the_picture() {
        let ranking = Ranking::new(RankingParts {
            probes: &[
                probe(ProbeKind::Text, 1.0),
                probe(ProbeKind::WordsImage, 1.0),
            ],
            words: Words {
                wanted: Some(LexicalQuery::new("cat")),
                unwanted: Some(LexicalQuery::new("ink")),
                proposed_by: None,
            },
            taste: Taste::default(),
            sampled: None,
            calibrated: true,
        });
        let hits = ranking.rank(vec![
            candidate(1, &[Some(0.3), Some(0.3)], &["cat"]),
            candidate(2, &[None, Some(0.3)], &[]),
            candidate(3, &[Some(0.3), Some(0.3)], &["dog"]),
            candidate(4, &[Some(0.3), Some(0.3)], &["cat", "ink"]),
        ]);
        let parts: Vec<_> = hits.iter().map(|hit| hit.words_part).collect();
        assert_eq!(hits[0].id, PointId::Number(1));
        assert_eq!(parts[0], Some(WordsPart::Tags));
        let untagged = hits.iter().find(|hit| hit.id == PointId::Number(2));
        let untagged = untagged.expect("ranked");
        assert_eq!(untagged.words_part, Some(WordsPart::Picture));
        assert_eq!(untagged.lexical, None);
        let other = hits.iter().find(|hit| hit.id == PointId::Number(3));
        assert!(untagged.score > other.expect("ranked").score, "{hits:?}");
        let avoided = hits.iter().find(|hit| hit.id == PointId::Number(4));
        assert!(avoided.expect("ranked").score < hits[0].score - 0.3);
    }

    #[test]
    fn the_bound_covers_every_unseen_point() {
        let ranking = ranking(Taste::default());
        let bound = |floors: [Option<f32>; 2]| {
            let candidates = Candidates {
                floors: floors.to_vec(),
                ..Candidates::default()
            };
            ranking.unseen_bound(&candidates).map(|bound| bound.score)
        };
        let both = bound([Some(0.5), Some(0.2)]).expect("points remain");
        assert!((both - 0.35).abs() < 1e-6);
        let below = bound([Some(0.5), Some(-0.4)]).expect("points remain");
        assert!(
            (below - 0.25).abs() < 1e-6,
            "a point without a vector gets 0 from the probe: {below}"
        );
        assert_eq!(bound([None, None]), None);
    }
}
