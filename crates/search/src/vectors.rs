//! From a query's inputs to its unit vector in each space.

use clippy_core::embedding::Embedding;
use clippy_core::gallery::{PerSpace, Space, Vectors};
use clippy_core::{Error, Result};

use crate::prepare::Part;

/// How far a query's vector is moved away from what it should be unlike.
const NEGATIVE_SHARE: f32 = 0.5;

/// What a query's vectors are made of.
pub(crate) struct Ingredients<'p> {
    /// Vectors of pictures to be like.
    pub like: &'p [Vectors],
    /// Vectors of pictures to be unlike.
    pub unlike: &'p [Vectors],
    /// Embedded pictures and words, each with what it is of.
    pub embedded: Vec<(Part, &'p Embedding)>,
}

/// The query's unit vector in each space that has a weight and something to compare: the sum of
/// what to be like, less half of what to be unlike. Both are brought to unit length first, so that
/// many of one do not drown the other.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when nothing is left to compare by.
pub(crate) fn combined(made_of: &Ingredients<'_>, weights: PerSpace<f32>) -> Result<Vectors> {
    let mut towards: PerSpace<Option<Embedding>> = PerSpace::default();
    let mut away: PerSpace<Option<Embedding>> = PerSpace::default();
    for (vectors, sums) in [(made_of.like, &mut towards), (made_of.unlike, &mut away)] {
        for (space, vector) in vectors.iter().flat_map(PerSpace::iter) {
            if let Some(vector) = vector {
                add(sums.get_mut(space), vector, 1.0);
            }
        }
    }
    for (part, vector) in &made_of.embedded {
        match part {
            Part::Sketch(space) | Part::Image(space) => add(towards.get_mut(*space), vector, 1.0),
            Part::Words => add(&mut towards.text, vector, 1.0),
            Part::WordsAgainst => add(&mut away.text, vector, 1.0),
        }
    }
    // Words to stay away from may stand alone; pictures to be unlike only bend what is looked for.
    let words_alone = made_of
        .embedded
        .iter()
        .any(|(part, _)| *part == Part::WordsAgainst);
    let vectors = PerSpace::from_fn(|space| {
        if *weights.get(space) == 0.0 {
            return None;
        }
        let mut sum = towards.get_mut(space).take();
        to_unit_length(sum.as_deref_mut());
        let mut other = away.get_mut(space).take();
        to_unit_length(other.as_deref_mut());
        match (&mut sum, &other) {
            (Some(_), Some(other)) => add(&mut sum, other, -NEGATIVE_SHARE),
            (None, Some(other)) if space == Space::Text && words_alone => {
                add(&mut sum, other, -1.0)
            }
            _ => {}
        }
        to_unit_length(sum.as_deref_mut());
        sum
    });
    if vectors.iter().all(|(_, vector)| vector.is_none()) {
        return Err(Error::invalid(
            "nothing to compare by: what the query names has no vector in any space that has a \
             weight",
        ));
    }
    Ok(vectors)
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

fn to_unit_length(vector: Option<&mut [f32]>) {
    let Some(vector) = vector else { return };
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: PerSpace<f32> = PerSpace {
        image: 1.0,
        edge: 0.0,
        text: 1.0,
    };

    fn image(vector: [f32; 2]) -> Vectors {
        PerSpace {
            image: Some(vector.to_vec()),
            ..PerSpace::default()
        }
    }

    fn near(vector: Option<&Vec<f32>>, expected: [f32; 2]) {
        let vector = vector.expect("a vector");
        assert!(
            vector
                .iter()
                .zip(expected)
                .all(|(one, other)| (one - other).abs() < 1e-4),
            "{vector:?} {expected:?}"
        );
    }

    #[test]
    fn likes_add_up_and_what_to_be_unlike_is_half_taken_off() {
        let (east, north) = (image([1.0, 0.0]), image([0.0, 1.0]));
        let both = Ingredients {
            like: &[east.clone(), north.clone()],
            unlike: &[],
            embedded: Vec::new(),
        };
        near(
            combined(&both, EVEN).expect("made").image.as_ref(),
            [std::f32::consts::FRAC_1_SQRT_2; 2],
        );
        let many = vec![north; 9];
        let away = Ingredients {
            like: std::slice::from_ref(&east),
            unlike: &many,
            embedded: Vec::new(),
        };
        near(
            combined(&away, EVEN).expect("made").image.as_ref(),
            [0.8944, -0.4472],
        );
        let weightless = PerSpace { image: 0.0, ..EVEN };
        assert!(combined(&both, weightless).is_err());
    }

    #[test]
    fn words_to_stay_away_from_may_stand_alone_and_pictures_may_not() {
        let word = vec![0.0_f32, 1.0];
        let alone = Ingredients {
            like: &[],
            unlike: &[],
            embedded: vec![(Part::WordsAgainst, &word)],
        };
        near(
            combined(&alone, EVEN).expect("made").text.as_ref(),
            [0.0, -1.0],
        );
        let towards = vec![1.0_f32, 0.0];
        let both = vec![(Part::Words, &towards), (Part::WordsAgainst, &word)];
        near(
            combined(
                &Ingredients {
                    like: &[],
                    unlike: &[],
                    embedded: both,
                },
                EVEN,
            )
            .expect("made")
            .text
            .as_ref(),
            [0.8944, -0.4472],
        );
        let picture = Ingredients {
            like: &[],
            unlike: &[image([1.0, 0.0])],
            embedded: Vec::new(),
        };
        assert!(combined(&picture, EVEN).is_err());
    }
}
