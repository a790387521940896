//! From the inputs of a query to its probes.

use clippy_core::embedding::Embedding;
use clippy_core::gallery::{Probe, ProbeKind, Vectors};
use clippy_core::search::weights::{WeightField, Weights};
use clippy_core::{Error, Result};

use crate::inputs::Input;

/// The share of what results should be unlike that is subtracted from a probe.
const UNWANTED_SHARE: f32 = 0.5;

/// What the probes of a query are made of.
pub(crate) struct ProbeParts<'p> {
    /// The vectors of pictures to be like.
    pub(crate) like: &'p [Vectors],
    /// The vectors of pictures to look like.
    pub(crate) style_like: &'p [Vectors],
    /// The vectors of pictures to be unlike.
    pub(crate) unlike: &'p [Vectors],
    /// Embedded pictures and words.
    pub(crate) embedded: Vec<(Input, &'p Embedding)>,
}

/// A query's probes, and the weights normalised over them.
#[derive(Debug)]
pub(crate) struct Probes {
    pub(crate) probes: Vec<Probe>,
    pub(crate) weights: Weights,
}

impl Probes {
    /// Makes one probe of each kind that has a weight and something to compare: the sum of what
    /// results should be like, minus half of what they should be unlike. Both are scaled to unit
    /// length first, so that many of one do not outweigh the other.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when nothing is left to compare by.
    pub(crate) fn new(parts: &ProbeParts<'_>, weights: &Weights) -> Result<Self> {
        let vectors: Vec<(ProbeKind, Embedding)> = ProbeKind::ALL
            .into_iter()
            .filter(|kind| weights.get(WeightField::of(*kind)) > 0.0)
            .filter_map(|kind| Some((kind, vector_of(parts, kind)?)))
            .collect();
        if vectors.is_empty() {
            return Err(Error::invalid(
                "nothing to compare: the pictures that the query names have no vector in a space \
                 with a weight",
            ));
        }
        let is_used = |field| {
            let mut kinds = vectors.iter().map(|(kind, _)| WeightField::of(*kind));
            kinds.any(|used| used == field)
        };
        let weights = weights.normalised(is_used)?;
        let probe = |(kind, vector)| Probe {
            kind,
            vector,
            weight: weights.get(WeightField::of(kind)),
        };
        Ok(Self {
            probes: vectors.into_iter().map(probe).collect(),
            weights,
        })
    }
}

fn vector_of(parts: &ProbeParts<'_>, kind: ProbeKind) -> Option<Embedding> {
    let (mut wanted, mut unwanted) = (None, None);
    let (like, unlike) = match kind {
        ProbeKind::Image | ProbeKind::Edge | ProbeKind::Text => (parts.like, parts.unlike),
        ProbeKind::Style => (parts.style_like, &[][..]),
        // Words are compared with pictures by a probe of their own, since their cosines are of
        // another scale than those of pictures. Guesses are made later.
        ProbeKind::WordsImage | ProbeKind::Subject => (&[][..], &[][..]),
    };
    for (pictures, sum) in [(like, &mut wanted), (unlike, &mut unwanted)] {
        for vector in pictures
            .iter()
            .filter_map(|of| of.get(kind.space()).as_ref())
        {
            add(sum, vector, 1.0);
        }
    }
    // Unwanted words may stand alone; pictures to be unlike only change what is searched for.
    let mut may_stand_alone = false;
    for (input, vector) in &parts.embedded {
        if input.probes().contains(&kind) {
            may_stand_alone |= input.is_unwanted();
            let sum = if input.is_unwanted() {
                &mut unwanted
            } else {
                &mut wanted
            };
            add(sum, vector, 1.0);
        }
    }
    scale_to_unit_length(wanted.as_deref_mut());
    scale_to_unit_length(unwanted.as_deref_mut());
    match (&mut wanted, &unwanted) {
        (Some(_), Some(unwanted)) => add(&mut wanted, unwanted, -UNWANTED_SHARE),
        (None, Some(unwanted)) if may_stand_alone => add(&mut wanted, unwanted, -1.0),
        _ => {}
    }
    scale_to_unit_length(wanted.as_deref_mut());
    wanted
}

fn add(sum: &mut Option<Embedding>, vector: &[f32], share: f32) {
    match sum {
        None => *sum = Some(vector.iter().map(|value| value * share).collect()),
        Some(sum) => sum
            .iter_mut()
            .zip(vector)
            .for_each(|(sum, value)| *sum += value * share),
    }
}

fn scale_to_unit_length(vector: Option<&mut [f32]>) {
    let Some(vector) = vector else { return };
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::gallery::PerSpace;

    use super::*;

    const EVEN: Weights = Weights {
        image: 1.0,
        edge: 0.0,
        text: 1.0,
        style: 1.0,
    };

    fn image(vector: [f32; 2]) -> Vectors {
        PerSpace {
            image: Some(vector.to_vec()),
            ..PerSpace::default()
        }
    }

    fn parts<'p>(like: &'p [Vectors], unlike: &'p [Vectors]) -> ProbeParts<'p> {
        ProbeParts {
            like,
            style_like: &[],
            unlike,
            embedded: Vec::new(),
        }
    }

    /// Checks the vector of a probe, which must exist.
    fn check(parts: &ProbeParts<'_>, kind: ProbeKind, expected: [f32; 2]) {
        let made = Probes::new(parts, &EVEN).expect("made");
        let mut probes = made.probes.iter();
        let probe = probes.find(|probe| probe.kind == kind).expect("a probe");
        let mut both = probe.vector.iter().zip(expected);
        assert!(
            both.all(|(one, other)| (one - other).abs() < 1e-4),
            "{probe:?} {expected:?}"
        );
    }

    #[test]
    fn likes_add_up_and_half_of_what_to_be_unlike_is_subtracted() {
        let (east, north) = (image([1.0, 0.0]), image([0.0, 1.0]));
        let both = [east.clone(), north.clone()];
        let half = [std::f32::consts::FRAC_1_SQRT_2; 2];
        check(&parts(&both, &[]), ProbeKind::Image, half);
        let many = vec![north; 9];
        check(&parts(&[east], &many), ProbeKind::Image, [0.8944, -0.4472]);
        let weightless = Weights { image: 0.0, ..EVEN };
        assert!(Probes::new(&parts(&both, &[]), &weightless).is_err());
    }

    #[test]
    fn unwanted_words_may_stand_alone_and_pictures_may_not() {
        let (word, wanted) = (vec![0.0_f32, 1.0], vec![1.0_f32, 0.0]);
        let alone = ProbeParts {
            embedded: vec![(Input::UnwantedWords, &word)],
            ..parts(&[], &[])
        };
        let both = ProbeParts {
            embedded: vec![(Input::Words, &wanted), (Input::UnwantedWords, &word)],
            ..parts(&[], &[])
        };
        for kind in [ProbeKind::Text, ProbeKind::WordsImage] {
            check(&alone, kind, [0.0, -1.0]);
            check(&both, kind, [0.8944, -0.4472]);
        }
        let picture = [image([1.0, 0.0])];
        assert!(Probes::new(&parts(&[], &picture), &EVEN).is_err());
    }

    #[test]
    fn words_and_pictures_are_probes_of_their_own_that_share_the_weights() {
        let (drawing, word) = (vec![1.0_f32, 0.0], vec![0.0_f32, 1.0]);
        let query = ProbeParts {
            embedded: vec![
                (Input::Sketch(crate::inputs::View::Whole), &drawing),
                (Input::Words, &word),
            ],
            ..parts(&[], &[])
        };
        check(&query, ProbeKind::Image, [1.0, 0.0]);
        check(&query, ProbeKind::WordsImage, [0.0, 1.0]);
        let made = Probes::new(&query, &Weights { image: 3.0, ..EVEN }).expect("made");
        let probes = made.probes.iter();
        let weights: Vec<_> = probes.map(|probe| (probe.kind, probe.weight)).collect();
        let expected = [
            (ProbeKind::Image, 0.75),
            (ProbeKind::Text, 0.25),
            (ProbeKind::WordsImage, 0.25),
        ];
        assert_eq!(weights, expected);
    }
}
