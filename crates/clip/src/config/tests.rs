use super::*;
use serde_json::json;

fn tiny() -> Value {
    json!({
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
        "text_cfg": {"width": 32, "heads": 4, "layers": 2}
    })
}

#[test]
fn defaults_equal_those_of_open_clip() {
    let config = ModelConfig::from_json(&tiny()).unwrap();
    assert_eq!(config.vision.head_width, 64);
    assert_eq!(config.text.context_length, 77);
    assert_eq!(config.text.mlp_ratio, 4.0);
    assert!(!config.quick_gelu);
}

#[test]
fn four_layers_are_a_resnet() {
    let mut json = tiny();
    json["vision_cfg"]["layers"] = json!([1, 1, 2, 1]);
    json["vision_cfg"]["patch_size"] = Value::Null;
    let config = ModelConfig::from_json(&json).unwrap();
    assert_eq!(
        config.vision.network,
        VisionNetwork::ModifiedResNet {
            layers: [1, 1, 2, 1]
        }
    );
    assert_eq!(config.vision.heads(), 32);
}

#[test]
fn an_error_names_the_field_that_is_not_computed() {
    let cases = [
        ("", "custom_text", json!(true)),
        ("", "multimodal_cfg", json!({})),
        ("", "some_new_field", json!(1)),
        ("vision_cfg", "timm_model_name", json!("convnext_base")),
        ("vision_cfg", "attentional_pool", json!(true)),
        ("vision_cfg", "attentional_pool", json!("parallel")),
        ("vision_cfg", "pool_type", json!("avg")),
        ("vision_cfg", "no_ln_pre", json!(true)),
        ("vision_cfg", "final_ln_after_pool", json!(true)),
        ("vision_cfg", "act_kwargs", json!({"approximate": "tanh"})),
        ("vision_cfg", "norm_kwargs", json!({"eps": 1e-6})),
        ("vision_cfg", "qk_norm", json!(true)),
        ("vision_cfg", "block_type", json!("custom")),
        ("vision_cfg", "image_size", json!([32, 64])),
        ("text_cfg", "hf_model_name", json!("roberta-base")),
        ("text_cfg", "hf_tokenizer_name", json!("bert-base-uncased")),
        ("text_cfg", "no_causal_mask", json!(true)),
        ("text_cfg", "pool_type", json!("last")),
        ("text_cfg", "embed_cls", json!(true)),
        ("text_cfg", "proj_bias", json!(true)),
        ("text_cfg", "proj_type", json!("none")),
        (
            "text_cfg",
            "tokenizer_kwargs",
            json!({"clean": "canonicalize"}),
        ),
        ("text_cfg", "vocab_size", json!(32000)),
        ("text_cfg", "scale_fc", json!(true)),
    ];
    for (section, field, value) in cases {
        let mut json = tiny();
        let target = if section.is_empty() {
            &mut json
        } else {
            &mut json[section]
        };
        target[field] = value.clone();
        let error = ModelConfig::from_json(&json).expect_err(field);
        assert!(
            matches!(error, ClipError::UnsupportedConfig(_)),
            "{field} {value}: {error}"
        );
        assert!(
            error.to_string().contains(field),
            "{field} is not named in: {error}"
        );
    }
}

#[test]
fn neutral_values_are_accepted() {
    let mut json = tiny();
    json["custom_text"] = json!(false);
    json["vision_cfg"]["timm_model_name"] = Value::Null;
    json["vision_cfg"]["pool_type"] = json!("tok");
    json["vision_cfg"]["patch_dropout"] = json!(0.5);
    json["vision_cfg"]["image_size"] = json!([32, 32]);
    json["text_cfg"]["pool_type"] = json!("argmax");
    json["text_cfg"]["proj_type"] = json!("linear");
    assert!(ModelConfig::from_json(&json).is_ok());
}

#[test]
fn wrong_kinds_are_named() {
    for (section, field, value) in [
        ("vision_cfg", "width", json!("wide")),
        ("vision_cfg", "layers", json!([1, 2])),
        ("vision_cfg", "head_width", json!(100)),
        ("text_cfg", "heads", json!(5)),
        ("text_cfg", "context_length", json!(0)),
        ("text_cfg", "mlp_ratio", json!(-1.0)),
    ] {
        let mut json = tiny();
        json[section][field] = value;
        let error = ModelConfig::from_json(&json).expect_err(field);
        assert!(
            error.to_string().contains(&format!("{section}.{field}")),
            "{error}"
        );
    }
}

#[test]
fn a_clip_model_is_serialised_as_before_siglip_so_that_its_fingerprint_stays() {
    let config = ModelConfig::from_json(&tiny()).unwrap();
    assert_eq!(
        serde_json::to_string(&config.text).unwrap(),
        r#"{"context_length":77,"vocab_size":49408,"width":32,"heads":4,"layers":2,"mlp_ratio":4.0,"layer_scale":false}"#
    );
}

/// `towers.json` was read from the modules that timm makes.
#[test]
fn the_towers_of_siglip_have_the_shapes_of_timm() {
    let towers = include_str!("../../tests/fixtures/siglip/towers.json");
    let towers: std::collections::BTreeMap<String, Value> = serde_json::from_str(towers).unwrap();
    assert!(towers.len() >= 16);
    for (name, tower) in towers {
        let number = |field: &str| tower[field].as_i64().unwrap();
        let json = json!({
            "embed_dim": tower["width"],
            "custom_text": true,
            "vision_cfg": {"timm_model_name": name, "image_size": tower["side"],
                "timm_pool": "map", "timm_proj": "none"},
            "text_cfg": {"context_length": 64, "vocab_size": 32000, "no_causal_mask": true,
                "proj_bias": true, "pool_type": "last", "norm_kwargs": {"eps": 1e-6}}
        });
        let vision = ModelConfig::from_json(&json).unwrap().vision;
        assert_eq!(
            (vision.image_size, vision.width),
            (number("side"), number("width"))
        );
        assert_eq!(vision.heads(), number("heads"), "{name}");
        let VisionNetwork::Siglip {
            layers,
            patch_size,
            mlp_ratio,
            is_tanh,
        } = vision.network
        else {
            panic!("{name}: {:?}", vision.network)
        };
        assert_eq!(
            (layers, patch_size),
            (number("layers"), number("patch")),
            "{name}"
        );
        let hidden = (vision.width as f64 * mlp_ratio) as i64;
        assert_eq!(hidden, number("hidden"), "{name}");
        assert_eq!(Some(is_tanh), tower["is_tanh"].as_bool(), "{name}");
    }
}
