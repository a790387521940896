//! ComfyUI: the graph that is sent, progress with and without a WebSocket, receipts, preflight,
//! failures.

use std::time::Duration;

use clippy_drawings::Style;
use clippy_generate::comfyui::{ComfyUiSettings, Template};
use clippy_generate::{
    ComfyUiProvider, FailureClass, FindingLevel, GenerateRequest, Provider, ProviderName,
    Providers, Treatment, admit, estimate,
};
use image::Rgb;
use serde_json::{Value, json};

use crate::comfyui_fake::{FakeComfyUi, Manner, node, transcript};
use crate::google_fake::{FakeGoogle, VISION_MODEL, with_text};
use crate::support::{
    context, drawn, flat, generated, generated_in, mask, picture, reference, sent, snapshot, styled,
};

pub fn settings(server: &FakeComfyUi) -> ComfyUiSettings {
    ComfyUiSettings {
        poll: Duration::from_millis(40),
        ..ComfyUiSettings::at(&server.url).expect("settings")
    }
}

pub fn provider(server: &FakeComfyUi) -> ComfyUiProvider {
    ComfyUiProvider::new(settings(server)).expect("a provider")
}

pub fn words() -> GenerateRequest {
    GenerateRequest {
        prompt: Some("a boat".into()),
        seed: Some(7),
        ..GenerateRequest::default()
    }
}

/// Uploaded files are named by their content, which is long; prompts have fresh ids.
fn plain(prompt: &Value) -> Value {
    fn shorten(value: &Value) -> Value {
        match value {
            Value::String(text) if text.contains("/renamed_") => {
                assert!(
                    text.starts_with("clippy/") && text.ends_with(".png [temp]"),
                    "{text}"
                );
                let kind = text
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .split('_')
                    .nth(1)
                    .unwrap_or_default();
                json!(format!("{kind} [temp]"))
            }
            Value::Array(values) => values.iter().map(shorten).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), shorten(value)))
                .collect(),
            other => other.clone(),
        }
    }
    let mut body = shorten(prompt);
    for id in ["client_id", "prompt_id"] {
        assert!(
            body[id]
                .as_str()
                .is_some_and(|id| uuid::Uuid::parse_str(id).is_ok())
        );
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
    let made = generated_in(&provider(&server), &request, &context)
        .await
        .expect("a picture");
    assert_eq!(picture(&made.images[0].bytes), flat(64, 48, [0, 200, 0]));
    assert_eq!(made.images[0].seed, Some(7));
    let prompt = server.seen(|seen| seen.prompts[0].clone());
    snapshot("comfyui-style-first", &plain(&prompt));
    let graph = &prompt["prompt"];
    assert_eq!(
        (
            &graph["23"]["inputs"]["weight"],
            &graph["23_2"]["inputs"]["weight"]
        ),
        (&json!(0.8), &json!(0.2))
    );
    assert_eq!(
        graph["26"]["inputs"]["weight"], 0.5,
        "weights are sent as they were asked for"
    );
    assert_eq!(
        graph["31"]["inputs"]["strength"], 0.5,
        "the sketch's weight, too"
    );
    server.seen(|seen| {
        assert_eq!(seen.uploads.len(), 4);
        // The sketch goes as white lines on black.
        let name = graph["32"]["inputs"]["image"].as_str().expect("a file");
        let scribble = picture(&seen.uploads[name]);
        assert_eq!(
            (scribble.dimensions(), scribble.get_pixel(0, 0)),
            ((1024, 1024), &Rgb([0, 0, 0]))
        );
        assert!(scribble.pixels().any(|pixel| pixel.0[0] > 240));
    });
    let line = made.receipt.line("refs[1]").expect("a line");
    assert_eq!(line.treatment, Treatment::Honoured);
    assert!(
        line.sent.contains("weight 0.5") && line.sent.contains("style_first"),
        "{line:?}"
    );
    assert_eq!(
        recorder.previews.lock().expect("no panic").len(),
        4,
        "previews are asked for"
    );
    assert_eq!(prompt["extra_data"], json!({"preview_method": "auto"}));
}

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
async fn the_presets_follow_from_what_is_sent_or_from_the_request() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let base = flat(640, 480, [90, 20, 20]);
    let cases = [
        (
            "style_first",
            GenerateRequest {
                refs: vec![reference("style", 0.6, &flat(9, 9, [1, 1, 1]))],
                ..words()
            },
        ),
        (
            "subject_first",
            GenerateRequest {
                refs: vec![reference("subject", 0.8, &flat(9, 9, [1, 1, 1]))],
                ..words()
            },
        ),
        (
            "img2img",
            GenerateRequest {
                base: Some(sent(&base)),
                ..words()
            },
        ),
        (
            "tight_edit",
            GenerateRequest {
                base: Some(sent(&base)),
                mask: Some(sent(&mask(640, 480))),
                ..words()
            },
        ),
        (
            "img2img",
            GenerateRequest {
                preset: Some("img2img".into()),
                refs: vec![reference("subject", 0.8, &base)],
                ..words()
            },
        ),
    ];
    for (index, (preset, request)) in cases.into_iter().enumerate() {
        generated(&provider(&server), &request)
            .await
            .unwrap_or_else(|error| panic!("{preset}: {error}"));
        let prompt = server
            .seen(|seen| seen.prompts.last().cloned())
            .expect("a prompt");
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
                assert!(
                    (0.6..=0.9)
                        .contains(&graph["26"]["inputs"]["weight"].as_f64().expect("a number"))
                )
            }
            _ => assert!(
                (0.5..=0.8).contains(&graph["23"]["inputs"]["weight"].as_f64().expect("a number"))
            ),
        }
    }
}

#[tokio::test]
async fn an_edit_changes_nothing_outside_of_its_mask() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let base = flat(120, 90, [90, 20, 20]);
    let mask = mask(120, 90);
    let request = GenerateRequest {
        base: Some(sent(&base)),
        mask: Some(sent(&mask)),
        ..words()
    };
    let made = generated(&provider(&server), &request)
        .await
        .expect("a picture");
    let made = picture(&made.images[0].bytes);
    assert_eq!(
        (made.dimensions(), made.get_pixel(60, 45)),
        ((120, 90), &Rgb([0, 200, 0]))
    );
    assert!(
        made.enumerate_pixels()
            .all(|(x, y, pixel)| mask.get_pixel(x, y).0[0] > 0 || pixel == base.get_pixel(x, y))
    );
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
async fn what_the_server_lacks_is_named_before_anything_is_queued() {
    let without =
        |name: &'static str| move |class: &str| if class == name { None } else { node(class) };
    let with = |name: &'static str, inputs: Value| {
        move |class: &str| {
            if class == name {
                Some(json!({"input": {"required": inputs}}))
            } else {
                node(class)
            }
        }
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
            Box::new(with(
                "CheckpointLoaderSimple",
                json!({"ckpt_name": [["a.ckpt"]]}),
            )),
            "COMFYUI_CHECKPOINT; it has a.ckpt",
        ),
        (
            Box::new(with(
                "ControlNetLoader",
                json!({"control_net_name": ["COMBO", {"options": []}]}),
            )),
            "COMFYUI_CONTROLNET; it has none",
        ),
        (
            Box::new(with(
                "CLIPVisionLoader",
                json!({"clip_name": [["clip.safetensors", "CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors"]]}),
            )),
            "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors (put it into models/clip_vision, a \
             folder in it",
        ),
        (
            Box::new(with(
                "IPAdapterModelLoader",
                json!({"ipadapter_file": [[]]}),
            )),
            "ip-adapter-plus_sdxl_vit-h.safetensors (put it into models/ipadapter",
        ),
        (
            Box::new(with("KSampler", json!({"sampler_name": [["euler"]]}))),
            "\"dpmpp_2m\" as sampler_name of KSampler",
        ),
    ];
    for (nodes, expected) in cases {
        let server = FakeComfyUi::with_nodes(Manner::Good, nodes).await;
        let error = generated(&provider(&server), &full)
            .await
            .expect_err(expected);
        assert!(
            error.class == FailureClass::Permanent && error.message.contains(expected),
            "{error}"
        );
        server.seen(|seen| {
            assert!(
                seen.prompts.is_empty() && seen.uploads.is_empty(),
                "{expected}"
            )
        });
    }
    let server = FakeComfyUi::start(Manner::Good).await;
    provider(&server)
        .ready()
        .await
        .expect("everything is there");
    let server = FakeComfyUi::with_nodes(Manner::Good, without("KSampler")).await;
    assert!(provider(&server).ready().await.is_err());
}

#[tokio::test]
async fn each_kind_of_input_is_looked_at_by_itself() {
    let lacks = |class: &str| match class {
        "ControlNetLoader" => Some(json!({"input": {"required": {"control_net_name": [[]]}}})),
        "IPAdapterUnifiedLoader" => None,
        class => node(class),
    };
    let server = FakeComfyUi::with_nodes(Manner::Good, lacks).await;
    let findings = provider(&server).check().await;
    let level = |subject: &str| {
        let found = findings.iter().find(|finding| finding.subject == subject);
        found.unwrap_or_else(|| panic!("{subject}: {findings:?}"))
    };
    for subject in ["server", "words", "base", "mask"] {
        assert_eq!(level(subject).level, FindingLevel::Ok, "{findings:?}");
    }
    for (subject, expected) in [
        ("sketch", "COMFYUI_CONTROLNET"),
        ("style references", "ComfyUI_IPAdapter_plus"),
        ("subject references", "ComfyUI_IPAdapter_plus"),
    ] {
        let finding = level(subject);
        assert!(
            finding.level == FindingLevel::Warning && finding.message.contains(expected),
            "{finding:?}"
        );
    }
    provider(&server)
        .ready()
        .await
        .expect("words alone can be painted");
    let mut providers = Providers::default();
    providers.put(ProviderName::ComfyUi, provider(&server));
    let checked = providers.checked().await;
    assert_eq!(
        checked
            .iter()
            .find(|(who, _)| who.provider == "comfyui")
            .expect("there")
            .1,
        findings
    );
}

#[tokio::test]
async fn weights_in_folders_and_with_other_endings_are_used_as_they_lie_there() {
    let folders = |class: &str| match class {
        "CheckpointLoaderSimple" => Some(
            json!({"input": {"required": {"ckpt_name": [["sdxl/sd_xl_base_1.0.safetensors"], {}]}}}),
        ),
        "ControlNetLoader" => Some(
            json!({"input": {"required": {"control_net_name": [["x\\controlnet-scribble-sdxl-1.0.bin"]]}}}),
        ),
        class => node(class),
    };
    let server = FakeComfyUi::with_nodes(Manner::Good, folders).await;
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![reference("style", 0.8, &flat(9, 9, [1, 1, 1]))],
        ..words()
    };
    generated(&provider(&server), &request)
        .await
        .expect("a picture");
    let graph = server.seen(|seen| seen.prompts[0]["prompt"].clone());
    assert_eq!(
        graph["4"]["inputs"]["ckpt_name"],
        "sdxl/sd_xl_base_1.0.safetensors"
    );
    assert_eq!(
        graph["30"]["inputs"]["control_net_name"],
        "x\\controlnet-scribble-sdxl-1.0.bin"
    );
}

#[tokio::test]
async fn a_preset_that_was_asked_for_changes_weights_and_says_so() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let refs = vec![
        reference("style", 0.4, &flat(9, 9, [1, 1, 1])),
        reference("subject", 0.8, &flat(9, 9, [9, 1, 1])),
    ];
    let request = GenerateRequest { refs, ..words() };
    let provider = provider(&server);
    let line = |request: &GenerateRequest, input: &str| {
        admit(&provider, request)
            .expect("not strict")
            .line(input)
            .expect("a line")
            .clone()
    };
    assert_eq!(line(&request, "refs[0]").treatment, Treatment::Honoured);
    admit(
        &provider,
        &GenerateRequest {
            strict: true,
            ..request.clone()
        },
    )
    .expect("as asked");
    let asked = GenerateRequest {
        preset: Some("subject_first".into()),
        ..request
    };
    let style = line(&asked, "refs[0]");
    assert_eq!(style.treatment, Treatment::Approximated);
    assert!(
        style.sent.contains("weight 0.16") && style.reason.contains("0.4"),
        "{style:?}"
    );
    assert_eq!(line(&asked, "refs[1]").treatment, Treatment::Honoured);
    generated(&provider, &asked).await.expect("a picture");
    let graph = server.seen(|seen| seen.prompts[0]["prompt"].clone());
    assert_eq!(
        (
            &graph["23"]["inputs"]["weight"],
            &graph["26"]["inputs"]["weight"]
        ),
        (&json!(0.16), &json!(0.8))
    );
    let many = (1..=8)
        .map(|weight| reference("style", weight as f32 / 8.0, &flat(9, 9, [weight, 1, 1])))
        .collect();
    let many = GenerateRequest {
        refs: many,
        ..words()
    };
    assert!((0..8).any(|index| {
        line(&many, &format!("refs[{index}]"))
            .reason
            .contains("different weights")
    }));
    generated(&provider, &many).await.expect("a picture");
    let graph = server.seen(|seen| seen.prompts[1]["prompt"].clone());
    let adapters = graph
        .as_object()
        .expect("nodes")
        .values()
        .filter(|node| node["class_type"] == "IPAdapterAdvanced");
    assert_eq!(adapters.count(), 3, "each takes gigabytes there");
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

fn own(server: &FakeComfyUi, graph: &Value) -> ComfyUiProvider {
    let template = Template::parse(&graph.to_string()).expect("a template");
    ComfyUiProvider::new(ComfyUiSettings {
        template,
        ..settings(server)
    })
    .expect("a provider")
}

#[tokio::test]
async fn a_template_of_the_users_own_is_filled_and_says_what_it_cannot_take() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let graph = json!({
        "1": {"class_type": "KSampler", "inputs": {"text": "{{prompt}}, masterpiece", "seed": "{{seed}}"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine"}},
    });
    let provider = own(&server, &graph);
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        negative_prompt: Some("hats".into()),
        aspect_ratio: Some("16:9".into()),
        refs: vec![reference("style", 0.4, &flat(9, 9, [1, 1, 1]))],
        preset: Some("style_first".into()),
        ..words()
    };
    let receipt = admit(&provider, &request).expect("not strict");
    for input in [
        "sketch",
        "negative_prompt",
        "aspect_ratio",
        "refs[0]",
        "preset",
    ] {
        assert_eq!(
            receipt.line(input).map(|line| line.treatment),
            Some(Treatment::Dropped),
            "{input}"
        );
    }
    for input in ["prompt", "seed"] {
        assert_eq!(
            receipt.line(input).map(|line| line.treatment),
            Some(Treatment::Honoured),
            "{input}"
        );
    }
    assert!(
        admit(
            &provider,
            &GenerateRequest {
                strict: true,
                ..request
            }
        )
        .is_err()
    );
    generated(&provider, &words()).await.expect("a picture");
    let graph = server.seen(|seen| seen.prompts[0]["prompt"].clone());
    assert_eq!(graph["1"]["inputs"]["seed"], 7);
    assert_eq!(graph["1"]["inputs"]["text"], "a boat, masterpiece");
}

#[tokio::test]
async fn a_graph_without_words_seed_or_weights_honours_none_of_them() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "{{style_image}}"}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "other.safetensors"}},
        "2": {"class_type": "KSampler", "inputs": {"image": ["1", 0], "model": ["4", 0], "seed": 5}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "mine"}},
    });
    let provider = own(&server, &graph);
    let refs = (0..2)
        .map(|shade| reference("style", 0.4, &flat(9, 9, [shade, 1, 1])))
        .collect();
    let request = GenerateRequest {
        refs,
        style_tags: vec!["pop_art".into()],
        count: 2,
        ..words()
    };
    let receipt = admit(&provider, &request).expect("not strict");
    for (input, expected) in [
        ("prompt", Treatment::Dropped),
        ("seed", Treatment::Dropped),
        ("style_tags[0]", Treatment::Dropped),
        ("refs[0]", Treatment::Approximated),
        ("refs[1]", Treatment::Dropped),
        ("count", Treatment::Approximated),
    ] {
        assert_eq!(
            receipt.line(input).map(|line| line.treatment),
            Some(expected),
            "{input}"
        );
    }
    let made = generated(&provider, &request).await.expect("a picture");
    assert_eq!(
        (made.images.len(), made.images[0].seed),
        (1, None),
        "the same picture is not painted twice"
    );
    assert_eq!(made.meta.model.as_deref(), Some("other.safetensors"));
    assert!(
        made.meta.constructed_prompt.is_empty(),
        "no words were sent"
    );
}

#[tokio::test]
async fn as_many_pictures_come_as_were_asked_for() {
    // Every run gives three.
    let server = FakeComfyUi::start(Manner::Batch).await;
    for (count, runs) in [(1, 1), (3, 1), (4, 2)] {
        let before = server.seen(|seen| seen.prompts.len());
        let request = GenerateRequest {
            count,
            seed: Some(u64::from(count) * 100),
            ..words()
        };
        let made = generated(&provider(&server), &request)
            .await
            .expect("pictures");
        assert_eq!(made.images.len(), count as usize);
        assert_eq!(server.seen(|seen| seen.prompts.len()) - before, runs);
        assert_eq!(
            made.receipt.line("count").map(|line| line.treatment),
            Some(Treatment::Honoured)
        );
    }
}

#[tokio::test]
async fn without_a_seed_every_job_has_another_one_and_says_it() {
    let server = FakeComfyUi::start(Manner::Good).await;
    let request = GenerateRequest {
        seed: None,
        ..words()
    };
    for seed in [11, 12] {
        let mut context = context().0;
        context.seed = seed;
        let made = generated_in(&provider(&server), &request, &context)
            .await
            .expect("a picture");
        assert_eq!(made.images[0].seed, Some(seed));
        let line = made.receipt.line("seed").expect("a line");
        assert!(
            line.treatment == Treatment::Honoured && line.sent.starts_with(&seed.to_string()),
            "{line:?}"
        );
    }
    let seeds: Vec<Value> = server.seen(|seen| {
        seen.prompts
            .iter()
            .map(|prompt| prompt["prompt"]["3"]["inputs"]["seed"].clone())
            .collect()
    });
    assert_eq!(seeds, [json!(11), json!(12)]);
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

#[tokio::test]
async fn a_sketch_is_described_for_a_model_that_sees_only_its_lines() {
    let (server, google) = (
        FakeComfyUi::start(Manner::Good).await,
        FakeGoogle::start().await,
    );
    let analysis = json!({"subject_summary": "a sitting cat", "natural_description": "A cat sits.", "pose_orientation": "facing left"});
    google.answers(VISION_MODEL, [with_text(&analysis.to_string())]);
    let client = FakeGoogle::client(google.by_key(), "GEMINI_IMAGE_MODEL");
    let describer = FakeGoogle::describer(&client, VISION_MODEL.to_owned());
    let provider = provider(&server).described_by(Some(describer));
    let request = GenerateRequest {
        prompt: None,
        sketch: Some(sent(&drawn("cat"))),
        ..words()
    };
    let before = estimate(&provider, &request).expect("an estimate");
    assert_eq!(
        (before.calls, before.usd),
        (1, Some(0.005)),
        "a description costs something: {}",
        before.note
    );
    let (context, _) = context();
    for _ in 0..2 {
        let made = generated_in(&provider, &request, &context)
            .await
            .expect("a picture");
        assert_eq!(made.meta.constructed_prompt, "a sitting cat, facing left");
        assert_eq!(made.meta.usd, Some(0.005));
    }
    assert_eq!(
        google.calls(VISION_MODEL).len(),
        1,
        "it is bought once for a job"
    );
    let text = server.seen(|seen| seen.prompts[0]["prompt"]["6"]["inputs"]["text"].clone());
    assert_eq!(text, "a sitting cat, facing left");

    // What can be refused is refused before it is paid for.
    let lacking = FakeComfyUi::with_nodes(Manner::Good, |class| {
        (class != "KSampler").then(|| node(class))?
    })
    .await;
    let refused = self::provider(&lacking).described_by(Some(FakeGoogle::describer(
        &client,
        VISION_MODEL.to_owned(),
    )));
    generated(&refused, &request)
        .await
        .expect_err("a node is missing");
    assert_eq!(google.calls(VISION_MODEL).len(), 1);
}
