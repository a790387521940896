//! Imagen: typed references, scribbles, edits, and filters.

use clippy_drawings::Style;
use clippy_generate::google::{ImagenProvider, ImagenSettings};
use clippy_generate::{Autosquare, FailureClass, GenerateRequest, Provider, Treatment, admit};
use image::{Rgb, RgbImage};
use serde_json::json;

use crate::google_fake::{
    Answer, FakeGoogle, IMAGEN, IMAGEN_TEXT, VISION_MODEL, with_predictions, with_text,
};
use crate::support::{drawn, flat, generate, mask, picture, reference, sent, snapshot, styled};

#[tokio::test]
async fn style_subject_and_scribble_are_typed_references() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    google.set_answers(IMAGEN, [with_predictions(&[&flat(8, 8, [1, 2, 3])], &[])]);
    let request = GenerateRequest {
        prompt: Some("a ginger cat".into()),
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![
            reference("style", 0.8, &styled("dog", Style::CelShading)),
            reference("subject", 0.9, &styled("cat", Style::SoftShading)),
        ],
        subject_type: Some("animal".into()),
        style_tags: vec!["cel_shading".into()],
        seed: Some(7),
        aspect_ratio: Some("3:4".into()),
        count: 2,
        ..GenerateRequest::default()
    };
    let made = generate(&google.imagen(folder.path()), &request)
        .await
        .expect("a picture");
    let call = &google.calls(IMAGEN)[0];
    assert_eq!(
        call.path,
        format!("/v1/projects/project/locations/global/publishers/google/models/{IMAGEN}:predict")
    );
    snapshot("imagen-references", &call.body);
    let references = call.body["instances"][0]["referenceImages"]
        .as_array()
        .expect("references");
    assert_eq!(
        references[1]["subjectImageConfig"]["subjectType"],
        "SUBJECT_TYPE_ANIMAL"
    );
    assert!(
        references[1]["subjectImageConfig"]["subjectDescription"].is_string()
            && !call.body.to_string().contains("imageDescription")
    );
    assert_eq!(
        references[2]["controlImageConfig"],
        json!({"controlType": "CONTROL_TYPE_SCRIBBLE"})
    );
    let scribble = clippy_generate::picture_bytes(
        references[2]["referenceImage"]["bytesBase64Encoded"]
            .as_str()
            .expect("a picture"),
    );
    let scribble = picture(&scribble.expect("base64"));
    assert_eq!(
        scribble.get_pixel(0, 0),
        &Rgb([0, 0, 0]),
        "white lines on black"
    );
    assert!(scribble.pixels().any(|pixel| pixel.0[0] > 240));
    let parameters = &call.body["parameters"];
    assert_eq!(
        (&parameters["editMode"], &parameters["includeRaiReason"]),
        (&json!("EDIT_MODE_DEFAULT"), &json!(true))
    );
    assert_eq!(
        (&parameters["seed"], &parameters["addWatermark"]),
        (&json!(7), &json!(false)),
        "a seed is accepted only without a watermark"
    );
    // One of the two requested pictures came back.
    assert_eq!(
        made.receipt.line("count").map(|line| line.treatment),
        Some(Treatment::Approximated)
    );
    assert_eq!(
        made.receipt.line("refs[0]").map(|line| line.treatment),
        Some(Treatment::Approximated),
        "weights are not supported"
    );
}

#[tokio::test]
async fn a_sketch_alone_is_sent_as_controlled_editing_and_a_prompt_alone_to_the_text_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    let answer = with_predictions(&[&flat(8, 8, [1, 2, 3])], &[]);
    google
        .set_answers(IMAGEN, [answer.clone()])
        .set_answers(IMAGEN_TEXT, [answer]);
    let sketch = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        ..GenerateRequest::default()
    };
    generate(&google.imagen(folder.path()), &sketch)
        .await
        .expect("a picture");
    assert_eq!(
        google.calls(IMAGEN)[0].body["parameters"]["editMode"],
        "EDIT_MODE_CONTROLLED_EDITING"
    );
    let words = GenerateRequest {
        prompt: Some("a boat".into()),
        negative_prompt: Some("birds".into()),
        ..GenerateRequest::default()
    };
    generate(&google.imagen(folder.path()), &words)
        .await
        .expect("a picture");
    let body = &google.calls(IMAGEN_TEXT)[0].body;
    snapshot("imagen-words", body);
    assert!(
        body["instances"][0].get("referenceImages").is_none()
            && body["parameters"].get("editMode").is_none()
    );
}

#[tokio::test]
async fn an_edit_sends_a_raw_picture_and_a_mask_and_keeps_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    for autosquare in [Autosquare::Expand, Autosquare::Off] {
        let google = FakeGoogle::start().await;
        let squared = autosquare == Autosquare::Expand;
        // The answer has the raw picture's size. Its padding is red, so that it would be noticed in
        // the result.
        let answer = if squared {
            RgbImage::from_fn(120, 120, |_, y| {
                Rgb(if (30..90).contains(&y) {
                    [0, 255, 0]
                } else {
                    [255, 0, 0]
                })
            })
        } else {
            flat(120, 60, [0, 255, 0])
        };
        google.set_answers(IMAGEN, [with_predictions(&[&answer], &[])]);
        let settings = ImagenSettings {
            autosquare,
            ..ImagenSettings::default()
        };
        let provider = ImagenProvider::new(
            FakeGoogle::client(google.by_account(folder.path()), "IMAGEN_MODEL"),
            settings,
        );
        let base = RgbImage::from_fn(120, 60, |x, y| Rgb([x as u8, y as u8, 99]));
        let white = RgbImage::from_fn(120, 60, |x, _| Rgb([if x >= 40 { 255 } else { 0 }; 3]));
        let request = GenerateRequest {
            prompt: Some("a pond".into()),
            base: Some(sent(&base)),
            mask: Some(sent(&white)),
            sketch: Some(sent(&drawn("cat"))),
            ..GenerateRequest::default()
        };
        let made = generate(&provider, &request).await.expect("a picture");
        let body = &google.calls(IMAGEN)[0].body;
        snapshot(
            if squared {
                "imagen-edit-squared"
            } else {
                "imagen-edit"
            },
            body,
        );
        assert_eq!(
            body["parameters"]["editMode"],
            "EDIT_MODE_INPAINT_INSERTION"
        );
        let types: Vec<&str> = body["instances"][0]["referenceImages"]
            .as_array()
            .expect("two")
            .iter()
            .filter_map(|r| r["referenceType"].as_str())
            .collect();
        assert_eq!(types, ["REFERENCE_TYPE_RAW", "REFERENCE_TYPE_MASK"]);
        assert_eq!(
            made.receipt.line("sketch").map(|line| line.treatment),
            Some(Treatment::Dropped)
        );
        let picture = picture(&made.images[0].bytes);
        assert_eq!(picture.dimensions(), (120, 60));
        for (x, y, pixel) in picture.enumerate_pixels() {
            if x < 40 {
                assert_eq!(pixel, base.get_pixel(x, y));
            }
            assert!(
                x < 60 || pixel.0 == [0, 255, 0],
                "padding at {x},{y}: {pixel:?}"
            );
        }
    }
}

#[tokio::test]
async fn filtered_pictures_are_reported_with_their_reasons() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    let reason = "Unable to show generated images. Support codes: 58061214";
    google.set_answers(
        IMAGEN_TEXT,
        [with_predictions(
            &[&flat(8, 8, [1, 1, 1]); 2],
            &[reason, reason],
        )],
    );
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        count: 4,
        ..GenerateRequest::default()
    };
    let made = generate(&google.imagen(folder.path()), &request)
        .await
        .expect("half of them");
    assert_eq!(
        (made.images.len(), made.meta.filtered.len(), made.meta.calls),
        (2, 2, 1)
    );
    assert!(
        made.receipt
            .line("count")
            .is_some_and(|line| line.reason.contains("58061214"))
    );

    for answer in [
        with_predictions(&[], &[reason]),
        Answer::Json(200, json!({})),
        Answer::Json(200, json!({"predictions": []})),
    ] {
        let google = FakeGoogle::start().await;
        google.set_answers(IMAGEN_TEXT, [answer]);
        let error = generate(&google.imagen(folder.path()), &request)
            .await
            .expect_err("all filtered");
        assert!(
            error.class == FailureClass::Blocked && error.message.contains("filtered"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn eight_pictures_take_two_calls_and_dropped_inputs_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    google.set_answers(
        IMAGEN_TEXT,
        [with_predictions(&[&flat(8, 8, [1, 1, 1]); 4], &[])],
    );
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        count: 8,
        seed: Some(9),
        ..GenerateRequest::default()
    };
    let provider = google.imagen(folder.path());
    let made = generate(&provider, &request).await.expect("eight");
    assert_eq!((made.images.len(), made.meta.usd), (8, Some(0.16)));
    let seeds: Vec<_> = google
        .calls(IMAGEN_TEXT)
        .iter()
        .map(|call| call.body["parameters"]["seed"].clone())
        .collect();
    assert_eq!(seeds, [json!(9), json!(13)]);

    let refs = (0..4)
        .map(|index| reference("style", 0.5, &flat(6, 6, [index * 60, 0, 0])))
        .collect();
    let many = GenerateRequest {
        refs,
        base: Some(sent(&flat(6, 6, [0, 0, 0]))),
        ..request
    };
    let receipt = admit(&provider, &many).expect("not strict");
    let dropped: Vec<&str> = receipt
        .lines
        .iter()
        .filter(|line| line.treatment == Treatment::Dropped)
        .map(|line| line.input.as_str())
        .collect();
    assert_eq!(dropped, ["refs[3]", "base"]);
    let edit = GenerateRequest {
        mask: Some(sent(&mask(6, 6))),
        strict: true,
        ..many
    };
    assert!(admit(&provider, &edit).is_err());
    provider.ready().await.expect("there is a token");
}

#[tokio::test]
async fn a_sketch_that_an_edit_cannot_take_is_described_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    let analysis =
        json!({"subject_summary": "a sitting cat", "natural_description": "A cat sits."});
    google.set_answers(VISION_MODEL, [with_text(&analysis.to_string())]);
    google.set_answers(
        IMAGEN,
        [with_predictions(&[&flat(120, 60, [0, 255, 0])], &[])],
    );
    let client = FakeGoogle::client(google.by_account(folder.path()), "IMAGEN_MODEL");
    let describer = FakeGoogle::describer(&client, VISION_MODEL.to_owned());
    let provider = google.imagen(folder.path()).with_describer(Some(describer));
    let request = GenerateRequest {
        base: Some(sent(&flat(120, 60, [9, 9, 9]))),
        mask: Some(sent(&mask(120, 60))),
        sketch: Some(sent(&drawn("cat"))),
        ..GenerateRequest::default()
    };
    let made = generate(&provider, &request).await.expect("a picture");
    let prompt = google.calls(IMAGEN)[0].body["instances"][0]["prompt"]
        .as_str()
        .expect("words")
        .to_owned();
    assert!(
        prompt.contains("a sitting cat") && !prompt.contains("Keep the sketch"),
        "{prompt}"
    );
    let line = made.receipt.line("sketch").expect("a line");
    assert!(
        line.treatment == Treatment::Approximated && line.sent.contains("words"),
        "{line:?}"
    );
    assert_eq!(made.meta.usd, Some(0.025));
}

#[tokio::test]
async fn a_call_is_not_paid_again_when_the_description_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    let analysis = json!({
        "subject_summary": "a sitting cat", "natural_description": "A cat sits.",
        "negative_cues": ["a dog"],
    });
    let busy = Answer::Json(503, crate::google_fake::fault(503, "UNAVAILABLE", "busy"));
    google.set_answers(VISION_MODEL, [busy]);
    google.set_answers(IMAGEN, [with_predictions(&[&flat(8, 8, [0, 255, 0])], &[])]);
    let client = FakeGoogle::client(google.by_account(folder.path()), "IMAGEN_MODEL");
    let describer = FakeGoogle::describer(&client, VISION_MODEL.to_owned());
    let provider = google.imagen(folder.path()).with_describer(Some(describer));
    let (context, _) = crate::support::context();
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        ..GenerateRequest::default()
    };
    for _ in 0..2 {
        let made = crate::support::generate_in(&provider, &request, &context).await;
        assert_eq!(made.expect("a picture").images.len(), 1);
        google.set_answers(VISION_MODEL, [with_text(&analysis.to_string())]);
    }
    assert_eq!(google.calls(IMAGEN).len(), 1);
}

#[tokio::test]
async fn a_mask_is_not_honoured_if_nothing_changed_in_its_area() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    let base = flat(60, 60, [90, 20, 20]);
    google.set_answers(IMAGEN, [with_predictions(&[&base], &[])]);
    let request = GenerateRequest {
        prompt: Some("a pond".into()),
        base: Some(sent(&base)),
        mask: Some(sent(&mask(60, 60))),
        ..GenerateRequest::default()
    };
    let made = generate(&google.imagen(folder.path()), &request)
        .await
        .expect("a picture");
    let line = made.receipt.line("mask").expect("a line");
    assert!(
        line.treatment == Treatment::Approximated && line.sent.contains("the base again"),
        "{line:?}"
    );
}
