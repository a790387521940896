//! Where a model comes from, and reading it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clippy_core::embedding::{ImageTransform, ModelInfo};
use serde_json::Value;
use tch::Device;

use crate::config::ModelConfig;
use crate::description::Description;
use crate::device::Precision;
use crate::error::{ClipError, Result};
use crate::hugging;
use crate::model::ClipModel;
use crate::model::weights::{self, WeightsFile};
use crate::pretrained::{self, CONFIG_FILE, Pretrained, WEIGHTS_FILE};
use crate::tokenizer::{ModelTokenizer, Tokenizer, TokenizerFiles};
use crate::{architectures, preprocess};

/// The file of a model's style head, beside its weights.
const STYLE_HEAD_FILE: &str = "style_head.safetensors";

/// open_clip's prefix for a folder with a configuration and weights.
const LOCAL_FOLDER: &str = "local-dir:";

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// A published model that `clippy models pull` downloaded.
    Tag {
        /// The architecture.
        model: String,
        /// The tag of its weights.
        tag: String,
        /// The folder of all models: the weights lie in `<models>/<model>/<tag>/`.
        models: PathBuf,
    },
    /// A `.safetensors` file with weights of a named architecture.
    File {
        /// The architecture.
        model: String,
        /// The weights.
        weights: PathBuf,
    },
    /// A folder with `open_clip_config.json` and `open_clip_model.safetensors`, or a `CLIPModel` of
    /// Hugging Face with `config.json` and `model.safetensors` or its shards.
    Folder(PathBuf),
}

impl ModelSource {
    /// Reads the settings `MODEL_NAME` and `PRETRAINED`; where neither is set, the bundled model.
    ///
    /// `models` is the folder of pulled models (`DATA_DIR/models`). The disk is not read yet.
    ///
    /// # Errors
    /// [`ClipError::InvalidConfig`], [`ClipError::UnknownArchitecture`] or
    /// [`ClipError::UnknownTag`], saying what is missing or what there is.
    pub fn parse(
        model: Option<&str>,
        pretrained: Option<&str>,
        models: &Path,
        bundled: &Path,
    ) -> Result<Self> {
        let given = |text: Option<&str>| {
            text.map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let (model, pretrained) = (given(model), given(pretrained));
        // open_clip has the prefix in the model's name, Clippy 0.2's users wrote it as PRETRAINED:
        // both are understood.
        for setting in [&pretrained, &model].into_iter().flatten() {
            if let Some(folder) = setting.strip_prefix(LOCAL_FOLDER) {
                return Ok(Self::Folder(PathBuf::from(folder)));
            }
            if setting.starts_with("hf-hub:") {
                return Err(ClipError::InvalidConfig(format!(
                    "`{setting}`: nothing is downloaded while a model loads. Download the \
                     repository's {CONFIG_FILE} and {WEIGHTS_FILE}, then set \
                     PRETRAINED={LOCAL_FOLDER}FOLDER"
                )));
            }
        }
        let (model, pretrained) = match (model, pretrained) {
            (None, None) => return Ok(Self::Folder(bundled.to_owned())),
            (Some(model), Some(pretrained)) => (model, pretrained),
            (Some(model), None) => {
                architectures::find(&model)?;
                return Err(ClipError::InvalidConfig(format!(
                    "MODEL_NAME is {model} and PRETRAINED is not set; `clippy models list` shows \
                     the weights there are"
                )));
            }
            (None, Some(pretrained)) => {
                return Err(ClipError::InvalidConfig(format!(
                    "PRETRAINED is {pretrained} and MODEL_NAME is not set: it names the \
                     architecture, such as ViT-B-32"
                )));
            }
        };
        if pretrained.ends_with(".safetensors") {
            architectures::find(&model)?;
            return Ok(Self::File {
                model,
                weights: PathBuf::from(pretrained),
            });
        }
        if [".pt", ".pth", ".bin", ".ckpt"]
            .iter()
            .any(|ending| pretrained.ends_with(ending))
        {
            return Err(ClipError::InvalidConfig(format!(
                "PRETRAINED is {pretrained}: pickled weights can run any code and are not read. \
                 Convert them once with open_clip and safetensors.torch.save_file"
            )));
        }
        let entry = pretrained::find(&model, &pretrained)?;
        Ok(Self::Tag {
            model: entry.model.clone(),
            tag: entry.tag.clone(),
            models: models.to_owned(),
        })
    }

    /// Returns the folder or file that the model is read from.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Tag { model, tag, models } => models.join(model).join(tag),
            Self::File { weights, .. } => weights.clone(),
            Self::Folder(folder) => folder.clone(),
        }
    }

    /// Finds the files and reads the configuration, without the weights.
    ///
    /// # Errors
    /// [`ClipError::NotDownloaded`] or [`ClipError::NotThere`] where files are missing, or what is
    /// wrong with the configuration.
    pub fn describe(&self) -> Result<Description> {
        match self {
            Self::Tag { model, tag, .. } => {
                let entry: &Pretrained = pretrained::find(model, tag)?;
                let folder = self.path();
                let weights = folder.join(WEIGHTS_FILE);
                if !weights.is_file() {
                    return Err(ClipError::NotDownloaded {
                        model: model.clone(),
                        tag: tag.clone(),
                        folder,
                    });
                }
                let config = entry.config()?;
                let transform = entry.transform(side(&config))?;
                let tokenizer = tokenizer_beside(&folder, &config, Some(&entry.repository))?;
                Ok(Description {
                    name: model.clone(),
                    pretrained: tag.clone(),
                    config,
                    transform,
                    weights,
                    shards: None,
                    tokenizer,
                })
            }
            Self::File { model, weights } => {
                if !weights.is_file() {
                    return Err(not_there(
                        weights,
                        "PRETRAINED names a file that does not exist",
                    ));
                }
                let config = architectures::find(model)?;
                let transform = match config.text.siglip {
                    Some(_) => preprocess::siglip_transform(side(&config)),
                    None => preprocess::default_transform(side(&config)),
                };
                let folder = weights.parent().unwrap_or(Path::new("."));
                let tokenizer = tokenizer_beside(folder, &config, None)?;
                let pretrained = weights.display().to_string();
                Ok(Description {
                    name: model.clone(),
                    pretrained,
                    config,
                    transform,
                    weights: weights.clone(),
                    shards: None,
                    tokenizer,
                })
            }
            Self::Folder(folder) => describe_folder(folder),
        }
    }
}

fn describe_folder(folder: &Path) -> Result<Description> {
    let path = folder.join(CONFIG_FILE);
    if !path.is_file() {
        if folder.join(hugging::CONFIG_FILE).is_file() {
            let found = hugging::describe(folder)?;
            return Ok(Description {
                name: name_of(folder),
                pretrained: folder.display().to_string(),
                config: found.config,
                transform: found.transform,
                weights: found.weights,
                shards: Some(found.shards),
                tokenizer: found.tokenizer,
            });
        }
        return Err(not_there(
            &path,
            "a model folder holds open_clip_config.json and open_clip_model.safetensors, or \
             config.json and model.safetensors of a CLIPModel or SiglipModel",
        ));
    }
    let text = hugging::read_text(&path)?;
    let in_file = |error: &dyn std::fmt::Display| {
        ClipError::InvalidConfig(format!("{}: {error}", path.display()))
    };
    let json: Value = serde_json::from_str(&text).map_err(|error| in_file(&error))?;
    let model = json
        .get("model_cfg")
        .ok_or_else(|| in_file(&"there is no `model_cfg`"))?;
    let config = ModelConfig::from_json(model)?;
    let transform = preprocess::transform_from_json(json.get("preprocess_cfg"), side(&config))?;
    let weights = folder.join(WEIGHTS_FILE);
    if !weights.is_file() {
        return Err(not_there(
            &weights,
            "a model folder holds the weights as open_clip_model.safetensors",
        ));
    }
    let origin = model.pointer("/text_cfg/hf_tokenizer_name");
    let tokenizer = tokenizer_beside(folder, &config, origin.and_then(Value::as_str))?;
    Ok(Description {
        name: name_of(folder),
        pretrained: folder.display().to_string(),
        config,
        transform,
        weights,
        shards: None,
        tokenizer,
    })
}

/// The files of the tokenizer that a model without a built-in one needs.
fn tokenizer_beside(
    folder: &Path,
    config: &ModelConfig,
    origin: Option<&str>,
) -> Result<Option<TokenizerFiles>> {
    let is_needed = config.text.siglip.is_some();
    is_needed
        .then(|| TokenizerFiles::find(folder, origin))
        .transpose()
}

/// The name of a model that is known by its folder only.
fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || "model".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn side(config: &ModelConfig) -> u32 {
    u32::try_from(config.vision.image_size).unwrap_or(u32::MAX)
}

fn not_there(path: &Path, advice: &str) -> ClipError {
    ClipError::NotThere {
        path: path.to_owned(),
        advice: advice.to_owned(),
    }
}

/// A model in memory, ready for [`crate::TorchEmbedder::start`].
pub struct LoadedModel {
    /// The towers.
    pub model: ClipModel,
    /// What a collection must know.
    pub info: Arc<ModelInfo>,
    /// What was read.
    pub config: ModelConfig,
    /// What makes the tokens that the tower for words takes.
    pub tokenizer: ModelTokenizer,
    /// The precision that it computes in.
    pub precision: Precision,
    /// The file that its style vectors come from; `None` for random weights.
    pub style_weights: Option<PathBuf>,
}

impl LoadedModel {
    /// Reads a model onto a device; without a precision, in [`Precision::default_for`] that device.
    /// Its style vectors come from the style head beside its weights, or else from the statistics
    /// of its early layers.
    ///
    /// # Errors
    /// As [`ModelSource::describe`] and [`ClipModel::load`].
    pub fn load(
        source: &ModelSource,
        device: Device,
        precision: Option<Precision>,
    ) -> Result<Self> {
        Self::load_with_style(source, device, precision, None)
    }

    /// As [`LoadedModel::load`], but with published style descriptors (`STYLE_MODEL`) if given.
    ///
    /// # Errors
    /// As [`LoadedModel::load`] and [`ClipModel::load_descriptors`].
    pub fn load_with_style(
        source: &ModelSource,
        device: Device,
        precision: Option<Precision>,
        descriptors: Option<&Path>,
    ) -> Result<Self> {
        let started = std::time::Instant::now();
        let description = source.describe()?;
        let files = description
            .files()
            .iter()
            .map(|path| WeightsFile::open(path));
        let files: Vec<_> = files.collect::<Result<_>>()?;
        let (tokenizer, tokenizer_fingerprint) = description.load_tokenizer()?;
        let names = description.names();
        let Description {
            name,
            pretrained,
            config,
            transform,
            weights,
            shards,
            tokenizer: _,
        } = description;
        let precision = precision.unwrap_or_else(|| Precision::default_for(device));
        // Hash the parsed configuration, not the file's bytes, so that a model has the same
        // fingerprint by its tag and from a folder.
        let mut head = serde_json::to_vec(&(&config, &transform))
            .map_err(|error| ClipError::InvalidConfig(error.to_string()))?;
        head.extend(tokenizer_fingerprint.bytes());
        let mut tensors = weights::of_shards(&weights, &files, device)?;
        if let Some(shards) = &shards {
            shards.check(&files)?;
        }
        if let Some(names) = names {
            tensors = tensors.with_names(names);
        }
        let mut model = ClipModel::build(&config, &transform, tensors, device, precision)?;
        let fingerprint = weights::fingerprint(&head, &files);
        let style_head = weights.with_file_name(STYLE_HEAD_FILE);
        let style_weights = if let Some(path) = descriptors {
            model.load_descriptors(path, precision)?
        } else if style_head.is_file() {
            model.load_style(&style_head)?;
            style_head
        } else {
            model.use_statistics(&fingerprint)?;
            weights
        };
        let info = ModelInfo {
            style: model.style().map(str::to_owned),
            ..model_info(name, pretrained, &config, transform, fingerprint)
        };
        tracing::info!(
            model = info.name, pretrained = info.pretrained, %precision, ?device,
            dimension = info.dimension,
            took_ms = started.elapsed().as_millis(), "model loaded"
        );
        Ok(Self {
            model,
            info: Arc::new(info),
            config,
            tokenizer,
            precision,
            style_weights: Some(style_weights),
        })
    }

    /// Makes a model of a named architecture with random weights. It is for measurements: it takes
    /// the time and memory of a trained one, and its embeddings mean nothing. The same seed gives
    /// the same weights.
    ///
    /// # Errors
    /// [`ClipError::UnknownArchitecture`], naming those that there are; otherwise where libtorch
    /// fails.
    pub fn random(
        architecture: &str,
        device: Device,
        precision: Option<Precision>,
        seed: i64,
    ) -> Result<Self> {
        let config = architectures::find(architecture)?;
        if config.text.siglip.is_some() {
            return Err(ClipError::InvalidConfig(format!(
                "{architecture} has no built-in tokenizer: load a folder with its tokenizer.json"
            )));
        }
        let length = usize::try_from(config.text.context_length).unwrap_or_default();
        let tokenizer = ModelTokenizer::Clip(Tokenizer::new(length));
        let transform = preprocess::default_transform(side(&config));
        let precision = precision.unwrap_or_else(|| Precision::default_for(device));
        let mut model = ClipModel::random(&config, &transform, device, precision, seed)?;
        let pretrained = format!("random-{seed}");
        let fingerprint = format!("{architecture}-{pretrained}");
        model.use_statistics(&fingerprint)?;
        let info = ModelInfo {
            style: model.style().map(str::to_owned),
            ..model_info(
                architecture.to_owned(),
                pretrained,
                &config,
                transform,
                fingerprint,
            )
        };
        Ok(Self {
            model,
            info: Arc::new(info),
            config,
            tokenizer,
            precision,
            style_weights: None,
        })
    }
}

fn model_info(
    name: String,
    pretrained: String,
    config: &ModelConfig,
    transform: ImageTransform,
    fingerprint: String,
) -> ModelInfo {
    ModelInfo {
        name,
        pretrained,
        // Both were checked to be positive where the configuration was read.
        dimension: usize::try_from(config.embed_dim).unwrap_or_default(),
        context_length: usize::try_from(config.text.context_length).unwrap_or_default(),
        transform,
        fingerprint,
        style: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(model: Option<&str>, pretrained: Option<&str>) -> Result<ModelSource> {
        ModelSource::parse(
            model,
            pretrained,
            Path::new("/data/models"),
            Path::new("/bundled"),
        )
    }

    #[test]
    fn all_of_open_clips_forms_are_understood() {
        assert_eq!(
            parse(None, None).unwrap(),
            ModelSource::Folder("/bundled".into())
        );
        assert_eq!(
            parse(Some(""), Some(" ")).unwrap(),
            ModelSource::Folder("/bundled".into())
        );
        assert_eq!(
            parse(None, Some("local-dir:/m")).unwrap(),
            ModelSource::Folder("/m".into())
        );
        assert_eq!(
            parse(Some("local-dir:./m"), None).unwrap(),
            ModelSource::Folder("./m".into())
        );
        assert_eq!(
            parse(Some("ViT-B-32"), Some("/w/x.safetensors")).unwrap(),
            ModelSource::File {
                model: "ViT-B-32".into(),
                weights: "/w/x.safetensors".into()
            }
        );
        let tag = parse(Some("ViT-B/32"), Some("laion2b_s34b_b79k")).unwrap();
        assert_eq!(
            tag.path(),
            Path::new("/data/models/ViT-B-32/laion2b_s34b_b79k")
        );
    }

    #[test]
    fn an_error_names_what_is_missing() {
        for (model, pretrained, part) in [
            (Some("ViT-B-32"), None, "PRETRAINED"),
            (None, Some("openai"), "MODEL_NAME"),
            (Some("ViT-B-32"), Some("nonsense"), "laion2b_s34b_b79k"),
            (Some("ViT-Q-1"), Some("x.safetensors"), "ViT-Q-1"),
            (Some("ViT-B-32"), Some("x.pt"), "pickled"),
            (Some("hf-hub:laion/x"), None, "local-dir:"),
        ] {
            let error = parse(model, pretrained).unwrap_err().to_string();
            assert!(error.contains(part), "{model:?} {pretrained:?}: {error}");
        }
    }

    #[test]
    fn a_model_that_was_not_pulled_names_the_command() {
        let source = parse(Some("ViT-B-32"), Some("openai")).unwrap();
        let error = source.describe().unwrap_err().to_string();
        assert!(
            error.contains("clippy models pull ViT-B-32 openai"),
            "{error}"
        );
    }
}
