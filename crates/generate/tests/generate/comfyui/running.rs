//! Progress, retries, and what remains on the server.

use std::time::Duration;

use clippy_generate::comfyui::ComfyUiSettings;
use clippy_generate::{ComfyUiProvider, FailureClass, GenerateRequest, Provider};
use serde_json::Value;

use super::{provider, words};
use crate::comfyui_fake::{Behaviour, FakeComfyUi, transcript};
use crate::support::{context, drawn, flat, generate, generate_in, reference, sent};

#[tokio::test]
async fn progress_never_decreases_and_only_the_sampler_counts_as_painting() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let (context, recorder) = context();
    generate_in(
        &provider(&server),
        &GenerateRequest {
            count: 2,
            ..words()
        },
        &context,
    )
    .await
    .expect("pictures");
    let reported = recorder.progress.lock().clone();
    let shares: Vec<f32> = reported
        .iter()
        .filter_map(|progress| progress.fraction)
        .collect();
    assert!(
        shares.is_sorted() && shares.last() == Some(&1.0),
        "{shares:?}"
    );
    assert!(
        reported.windows(2).all(|pair| pair[0] != pair[1]),
        "{reported:?}"
    );
    let painting: Vec<f32> = reported
        .iter()
        .filter(|progress| progress.phase == "painting")
        .filter_map(|progress| progress.fraction)
        .collect();
    assert_eq!(
        painting,
        [0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.625, 0.75, 0.875, 1.0]
    );
    let phases: Vec<&str> = reported
        .iter()
        .map(|progress| progress.phase.as_str())
        .collect();
    assert_eq!(
        phases[1..4],
        ["preparing", "painting", "painting"],
        "{phases:?}"
    );
    assert_eq!(
        phases.iter().filter(|phase| **phase == "finishing").count(),
        2,
        "{phases:?}"
    );
}

#[tokio::test]
async fn the_fake_sends_the_frames_of_a_real_server() {
    // The kind of each frame with the names of its fields.
    fn shape(frames: &[Value]) -> Vec<String> {
        let fields = |value: &Value| {
            let mut names: Vec<String> = value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect();
            names.sort();
            names.join(",")
        };
        let mut shapes: Vec<String> = frames
            .iter()
            .map(|frame| match frame["type"].as_str() {
                None => "binary".to_owned(),
                Some("progress_state") => {
                    let nodes = frame["data"]["nodes"].as_object().expect("nodes");
                    let state = nodes.values().next().expect("a node");
                    format!("progress_state {} nodes of {}", nodes.len(), fields(state))
                }
                Some(kind) => format!("{kind} {}", fields(&frame["data"])),
            })
            .collect();
        // The number of steps depends on the prompt.
        shapes.dedup();
        shapes
    }
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let (context, _) = context();
    for _ in 0..2 {
        generate_in(&provider(&server), &words(), &context)
            .await
            .expect("a picture");
    }
    let real = transcript()["plain, 3 steps, preview_method auto"]["events"]
        .as_array()
        .expect("events")
        .clone();
    // The real prompt has three steps, the fake's four.
    let without_steps = |shapes: Vec<String>| {
        let mut kept: Vec<String> = Vec::new();
        for shape in shapes {
            let again =
                kept.len() >= 3 && (shape.starts_with("binary") || shape.starts_with("progress"));
            if !again || !kept[kept.len() - 3..].contains(&shape) {
                kept.push(shape);
            }
        }
        kept
    };
    let sent: Vec<Value> = server.seen(|seen| {
        let ours = |frame: &&Value| frame["data"]["prompt_id"] != "somebody-else";
        seen.frames.iter().filter(ours).cloned().collect()
    });
    assert_eq!(without_steps(shape(&sent)), without_steps(shape(&real)));
}

#[tokio::test]
async fn pictures_are_made_without_a_websocket_and_after_it_was_closed() {
    for behaviour in [
        Behaviour::NoSocket,
        Behaviour::DropsSocket,
        Behaviour::NotANumber,
    ] {
        let server = FakeComfyUi::start(behaviour).await;
        let made = generate(
            &provider(&server),
            &GenerateRequest {
                count: 2,
                ..words()
            },
        )
        .await;
        let made = made.unwrap_or_else(|error| panic!("{behaviour:?}: {error}"));
        assert_eq!(
            made.images
                .iter()
                .map(|image| image.seed)
                .collect::<Vec<_>>(),
            [Some(7), Some(8)],
            "{behaviour:?}"
        );
        assert_eq!(server.seen(|seen| seen.prompts.len()), 2);
    }
}

#[tokio::test]
async fn failures_name_the_node_and_what_to_do() {
    for (behaviour, expected) in [
        (
            Behaviour::NodeErrors,
            "node 3 (KSampler): Value 400 bigger than max of 100 cfg",
        ),
        (
            Behaviour::Fails,
            "KSampler: CUDA out of memory (its graphics memory is full",
        ),
        (Behaviour::Interrupted, "interrupted at the ComfyUI server"),
        (Behaviour::NoPicture, "SaveImage or PreviewImage"),
    ] {
        let server = FakeComfyUi::start(behaviour).await;
        let error = generate(&provider(&server), &words())
            .await
            .expect_err(expected);
        assert_eq!(error.class, FailureClass::Permanent, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    let unreachable =
        ComfyUiProvider::new(ComfyUiSettings::at("http://127.0.0.1:1").expect("settings"))
            .expect("a provider");
    let error = generate(&unreachable, &words())
        .await
        .expect_err("not reachable");
    assert!(
        error.class == FailureClass::Transient && error.message.contains("COMFYUI_URL"),
        "{error}"
    );
}

#[tokio::test]
async fn no_data_of_the_artist_remains_on_the_server_or_in_the_file() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![reference("style", 0.8, &flat(9, 9, [1, 1, 1]))],
        ..words()
    };
    let made = generate(&provider(&server), &request)
        .await
        .expect("a picture");
    let file = &made.images[0].bytes;
    assert!(
        !file.windows(6).any(|bytes| bytes == b"artist"),
        "the graph is not in the picture"
    );
    server.seen(|seen| {
        let names: std::collections::BTreeSet<String> = seen.uploads.keys().cloned().collect();
        assert!(
            names.len() == 2 && names.iter().all(|name| name.ends_with(" [temp]")),
            "{names:?}"
        );
        assert_eq!(seen.overwritten, names);
        let save = seen.prompts[0]["prompt"]
            .as_object()
            .expect("nodes")
            .values();
        assert!(
            save.into_iter()
                .all(|node| node["class_type"] != "SaveImage"),
            "pictures are temporary, too"
        );
    });
}

#[tokio::test]
async fn a_retry_finds_a_finished_picture_and_repeats_a_failed_one() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let (context, _) = context();
    for _ in 0..2 {
        generate_in(&provider(&server), &words(), &context)
            .await
            .expect("a picture");
    }
    assert_eq!(
        server.seen(|seen| seen.prompts.len()),
        1,
        "the second run finds it"
    );
    // Then the server's cache names a file that no longer exists, for the same job and for another
    // one with the same request.
    for scope in ["job", "another job"] {
        server.remove_pictures();
        let before = server.seen(|seen| seen.prompts.len());
        let mut context = crate::support::context().0;
        scope.clone_into(&mut context.scope);
        generate_in(&provider(&server), &words(), &context)
            .await
            .expect("made again");
        assert!(server.seen(|seen| seen.prompts.len()) > before, "{scope}");
    }
    let server = FakeComfyUi::start(Behaviour::Fails).await;
    for _ in 0..2 {
        generate_in(&provider(&server), &words(), &context)
            .await
            .expect_err("fails");
    }
    assert_eq!(
        server.seen(|seen| seen.prompts.len()),
        2,
        "the second attempt has another id"
    );
}

#[tokio::test]
async fn a_user_and_a_password_in_the_address_are_sent_and_never_shown() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let secret = |url: &str| {
        let url = url.replacen("http://", "http://ann:hunter2@", 1);
        let settings = ComfyUiSettings {
            poll: Duration::from_millis(40),
            ..ComfyUiSettings::at(&url).expect("settings")
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        ComfyUiProvider::new(settings).expect("a provider")
    };
    generate(&secret(&server.url), &words())
        .await
        .expect("a picture");
    server.seen(|seen| {
        for path in ["/ws", "/prompt", "/view", "/object_info/KSampler"] {
            assert!(
                seen.logins
                    .contains(&format!("{path} Basic YW5uOmh1bnRlcjI=")),
                "{path}: {:?}",
                seen.logins
            );
        }
    });
    let unreachable = secret("http://127.0.0.1:1");
    let error = generate(&unreachable, &words())
        .await
        .expect_err("not reachable");
    let findings = format!("{:?}", unreachable.check().await);
    for shown in [error.message.as_str(), &findings] {
        assert!(
            shown.contains("127.0.0.1:1") && !shown.contains("hunter2") && !shown.contains("ann"),
            "{shown}"
        );
    }
}
