//! Graphs of the user's own.

use clippy_generate::comfyui::{ComfyUiSettings, Template};
use clippy_generate::{ComfyUiProvider, GenerateRequest, Treatment, admit};
use serde_json::{Value, json};

use super::{settings, words};
use crate::comfyui_fake::{Behaviour, FakeComfyUi};
use crate::support::{drawn, flat, generate, reference, sent};

fn own(server: &FakeComfyUi, graph: &Value) -> ComfyUiProvider {
    let template = Template::parse(&graph.to_string()).expect("a template");
    ComfyUiProvider::new(ComfyUiSettings {
        template,
        ..settings(server)
    })
    .expect("a provider")
}

#[tokio::test]
async fn a_users_own_template_is_filled_and_the_receipt_says_what_it_cannot_take() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let graph = json!({
        "1": {"class_type": "KSampler", "inputs": {"text": "{{prompt}}, masterpiece",
        "seed": "{{seed}}"}},
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
    generate(&provider, &words()).await.expect("a picture");
    let graph = server.seen(|seen| seen.prompts[0]["prompt"].clone());
    assert_eq!(graph["1"]["inputs"]["seed"], 7);
    assert_eq!(graph["1"]["inputs"]["text"], "a boat, masterpiece");
}

#[tokio::test]
async fn a_graph_without_words_seed_or_weights_honours_none_of_them() {
    let server = FakeComfyUi::start(Behaviour::Good).await;
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "{{style_image}}"}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "other.safetensors"}},
        "2": {"class_type": "KSampler", "inputs": {"image": ["1", 0], "model": ["4", 0],
        "seed": 5}},
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
    let made = generate(&provider, &request).await.expect("a picture");
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
