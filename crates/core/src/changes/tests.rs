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
    let decomposed = payload(json!({ "path": "/art/Blu\u{308}men/1.png" }));
    assert!(folder("/art/Bl\u{fc}men").matches(id, &decomposed));
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
    let many = all.matcher();
    assert!(many.matches(id, &one));
    assert!(!many.matches(2.into(), &one), "it is not listed");
    assert!(!many.matches(id, &decomposed), "it has no such tag");
    let any = folder("/art").matcher().matches(2.into(), &one);
    assert!(any, "no ids are listed");
}

#[test]
fn new_tags_get_the_form_of_those_from_files_and_others_keep_theirs() {
    for (given, wanted) in [
        (" Red  Fox ", Some("red_fox")),
        ("cup_(with\nstraw)", Some("cup_(with_straw)")),
        ("fox \\(animal\\)", Some("fox_(animal)")),
        ("Cafe\u{301}", Some("caf\u{e9}")),
        ("", None),
        (" \t_", None),
    ] {
        assert_eq!(plain_tag(given).as_deref(), wanted, "{given}");
    }
    let line = payload(json!({ "tags_all": ["Snow Owl", "old"], "matched_tags": ["old"] }));
    let edit = PictureEdit {
        add_tags: vec!["red fox".to_owned(), "snow owl".to_owned()],
        style_tags: Some(vec!["Line Art".to_owned()]),
        rename: Some(("old".to_owned(), "Brand New".to_owned())),
        ..PictureEdit::default()
    };
    edit.check().expect("allowed");
    let after = edit.apply(&line).expect("changed");
    assert_eq!(
        after["tags_all"],
        json!(["Snow Owl", "brand_new", "red_fox", "line_art"])
    );
    assert_eq!(after["matched_tags"], json!(["line_art"]));
    assert_eq!(edit.apply(&after), None, "the same edit changes nothing");
    let all = PictureEdit {
        tags: Some(vec!["SNOW OWL".to_owned(), "Red Deer".to_owned()]),
        ..PictureEdit::default()
    };
    let after = all.apply(&after).expect("changed");
    assert_eq!(after["tags_all"], json!(["Snow Owl", "red_deer"]));
    let mut again = line;
    Edited::of(&after).expect("noted").repeat_on(&mut again);
    assert_eq!(again["tags_all"], json!(["Snow Owl", "red_deer"]));
    let empty = PictureEdit {
        add_tags: vec!["_ _".to_owned()],
        ..PictureEdit::default()
    };
    empty.check().expect_err("it has no word");
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
    for (from, to) in [
        ("a", "a"),
        ("Sketches", "sketches"),
        ("line art", "Line_Art"),
    ] {
        (rename.from, rename.to) = (Some(from.to_owned()), Some(to.to_owned()));
        let error = rename.check().expect_err(from);
        assert!(error.message.contains("same tag"), "{}", error.message);
    }
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

#[test]
fn tags_that_could_never_be_found_are_refused_but_may_be_removed() {
    for tag in ["a,b", "a\u{0}b", "line\nbreak", "\u{202e}abc"] {
        let tags = || vec![tag.to_owned()];
        let edits = [
            PictureEdit {
                tags: Some(tags()),
                ..PictureEdit::default()
            },
            PictureEdit {
                add_tags: tags(),
                ..PictureEdit::default()
            },
            PictureEdit {
                style_tags: Some(tags()),
                ..PictureEdit::default()
            },
        ];
        for edit in edits {
            edit.check().expect_err(tag);
        }
        let all = PictureFilter {
            artist: Some("ann_lee".to_owned()),
            ..PictureFilter::default()
        };
        let mut add = request(ChangeAction::AddTags, all.clone());
        add.tags = tags();
        add.check().expect_err(tag);
        let mut rename = request(ChangeAction::RenameTag, all);
        (rename.from, rename.to) = (Some("fox".to_owned()), Some(tag.to_owned()));
        rename.check().expect_err(tag);
        (rename.from, rename.to) = (rename.to, rename.from);
        rename.check().expect("an old tag may be repaired");
        let removed = PictureEdit {
            remove_tags: tags(),
            ..PictureEdit::default()
        };
        removed.check().expect("an old tag may be removed");
    }
    let both = PictureEdit {
        add_tags: vec!["fox".to_owned()],
        remove_tags: vec!["fox".to_owned()],
        ..PictureEdit::default()
    };
    both.check().expect_err("added and removed");
}

#[test]
fn the_page_of_a_picture_is_a_web_address() {
    let edit = |value: &str| PictureEdit {
        fields: [("source_post_url".to_owned(), value.to_owned())].into(),
        ..PictureEdit::default()
    };
    for good in ["", "https://example.org/1", "HTTP://example.org"] {
        edit(good).check().expect(good);
    }
    for bad in [
        "javascript:alert(1)",
        "javascript://x\n",
        "data:text/html,x",
        "file:///etc",
    ] {
        edit(bad).check().expect_err(bad);
    }
}

#[test]
fn a_style_tag_is_a_tag_too_until_it_is_removed() {
    let styled = PictureEdit {
        style_tags: Some(vec!["ink".to_owned()]),
        ..PictureEdit::default()
    };
    let line = payload(json!({ "tags_all": ["fox"] }));
    let after = styled.apply(&line).expect("changed");
    assert_eq!(after["tags_all"], json!(["fox", "ink"]));
    assert_eq!(after["matched_tags"], json!(["ink"]));

    let removed = PictureEdit {
        remove_tags: vec!["ink".to_owned()],
        ..PictureEdit::default()
    };
    let after = removed.apply(&after).expect("changed");
    let mut next = line;
    Edited::of(&after).expect("edited").repeat_on(&mut next);
    assert_eq!(
        next["tags_all"],
        json!(["fox"]),
        "an ingest brings nothing back"
    );
    assert_eq!(next.get("matched_tags"), None);
}

#[test]
fn tags_are_the_same_in_any_case_and_encoding() {
    for (one, other) in [
        ("Red Fox", "red_fox"),
        ("caf\u{e9}", "Cafe\u{301}"),
        (" ink ", "ink"),
    ] {
        assert!(same_words(one, other), "{one} {other}");
    }
    for (one, other) in [("cafe", "caf\u{e9}"), ("red", "red fox"), ("", "a")] {
        assert!(!same_words(one, other), "{one} {other}");
    }
}
