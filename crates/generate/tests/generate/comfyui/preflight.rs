//! Missing nodes and files are found before anything is queued.

use clippy_generate::{
    FailureClass, FindingLevel, GenerateRequest, Provider, ProviderName, Providers,
};
use serde_json::{Value, json};

use super::{provider, words};
use crate::comfyui_fake::{Behaviour, FakeComfyUi, node};
use crate::support::{drawn, flat, generate, reference, sent};

#[tokio::test]
async fn missing_nodes_and_files_are_named_before_anything_is_queued() {
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
                json!({"clip_name": [["clip.safetensors",
                "CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors"]]}),
            )),
            "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors (put it into models/clip_vision or a \
             subfolder",
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
        let server = FakeComfyUi::with_nodes(Behaviour::Good, nodes).await;
        let error = generate(&provider(&server), &full)
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
    let server = FakeComfyUi::start(Behaviour::Good).await;
    provider(&server)
        .ready()
        .await
        .expect("everything is there");
    let server = FakeComfyUi::with_nodes(Behaviour::Good, without("KSampler")).await;
    assert!(provider(&server).ready().await.is_err());
}

#[tokio::test]
async fn each_kind_of_input_is_checked_separately() {
    let lacks = |class: &str| match class {
        "ControlNetLoader" => Some(json!({"input": {"required": {"control_net_name": [[]]}}})),
        "IPAdapterUnifiedLoader" => None,
        class => node(class),
    };
    let server = FakeComfyUi::with_nodes(Behaviour::Good, lacks).await;
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
        .expect("prompts without pictures work");
    let mut providers = Providers::default();
    providers.put(ProviderName::ComfyUi, provider(&server));
    let checked = providers.check_all().await;
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
async fn model_files_in_subfolders_or_with_other_endings_are_used() {
    let folders = |class: &str| match class {
        "CheckpointLoaderSimple" => Some(
            json!({"input": {"required": {"ckpt_name": [["sdxl/sd_xl_base_1.0.safetensors"],
            {}]}}}),
        ),
        "ControlNetLoader" => Some(
            json!({"input": {"required": {"control_net_name": [["x\\controlnet-scribble-sdxl-1.0.bin"]]}}}),
        ),
        class => node(class),
    };
    let server = FakeComfyUi::with_nodes(Behaviour::Good, folders).await;
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![reference("style", 0.8, &flat(9, 9, [1, 1, 1]))],
        ..words()
    };
    generate(&provider(&server), &request)
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
