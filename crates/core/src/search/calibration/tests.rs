use super::*;
use crate::gallery::ProbeKind;

/// Vectors that lie near an axis they share, some nearer than others, in a fan that is the same
/// at every run.
fn points(count: u64) -> Vec<Point> {
    (0..count)
        .map(|number| {
            let bits = hash_of(PointId::Number(number));
            let mut vector: Vec<f32> = (0..8)
                .map(|place| f32::from((bits >> (8 * place)) as u8) / 127.5 - 1.0)
                .collect();
            vector[0] += 1.0;
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|value| *value /= length);
            let text = (number % 3 == 0).then(|| vector.clone());
            Point {
                id: PointId::Number(number),
                vectors: PerSpace {
                    image: Some(vector),
                    edge: None,
                    text,
                    style: None,
                },
                payload: Default::default(),
            }
        })
        .collect()
}

fn probe(kind: ProbeKind, vector: &[f32]) -> Probe {
    Probe {
        kind,
        vector: vector.to_vec(),
        weight: 1.0,
    }
}

fn sampled() -> Sampled {
    Sampled::measure("model".to_owned(), 900, points(300)).expect("enough")
}

#[test]
fn a_percentile_says_how_many_pictures_lie_lower() {
    let sampled = sampled();
    assert_eq!(sampled.calibration.spaces.edge, None);
    // Pictures that are not of the sample, as queries and as answers.
    let others = points(1_300).split_off(300);
    let mut worst = 0.0_f32;
    for query in others.iter().step_by(97) {
        let image = query.vectors.image.clone().expect("all have one");
        let probes = [
            probe(ProbeKind::Image, &image),
            probe(ProbeKind::Edge, &image),
            probe(ProbeKind::WordsImage, &[1.0; 8]),
        ];
        let background = sampled.background(&probes);
        let mut cosines: Vec<f32> = others
            .iter()
            .map(|other| product(&image, other.vectors.image.as_ref().expect("all")))
            .collect();
        cosines.sort_by(f32::total_cmp);
        for place in [50, 300, 500, 700, 900, 980] {
            let percentiles = background.percentiles(&[Some(cosines[place]), Some(0.3), None]);
            assert_eq!(
                percentiles[1..],
                [None, None],
                "no vectors in the sample, and no score"
            );
            let share = place as f32 / cosines.len() as f32;
            worst = worst.max((percentiles[0].expect("known") - share).abs());
        }
    }
    assert!(worst < 0.12, "{worst}");
}

#[test]
fn a_percentile_rises_with_its_cosine_and_never_leaves_0_to_1() {
    let background = sampled().calibration.spaces.image.expect("measured");
    let values: Vec<f32> = (-800..800)
        .map(|step| background.percentile(step as f32 / 100.0))
        .collect();
    assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
    assert!(values.is_sorted());
    let middle = &values[550..1_100];
    assert!(
        middle.is_sorted_by(|left, right| left < right),
        "strictly, where pictures lie"
    );
    assert!(values[0] < 0.001 && values[1_599] > 0.9999);
}

#[test]
fn totals_have_a_background_of_their_own() {
    let sampled = sampled();
    let query = points(301).pop().expect("one").vectors;
    let image = query.image.expect("all have one");
    let probes = [
        probe(ProbeKind::Image, &image),
        probe(ProbeKind::Edge, &image),
        probe(ProbeKind::Text, &query.text.expect("of every third")),
    ];
    let background = sampled.background(&probes);
    let sum =
        |scores: &[Option<f32>]| 0.5 * scores[0].unwrap_or(0.0) + 0.5 * scores[2].unwrap_or(0.0);
    let totals = background.of_total(&[0.5, 0.0, 0.5], sum).expect("known");
    let best = totals.percentile(1.0);
    let middle = totals.percentile(totals.level.mean);
    assert!(
        best > 0.98 && (0.35..0.65).contains(&middle),
        "{best} {middle}"
    );
    assert_eq!(background.of_total(&[0.0, 1.0, 0.0], sum), None);
}

#[test]
fn a_note_comes_back_and_a_broken_one_is_none() {
    let calibration = sampled().calibration;
    let note = serde_json::to_value(&calibration).expect("JSON");
    assert!(note.to_string().len() < crate::gallery::LONGEST_NOTE / 2);
    assert_eq!(Calibration::read(note.clone()), Some(calibration.clone()));
    let mut flat = note.clone();
    flat["spaces"]["image"]["curve"][4] = flat["spaces"]["image"]["curve"][3].clone();
    let mut newer = note;
    newer["version"] = 99.into();
    for broken in [flat, newer, Value::Null, serde_json::json!({"sample": 3})] {
        assert_eq!(Calibration::read(broken), None);
    }
    assert!(
        !calibration.is_outgrown(1_000)
            && calibration.is_outgrown(1_100)
            && calibration.is_outgrown(100)
    );
}

#[test]
fn too_few_or_equal_pictures_have_no_background() {
    assert_eq!(Sampled::measure("model".to_owned(), 3, points(3)), None);
    let same: Vec<Point> = (0..40)
        .map(|number| Point {
            id: PointId::Number(number),
            ..points(1).remove(0)
        })
        .collect();
    assert_eq!(Sampled::measure("model".to_owned(), 40, same), None);
}

#[test]
fn a_draw_does_not_depend_on_the_order() {
    let ids: Vec<PointId> = (0..3_000).map(PointId::Number).collect();
    let mut forwards = SampleDraw::default();
    ids.chunks(100)
        .for_each(|some| forwards.offer(some.iter().copied()));
    let mut backwards = SampleDraw::default();
    backwards.offer(ids.iter().rev().copied());
    let chosen = forwards.chosen();
    assert_eq!(chosen.len(), SAMPLE);
    assert_eq!(chosen, backwards.chosen());
    let low = chosen
        .iter()
        .filter(|id| **id < PointId::Number(1_500))
        .count();
    assert!(
        (206..306).contains(&low),
        "{low} of {SAMPLE} are of the lower half"
    );
}
