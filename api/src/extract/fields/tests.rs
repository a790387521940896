use serde_json::{Value, json};

use super::*;

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the value in place"
)]
fn fields(value: Value) -> Fields {
    let texts = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "like"];
    Fields::from_json(value.to_string().as_bytes(), &texts, &["file"]).expect("an object")
}

#[test]
fn numbers_and_booleans_may_be_text() {
    let fields = fields(json!({
        "a": "0.5", "b": 0.5, "c": "on", "d": 1, "e": "", "f": null, "g": "24", "h": "NaN",
        "i": true, "j": "maybe"
    }));
    assert_eq!(fields.number("a").expect("text"), Some(0.5));
    assert_eq!(fields.number("b").expect("a number"), Some(0.5));
    assert!(
        fields
            .number("h")
            .expect("a float")
            .is_some_and(f32::is_nan)
    );
    assert_eq!(fields.number("e").expect("empty"), None);
    assert_eq!(fields.boolean("c").expect("a checkbox"), Some(true));
    assert_eq!(fields.boolean("d").expect("a number"), Some(true));
    assert_eq!(fields.boolean("i").expect("a boolean"), Some(true));
    assert_eq!(fields.boolean("f").expect("null"), None);
    assert!(
        fields
            .boolean("j")
            .expect_err("no boolean")
            .message
            .contains("j is \"maybe\"")
    );
    assert_eq!(fields.count("g").expect("text"), Some(24));
    assert!(fields.count("a").is_err() && fields.number("i").is_err());
}

#[test]
fn lists_are_read_in_every_form() {
    for value in [
        json!("7, 8"),
        json!([7, "8"]),
        json!("[7, 8]"),
        json!(["7", 8, null, ""]),
    ] {
        assert_eq!(
            fields(json!({ "like": value }))
                .list("like")
                .expect("a list"),
            ["7", "8"],
            "{value}"
        );
    }
    let mut repeated = Fields::default();
    repeated.add_text("like".to_owned(), "7".to_owned());
    repeated.add_text("like".to_owned(), "8,9".to_owned());
    assert_eq!(repeated.list("like").expect("a list"), ["7", "8", "9"]);
    assert!(fields(json!({ "like": [{}] })).list("like").is_err());
    assert_eq!(
        fields(json!({ "like": 7 })).list("like").expect("one"),
        ["7"]
    );
}

#[test]
fn files_are_read_from_data_urls_and_base64() {
    for text in ["data:image/png;base64,AQID", "AQID", "AQI\nD", " AQID "] {
        assert_eq!(
            fields(json!({ "file": text }))
                .file("file")
                .expect("a file")
                .as_deref(),
            Some(&[1, 2, 3][..]),
            "{text}"
        );
    }
    assert_eq!(
        fields(json!({ "file": "AQ" }))
            .file("file")
            .expect("no padding")
            .as_deref(),
        Some(&[1][..])
    );
    for nothing in [json!(""), json!(" "), json!(null)] {
        assert_eq!(
            fields(json!({ "file": nothing }))
                .file("file")
                .expect("nothing"),
            None
        );
    }
    for wrong in [
        json!("data:image/png,raw"),
        json!("!!"),
        json!(7),
        json!([1]),
        json!({"a": {}}),
        json!(true),
    ] {
        assert!(
            fields(json!({ "file": wrong })).file("file").is_err(),
            "{wrong}"
        );
    }
    let mut part = Fields::default();
    part.add_text("file".to_owned(), "AQID".to_owned());
    assert_eq!(
        part.file("file").expect("text of a form").as_deref(),
        Some(&[1, 2, 3][..])
    );
}

#[test]
fn only_known_fields_are_stored_and_only_up_to_their_limits() {
    let many = vec![7; 300];
    let long = "x".repeat(LONGEST_TEXT + 1);
    let read =
        fields(json!({ "unknown": { "a": [[[1]]] }, "like": many, "a": long, "b": { "c": 1 } }));
    assert_eq!(read.values.len(), 3);
    assert!(
        read.list("like")
            .expect_err("too many")
            .message
            .contains("300")
    );
    assert_eq!(
        read.text("a").expect_err("too long").code,
        ErrorCode::TooLarge
    );
    assert!(read.number("b").is_err());
    for (body, part) in [
        ("[1]", "JSON object"),
        ("7", "JSON object"),
        ("{\"a\": 1", "not JSON"),
        ("{} x", "not JSON"),
    ] {
        let error = Fields::from_json(body.as_bytes(), &["a"], &[]).expect_err(body);
        assert!(error.message.contains(part), "{body}: {}", error.message);
    }
    // Of several fields with one name, the last one counts.
    let twice = Fields::from_json(b"{\"a\": 1, \"a\": \"\"}", &["a"], &[]).expect("an object");
    assert_eq!(twice.text("a").expect("empty"), None);
}
