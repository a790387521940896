//! The graph that is sent: presets, references, edits, numbers of pictures, seeds.

use clippy_drawings::Style;
use clippy_generate::{GenerateRequest, Treatment, admit, estimate};
use image::Rgb;
use serde_json::{Value, json};

use super::{plain, provider, words};
use crate::comfyui_fake::{Behaviour, FakeComfyUi, node};
use crate::google_fake::{FakeGoogle, VISION_MODEL, with_text};
use crate::support::{
    context, drawn, flat, generate, generate_in, mask, picture, reference, sent, snapshot, styled,
};

#[tokio::test]
async fn sketch_styles_and_subject_become_one_graph() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
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
    let made = generate_in(&provider(&server), &request, &context)
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
        "weights are sent as requested"
    );
    assert_eq!(
        graph["31"]["inputs"]["strength"], 0.5,
        "the sketch's weight, too"
    );
    server.seen(|seen| {
        assert_eq!(seen.uploads.len(), 4);
        // The sketch is sent as white lines on black.
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
    assert_eq!(recorder.previews.lock().len(), 4, "previews are asked for");
    assert_eq!(prompt["extra_data"], json!({"preview_method": "auto"}));
}

#[tokio::test]
async fn the_preset_follows_from_the_inputs_or_the_request() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
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
        generate(&provider(&server), &request)
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
async fn a_base_that_is_repainted_as_a_whole_is_reported_as_approximated() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let request = GenerateRequest {
        base: Some(sent(&flat(64, 48, [90, 20, 20]))),
        refs: vec![reference("style", 0.6, &flat(9, 9, [1, 1, 1]))],
        ..words()
    };
    for (preset, expected) in [
        (Some("style_first"), Treatment::Approximated),
        (Some("img2img"), Treatment::Honoured),
        (None, Treatment::Honoured),
    ] {
        let request = GenerateRequest {
            preset: preset.map(str::to_owned),
            ..request.clone()
        };
        let made = generate(&provider(&server), &request)
            .await
            .expect("a picture");
        let line = made.receipt.line("base").expect("a line");
        assert_eq!(line.treatment, expected, "{preset:?}: {line:?}");
        let says = line.reason.contains("style_first") && line.reason.contains("img2img");
        assert_eq!(says, expected == Treatment::Approximated, "{line:?}");
    }
}

#[tokio::test]
async fn an_edit_changes_nothing_outside_of_its_mask() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let base = flat(120, 90, [90, 20, 20]);
    let mask = mask(120, 90);
    let request = GenerateRequest {
        base: Some(sent(&base)),
        mask: Some(sent(&mask)),
        ..words()
    };
    let made = generate(&provider(&server), &request)
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
async fn a_requested_preset_changes_weights_and_the_receipt_says_so() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
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
    generate(&provider, &asked).await.expect("a picture");
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
    generate(&provider, &many).await.expect("a picture");
    let graph = server.seen(|seen| seen.prompts[1]["prompt"].clone());
    let adapters = graph
        .as_object()
        .expect("nodes")
        .values()
        .filter(|node| node["class_type"] == "IPAdapterAdvanced");
    assert_eq!(adapters.count(), 3, "the number of adapters is limited");
}

#[tokio::test]
async fn exactly_the_requested_number_of_pictures_is_made() {
    // Every run of the graph makes three.
    let server = FakeComfyUi::start(Behaviour::Batch).await;
    for (count, runs) in [(1, 1), (3, 1), (4, 2)] {
        let before = server.seen(|seen| seen.prompts.len());
        let request = GenerateRequest {
            count,
            seed: Some(u64::from(count) * 100),
            ..words()
        };
        let made = generate(&provider(&server), &request)
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
async fn without_a_seed_every_job_has_its_own_which_the_receipt_names() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let request = GenerateRequest {
        seed: None,
        ..words()
    };
    for seed in [11, 12] {
        let mut context = context().0;
        context.seed = seed;
        let made = generate_in(&provider(&server), &request, &context)
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
async fn a_sketch_is_described_for_a_model_that_sees_only_its_lines() {
    let (server, google) = (
        FakeComfyUi::start(Behaviour::Good).await,
        FakeGoogle::start().await,
    );
    let analysis = json!({"subject_summary": "a sitting cat", "natural_description": "A cat sits.",
    "pose_orientation": "facing left"});
    google.set_answers(VISION_MODEL, [with_text(&analysis.to_string())]);
    let client = FakeGoogle::client(google.by_key(), "GEMINI_IMAGE_MODEL");
    let describer = FakeGoogle::describer(&client, VISION_MODEL.to_owned());
    let provider = provider(&server).with_describer(Some(describer));
    let request = GenerateRequest {
        prompt: None,
        sketch: Some(sent(&drawn("cat"))),
        ..words()
    };
    let before = estimate(&provider, &request).expect("an estimate");
    assert_eq!(
        (before.calls, before.usd),
        (1, Some(0.005)),
        "a description is a paid call: {}",
        before.note
    );
    let (context, _) = context();
    for _ in 0..2 {
        let made = generate_in(&provider, &request, &context)
            .await
            .expect("a picture");
        assert_eq!(made.meta.constructed_prompt, "a sitting cat, facing left");
        assert_eq!(made.meta.usd, Some(0.005));
    }
    assert_eq!(google.calls(VISION_MODEL).len(), 1, "a job buys it once");
    let text = server.seen(|seen| seen.prompts[0]["prompt"]["6"]["inputs"]["text"].clone());
    assert_eq!(text, "a sitting cat, facing left");

    // A request that is refused must not have paid for a description.
    let lacking = FakeComfyUi::with_nodes(Behaviour::Good, |class| {
        (class != "KSampler").then(|| node(class))?
    })
    .await;
    let refused = self::provider(&lacking).with_describer(Some(FakeGoogle::describer(
        &client,
        VISION_MODEL.to_owned(),
    )));
    generate(&refused, &request)
        .await
        .expect_err("a node is missing");
    assert_eq!(google.calls(VISION_MODEL).len(), 1);
}
