//! ComfyUI: the graph that is sent, progress with and without a WebSocket, cancelling, preflight, failures.

use std::time::Duration;

use clippy_drawings::Style;
use clippy_generate::comfyui::{ComfyUiSettings, Template};
use clippy_generate::{ComfyUiProvider, FailureClass, GenerateRequest, Provider, Treatment, admit};
use image::Rgb;
use serde_json::{Value, json};

use crate::comfyui_fake::{FakeComfyUi, Manner, node};
use crate::support::{
    context, drawn, flat, generated, generated_in, mask, picture, reference, sent, snapshot, styled, wait_until,
};

fn provider(server: &FakeComfyUi) -> ComfyUiProvider {
    let settings =
        ComfyUiSettings { poll: Duration::from_millis(40), ..ComfyUiSettings::at(&server.url).expect("settings") };
    ComfyUiProvider::new(settings).expect("a provider")
}

fn words() -> GenerateRequest {
    GenerateRequest { prompt: Some("a boat".into()), seed: Some(7), ..GenerateRequest::default() }
}

/// Uploaded files are named by their content, which is long; prompts have fresh ids.
fn plain(prompt: &Value) -> Value {
    fn shorten(value: &Value) -> Value {
        match value {
            Value::String(text) if text.starts_with("clippy/renamed_") => {
                json!(text.split('_').take(2).collect::<Vec<_>>().join("_"))
            }
            Value::Array(values) => values.iter().map(shorten).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shorten(value))).collect(),
            other => other.clone(),
        }
    }
    let mut body = shorten(prompt);
    for id in ["client_id", "prompt_id"] {
        assert!(body[id].as_str().is_some_and(|id| uuid::Uuid::parse_str(id).is_ok()));
        body[id] = json!("a UUID");
    }
    body
}

#[tokio::test]
async fn sketch_styles_and_subject_become_one_graph() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![
            reference("style", 0.8, &styled("dog", Style::CelShading)),
            reference("subject", 0.5, &styled("cat", Style::SoftShading)),
            reference("style", 0.2, &styled("tree", Style::Impressionism)),
        ],
        sketch_weight: Some(0.5),
        ..words()
    };
    let (context, recorder) = context();
    let made = generated_in(&provider(&server), &request, &context).await.expect("a picture");
    assert_eq!(picture(&made.images[0].bytes), flat(64, 48, [0, 200, 0]));
    assert_eq!(made.images[0].seed, Some(7));
    let prompt = server.seen(|seen| seen.prompts[0].clone());
    snapshot("comfyui-style-first", &plain(&prompt));
    let graph = &prompt["prompt"];
    assert_eq!((&graph["23"]["inputs"]["weight"], &graph["23_2"]["inputs"]["weight"]), (&json!(0.8), &json!(0.2)));
    assert_eq!(graph["26"]["inputs"]["weight"], 0.15, "a subject only whispers where style comes first");
    assert_eq!(graph["31"]["inputs"]["strength"], 0.45, "the sketch's weight counts");
    server.seen(|seen| {
        assert_eq!(seen.uploads.len(), 4);
        // The sketch goes as white lines on black.
        let name = graph["32"]["inputs"]["image"].as_str().expect("a file");
        let scribble = picture(&seen.uploads[name]);
        assert_eq!((scribble.dimensions(), scribble.get_pixel(0, 0)), ((1024, 1024), &Rgb([0, 0, 0])));
        assert!(scribble.pixels().any(|pixel| pixel.0[0] > 240));
    });
    assert!(
        made.receipt
            .line("refs[1]")
            .is_some_and(|line| line.sent.contains("0.15") && line.sent.contains("style_first"))
    );
    let shares: Vec<f32> =
        recorder.progress.lock().expect("no panic").iter().filter_map(|progress| progress.fraction).collect();
    assert_eq!(shares, [0.25, 0.5, 0.75, 1.0]);
    assert_eq!(recorder.previews.lock().expect("no panic").len(), 4);
}

#[tokio::test]
async fn the_presets_follow_from_what_is_sent_or_from_the_request() {
    let server = FakeComfyUi::start(Manner::Cached).await;
    let base = flat(640, 480, [90, 20, 20]);
    let cases = [
        ("style_first", GenerateRequest { refs: vec![reference("style", 0.6, &flat(9, 9, [1, 1, 1]))], ..words() }),
        ("subject_first", GenerateRequest { refs: vec![reference("subject", 0.8, &flat(9, 9, [1, 1, 1]))], ..words() }),
        ("img2img", GenerateRequest { base: Some(sent(&base)), ..words() }),
        ("tight_edit", GenerateRequest { base: Some(sent(&base)), mask: Some(sent(&mask(640, 480))), ..words() }),
        (
            "img2img",
            GenerateRequest { preset: Some("img2img".into()), refs: vec![reference("subject", 0.8, &base)], ..words() },
        ),
    ];
    for (index, (preset, request)) in cases.into_iter().enumerate() {
        generated(&provider(&server), &request).await.unwrap_or_else(|error| panic!("{preset}: {error}"));
        let prompt = server.seen(|seen| seen.prompts.last().cloned()).expect("a prompt");
        snapshot(&format!("comfyui-preset-{index}-{preset}"), &plain(&prompt));
        let graph = &prompt["prompt"];
        let denoise = graph["3"]["inputs"]["denoise"].as_f64().expect("a number");
        match preset {
            "img2img" => assert!((0.2..=0.35).contains(&denoise), "{denoise}"),
            "tight_edit" => {
                assert_eq!(graph["3"]["inputs"]["latent_image"], json!(["14", 0]));
                assert_eq!(graph["13"]["inputs"]["channel"], "red");
            }
            "subject_first" => {
                assert!((0.6..=0.9).contains(&graph["26"]["inputs"]["weight"].as_f64().expect("a number")))
            }
            _ => assert!((0.5..=0.8).contains(&graph["23"]["inputs"]["weight"].as_f64().expect("a number"))),
        }
    }
}

#[tokio::test]
async fn an_edit_changes_nothing_outside_of_its_mask() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let base = flat(120, 90, [90, 20, 20]);
    let mask = mask(120, 90);
    let request = GenerateRequest { base: Some(sent(&base)), mask: Some(sent(&mask)), ..words() };
    let made = generated(&provider(&server), &request).await.expect("a picture");
    let made = picture(&made.images[0].bytes);
    assert_eq!((made.dimensions(), made.get_pixel(60, 45)), ((120, 90), &Rgb([0, 200, 0])));
    assert!(
        made.enumerate_pixels().all(|(x, y, pixel)| mask.get_pixel(x, y).0[0] > 0 || pixel == base.get_pixel(x, y))
    );
}

#[tokio::test]
async fn pictures_come_without_a_websocket_and_after_it_broke_off() {
    for manner in [Manner::NoSocket, Manner::DropsSocket, Manner::Cached] {
        let server = FakeComfyUi::start(manner).await;
        let made = generated(&provider(&server), &GenerateRequest { count: 2, ..words() }).await;
        let made = made.unwrap_or_else(|error| panic!("{manner:?}: {error}"));
        assert_eq!(made.images.iter().map(|image| image.seed).collect::<Vec<_>>(), [Some(7), Some(8)], "{manner:?}");
        assert_eq!(server.seen(|seen| seen.prompts.len()), 2);
    }
}

#[tokio::test]
async fn cancelling_stops_exactly_this_prompt() {
    // Running: interrupted by its id. Waiting: taken out of the queue, and what runs is left alone.
    for (manner, interrupted) in [(Manner::Endless, 1), (Manner::Queued, 0)] {
        let server = FakeComfyUi::start(manner).await;
        let (context, recorder) = context();
        let (cancel, provider) = (context.cancel.clone(), provider(&server));
        let work = tokio::spawn(async move { generated_in(&provider, &words(), &context).await });
        wait_until("it works or waits", || {
            recorder.progress.lock().expect("no panic").iter().any(|p| p.phase == "painting" || p.phase == "waiting")
        })
        .await;
        cancel.cancel();
        let error = work.await.expect("ran").expect_err("cancelled");
        assert!(error.class == FailureClass::Cancelled && !error.charged);
        server.seen(|seen| {
            let id = seen.prompts[0]["prompt_id"].as_str().expect("an id").to_owned();
            assert_eq!(seen.deleted, std::slice::from_ref(&id), "{manner:?}");
            assert_eq!(seen.interrupted.len(), interrupted, "{manner:?}");
            assert!(seen.interrupted.iter().all(|stopped| *stopped == id));
        });
    }
}

#[tokio::test]
async fn a_picture_that_takes_too_long_is_taken_off() {
    let server = FakeComfyUi::start(Manner::Endless).await;
    let settings = ComfyUiSettings {
        poll: Duration::from_millis(40),
        longest: Duration::from_millis(300),
        ..ComfyUiSettings::at(&server.url).expect("settings")
    };
    let error = generated(&ComfyUiProvider::new(settings).expect("a provider"), &words()).await.expect_err("too long");
    assert!(error.class == FailureClass::Transient && error.message.contains("longer"), "{error}");
    assert_eq!(server.seen(|seen| seen.interrupted.len()), 1);
}

#[tokio::test]
async fn failures_name_the_node_and_what_to_do() {
    for (manner, expected) in [
        (Manner::NodeErrors, "node 3 (KSampler): Value 400 bigger than max of 100 cfg"),
        (Manner::Fails, "KSampler: CUDA out of memory (its graphics memory is full"),
        (Manner::Interrupted, "interrupted at the ComfyUI server"),
        (Manner::NoPicture, "SaveImage"),
    ] {
        let server = FakeComfyUi::start(manner).await;
        let error = generated(&provider(&server), &words()).await.expect_err(expected);
        assert_eq!(error.class, FailureClass::Permanent, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    let nobody =
        ComfyUiProvider::new(ComfyUiSettings::at("http://127.0.0.1:1").expect("settings")).expect("a provider");
    let error = generated(&nobody, &words()).await.expect_err("nobody there");
    assert!(error.class == FailureClass::Transient && error.message.contains("COMFYUI_URL"), "{error}");
}

#[tokio::test]
async fn what_the_server_lacks_is_named_before_anything_is_queued() {
    let without = |name: &'static str| move |class: &str| if class == name { None } else { node(class) };
    let with = |name: &'static str, inputs: Value| {
        move |class: &str| if class == name { Some(json!({"input": {"required": inputs}})) } else { node(class) }
    };
    let full = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![reference("style", 0.8, &flat(9, 9, [1, 1, 1]))],
        ..words()
    };
    type Nodes = Box<dyn Fn(&str) -> Option<Value> + Send + Sync>;
    let cases: Vec<(Nodes, &str)> = vec![
        (
            Box::new(without("IPAdapterAdvanced")),
            "the node IPAdapterAdvanced (install the custom nodes ComfyUI_IPAdapter_plus)",
        ),
        (
            Box::new(with("CheckpointLoaderSimple", json!({"ckpt_name": [["a.ckpt"]]}))),
            "COMFYUI_CHECKPOINT; it has a.ckpt",
        ),
        (
            Box::new(with("ControlNetLoader", json!({"control_net_name": ["COMBO", {"options": []}]}))),
            "COMFYUI_CONTROLNET; it has none",
        ),
        (
            Box::new(with("CLIPVisionLoader", json!({"clip_name": [["clip.safetensors"]]}))),
            "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors (put it into models/clip_vision",
        ),
        (
            Box::new(with("IPAdapterModelLoader", json!({"ipadapter_file": [[]]}))),
            "ip-adapter-plus_sdxl_vit-h.safetensors (put it into models/ipadapter",
        ),
        (Box::new(with("KSampler", json!({"sampler_name": [["euler"]]}))), "\"dpmpp_2m\" as sampler_name of KSampler"),
    ];
    for (nodes, expected) in cases {
        let server = FakeComfyUi::with_nodes(Manner::Good, nodes).await;
        let error = generated(&provider(&server), &full).await.expect_err(expected);
        assert!(error.class == FailureClass::Permanent && error.message.contains(expected), "{error}");
        server.seen(|seen| assert!(seen.prompts.is_empty() && seen.uploads.is_empty(), "{expected}"));
    }
    let server = FakeComfyUi::start(Manner::Good).await;
    provider(&server).ready().await.expect("everything is there");
    let server = FakeComfyUi::with_nodes(Manner::Good, without("KSampler")).await;
    assert!(provider(&server).ready().await.is_err());
}

#[tokio::test]
async fn a_retry_finds_the_picture_that_was_painted_and_paints_again_what_failed() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let (context, _) = context();
    for _ in 0..2 {
        generated_in(&provider(&server), &words(), &context).await.expect("a picture");
    }
    assert_eq!(server.seen(|seen| seen.prompts.len()), 1, "the second time it is found");
    let server = FakeComfyUi::start(Manner::Fails).await;
    for _ in 0..2 {
        generated_in(&provider(&server), &words(), &context).await.expect_err("fails");
    }
    assert_eq!(server.seen(|seen| seen.prompts.len()), 2, "under an id of its own");
}

#[tokio::test]
async fn a_template_of_the_users_own_is_filled_and_says_what_it_cannot_take() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let own = json!({
        "1": {"class_type": "KSampler", "inputs": {"text": "{{prompt}}, masterpiece", "seed": "{{seed}}"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    });
    let template = Template::parse(&own.to_string()).expect("a template");
    let settings = ComfyUiSettings {
        template,
        poll: Duration::from_millis(40),
        ..ComfyUiSettings::at(&server.url).expect("settings")
    };
    let provider = ComfyUiProvider::new(settings).expect("a provider");
    let request = GenerateRequest { sketch: Some(sent(&drawn("cat"))), ..words() };
    let receipt = admit(&provider, &request).expect("not strict");
    assert_eq!(receipt.line("sketch").map(|line| line.treatment), Some(Treatment::Dropped));
    assert!(admit(&provider, &GenerateRequest { strict: true, ..request }).is_err());
    generated(&provider, &words()).await.expect("a picture");
    let graph = server.seen(|seen| seen.prompts[0]["prompt"].clone());
    assert_eq!(graph["1"]["inputs"]["seed"], 7);
    assert!(
        graph["1"]["inputs"]["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("Make a picture: a boat.") && text.ends_with(", masterpiece"))
    );
}
