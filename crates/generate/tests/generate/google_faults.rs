//! Google's errors: each gets the right class, is retried only if that may help, and says what to
//! do.

use std::time::Duration;

use clippy_generate::{FailureClass, Finding, FindingLevel, GenerateRequest, Provider};
use serde_json::{Value, json};

use crate::google_fake::{
    Answer, FakeGoogle, IMAGE_MODEL, IMAGEN, IMAGEN_TEXT, VISION_MODEL, about, fault, with_picture,
    with_predictions,
};
use crate::support::{context, flat, generate, generate_in};

fn request() -> GenerateRequest {
    GenerateRequest {
        prompt: Some("a boat".into()),
        ..GenerateRequest::default()
    }
}

fn with_retry_info(delay: &str) -> Value {
    let mut body = fault(429, "RESOURCE_EXHAUSTED", "Quota exceeded");
    body["error"]["details"] = json!([
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]);
    body
}

struct Case {
    name: &'static str,
    answer: Answer,
    class: FailureClass,
    says: &'static str,
    calls: usize,
    wait: Option<Duration>,
}

fn cases() -> Vec<Case> {
    use FailureClass::{Auth, MaybeCharged, Permanent, Transient};
    let case = |name, answer, class, says, calls| Case {
        name,
        answer,
        class,
        says,
        calls,
        wait: None,
    };
    let html = |status| {
        Answer::Text(
            status,
            vec![("content-type", "text/html")],
            "<html><h1>Error</h1> That's an error.</html>".into(),
        )
    };
    vec![
        case(
            "400",
            Answer::Json(400, fault(400, "INVALID_ARGUMENT", "bad seed")),
            Permanent,
            "bad seed",
            1,
        ),
        case(
            "400 of a key",
            Answer::Json(400, fault(400, "INVALID_ARGUMENT", "API key not valid")),
            Auth,
            "GEMINI_API_KEY",
            1,
        ),
        case(
            "403",
            Answer::Json(403, fault(403, "PERMISSION_DENIED", "API off")),
            Auth,
            "roles/aiplatform.user",
            1,
        ),
        case(
            "404",
            Answer::Json(404, fault(404, "NOT_FOUND", "no such model")),
            Permanent,
            "retired",
            1,
        ),
        case(
            "404 of another server",
            html(404),
            Permanent,
            "there is no Google API at this address",
            1,
        ),
        case(
            "a list",
            Answer::Json(
                400,
                json!([fault(400, "FAILED_PRECONDITION", "allow-listing")]),
            ),
            Permanent,
            "allow-listing",
            1,
        ),
        Case {
            wait: Some(Duration::from_secs(13)),
            ..case(
                "429 with RetryInfo",
                Answer::Json(429, with_retry_info("13s")),
                Transient,
                "Quota exceeded",
                1,
            )
        },
        Case {
            wait: Some(Duration::from_secs(7)),
            ..case(
                "429 with Retry-After",
                Answer::Text(429, vec![("retry-after", "7")], String::new()),
                Transient,
                "429",
                1,
            )
        },
        case(
            "503",
            Answer::Json(503, fault(503, "UNAVAILABLE", "overloaded")),
            Transient,
            "Try again later",
            3,
        ),
        case(
            "500",
            Answer::Json(500, fault(500, "INTERNAL", "oops")),
            Transient,
            "oops",
            3,
        ),
        case("a page", html(502), Transient, "That's an error.", 3),
        case(
            "a page as success",
            html(200),
            MaybeCharged,
            "cannot be read",
            1,
        ),
        case(
            "a cut-off answer",
            Answer::CutOff,
            MaybeCharged,
            "may have been charged",
            1,
        ),
        case("no answer", Answer::Silence, MaybeCharged, "in time", 1),
    ]
}

fn check(case: &Case, error: &clippy_generate::GenerateError, calls: usize) {
    let name = case.name;
    assert_eq!(error.class, case.class, "{name}: {error}");
    assert!(error.message.contains(case.says), "{name}: {error}");
    assert!(
        !error.message.contains('<'),
        "{name}: no page in a message: {error}"
    );
    assert!(
        error.message.chars().count() < 700,
        "{name}: a message is for a person"
    );
    assert_eq!(calls, case.calls, "{name}: calls");
    if case.wait.is_some() {
        assert_eq!(error.retry_after, case.wait, "{name}");
    }
    assert_eq!(
        error.charged,
        case.class == FailureClass::MaybeCharged,
        "{name}"
    );
}

#[tokio::test]
async fn every_error_of_gemini_has_its_class() {
    for case in cases() {
        let google = FakeGoogle::start().await;
        google.set_answers(IMAGE_MODEL, [case.answer.clone()]);
        let error = generate(&google.gemini(), &request())
            .await
            .expect_err(case.name);
        check(&case, &error, google.calls(IMAGE_MODEL).len());
        if case.name == "404" {
            assert!(error.message.contains("GEMINI_IMAGE_MODEL"), "{error}");
        }
    }
}

#[tokio::test]
async fn every_error_of_imagen_has_its_class() {
    let folder = tempfile::tempdir().expect("a folder");
    for case in cases() {
        let google = FakeGoogle::start().await;
        google.set_answers(IMAGEN_TEXT, [case.answer.clone()]);
        let error = generate(&google.imagen(folder.path()), &request())
            .await
            .expect_err(case.name);
        check(&case, &error, google.calls(IMAGEN_TEXT).len());
        if case.name == "404" {
            assert!(error.message.contains("IMAGEN_TEXT_MODEL"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = Answer::Json(401, fault(401, "UNAUTHENTICATED", "token expired"));
    let google = FakeGoogle::start().await;
    google.set_answers(
        IMAGEN_TEXT,
        [
            refused.clone(),
            with_predictions(&[&flat(8, 8, [1, 1, 1])], &[]),
        ],
    );
    generate(&google.imagen(folder.path()), &request())
        .await
        .expect("the second token is good");
    let tokens: Vec<Option<String>> = google
        .calls(IMAGEN_TEXT)
        .into_iter()
        .map(|call| call.authorization)
        .collect();
    assert_eq!(
        tokens,
        [
            Some("Bearer token-1".to_owned()),
            Some("Bearer token-2".to_owned())
        ]
    );

    let google = FakeGoogle::start().await;
    google.set_answers(IMAGEN_TEXT, [refused]);
    let error = generate(&google.imagen(folder.path()), &request())
        .await
        .expect_err("never good");
    assert_eq!(
        (error.class, google.calls(IMAGEN_TEXT).len()),
        (FailureClass::Auth, 2),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again() {
    let google = FakeGoogle::start().await;
    google.set_answers(
        IMAGE_MODEL,
        [Answer::Json(401, fault(401, "UNAUTHENTICATED", "bad key"))],
    );
    let error = generate(&google.gemini(), &request())
        .await
        .expect_err("refused");
    assert_eq!(
        (error.class, google.calls(IMAGE_MODEL).len()),
        (FailureClass::Auth, 1),
        "{error}"
    );
}

#[tokio::test]
async fn short_waits_are_waited_out() {
    let google = FakeGoogle::start().await;
    let good = with_picture(&flat(8, 8, [1, 1, 1]));
    google.set_answers(
        IMAGE_MODEL,
        [
            Answer::Json(429, with_retry_info("0.05s")),
            Answer::Json(503, fault(503, "UNAVAILABLE", "busy")),
            good,
        ],
    );
    generate(&google.gemini(), &request())
        .await
        .expect("the third time");
    assert_eq!(google.calls(IMAGE_MODEL).len(), 3);
}

#[tokio::test]
async fn an_unknown_outcome_is_bought_again_only_on_request() {
    let google = FakeGoogle::start().await;
    google.set_answers(
        IMAGE_MODEL,
        [Answer::CutOff, with_picture(&flat(8, 8, [1, 1, 1]))],
    );
    let (mut context, _) = context();
    let provider = google.gemini();
    for _ in 0..3 {
        let error = generate_in(&provider, &request(), &context)
            .await
            .expect_err("unknown");
        assert_eq!(error.class, FailureClass::MaybeCharged, "{error}");
    }
    assert_eq!(google.calls(IMAGE_MODEL).len(), 1);
    context.scope = "job, bought again 1".to_owned();
    generate_in(&provider, &request(), &context)
        .await
        .expect("bought again on request");
    generate_in(&provider, &request(), &context)
        .await
        .expect("taken from the journal");
    assert_eq!(google.calls(IMAGE_MODEL).len(), 2);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_was_not_paid() {
    let google = FakeGoogle::start().await;
    let mut away = google.clone();
    away.url = "http://127.0.0.1:1".to_owned();
    let error = generate(&away.gemini(), &request())
        .await
        .expect_err("not reachable");
    assert!(
        error.class == FailureClass::Transient && !error.charged,
        "{error}"
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "{\"type\": \"authorized_user\"}").expect("written");
    let tokens = std::sync::Arc::new(clippy_generate::google::GcpTokens::new(Some(
        file.path().to_owned(),
    )));
    let endpoint = clippy_generate::google::Endpoint::Vertex {
        base: None,
        project: "p".into(),
        location: "global".into(),
        tokens,
    };
    let provider = google.gemini_at(endpoint, clippy_generate::google::GeminiSettings::default());
    let error = provider.ready().await.expect_err("no service account");
    assert!(
        error.class == FailureClass::Auth
            && error.message.contains("GOOGLE_APPLICATION_CREDENTIALS"),
        "{error}"
    );
}

#[tokio::test]
async fn an_address_may_end_with_the_version_of_the_api() {
    let folder = tempfile::tempdir().expect("a folder");
    let google = FakeGoogle::start().await;
    let good = with_picture(&flat(8, 8, [1, 1, 1]));
    google.set_answers(IMAGE_MODEL, [good]).set_answers(
        IMAGEN_TEXT,
        [with_predictions(&[&flat(8, 8, [1, 1, 1])], &[])],
    );
    for ending in ["/v1beta", "/v1beta/", "/v1beta/models", "/v1"] {
        let mut longer = google.clone();
        longer.url.push_str(ending);
        generate(&longer.gemini(), &request())
            .await
            .unwrap_or_else(|error| panic!("{ending}: {error}"));
    }
    let mut longer = google.clone();
    longer.url.push_str("/v1");
    // The address for tokens comes from the account's file.
    let endpoint = match google.by_account(folder.path()) {
        clippy_generate::google::Endpoint::Vertex {
            project,
            location,
            tokens,
            ..
        } => clippy_generate::google::Endpoint::Vertex {
            base: Some(longer.address()),
            project,
            location,
            tokens,
        },
        other => other,
    };
    let provider = google.imagen_at(endpoint);
    generate(&provider, &request()).await.expect("a picture");
    let expected = format!("/v1beta/models/{IMAGE_MODEL}:generateContent");
    assert_eq!(
        google
            .paths()
            .iter()
            .filter(|path| **path == expected)
            .count(),
        4,
        "{:?}",
        google.paths()
    );
}

#[tokio::test]
async fn keys_and_models_are_checked_with_free_calls() {
    let there = |model: &str| Answer::Json(200, json!({"name": format!("models/{model}")}));
    let gone = |model: &str| {
        Answer::Json(
            404,
            fault(404, "NOT_FOUND", &format!("models/{model} is not found")),
        )
    };
    let levels = |findings: &[Finding]| -> Vec<(String, FindingLevel)> {
        findings
            .iter()
            .map(|finding| (finding.subject.clone(), finding.level))
            .collect()
    };
    let (image, vision) = (
        format!("model {IMAGE_MODEL}"),
        format!("model {VISION_MODEL}"),
    );
    let google = FakeGoogle::start().await;
    google
        .set_answers(&about(IMAGE_MODEL), [there(IMAGE_MODEL)])
        .set_answers(&about(VISION_MODEL), [gone(VISION_MODEL)]);
    let findings = google.gemini().check().await;
    let ok = ("key".to_owned(), FindingLevel::Ok);
    let expected = [
        ok.clone(),
        (image.clone(), FindingLevel::Ok),
        (vision, FindingLevel::Warning),
    ];
    assert_eq!(levels(&findings), expected);
    assert!(
        findings[2].message.contains("GEMINI_VISION_MODEL"),
        "{findings:?}"
    );

    google.set_answers(&about(IMAGE_MODEL), [gone(IMAGE_MODEL)]);
    let findings = google.gemini().check().await;
    assert_eq!(levels(&findings)[..2], [ok, (image, FindingLevel::Fault)]);
    assert!(
        findings[1].message.contains("GEMINI_IMAGE_MODEL"),
        "{findings:?}"
    );

    let refused = fault(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
    );
    google.set_answers(&about(IMAGE_MODEL), [Answer::Json(400, refused)]);
    let findings = google.gemini().check().await;
    assert_eq!(levels(&findings), [("key".to_owned(), FindingLevel::Fault)]);
    assert!(
        findings[0].message.contains("GEMINI_API_KEY"),
        "{findings:?}"
    );
    assert!(
        google.paths().iter().all(|path| !path.contains(':')),
        "nothing is generated: {:?}",
        google.paths()
    );

    let mut away = google.clone();
    away.url = "http://127.0.0.1:1".to_owned();
    assert_eq!(
        levels(&away.gemini().check().await),
        [("server".to_owned(), FindingLevel::Fault)]
    );

    // An account may be allowed to generate, but not to describe models.
    let folder = tempfile::tempdir().expect("a folder");
    let closed = Answer::Json(
        403,
        fault(403, "PERMISSION_DENIED", "aiplatform.publisherModels.get"),
    );
    google
        .set_answers(&about(IMAGEN), [closed.clone()])
        .set_answers(&about(IMAGEN_TEXT), [closed]);
    let findings = google.imagen(folder.path()).check().await;
    assert!(
        findings.len() == 2
            && findings
                .iter()
                .all(|found| found.level == FindingLevel::Warning),
        "{findings:?}"
    );
}
