//! Model files that are wrong, and the errors that they give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clippy_clip::{ClipError, Device, LoadedModel, ModelSource, Precision, verify};
use clippy_core::ErrorCode;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::fixtures;

const WEIGHTS: &str = "open_clip_model.safetensors";
const CONFIG: &str = "open_clip_config.json";

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// Returns a copy of a tiny model whose tensors were changed.
fn changed(change: impl FnOnce(&mut Tensors)) -> tempfile::TempDir {
    let bytes = fixtures::read(&format!("models/vit_odd/{WEIGHTS}"));
    let mut tensors: Tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| {
            (
                name.to_owned(),
                (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
            )
        })
        .collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, (kind, shape, data))| {
        (name, TensorView::new(*kind, shape.clone(), data).unwrap())
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join(WEIGHTS),
        safetensors::serialize(views, None).unwrap(),
    )
    .unwrap();
    fs::copy(
        fixtures::path("models/vit_odd").join(CONFIG),
        folder.path().join(CONFIG),
    )
    .unwrap();
    folder
}

fn load(folder: &Path) -> Result<LoadedModel, ClipError> {
    LoadedModel::load(
        &ModelSource::Folder(folder.to_owned()),
        Device::Cpu,
        Some(Precision::Fp32),
    )
}

fn error_of(folder: &Path) -> ClipError {
    load(folder).err().expect("an error")
}

#[test]
fn an_unchanged_copy_loads_and_has_the_same_fingerprint() {
    let folder = changed(|_| ());
    let copy = load(folder.path()).unwrap();
    assert_eq!(
        (
            copy.info.dimension,
            copy.info.context_length,
            copy.info.transform.side
        ),
        (20, 32, 35)
    );
    let again = load(folder.path()).unwrap();
    assert_eq!(copy.info.fingerprint, again.info.fingerprint);
    let other = changed(|tensors| tensors.get_mut("visual.proj").unwrap().2[0] ^= 1);
    assert_ne!(
        load(other.path()).unwrap().info.fingerprint,
        copy.info.fingerprint
    );
}

#[test]
fn every_tensor_that_does_not_fit_is_named_with_its_shapes() {
    let folder = changed(|tensors| {
        tensors.remove("text_projection").unwrap();
        tensors
            .remove("visual.transformer.resblocks.1.attn.in_proj_weight")
            .unwrap();
        tensors.get_mut("visual.class_embedding").unwrap().1 = vec![20, 2];
        let (kind, _, _) = tensors["ln_final.weight"];
        tensors.insert(
            "visual.transformer.resblocks.2.ln_1.weight".to_owned(),
            (kind, vec![2], vec![0; 4]),
        );
        tensors.insert(
            "ln_final.bias".to_owned(),
            (Dtype::I16, vec![8], vec![0; 16]),
        );
    });
    let error = error_of(folder.path());
    let ClipError::WeightsMismatch { problems, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(problems.len(), 5, "{error}");
    let message = error.to_string();
    for part in [
        "missing: text_projection [8, 20]",
        "missing: visual.transformer.resblocks.1.attn.in_proj_weight [120, 40]",
        "wrong shape: visual.class_embedding is [20, 2], the configuration asks for [40]",
        "not asked for: visual.transformer.resblocks.2.ln_1.weight [2]",
        "wrong kind: ln_final.bias holds I16",
    ] {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert_eq!(
        clippy_core::Error::from(error).code,
        ErrorCode::InvalidInput
    );
}

#[test]
fn a_truncated_or_foreign_file_is_reported() {
    let folder = changed(|_| ());
    let weights = folder.path().join(WEIGHTS);
    let whole = fs::read(&weights).unwrap();
    let cut = &whole[..whole.len() / 2];
    for content in [
        cut,
        &whole[..7],
        b"",
        b"not a safetensors file at all, but some text",
        &[0xff; 64],
    ] {
        fs::write(&weights, content).unwrap();
        let error = error_of(folder.path());
        assert!(
            matches!(error, ClipError::UnreadableWeights { .. }),
            "{} bytes: {error:?}",
            content.len()
        );
        assert!(error.to_string().contains(WEIGHTS), "{error}");
    }
}

#[test]
fn missing_files_and_broken_configurations_are_reported() {
    let folder = changed(|_| ());
    fs::write(folder.path().join(CONFIG), "{\"model_cfg\": ").unwrap();
    assert!(matches!(
        error_of(folder.path()),
        ClipError::InvalidConfig(_)
    ));
    fs::write(folder.path().join(CONFIG), "{}").unwrap();
    assert!(error_of(folder.path()).to_string().contains("model_cfg"));
    fs::remove_file(folder.path().join(CONFIG)).unwrap();
    assert!(error_of(folder.path()).to_string().contains(CONFIG));
    fs::copy(
        fixtures::path("models/vit_odd").join(CONFIG),
        folder.path().join(CONFIG),
    )
    .unwrap();
    fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
    assert!(error_of(folder.path()).to_string().contains(WEIGHTS));
}

#[test]
fn weights_with_nan_give_an_error() {
    let folder = changed(|tensors| {
        let (_, _, data) = tensors.get_mut("visual.proj").unwrap();
        data[..2].copy_from_slice(&0x7e00_u16.to_le_bytes());
    });
    let error = verify(folder.path(), None).unwrap_err();
    assert!(matches!(error, ClipError::NotFinite), "{error}");
}

#[test]
fn an_unknown_model_is_answered_with_the_known_ones() {
    let error = LoadedModel::random("ViT-X-99", Device::Cpu, None, 0)
        .err()
        .unwrap();
    let message = error.to_string();
    assert!(
        message.contains("ViT-X-99") && message.contains("ViT-B-32") && message.contains("RN50"),
        "{message}"
    );
}

#[test]
fn a_folder_and_a_file_are_verified() {
    let folder = fixtures::path("models/vit_quickgelu");
    for path in [folder.clone(), folder.join(WEIGHTS)] {
        let verified = verify(&path, None).unwrap();
        assert_eq!(
            (verified.info.dimension, verified.info.transform.side),
            (24, 32)
        );
        assert_eq!(verified.info.fingerprint.len(), 64);
        assert_eq!(
            verified.bytes,
            fs::metadata(folder.join(WEIGHTS)).unwrap().len()
        );
    }
    let alone = tempfile::tempdir().unwrap();
    let file = alone.path().join("weights.safetensors");
    fs::copy(folder.join(WEIGHTS), &file).unwrap();
    assert!(
        verify(&file, None)
            .unwrap_err()
            .to_string()
            .contains("which architecture")
    );
    let error = verify(&file, Some("ViT-B-32")).unwrap_err();
    assert!(
        matches!(error, ClipError::WeightsMismatch { .. }),
        "{error}"
    );
    assert!(matches!(
        verify(&alone.path().join("nothing"), None),
        Err(ClipError::NotThere { .. })
    ));
    assert!(
        verify(alone.path(), None)
            .unwrap_err()
            .to_string()
            .contains(CONFIG)
    );
}

#[test]
fn configurations_of_any_size_end_at_once() {
    let folder = changed(|_| ());
    let path = folder.path().join(CONFIG);
    let whole: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let most = 1 << 20;
    for (section, field, value) in [
        ("vision_cfg", "layers", serde_json::json!(most)),
        (
            "vision_cfg",
            "layers",
            serde_json::json!([most, 1, 1, most]),
        ),
        ("vision_cfg", "width", serde_json::json!(most)),
        ("text_cfg", "layers", serde_json::json!(most)),
        ("text_cfg", "context_length", serde_json::json!(most)),
        ("text_cfg", "mlp_ratio", serde_json::json!(1e300)),
    ] {
        let mut config = whole.clone();
        config["model_cfg"][section][field] = value;
        config["model_cfg"]["vision_cfg"]["head_width"] = serde_json::json!(4);
        config["model_cfg"]["vision_cfg"]["image_size"] = serde_json::json!(32);
        if field == "layers" {
            config["model_cfg"]["vision_cfg"]["ls_init_value"] = serde_json::Value::Null;
        }
        fs::write(&path, config.to_string()).unwrap();
        let error = error_of(folder.path());
        assert!(
            matches!(error, ClipError::WeightsMismatch { .. }),
            "{field}: {error}"
        );
        assert!(error.to_string().lines().count() < 2100, "{field}");
    }
    let mut config = whole;
    config["model_cfg"]["vision_cfg"]["image_size"] = serde_json::json!(i64::MAX);
    fs::write(&path, config.to_string()).unwrap();
    assert!(error_of(folder.path()).to_string().contains("image_size"));
}
