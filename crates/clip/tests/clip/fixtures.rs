//! Reads the fixtures.

use std::path::{Path, PathBuf};

use clippy_clip::hub::Cache;
use clippy_clip::{Device, LoadedModel, ModelFolders, ModelSource, Precision};
use clippy_core::embedding::ModelPixels;
use safetensors::{Dtype, SafeTensors};

/// The tiny models.
pub const MODELS: [&str; 3] = ["vit_quickgelu", "vit_odd", "resnet"];

pub fn path(name: &str) -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"))
        .join("tests/fixtures")
        .join(name)
}

pub fn read(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn load(model: &str, precision: Precision) -> LoadedModel {
    let source = ModelSource::Folder(path("models").join(model));
    LoadedModel::load(&source, Device::Cpu, Some(precision))
        .unwrap_or_else(|error| panic!("{model}: {error}"))
}

/// The folders of models, all in one folder.
pub fn folders(folder: &Path) -> ModelFolders {
    ModelFolders {
        models: folder.to_owned(),
        bundled: folder.to_owned(),
        hub: Cache::new(folder),
    }
}

/// Returns a tensor of bytes.
pub fn bytes(tensors: &SafeTensors<'_>, name: &str) -> Vec<u8> {
    let tensor = tensors.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), Dtype::U8, "{name}");
    tensor.data().to_vec()
}

/// Returns a tensor of floats.
pub fn floats(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let tensor = tensors.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
    tensor
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&value| f32::from_le_bytes(value))
        .collect()
}

/// open_clip's results for one model.
pub struct Expected {
    pub pictures: Vec<ModelPixels>,
    pub images: Vec<Vec<f32>>,
    pub texts: Vec<Vec<f32>>,
}

pub fn expected(model: &str, loaded: &LoadedModel) -> Expected {
    let file = read(&format!("models/{model}/expected.safetensors"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let side = loaded.info.transform.side;
    let pixels = side as usize * side as usize * 3;
    let dimension = loaded.info.dimension;
    let rows = |name| {
        floats(&tensors, name)
            .chunks_exact(dimension)
            .map(<[f32]>::to_vec)
            .collect()
    };
    let pictures = bytes(&tensors, "pictures");
    Expected {
        pictures: pictures
            .chunks_exact(pixels)
            .map(|rgb| ModelPixels {
                side,
                rgb: rgb.to_vec(),
            })
            .collect(),
        images: rows("images"),
        texts: rows("texts"),
    }
}

/// Returns the texts whose embeddings are in [`Expected`].
pub fn texts() -> Vec<String> {
    serde_json::from_slice(&read("models/texts.json")).unwrap()
}
