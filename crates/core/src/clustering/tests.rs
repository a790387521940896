use super::random::Random;
use super::*;

const DIMENSION: usize = 24;

/// Makes vectors near `styles` directions, in random order, with the direction of each.
fn vectors(count: usize, styles: usize, noise: f64, seed: u64) -> Vec<(usize, Vec<f32>)> {
    let mut random = Random::new(seed);
    let make = |_| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number"
        )]
        let style = (random.unit() * styles as f64) as usize;
        let mut centre = Random::new(1_000 + style as u64);
        let values: Vec<f64> = (0..DIMENSION)
            .map(|_| centre.unit() - 0.5 + noise * (random.unit() - 0.5))
            .collect();
        (
            style,
            super::kmeans::direction(&values).expect("a direction"),
        )
    };
    (0..count).map(make).collect()
}

fn slices(vectors: &[(usize, Vec<f32>)]) -> Vec<&[f32]> {
    vectors
        .iter()
        .map(|(_, vector)| vector.as_slice())
        .collect()
}

fn borrowed(centroids: &[Vec<f32>]) -> Vec<&[f32]> {
    centroids.iter().map(Vec::as_slice).collect()
}

/// The share of the pairs of vectors on which two divisions agree.
fn agreement(left: &[usize], right: &[usize]) -> f64 {
    let (mut same, mut all) = (0_u32, 0_u32);
    for first in 0..left.len() {
        for second in first + 1..left.len() {
            all += 1;
            same += u32::from((left[first] == left[second]) == (right[first] == right[second]));
        }
    }
    f64::from(same) / f64::from(all)
}

#[test]
fn the_number_of_groups_and_their_members_are_found() {
    for styles in [2, 5, 9] {
        let made = vectors(600, styles, 0.5, 7);
        let found = find(&slices(&made), &[], &[], MOST);
        assert_eq!(found.centroids.len(), styles);
        let real: Vec<usize> = made.iter().map(|(style, _)| *style).collect();
        assert!(agreement(&real, &found.members) > 0.99);
        assert_eq!(found.earlier, vec![None; styles]);
    }
}

#[test]
fn two_runs_give_the_same_groups_bit_for_bit() {
    let made = vectors(400, 6, 0.8, 3);
    let first = find(&slices(&made), &[], &[], MOST);
    assert_eq!(first, find(&slices(&made), &[], &[], MOST));
    // The largest group comes first.
    let size = |group| {
        first
            .members
            .iter()
            .filter(|member| **member == group)
            .count()
    };
    let sizes: Vec<usize> = (0..first.centroids.len()).map(size).collect();
    assert!(sizes.is_sorted_by(|left, right| left >= right), "{sizes:?}");
}

#[test]
fn a_tenth_more_pictures_leaves_groups_and_members_as_they_are() {
    let made = vectors(660, 6, 0.9, 5);
    let before = find(&slices(&made[..600]), &[], &[], MOST);
    let after = find(
        &slices(&made),
        &borrowed(&before.centroids),
        &[false; 6],
        MOST,
    );
    let continued: Vec<usize> = after
        .members
        .iter()
        .map(|group| after.earlier[*group].expect("an earlier group"))
        .collect();
    let stayed = continued.iter().zip(&before.members);
    let moved = stayed.filter(|(now, before)| now != before).count();
    assert!(moved <= 3, "{moved} of 600 moved");
}

#[test]
fn a_new_style_gets_a_group_of_its_own_and_the_others_keep_theirs() {
    let four = vectors(400, 4, 0.4, 11);
    let before = find(&slices(&four), &[], &[], MOST);
    assert_eq!(before.centroids.len(), 4);
    let mut made = four;
    let more = vectors(800, 6, 0.4, 12);
    made.extend(more.into_iter().filter(|(style, _)| *style > 3));
    let after = find(
        &slices(&made),
        &borrowed(&before.centroids),
        &[false; 4],
        MOST,
    );
    let mut continued: Vec<usize> = after.earlier.iter().copied().flatten().collect();
    continued.sort_unstable();
    assert_eq!(continued, [0, 1, 2, 3]);
    assert_eq!(after.centroids.len(), 6);
}

#[test]
fn a_group_that_must_stay_is_not_given_up_for_better_ones() {
    let made = vectors(300, 3, 0.4, 2);
    // Two of these lie in the middle between all vectors, so other groups are clearly better.
    let odd: Vec<Vec<f32>> = [21, 22, 23, 24]
        .map(|seed| vectors(1, 1, 40.0, seed).remove(0).1)
        .to_vec();
    let free = find(&slices(&made), &borrowed(&odd), &[false; 4], MOST);
    assert_eq!(free.centroids.len(), 3);
    let kept = find(&slices(&made), &borrowed(&odd), &[true; 4], MOST);
    assert!(
        kept.earlier.iter().all(Option::is_some),
        "{:?}",
        kept.earlier
    );
}

#[test]
fn vectors_without_a_structure_are_one_group() {
    let made = vectors(200, 1, 60.0, 4);
    assert_eq!(find(&slices(&made), &[], &[], MOST).centroids.len(), 1);
    let same: Vec<(usize, Vec<f32>)> = vec![(0, made[0].1.clone()); 50];
    assert_eq!(find(&slices(&same), &[], &[], MOST).centroids.len(), 1);
    let none = find(&slices(&made[..3]), &[], &[], MOST);
    assert_eq!(none.members, [0, 0, 0]);
}

#[test]
fn the_first_of_two_equally_near_centroids_is_the_nearest() {
    let one = [1.0, 0.0];
    let found = nearest([&one[..], &one[..]], &[0.6, 0.8]);
    assert_eq!(found.map(|(index, _)| index), Some(0));
    assert_eq!(nearest(std::iter::empty::<&[f32]>(), &one), None);
}
