use super::*;

fn payload(value: Value) -> Payload {
    match value {
        Value::Object(payload) => payload,
        _ => unreachable!("an object"),
    }
}

fn request(action: ChangeAction, filter: PictureFilter) -> ChangeRequest {
    ChangeRequest {
        filter,
        action,
        tags: Vec::new(),
        from: None,
        to: None,
        text_template: crate::bulk::TEXT_TEMPLATE.to_owned(),
    }
}

#[test]
fn an_edit_survives_the_manifest_that_it_contradicts() {
    let line = payload(json!({
        "tags_all": ["kitten", "line_art"], "matched_tags": ["line_art"], "rating": "q",
        "accepted_tags": ["kitten"], "artist": "Ann",
    }));
    let edit = PictureEdit {
        add_tags: vec!["red".to_owned(), "Kitten".to_owned()],
        remove_tags: vec!["Line art".to_owned()],
        fields: BTreeMap::from([
            ("rating".to_owned(), "g".to_owned()),
            ("artist".to_owned(), String::new()),
        ]),
        ..PictureEdit::default()
    };
    let after = edit.apply(&line).expect("changed");
    assert_eq!(after["tags_all"], json!(["kitten", "red"]));
    assert_eq!(after["matched_tags"], json!([]));
    assert_eq!((&after["rating"], after.get("artist")), (&json!("g"), None));
    assert_eq!(edit.apply(&after), None, "the same edit changes nothing");

    let rename = PictureEdit {
        rename: Some(("kitten".to_owned(), "cat".to_owned())),
        ..PictureEdit::default()
    };
    let after = rename.apply(&after).expect("changed");
    assert_eq!(after["tags_all"], json!(["cat", "red"]));
    assert_eq!(after["accepted_tags"], json!(["cat"]));

    let mut again = line;
    Edited::of(&after).expect("noted").repeat_on(&mut again);
    assert_eq!(again["tags_all"], json!(["red", "cat"]));
    assert_eq!((&again["rating"], again.get("artist")), (&json!("g"), None));
    assert_eq!(again[EDITED_FIELD], after[EDITED_FIELD]);
}

#[test]
fn filters_compare_words_sources_artists_and_folders() {
    let one = payload(json!({
        "tags_all": ["Red_Fox"], "rating": "g", "artist": "Ann Lee",
        "source_post_url": "https://Example.org/1", "path": "/art/foxes/1.png",
    }));
    let id = PointId::from(1);
    let folder = |name: &str| PictureFilter {
        folder: Some(name.to_owned()),
        ..PictureFilter::default()
    };
    assert!(folder("/art/").matches(id, &one));
    assert!(folder("/art/foxes").matches(id, &one));
    assert!(
        !folder("/art/fox").matches(id, &one),
        "it is another folder"
    );
    let all = PictureFilter {
        ids: Some(vec![id]),
        tags: vec!["red fox".to_owned()],
        ratings: vec!["g".to_owned()],
        source: Some("example.org".to_owned()),
        artist: Some("ann_lee".to_owned()),
        ..PictureFilter::default()
    };
    assert!(all.matches(id, &one));
    assert!(!all.matches(2.into(), &one));
}

#[test]
fn an_empty_filter_is_refused_unless_the_tag_selects() {
    let all = PictureFilter::default;
    for action in [
        ChangeAction::Delete,
        ChangeAction::Hide,
        ChangeAction::Restore,
    ] {
        let error = request(action, all()).check().expect_err("everything");
        assert!(error.message.contains(action.name()), "{}", error.message);
    }
    let mut rename = request(ChangeAction::RenameTag, all());
    rename.check().expect_err("without names");
    (rename.from, rename.to) = (Some("a".to_owned()), Some("b".to_owned()));
    rename.check().expect("the tag selects");
    let nothing = PictureFilter {
        ids: Some(Vec::new()),
        ..all()
    };
    request(ChangeAction::Delete, nothing)
        .check()
        .expect_err("no ids");
    let blank = PictureFilter {
        folder: Some(" ".to_owned()),
        ..all()
    };
    request(ChangeAction::Delete, blank)
        .check()
        .expect_err("blank");
}
