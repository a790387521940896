//! The published weights that open_clip knows by a tag, and their places on Hugging Face.

use std::sync::LazyLock;

use clippy_core::embedding::ImageTransform;
use serde::Deserialize;
use serde_json::Value;

use crate::config::ModelConfig;
use crate::error::{ClipError, Result};
use crate::preprocess;

/// The tags of open_clip 3.3's `pretrained.py` for the architectures of [`crate::architectures`].
const TABLE: &str = include_str!("../data/pretrained.json");

/// Name of the weights in a repository and in a model folder.
pub const WEIGHTS_FILE: &str = "open_clip_model.safetensors";
/// Name of the configuration in a repository and in a model folder.
pub const CONFIG_FILE: &str = "open_clip_config.json";

/// `None` if the table in the program cannot be parsed; a test checks that it can.
static PRETRAINED: LazyLock<Option<Vec<Pretrained>>> =
    LazyLock::new(|| serde_json::from_str(TABLE).ok());

/// One published set of weights.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Pretrained {
    /// The architecture, such as `ViT-B-32`.
    pub model: String,
    /// open_clip's name of the weights, such as `laion2b_s34b_b79k`.
    pub tag: String,
    /// The repository on Hugging Face that holds [`WEIGHTS_FILE`].
    pub repository: String,
    /// Trained with QuickGELU, whatever the architecture's own configuration says.
    #[serde(default)]
    pub quick_gelu: bool,
    /// The fields of `preprocess_cfg` that differ from OpenAI's.
    #[serde(flatten)]
    preprocess: serde_json::Map<String, Value>,
}

impl Pretrained {
    /// Returns the architecture's configuration with the changes for these weights.
    ///
    /// # Errors
    /// As [`crate::architectures::find`].
    pub fn config(&self) -> Result<ModelConfig> {
        let mut config = crate::architectures::find(&self.model)?;
        // Where the two disagree, open_clip only warns, and computes with the wrong activation.
        // The entry of the weights names the activation that they were trained with.
        config.quick_gelu |= self.quick_gelu;
        Ok(config)
    }

    /// Returns the transform of pictures for these weights, on a model of this side.
    ///
    /// # Errors
    /// As [`preprocess::transform_from_json`].
    pub fn transform(&self, side: u32) -> Result<ImageTransform> {
        preprocess::transform_from_json(Some(&Value::Object(self.preprocess.clone())), side)
    }
}

/// Returns all published weights, by architecture.
pub fn all() -> &'static [Pretrained] {
    PRETRAINED.as_deref().unwrap_or_default()
}

/// Returns the weights of this tag for this architecture. As in open_clip, a tag's case and its
/// hyphens do not matter, and the architecture may end with `-quickgelu`.
///
/// # Errors
/// [`ClipError::UnknownTag`], which names the known tags of the architecture.
pub fn find(model: &str, tag: &str) -> Result<&'static Pretrained> {
    let wanted_model = model.replace('/', "-");
    let plain_model = wanted_model
        .strip_suffix("-quickgelu")
        .unwrap_or(&wanted_model);
    let wanted_tag = tag.to_lowercase().replace('-', "_");
    let of_model = || all().iter().filter(|entry| entry.model == plain_model);
    of_model()
        .find(|entry| entry.tag == wanted_tag)
        .ok_or_else(|| {
            let tags: Vec<&str> = of_model().map(|entry| entry.tag.as_str()).collect();
            let advice = if tags.is_empty() {
                "`clippy models list` lists the known weights".to_owned()
            } else {
                format!(
                    "known tags: {}. A path to a .safetensors file, local-dir:PATH, or \
                     hf-hub:ORG/REPO can be given too",
                    tags.join(", ")
                )
            };
            ClipError::UnknownTag {
                model: model.to_owned(),
                tag: tag.to_owned(),
                advice,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clippy_core::embedding::{Interpolation, ResizeMode};

    #[test]
    fn every_entry_can_be_run() {
        assert!(all().len() > 80, "{}", all().len());
        for entry in all() {
            entry
                .config()
                .unwrap_or_else(|error| panic!("{entry:?}: {error}"));
            entry
                .transform(224)
                .unwrap_or_else(|error| panic!("{entry:?}: {error}"));
            assert_eq!(entry.repository.split('/').count(), 2, "{entry:?}");
        }
    }

    #[test]
    fn openai_weights_force_quick_gelu() {
        for model in ["ViT-B-32", "ViT-L-14-336", "RN50", "ViT-B-32-quickgelu"] {
            assert!(
                find(model, "openai").unwrap().config().unwrap().quick_gelu,
                "{model}"
            );
        }
        assert!(
            !find("ViT-B-32", "laion2b_s34b_b79k")
                .unwrap()
                .config()
                .unwrap()
                .quick_gelu
        );
    }

    #[test]
    fn each_tag_has_its_own_transform_of_pictures() {
        let plain = find("ViT-B-32", "laion2b-s34b-b79K")
            .unwrap()
            .transform(224)
            .unwrap();
        assert_eq!(plain, preprocess::default_transform(224));
        let inception = find("ViT-L-14", "laion2b_s32b_b82k")
            .unwrap()
            .transform(224)
            .unwrap();
        assert_eq!(inception.mean, [0.5; 3]);
        let squashed = find("ViT-H-14-378", "dfn5b")
            .unwrap()
            .transform(378)
            .unwrap();
        assert_eq!(
            (squashed.resize_mode, squashed.interpolation),
            (ResizeMode::Squash, Interpolation::Bicubic)
        );
    }

    #[test]
    fn an_unknown_tag_is_answered_with_the_known_ones() {
        let error = find("ViT-B-16", "nonsense").unwrap_err().to_string();
        assert!(
            error.contains("nonsense") && error.contains("datacomp_xl_s13b_b90k"),
            "{error}"
        );
    }
}
