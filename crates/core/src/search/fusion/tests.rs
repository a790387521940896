use super::super::lexical::LexicalQuery;
use super::*;
use crate::gallery::{Point, Vectors};
use crate::search::calibration::FULL_MATCH;
use crate::search::evidence::guess;

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
        guesses: None,
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
        guesses: None,
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

/// A ranking by the look, the style and two guesses, calibrated by a fan of vectors.
fn with_guesses() -> Ranking {
    let on_a_ring = |number: u64| {
        let angle = number as f32 * 0.37;
        let vector = Some(vec![angle.cos(), angle.sin()]);
        Point {
            id: PointId::Number(number),
            vectors: Vectors::from_fn(|_| vector.clone()),
            payload: Payload::new(),
        }
    };
    let sampled = Sampled::measure("model".to_owned(), 40, (0..40).map(on_a_ring).collect());
    let with_vector = |kind, weight, vector: [f32; 2]| Probe {
        vector: vector.to_vec(),
        ..probe(kind, weight)
    };
    let hit = |score: f32, sentence: [f32; 2]| (score / FULL_MATCH, Some(sentence.to_vec()));
    let guesses = guess([hit(2.0, [1.0, 0.0]), hit(1.2, [0.6, 0.8])]);
    Ranking::new(RankingParts {
        probes: &[
            with_vector(ProbeKind::Image, 0.6, [1.0, 0.0]),
            with_vector(ProbeKind::Style, 0.4, [0.0, 1.0]),
            with_vector(ProbeKind::Subject, 0.0, [1.0, 0.0]),
            with_vector(ProbeKind::Subject, 0.0, [0.6, 0.8]),
        ],
        guesses: guesses.as_ref(),
        words: Words::default(),
        taste: Taste::default(),
        sampled: sampled.as_ref(),
        calibrated: true,
    })
}

#[test]
fn guesses_raise_pictures_and_the_bound_covers_them() {
    let ranking = with_guesses();
    let scores = |guess: Option<f32>| vec![Some(0.4), Some(0.4), guess, guess.map(|_| 0.5)];
    let hits = ranking.rank(vec![
        candidate(1, &scores(Some(0.3)), &[]),
        candidate(2, &scores(Some(0.95)), &[]),
        candidate(3, &scores(None), &[]),
    ]);
    assert_eq!(hits[0].id, PointId::Number(2));
    assert_eq!(hits[2].id, PointId::Number(1), "another subject: {hits:?}");
    assert!(!hits[0].scores.contains_key(&ProbeKind::Subject));
    let floors = [Some(0.5), Some(0.1), Some(0.9), Some(0.97)];
    let candidates = Candidates {
        floors: floors.to_vec(),
        ..Candidates::default()
    };
    let bound = ranking.unseen_bound(&candidates).expect("points remain");
    let choices = |floor: Option<f32>| [None, floor, floor.map(|floor| floor - 0.3)];
    for image in choices(floors[0]) {
        for style in choices(floors[1]) {
            for first in choices(floors[2]) {
                for second in choices(floors[3]) {
                    let unseen = candidate(1, &[image, style, first, second], &[]);
                    let score = ranking.rank(vec![unseen])[0].score;
                    assert!(score <= bound.score + 1e-6, "{score} {bound:?}");
                }
            }
        }
    }
}
