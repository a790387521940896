//! Evidence for the subject of a query that also names a style.
//!
//! A drawing alone often finds its subject in *some* style, but not in the wanted one: a shaded
//! apple is less similar to a line drawing than another thing drawn in lines. So the subject is
//! guessed first, whatever the style: the best hits without the style, each with the sentence made
//! from its tags, are *guesses*. A picture whose sentence says the same as a guess gets support,
//! the less, the further the guess is behind the best one. Only the strongest support counts, so
//! that a wrong guess takes nothing from a right one. A picture without a sentence supports itself,
//! as far as it is behind the best hit: missing tags are no evidence against it. docs/search.md has
//! the measurements.
//!
//! Every guess is a probe in the text space, so its pictures become candidates, and the stopping
//! rule covers them: support rises with the cosine, and with the score of the subject.

use super::calibration::FULL_MATCH;
use super::product;
use crate::gallery::{Probe, ProbeKind};

/// Most guesses of one query.
pub const GUESSES: usize = 8;
/// How many of the best hits are looked at.
pub const POOL: usize = 48;
/// Two sentences name the same subject from this cosine on. Two pictures of one subject have .99,
/// since only their styles differ; only one pair of subjects in a thousand reaches .76.
const SAME: f32 = 0.9;
/// The support of a picture whose sentence is that of the best guess, in deviations. A guess that
/// lies this far behind the best one supports nothing.
const REACH: f32 = 3.0;
/// How many deviations of support are lost if sentences have nothing in common.
const STEEPNESS: f32 = 8.0;
/// How much a deviation of support counts, compared with one of the query's subject.
const STRENGTH: f32 = 4.0;
/// How much more a style counts beside a subject than its weight says. The deviations of styles are
/// small: a seventh of a collection may have the wanted one.
const STYLE_GAIN: f32 = 2.0;
/// The same if the subject has guesses, which add to its scores.
const STYLE_GAIN_WITH_GUESSES: f32 = 5.0;

/// A guess at the subject of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// The vector of the sentence that names the subject.
    pub sentence: Vec<f32>,
    /// How many deviations it lies behind the best hit.
    pub behind: f32,
}

/// All guesses of a query, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Guesses {
    /// The score of the best hit.
    best: f32,
    guesses: Vec<Guess>,
}

/// Makes guesses from the best hits without the style: their calibrated scores, best first, and
/// the vectors of their sentences. A picture without a sentence is no guess. `None` without any.
pub fn guess(hits: impl IntoIterator<Item = (f32, Option<Vec<f32>>)>) -> Option<Guesses> {
    let mut guesses: Vec<Guess> = Vec::new();
    let mut first = None;
    for (score, sentence) in hits {
        let behind = (*first.get_or_insert(score) - score) * FULL_MATCH;
        let Some(sentence) = sentence else { continue };
        let is_known = |guess: &Guess| product(&guess.sentence, &sentence) >= SAME;
        if behind >= REACH || guesses.len() == GUESSES {
            break;
        }
        if !guesses.iter().any(is_known) {
            guesses.push(Guess { sentence, behind });
        }
    }
    let best = first.filter(|_| !guesses.is_empty())?;
    Some(Guesses { best, guesses })
}

impl Guesses {
    /// The probes that find the pictures of these subjects. They have no weight of their own: a
    /// picture gets support from one guess only.
    pub fn probes(&self) -> impl Iterator<Item = Probe> {
        self.guesses.iter().map(|guess| Probe {
            kind: ProbeKind::Subject,
            vector: guess.sentence.clone(),
            weight: 0.0,
        })
    }
}

/// What the guesses of a query add to the score of a picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Evidence {
    /// The weight of the query's subject.
    weight: f32,
    /// The score of the best hit, with a subject of weight 1.
    best: f32,
    /// For each guess the index of its probe, and how far it is behind.
    guesses: Vec<(usize, f32)>,
}

impl Evidence {
    /// Of these probes, among which are those of the guesses.
    pub(super) fn new(probes: &[Probe], guesses: &Guesses) -> Self {
        let of_guesses = probes.iter().enumerate();
        let of_guesses = of_guesses.filter(|(_, probe)| probe.kind == ProbeKind::Subject);
        Self {
            weight: subject_weight(probes),
            best: guesses.best,
            guesses: of_guesses
                .zip(&guesses.guesses)
                .map(|((index, _), guess)| (index, guess.behind))
                .collect(),
        }
    }

    /// The support for a picture, from its cosines with all probes and the part of its score that
    /// the subject has. It is never negative.
    pub(super) fn support(&self, cosines: &[Option<f32>], subject: f32) -> f32 {
        self.of_guesses(cosines)
            .unwrap_or_else(|| self.of_itself(subject))
    }

    /// The highest support for a picture whose cosines and subject are at most these.
    pub(super) fn bound(&self, floors: &[Option<f32>], subject: f32) -> f32 {
        let of_guesses = self.of_guesses(floors).unwrap_or(0.0);
        of_guesses.max(self.of_itself(subject))
    }

    /// The strongest support of a guess; `None` without a cosine.
    fn of_guesses(&self, cosines: &[Option<f32>]) -> Option<f32> {
        let of_guess = |(index, behind): &(usize, f32)| {
            let cosine = cosines.get(*index).copied().flatten()?;
            Some(self.worth(behind + STEEPNESS * (1.0 - cosine)))
        };
        self.guesses.iter().filter_map(of_guess).reduce(f32::max)
    }

    fn of_itself(&self, subject: f32) -> f32 {
        if self.guesses.is_empty() {
            return 0.0;
        }
        self.worth((self.best - subject / self.weight) * FULL_MATCH)
    }

    /// The support that is left this many deviations behind the best.
    fn worth(&self, behind: f32) -> f32 {
        let left = (REACH - behind).clamp(0.0, REACH);
        self.weight * STRENGTH * left / FULL_MATCH
    }
}

/// How much the weight of a style is multiplied by: 1 for a style alone.
pub(super) fn style_gain(probes: &[Probe]) -> f32 {
    if subject_weight(probes) <= 0.0 {
        1.0
    } else if probes.iter().any(|probe| probe.kind == ProbeKind::Subject) {
        STYLE_GAIN_WITH_GUESSES
    } else {
        STYLE_GAIN
    }
}

/// The sum of all weights but that of the style.
#[must_use]
pub fn subject_weight(probes: &[Probe]) -> f32 {
    let of_kind = |wanted: &dyn Fn(ProbeKind) -> bool| {
        let probes = probes.iter().filter(|probe| wanted(probe.kind));
        probes.map(|probe| probe.weight).fold(0.0, f32::max)
    };
    of_kind(&|kind| kind == ProbeKind::Image)
        + of_kind(&|kind| kind == ProbeKind::Edge)
        + of_kind(&ProbeKind::is_of_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviations(value: f32) -> f32 {
        value / FULL_MATCH
    }

    fn probe(kind: ProbeKind, weight: f32) -> Probe {
        Probe {
            kind,
            vector: vec![1.0, 0.0],
            weight,
        }
    }

    #[test]
    fn guesses_are_the_different_sentences_of_the_best_hits() {
        let (east, north) = (vec![1.0, 0.0], vec![0.0, 1.0]);
        let guesses = guess([
            (deviations(9.0), None),
            (deviations(8.0), Some(east.clone())),
            (deviations(7.5), Some(east.clone())),
            (deviations(7.0), Some(north.clone())),
            (deviations(1.0), Some(vec![-1.0, 0.0])),
        ]);
        let Guesses { best, guesses } = guesses.expect("some");
        assert_eq!(best, deviations(9.0));
        let sentences: Vec<&Vec<f32>> = guesses.iter().map(|guess| &guess.sentence).collect();
        assert_eq!(sentences, [&east, &north]);
        assert!((guesses[0].behind - 1.0).abs() < 1e-4, "{guesses:?}");
        assert!((guesses[1].behind - 2.0).abs() < 1e-4, "{guesses:?}");
        let circle = |number: u8| {
            let angle = f32::from(number);
            (0.0, Some(vec![angle.cos(), angle.sin()]))
        };
        let most = guess((0..30).map(circle)).expect("some").probes().count();
        assert!(most <= GUESSES);
        assert!(guess([(1.0, None)]).is_none());
    }

    #[test]
    fn the_strongest_support_counts_and_nothing_is_taken_away() {
        let probes = [
            probe(ProbeKind::Image, 0.5),
            probe(ProbeKind::Style, 0.5),
            probe(ProbeKind::Subject, 0.0),
            probe(ProbeKind::Subject, 0.0),
        ];
        let guesses = guess([
            (deviations(5.0), Some(vec![1.0, 0.0])),
            (deviations(4.0), Some(vec![0.0, 1.0])),
        ]);
        let evidence = Evidence::new(&probes, &guesses.expect("some"));
        let score = |first, second, subject| {
            let cosines = [Some(0.9), Some(0.9), first, second];
            evidence.support(&cosines, 0.5 * deviations(subject))
        };
        let support = |first, second| score(first, second, 9.0);
        let full = 0.5 * STRENGTH * deviations(REACH);
        assert!((support(Some(1.0), Some(0.1)) - full).abs() < 1e-6);
        let second = support(Some(0.1), Some(1.0));
        assert!(0.0 < second && second < full, "{second}");
        assert_eq!(support(Some(1.0), Some(1.0)), support(Some(1.0), None));
        assert_eq!(support(Some(-1.0), Some(0.2)), 0.0);
        // Without a sentence it counts how far the picture itself is behind.
        assert!((score(None, None, 5.0) - full).abs() < 1e-6);
        assert!((score(None, None, 3.5) - full / 2.0).abs() < 1e-6);
        assert_eq!(score(None, None, 1.0), 0.0);
        assert_eq!(Evidence::default().support(&[Some(1.0)], 9.0), 0.0);
    }

    #[test]
    fn a_style_counts_more_only_beside_a_subject() {
        let style = probe(ProbeKind::Style, 1.0);
        assert_eq!(style_gain(std::slice::from_ref(&style)), 1.0);
        let beside = [probe(ProbeKind::Edge, 0.4), style];
        assert_eq!(style_gain(&beside), STYLE_GAIN);
        let words = [
            probe(ProbeKind::Text, 0.3),
            probe(ProbeKind::WordsImage, 0.3),
        ];
        assert!((subject_weight(&words) - 0.3).abs() < 1e-6);
    }
}
