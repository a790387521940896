use super::*;

/// Unit vectors around this many directions, in turn.
fn groups(count: usize, of: usize) -> Vec<Vec<f32>> {
    let mut state = 7_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state % 1_000) as f32 / 1_000.0 - 0.5
    };
    (0..count)
        .map(|index| {
            let vector: Vec<f32> = (0..24)
                .map(|axis| f32::from(axis == index % of) + 0.3 * noise())
                .collect();
            let length = dot(&vector, &vector).sqrt();
            vector.iter().map(|value| value / length).collect()
        })
        .collect()
}

fn apart(one: Place, other: Place) -> f32 {
    ((one[0] - other[0]).powi(2) + (one[1] - other[1]).powi(2)).sqrt()
}

/// The share of vectors whose nearest neighbour in the plane is of the same group.
fn purity(places: &[Place], of: usize) -> f32 {
    let pure = (0..places.len()).filter(|&index| {
        let others = (0..places.len()).filter(|&other| other != index);
        let nearest = others.min_by(|&a, &b| {
            apart(places[index], places[a]).total_cmp(&apart(places[index], places[b]))
        });
        nearest.is_some_and(|nearest| nearest % of == index % of)
    });
    pure.count() as f32 / places.len() as f32
}

fn are_in_the_plane(places: &[Place]) -> bool {
    places
        .iter()
        .flatten()
        .all(|value| (0.0..=1.0).contains(value))
}

#[test]
fn similar_vectors_lie_together_and_others_are_placed_among_them() {
    let all = groups(300, 5);
    let layout = Layout::of(all[..200].to_vec());
    assert!(are_in_the_plane(layout.places()));
    assert!(purity(layout.places(), 5) > 0.97);
    let placed: Vec<Place> = (0..)
        .zip(&all)
        .map(|(salt, vector)| layout.place(vector, salt))
        .collect();
    assert!(are_in_the_plane(&placed));
    assert!(purity(&placed, 5) > 0.97);
    // All of the plane is used.
    let widest = |axis: usize| {
        let values = layout.places().iter().map(|place| place[axis]);
        values.clone().fold(0.0, f32::max) - values.fold(1.0, f32::min)
    };
    assert!(widest(0).max(widest(1)) > 0.9);
}

#[test]
fn the_same_landmarks_get_nearly_the_same_places() {
    let landmarks = groups(120, 4);
    let (one, other) = (Layout::of(landmarks.clone()), Layout::of(landmarks));
    for (one, other) in one.places().iter().zip(other.places()) {
        assert!(apart(*one, *other) < 0.02, "{one:?} {other:?}");
    }
}

#[test]
fn any_number_of_vectors_has_places() {
    for count in [0, 1, 2, 3, 15, 16, 17, 40] {
        let vectors = groups(count, 3);
        let layout = Layout::of(vectors.clone());
        assert_eq!(layout.places().len(), count);
        assert!(are_in_the_plane(layout.places()));
        assert!(are_in_the_plane(&[layout.place(&groups(1, 1)[0], 9)]));
        // All of them the same.
        let same = Layout::of(vec![groups(1, 1)[0].clone(); count]);
        assert!(are_in_the_plane(same.places()), "{count}");
    }
}

#[test]
fn equal_vectors_do_not_cover_each_other() {
    let vectors = groups(60, 3);
    let layout = Layout::of(vectors.clone());
    let places: Vec<Place> = (0..50)
        .map(|salt| layout.place(&vectors[0], salt))
        .collect();
    for (index, place) in places.iter().enumerate() {
        for other in &places[..index] {
            assert!(apart(*place, *other) > 1e-5);
        }
    }
}
