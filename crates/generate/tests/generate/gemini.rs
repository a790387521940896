//! Gemini: the bodies that are sent, and how each kind of answer is handled.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clippy_drawings::Style;
use clippy_generate::google::GeminiSettings;
use clippy_generate::{FailureClass, GenerateRequest, Provider, Treatment, estimate};
use clippy_testing::wait_until;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use crate::google_fake::{
    Answer, FakeGoogle, IMAGE_MODEL, VISION_MODEL, fault, with_picture, with_picture_of, with_text,
};
use crate::support::{
    drawn, flat, generate, mask, picture, png, reference, sent, snapshot, styled,
};

fn analysis() -> Value {
    json!({"subject_summary": "a sitting cat", "subject_type_guess": "animal",
    "natural_description": "A cat sits.",
           "pose_orientation": "facing left", "key_objects": ["tail", "whiskers"],
           "negative_cues": ["no dogs"]})
}

fn full() -> GenerateRequest {
    GenerateRequest {
        prompt: Some("a ginger cat".into()),
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![
            reference("style", 0.8, &styled("dog", Style::CelShading)),
            reference("style", 0.3, &styled("tree", Style::Impressionism)),
            reference("subject", 0.5, &styled("cat", Style::SoftShading)),
        ],
        style_tags: vec!["pixel_art".into()],
        negative_prompt: Some("no hats".into()),
        seed: Some(7),
        aspect_ratio: Some("16:9".into()),
        ..GenerateRequest::default()
    }
}

#[tokio::test]
async fn the_bodies_match_googles_documentation() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    google.set_answers(
        VISION_MODEL,
        [with_text(&format!("```json\n{}\n```", analysis()))],
    );
    google.set_answers(IMAGE_MODEL, [with_picture(&flat(64, 36, [10, 20, 30]))]);
    let vertex = google.gemini_at(google.by_account(folder.path()), GeminiSettings::default());
    let made = generate(&vertex, &full()).await.expect("a picture");

    let vision = &google.calls(VISION_MODEL)[0];
    assert_eq!(
        vision.path,
        format!(
            "/v1/projects/project/locations/global/publishers/google/models/{VISION_MODEL}:\
             generateContent"
        )
    );
    snapshot("gemini-vision", &vision.body);
    let call = &google.calls(IMAGE_MODEL)[0];
    assert_eq!(
        call.path,
        format!(
            "/v1/projects/project/locations/global/publishers/google/models/{IMAGE_MODEL}:\
             generateContent"
        )
    );
    assert_eq!(call.authorization.as_deref(), Some("Bearer token-1"));
    snapshot("gemini-vertex", &call.body);
    // The thinking settings are inside of the configuration, roles and weights are words, and the
    // task comes last.
    assert_eq!(
        call.body["generationConfig"]["thinkingConfig"],
        json!({"thinkingLevel": "MINIMAL"})
    );
    let parts = call.body["contents"][0]["parts"].as_array().expect("parts");
    let words: Vec<&str> = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    assert!(
        words[0].contains("ROUGH SKETCH")
            && words[1].contains("(strong)")
            && words[2].contains("(subtle)"),
        "{words:?}"
    );
    assert!(
        words[3].contains("SUBJECT reference (moderate)"),
        "{words:?}"
    );
    let task = words.last().expect("a task");
    assert!(
        task.starts_with("Task: ") && task.contains("facing left") && task.contains("Avoid: hats"),
        "{task}"
    );
    assert!(
        !task.contains("no hats") && !task.contains("no dogs"),
        "negatives are bare nouns: {task}"
    );

    assert_eq!(made.meta.mode, "subject");
    assert!(made.meta.constructed_prompt.contains("a ginger cat"));
    let treatment = |input: &str| made.receipt.line(input).map(|line| line.treatment);
    assert_eq!(treatment("refs[0]"), Some(Treatment::Approximated));
    assert_eq!(treatment("aspect_ratio"), Some(Treatment::Honoured));
    assert_eq!(google.tokens(), 1, "one token serves all calls");
}

#[tokio::test]
async fn a_key_uses_the_developer_api_without_fields_of_vertex() {
    let google = FakeGoogle::start().await;
    google.set_answers(
        "gemini-2.5-flash-image",
        [with_picture(&flat(8, 8, [1, 2, 3]))],
    );
    let settings = GeminiSettings {
        image_model: "gemini-2.5-flash-image".into(),
        vision_model: None,
        ..GeminiSettings::default()
    };
    let provider = google.gemini_at(google.by_key(), settings);
    let refs = (0..5)
        .map(|index| reference("style", 0.9, &flat(6, 6, [index * 40, 0, 0])))
        .collect();
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        refs,
        ..GenerateRequest::default()
    };
    let made = generate(&provider, &request).await.expect("a picture");
    let call = &google.calls("gemini-2.5-flash-image")[0];
    assert_eq!(
        call.path,
        "/v1beta/models/gemini-2.5-flash-image:generateContent"
    );
    assert_eq!(
        (call.key.as_deref(), call.authorization.as_deref()),
        (Some("the-key"), None)
    );
    snapshot("gemini-key", &call.body);
    let lines: Vec<Treatment> = (0..5)
        .filter_map(|i| {
            made.receipt
                .line(&format!("refs[{i}]"))
                .map(|line| line.treatment)
        })
        .collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| **line == Treatment::Dropped)
            .count(),
        2,
        "2.5 takes three: {lines:?}"
    );
    assert!(!call.body.to_string().contains("personGeneration"));
}

#[tokio::test]
async fn the_picture_is_the_one_that_is_not_a_thought() {
    let google = FakeGoogle::start().await;
    google.set_answers(IMAGE_MODEL, [with_picture(&flat(20, 10, [0, 0, 200]))]);
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        count: 3,
        seed: Some(7),
        ..GenerateRequest::default()
    };
    let made = generate(&google.gemini(), &request)
        .await
        .expect("pictures");
    assert_eq!(made.images.len(), 3);
    for image in &made.images {
        assert_eq!(picture(&image.bytes), flat(20, 10, [0, 0, 200]));
    }
    let mut seeds: Vec<u64> = google
        .calls(IMAGE_MODEL)
        .iter()
        .filter_map(|c| c.body["generationConfig"]["seed"].as_u64())
        .collect();
    seeds.sort_unstable();
    assert_eq!(
        seeds,
        [7, 8, 9],
        "each picture is a call with a seed of its own"
    );
    assert_eq!((made.meta.calls, made.meta.usd), (3, Some(0.12)));
    let before = estimate(&google.gemini(), &request).expect("an estimate");
    assert_eq!((before.calls, before.usd), (3, Some(0.12)));
}

#[tokio::test]
async fn a_thought_is_used_when_there_is_no_other_picture() {
    let picture_part = |picture: &RgbImage, thought: bool| {
        json!({"thought": thought,
    "inlineData": {"mimeType": "image/png", "data": STANDARD.encode(png(picture))}})
    };
    let answer = |parts: Value, reason: &str| {
        Answer::Json(
            200,
            json!({"candidates": [{"content": {"parts": parts}, "finishReason": reason}]}),
        )
    };
    let (first, last) = (flat(9, 9, [200, 0, 0]), flat(9, 9, [0, 0, 200]));
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        ..GenerateRequest::default()
    };
    let google = FakeGoogle::start().await;
    let thoughts = json!([picture_part(&first, true), {"thought": true, "text": "hm"},
    picture_part(&last, true)]);
    google.set_answers(IMAGE_MODEL, [answer(thoughts.clone(), "STOP")]);
    let made = generate(&google.gemini(), &request)
        .await
        .expect("it was paid for");
    assert_eq!(picture(&made.images[0].bytes), last);
    google.set_answers(IMAGE_MODEL, [answer(thoughts, "IMAGE_SAFETY")]);
    let error = generate(&google.gemini(), &request)
        .await
        .expect_err("blocked");
    assert_eq!(error.class, FailureClass::Blocked, "{error}");
}

#[tokio::test]
async fn base64_with_line_breaks_is_read() {
    let google = FakeGoogle::start().await;
    let wanted = flat(30, 20, [1, 2, 3]);
    let encoded = STANDARD.encode(png(&wanted));
    let lines: Vec<&str> = (0..encoded.len())
        .step_by(76)
        .map(|at| &encoded[at..encoded.len().min(at + 76)])
        .collect();
    let part = json!({"inlineData": {"mimeType": "image/png", "data": lines.join("\r\n")}});
    google.set_answers(
        IMAGE_MODEL,
        [Answer::Json(
            200,
            json!({"candidates": [{"content": {"parts": [part]}}]}),
        )],
    );
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        ..GenerateRequest::default()
    };
    let made = generate(&google.gemini(), &request)
        .await
        .expect("a picture");
    assert_eq!(picture(&made.images[0].bytes), wanted);
}

#[tokio::test]
async fn a_description_is_part_of_the_price_and_bought_once_for_a_job() {
    let google = FakeGoogle::start().await;
    google.set_answers(VISION_MODEL, [with_text(&analysis().to_string())]);
    google.set_answers(
        IMAGE_MODEL,
        [Answer::Json(503, fault(503, "UNAVAILABLE", "busy"))],
    );
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        count: 2,
        ..GenerateRequest::default()
    };
    let before = estimate(&google.gemini(), &request).expect("an estimate");
    assert_eq!(
        (before.calls, before.usd),
        (3, Some(0.085)),
        "{}",
        before.note
    );
    let (context, _) = crate::support::context();
    let error = crate::support::generate_in(&google.gemini(), &request, &context)
        .await
        .expect_err("busy");
    assert!(
        error.class == FailureClass::Transient && error.charged,
        "the description was bought: {error}"
    );
    google.set_answers(IMAGE_MODEL, [with_picture(&flat(8, 8, [5, 5, 5]))]);
    let made = crate::support::generate_in(&google.gemini(), &request, &context)
        .await
        .expect("pictures");
    assert_eq!((made.meta.usd, made.meta.calls), (Some(0.085), 3));
    assert!(
        made.meta.constructed_prompt.contains("a sitting cat"),
        "{}",
        made.meta.constructed_prompt
    );
    assert_eq!(google.calls(VISION_MODEL).len(), 1);
}

#[tokio::test]
async fn a_call_is_not_bought_again_when_its_body_changes() {
    let google = FakeGoogle::start().await;
    google.set_answers(IMAGE_MODEL, [with_picture(&flat(8, 8, [5, 5, 5]))]);
    let (context, _) = crate::support::context();
    for prompt in ["a boat", "as a newer version words it"] {
        let request = GenerateRequest {
            prompt: Some(prompt.into()),
            ..GenerateRequest::default()
        };
        let made = crate::support::generate_in(&google.gemini(), &request, &context).await;
        assert_eq!(made.expect("a picture").images.len(), 1);
    }
    assert_eq!(google.calls(IMAGE_MODEL).len(), 1);
}

#[tokio::test]
async fn a_ratio_that_the_picture_does_not_have_is_not_honoured() {
    let google = FakeGoogle::start().await;
    google.set_answers(IMAGE_MODEL, [with_picture(&flat(64, 64, [5, 5, 5]))]);
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        aspect_ratio: Some("16:9".into()),
        ..GenerateRequest::default()
    };
    let made = generate(&google.gemini(), &request)
        .await
        .expect("a picture");
    let line = made.receipt.line("aspect_ratio").expect("a line");
    assert!(
        line.treatment == Treatment::Approximated && line.sent == "64x64 pixels",
        "{line:?}"
    );
}

#[tokio::test]
async fn blocks_and_refusals_are_reported_with_their_reason() {
    let candidate = |reason: &str| {
        json!({"candidates": [{"finishReason": reason,
    "finishMessage": "because"}]})
    };
    let cases = [
        (
            Answer::Json(200, candidate("IMAGE_SAFETY")),
            "IMAGE_SAFETY because",
        ),
        (Answer::Json(200, candidate("NO_IMAGE")), "NO_IMAGE"),
        (
            Answer::Json(
                200,
                json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT",
                "blockReasonMessage": "not that"}}),
            ),
            "PROHIBITED_CONTENT not that",
        ),
        (
            with_text("I cannot draw this person."),
            "I cannot draw this person.",
        ),
        (
            Answer::Json(200, json!({})),
            "without a picture and without a reason",
        ),
        (
            Answer::Json(200, json!({"candidates": []})),
            "without a picture",
        ),
    ];
    for (answer, expected) in cases {
        let google = FakeGoogle::start().await;
        google.set_answers(IMAGE_MODEL, [answer]);
        let request = GenerateRequest {
            prompt: Some("a boat".into()),
            ..GenerateRequest::default()
        };
        let error = generate(&google.gemini(), &request)
            .await
            .expect_err(expected);
        assert_eq!(error.class, FailureClass::Blocked, "{error}");
        assert!(
            error.message.contains(expected) && error.message.contains("Change the prompt"),
            "{error}"
        );
        assert_eq!(
            google.calls(IMAGE_MODEL).len(),
            1,
            "a block is not tried again"
        );
    }
}

#[tokio::test]
async fn pictures_that_pass_a_filter_are_returned_and_the_others_accounted_for() {
    let google = FakeGoogle::start().await;
    let blocked = Answer::Json(
        200,
        json!({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}),
    );
    let good = with_picture(&flat(8, 8, [5, 5, 5]));
    google.set_answers(IMAGE_MODEL, [good.clone(), blocked.clone(), good, blocked]);
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        count: 4,
        ..GenerateRequest::default()
    };
    let made = generate(&google.gemini(), &request)
        .await
        .expect("two pictures");
    assert_eq!((made.images.len(), made.meta.filtered.len()), (2, 2));
    let count = made.receipt.line("count").expect("a line");
    assert!(
        count.treatment == Treatment::Approximated && count.reason.contains("IMAGE_SAFETY"),
        "{count:?}"
    );
    assert_eq!(made.meta.usd, Some(0.08));
}

#[tokio::test]
async fn one_bad_answer_does_not_affect_others_and_counts_as_paid() {
    for bad in [Answer::CutOff, with_picture_of(b"not a picture")] {
        let google = FakeGoogle::start().await;
        google.set_answers(IMAGE_MODEL, [with_picture(&flat(8, 8, [5, 5, 5])), bad]);
        let request = GenerateRequest {
            prompt: Some("a boat".into()),
            count: 2,
            ..GenerateRequest::default()
        };
        let made = generate(&google.gemini(), &request)
            .await
            .expect("one picture");
        assert_eq!(
            (made.images.len(), made.meta.filtered.len(), made.meta.usd),
            (1, 1, Some(0.08))
        );
    }
}

#[tokio::test]
async fn a_sketch_that_cannot_be_described_is_sent_nevertheless() {
    for answer in [
        with_text("{\"subject_summary\": \"a ca"),
        Answer::Json(403, fault(403, "PERMISSION_DENIED", "no")),
        with_text(""),
    ] {
        let google = FakeGoogle::start().await;
        google
            .set_answers(VISION_MODEL, [answer])
            .set_answers(IMAGE_MODEL, [with_picture(&flat(8, 8, [5, 5, 5]))]);
        let request = GenerateRequest {
            sketch: Some(sent(&drawn("cat"))),
            ..GenerateRequest::default()
        };
        let made = generate(&google.gemini(), &request)
            .await
            .expect("a picture");
        assert!(
            made.meta
                .constructed_prompt
                .contains("the sketched subject"),
            "{}",
            made.meta.constructed_prompt
        );
        let line = made.receipt.line("sketch").expect("a line");
        assert!(
            line.sent.contains("without a description") && !line.reason.is_empty(),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn an_edit_changes_nothing_outside_of_its_mask() {
    let google = FakeGoogle::start().await;
    // The model often returns another size.
    google.set_answers(IMAGE_MODEL, [with_picture(&flat(96, 64, [0, 255, 0]))]);
    let base = RgbImage::from_fn(150, 100, |x, y| {
        Rgb([(x * 3 % 256) as u8, (y * 7 % 256) as u8, 40])
    });
    let mask = mask(150, 100);
    let request = GenerateRequest {
        prompt: Some("a pond".into()),
        base: Some(sent(&base)),
        mask: Some(sent(&mask)),
        ..GenerateRequest::default()
    };
    let made = generate(&google.gemini(), &request)
        .await
        .expect("a picture");
    let made = picture(&made.images[0].bytes);
    for (x, y, pixel) in made.enumerate_pixels() {
        if mask.get_pixel(x, y).0[0] == 0 {
            assert_eq!(pixel, base.get_pixel(x, y), "at {x},{y}");
        }
    }
    assert_eq!(made.get_pixel(75, 50), &Rgb([0, 255, 0]));
    snapshot("gemini-edit", &google.calls(IMAGE_MODEL)[0].body);
}

#[tokio::test]
async fn cancelling_drops_the_answer_and_counts_as_billed() {
    let google = FakeGoogle::start().await;
    google.set_answers(IMAGE_MODEL, [Answer::Silence]);
    let (context, _) = crate::support::context();
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        ..GenerateRequest::default()
    };
    let (cancel, provider) = (context.cancel.clone(), google.gemini());
    let work =
        tokio::spawn(
            async move { crate::support::generate_in(&provider, &request, &context).await },
        );
    wait_until("the call has arrived", || async {
        google.calls(IMAGE_MODEL).len() == 1
    })
    .await;
    cancel.cancel();
    let error = work.await.expect("ran").expect_err("cancelled");
    assert!(error.class == FailureClass::Cancelled && error.charged);
    google.gemini().ready().await.expect("a key needs no call");
}

#[tokio::test]
async fn a_call_in_progress_is_waited_for_when_the_generation_is_handed_over() {
    let google = FakeGoogle::start().await;
    google.set_answers(IMAGE_MODEL, [Answer::Silence]);
    let (context, _) = crate::support::context();
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        ..GenerateRequest::default()
    };
    let (hand_over, provider) = (context.hand_over.clone(), google.gemini());
    let work =
        tokio::spawn(
            async move { crate::support::generate_in(&provider, &request, &context).await },
        );
    wait_until("the call has arrived", || async {
        google.calls(IMAGE_MODEL).len() == 1
    })
    .await;
    hand_over.cancel();
    let error = work.await.expect("ran").expect_err("no answer");
    // The call ended by the client's own time-out, and was not dropped before.
    assert_eq!(error.class, FailureClass::MaybeCharged, "{error}");
}
