use super::*;
use crate::gallery::check_note;

fn unit(place: usize) -> Vec<f32> {
    let mut vector = vec![0.0; 8];
    vector[place] = 1.0;
    vector
}

fn group(id: u64, name: &str, count: u64) -> StyleGroup {
    StyleGroup {
        id,
        name: name.to_owned(),
        is_named: false,
        centroids: vec![GroupCentroid {
            id,
            centroid: Centroid::new(&unit(id as usize)),
        }],
        count,
        tags: Vec::new(),
        covers: Vec::new(),
    }
}

fn groups(run: &str) -> StyleGroups {
    let mut groups = StyleGroups::new(run.to_owned(), "head".to_owned(), "model".to_owned(), 60);
    groups.groups = vec![
        group(1, "ink", 30),
        group(2, "oil", 20),
        group(3, "style 3", 10),
    ];
    groups.next_id = 4;
    groups
}

fn payload(keys: &[&str]) -> Payload {
    Payload::from_iter([(STYLE_GROUP_FIELD.to_owned(), keys.to_vec().into())])
}

#[test]
fn a_picture_is_in_the_group_of_this_run_that_its_payload_names() {
    let groups = groups("b");
    let found = |keys: &[&str]| groups.group_of(&payload(keys)).map(|group| group.id);
    assert_eq!(found(&["a.1", "b.2"]), Some(2));
    assert_eq!(found(&["a.1"]), None);
    assert_eq!(found(&["b.77", "b"]), None);
    assert_eq!(groups.key_for(&unit(3)).as_deref(), Some("b.3"));
}

#[test]
fn merged_groups_are_one_at_once_and_stay_one_when_groups_are_found_again() {
    let mut before = groups("a");
    before.merge(3, 1).expect("merged");
    before.rename(1, "  drawn\n by hand ").expect("named");
    assert_eq!(before.groups.len(), 2);
    assert_eq!(
        before.group_of(&payload(&["a.3"])).map(|group| group.id),
        Some(1)
    );
    assert_eq!(before.key_for(&unit(3)).as_deref(), Some("a.3"));

    let mut again = groups("b");
    again.groups.push(group(5, "gouache", 4));
    again.keep_decisions(&before);
    let names: Vec<(u64, &str, u64)> = again
        .groups
        .iter()
        .map(|group| (group.id, group.name.as_str(), group.count))
        .collect();
    assert_eq!(
        names,
        [(1, "drawn by hand", 40), (2, "oil", 20), (5, "gouache", 4)]
    );
    assert!(again.groups[0].is_named);
}

#[test]
fn a_makeshift_name_is_replaced_when_a_better_one_is_found() {
    let mut again = groups("b");
    again.groups[2].name = "pastel".to_owned();
    again.groups[1].name = "acrylic".to_owned();
    again.keep_decisions(&groups("a"));
    let names: Vec<&str> = again
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(names, ["ink", "oil", "pastel"]);
}

#[test]
fn names_and_merges_that_cannot_work_are_refused_and_change_nothing() {
    let mut changed = groups("a");
    let refused = |result: Result<()>| result.expect_err("refused").code;
    for name in ["", "  \t", &"x".repeat(10_000), "a\u{7}b", "OIL"] {
        assert_eq!(
            refused(changed.rename(1, name)),
            ErrorCode::InvalidInput,
            "{name:.9}"
        );
    }
    assert_eq!(refused(changed.rename(9, "ink 2")), ErrorCode::NotFound);
    assert_eq!(refused(changed.merge(1, 1)), ErrorCode::InvalidInput);
    assert_eq!(refused(changed.merge(9, 1)), ErrorCode::NotFound);
    assert_eq!(refused(changed.merge(1, 9)), ErrorCode::NotFound);
    assert_eq!(changed, groups("a"));
    changed
        .rename(2, "Oil")
        .expect("its own name in other letters");
}

#[test]
fn counts_add_up_the_keys_of_a_group_and_leave_out_those_of_other_runs() {
    let mut groups = groups("b");
    groups.merge(3, 2).expect("merged");
    let facet = |value: &str, count| FacetCount {
        value: value.to_owned(),
        count,
    };
    let facets = [
        facet("a.1", 50),
        facet("b.2", 7),
        facet("b.1", 9),
        facet("b.3", 5),
    ];
    let counts: Vec<(u64, u64)> = groups
        .counts(&facets)
        .into_iter()
        .map(|(group, count)| (group.id, count))
        .collect();
    assert_eq!(counts, [(2, 12), (1, 9)]);
}

#[test]
fn the_largest_note_fits_and_its_centroids_are_almost_the_same() {
    let mut random = 1_u32;
    let mut vector = || {
        let values: Vec<f32> = (0..1024)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 8) as f32 / 16_777_216.0 - 0.5
            })
            .collect();
        let length = product(&values, &values).sqrt();
        values
            .iter()
            .map(|value| value / length)
            .collect::<Vec<f32>>()
    };
    let mut groups = groups("12345678");
    groups.groups.clear();
    for id in 1..=crate::clustering::MOST as u64 {
        let vector = vector();
        let centroid = Centroid::new(&vector);
        assert!(product(centroid.values(), &vector) > 0.999);
        groups.groups.push(StyleGroup {
            name: "ü".repeat(LONGEST_NAME),
            centroids: vec![GroupCentroid { id, centroid }],
            tags: vec!["t".repeat(60); 5],
            covers: vec![PointId::Uuid(uuid::Uuid::max()); 8],
            ..group(1, "", 1)
        });
    }
    let note = serde_json::to_value(&groups).expect("JSON");
    check_note(NOTE, &note).expect("it fits");
    let read: StyleGroups = serde_json::from_value(note).expect("read");
    assert_eq!(read, groups);
}
