//! Invalid bodies: each is refused before anything is queued or paid for, with what to do.

use clippy_core::ErrorCode;
use clippy_generate::{GenerateRequest, LocalProvider, admit, estimate};
use serde_json::{Value, json};

use crate::support::{flat, mask, resolver, sent};

async fn fault(body: Value) -> (ErrorCode, String) {
    let request: GenerateRequest = serde_json::from_value(body).expect("a body");
    // As in production: the API admits the request, the worker resolves it.
    let refused = match admit(&LocalProvider, &request) {
        Err(error) => error,
        Ok(_) => resolver().resolve(&request).await.expect_err("a bad body"),
    };
    (refused.code, refused.message)
}

#[tokio::test]
async fn every_invalid_body_is_refused_with_what_to_do() {
    let picture = sent(&flat(40, 30, [9, 9, 9]));
    let style = |weight: Value| {
        json!({"refs": [{"role": "style", "weight": weight,
    "image_url": picture}]})
    };
    let many = json!({"role": "style", "image_url": picture});
    let cases = [
        (
            json!({"refs": [{"role": "mood", "image_url": picture}]}),
            ErrorCode::InvalidInput,
            "style or subject",
        ),
        (style(json!(1.5)), ErrorCode::InvalidInput, "from 0 to 1"),
        (style(json!(-0.01)), ErrorCode::InvalidInput, "from 0 to 1"),
        (
            json!({"refs": vec![many; 17]}),
            ErrorCode::InvalidInput,
            "leave some out",
        ),
        (
            json!({"refs": [{"role": "style", "id": 404}]}),
            ErrorCode::NotFound,
            "404 is not in the gallery",
        ),
        (
            json!({"base": picture, "mask": sent(&mask(41, 30)), "style_tags": ["pixel_art"]}),
            ErrorCode::InvalidInput,
            "41x30 pixels, but base is 40x30",
        ),
        (
            json!({"base": picture, "mask": sent(&flat(40, 30, [0, 0, 0])),
            "style_tags": ["pixel_art"]}),
            ErrorCode::InvalidInput,
            "in white",
        ),
        (
            json!({"prompt": "a", "mask": sent(&mask(40, 30))}),
            ErrorCode::InvalidInput,
            "base",
        ),
        (
            json!({"prompt": "a", "sketch": "data:text/plain;base64,aGk="}),
            ErrorCode::InvalidPicture,
            "not a picture",
        ),
        (
            json!({"prompt": "a", "sketch": "data:image/png;base64,aGk="}),
            ErrorCode::InvalidPicture,
            "sketch",
        ),
        (
            json!({"prompt": "x".repeat(100_000)}),
            ErrorCode::InvalidInput,
            "shorten it",
        ),
        (
            json!({"prompt": "a", "count": 0}),
            ErrorCode::InvalidInput,
            "from 1 to 8",
        ),
        (
            json!({"prompt": "a", "count": 9}),
            ErrorCode::InvalidInput,
            "from 1 to 8",
        ),
        (
            json!({"prompt": "a", "sketch": "x".repeat((32 << 20) + 1)}),
            ErrorCode::TooLarge,
            "at most 32",
        ),
        (
            json!({"prompt": "a", "style_tags": ["cubism"]}),
            ErrorCode::InvalidInput,
            "pixel_art",
        ),
        (json!({}), ErrorCode::InvalidInput, "nothing to draw"),
    ];
    for (body, code, expected) in cases {
        let shown: String = body.to_string().chars().take(90).collect();
        let (found, message) = fault(body).await;
        assert_eq!(found, code, "{shown}: {message}");
        assert!(message.contains(expected), "{shown}: {message}");
        assert!(
            message.chars().count() < 900,
            "{shown}: a message is for a person"
        );
    }
}

#[test]
fn an_estimate_has_the_cost_and_the_planned_receipt() {
    let request = GenerateRequest {
        prompt: Some("red hills".into()),
        count: 3,
        ..GenerateRequest::default()
    };
    let local = estimate(&LocalProvider, &request).expect("an estimate");
    assert_eq!((local.usd, local.images, local.calls), (Some(0.0), 3, 0));
    assert!(local.receipt.line("prompt").is_some());
    assert!(
        estimate(
            &LocalProvider,
            &GenerateRequest {
                count: 9,
                ..request
            }
        )
        .is_err()
    );
}
