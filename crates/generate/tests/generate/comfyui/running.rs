//! Progress, retries, and what stays with the server.

use std::time::Duration;

use clippy_generate::comfyui::ComfyUiSettings;
use clippy_generate::{ComfyUiProvider, FailureClass, GenerateRequest, Provider};
use serde_json::Value;

use super::{provider, words};
use crate::comfyui_fake::{FakeComfyUi, Manner, transcript};
use crate::support::{context, drawn, flat, generated, generated_in, reference, sent};

#[tokio::test]
async fn progress_never_runs_backwards_and_only_the_sampler_paints() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let (context, recorder) = context();
    generated_in(
        &provider(&server),
        &GenerateRequest {
            count: 2,
            ..words()
        },
        &context,
    )
    .await
    .expect("pictures");
    let told = recorder.progress.lock().expect("no panic").clone();
    let shares: Vec<f32> = told
        .iter()
        .filter_map(|progress| progress.fraction)
        .collect();
    assert!(
        shares.is_sorted() && shares.last() == Some(&1.0),
        "{shares:?}"
    );
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
    let painting: Vec<f32> = told
        .iter()
        .filter(|progress| progress.phase == "painting")
        .filter_map(|progress| progress.fraction)
        .collect();
    assert_eq!(
        painting,
        [0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.625, 0.75, 0.875, 1.0]
    );
    let phases: Vec<&str> = told
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
async fn the_fake_sends_what_a_real_server_sent() {
    // The kinds of frames with their fields, and where a node's state or output stands in them.
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
        // How many steps there are is the prompt's business.
        shapes.dedup();
        shapes
    }
    let server = FakeComfyUi::start(Manner::Good).await;
    let (context, _) = context();
    for _ in 0..2 {
        generated_in(&provider(&server), &words(), &context)
            .await
            .expect("a picture");
    }
    let real = transcript()["plain, 3 steps, preview_method auto"]["events"]
        .as_array()
        .expect("events")
        .clone();
    // Three steps of the real one, four of the fake.
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
async fn pictures_come_without_a_websocket_and_after_it_broke_off() {
    for manner in [Manner::NoSocket, Manner::DropsSocket, Manner::NotANumber] {
        let server = FakeComfyUi::start(manner).await;
        let made = generated(
            &provider(&server),
            &GenerateRequest {
                count: 2,
                ..words()
            },
        )
        .await;
        let made = made.unwrap_or_else(|error| panic!("{manner:?}: {error}"));
        assert_eq!(
            made.images
                .iter()
                .map(|image| image.seed)
                .collect::<Vec<_>>(),
            [Some(7), Some(8)],
            "{manner:?}"
        );
        assert_eq!(server.seen(|seen| seen.prompts.len()), 2);
    }
}

#[tokio::test]
async fn failures_name_the_node_and_what_to_do() {
    for (manner, expected) in [
        (
            Manner::NodeErrors,
            "node 3 (KSampler): Value 400 bigger than max of 100 cfg",
        ),
        (
            Manner::Fails,
            "KSampler: CUDA out of memory (its graphics memory is full",
        ),
        (Manner::Interrupted, "interrupted at the ComfyUI server"),
        (Manner::NoPicture, "SaveImage or PreviewImage"),
    ] {
        let server = FakeComfyUi::start(manner).await;
        let error = generated(&provider(&server), &words())
            .await
            .expect_err(expected);
        assert_eq!(error.class, FailureClass::Permanent, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    let nobody = ComfyUiProvider::new(ComfyUiSettings::at("http://127.0.0.1:1").expect("settings"))
        .expect("a provider");
    let error = generated(&nobody, &words())
        .await
        .expect_err("nobody there");
    assert!(
        error.class == FailureClass::Transient && error.message.contains("COMFYUI_URL"),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_of_the_artists_stays_with_the_server_or_in_the_file() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![reference("style", 0.8, &flat(9, 9, [1, 1, 1]))],
        ..words()
    };
    let made = generated(&provider(&server), &request)
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
        assert_eq!(seen.written_over, names);
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
async fn a_retry_finds_the_picture_that_was_painted_and_paints_again_what_failed() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let (context, _) = context();
    for _ in 0..2 {
        generated_in(&provider(&server), &words(), &context)
            .await
            .expect("a picture");
    }
    assert_eq!(
        server.seen(|seen| seen.prompts.len()),
        1,
        "the second time it is found"
    );
    // Another job asks for the same, and the server answers with the file it remembers, which is
    // gone.
    for scope in ["job", "another job"] {
        server.remove_pictures();
        let before = server.seen(|seen| seen.prompts.len());
        let mut context = crate::support::context().0;
        scope.clone_into(&mut context.scope);
        generated_in(&provider(&server), &words(), &context)
            .await
            .expect("made again");
        assert!(server.seen(|seen| seen.prompts.len()) > before, "{scope}");
    }
    let server = FakeComfyUi::start(Manner::Fails).await;
    for _ in 0..2 {
        generated_in(&provider(&server), &words(), &context)
            .await
            .expect_err("fails");
    }
    assert_eq!(
        server.seen(|seen| seen.prompts.len()),
        2,
        "under an id of its own"
    );
}

#[tokio::test]
async fn a_user_and_a_password_in_the_address_are_sent_and_never_shown() {
    let server = FakeComfyUi::start(Manner::Good).await;
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
    generated(&secret(&server.url), &words())
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
    let away = secret("http://127.0.0.1:1");
    let error = generated(&away, &words()).await.expect_err("nobody there");
    let findings = format!("{:?}", away.check().await);
    for shown in [error.message.as_str(), &findings] {
        assert!(
            shown.contains("127.0.0.1:1") && !shown.contains("hunter2") && !shown.contains("ann"),
            "{shown}"
        );
    }
}
