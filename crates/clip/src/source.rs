//! Where a model comes from, and reading it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clippy_core::embedding::{ImageTransform, ModelInfo};
use tch::Device;

use crate::config::ModelConfig;
use crate::description::Description;
use crate::device::Precision;
use crate::error::{ClipError, Result};
use crate::folder::{
    describe_folder, describe_repository, describe_tag, not_there, side, tokenizer_beside,
};
use crate::hub::{Cache, Repository};
use crate::model::ClipModel;
use crate::model::weights::{self, WeightsFile};
use crate::pretrained::{self, WEIGHTS_FILE};
use crate::tokenizer::{ModelTokenizer, Tokenizer};
use crate::{architectures, preprocess};

/// The file of a model's style head, beside its weights.
const STYLE_HEAD_FILE: &str = "style_head.safetensors";

/// open_clip's prefix for a folder with a configuration and weights.
const LOCAL_FOLDER: &str = "local-dir:";

/// The folders that models are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolders {
    /// `DATA_DIR/models`: what earlier versions pulled.
    pub models: PathBuf,
    /// The bundled model.
    pub bundled: PathBuf,
    /// The cache of Hugging Face's hub.
    pub hub: Cache,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// A published model that `clippy models pull`, or Python's open_clip, downloaded.
    Tag {
        /// The architecture.
        model: String,
        /// The tag of its weights.
        tag: String,
        /// The folder of models that earlier versions pulled: `<models>/<model>/<tag>/`.
        models: PathBuf,
        /// The cache of Hugging Face's hub, which has the others.
        cache: Option<Cache>,
    },
    /// A repository of Hugging Face's hub, which `clippy models pull` or Python downloaded.
    Hub {
        /// The repository.
        repository: Repository,
        /// The cache that it is in.
        cache: Cache,
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
    /// If one of them names a whole model, a different value of the other is not used, and a
    /// warning is logged.
    ///
    /// The disk is not read yet.
    ///
    /// # Errors
    /// [`ClipError::InvalidConfig`], [`ClipError::UnknownArchitecture`] or
    /// [`ClipError::UnknownTag`], saying what is missing or what there is.
    pub fn parse(
        model: Option<&str>,
        pretrained: Option<&str>,
        folders: &ModelFolders,
    ) -> Result<Self> {
        let given = |text: Option<&str>| {
            text.map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let (model, pretrained) = (given(model), given(pretrained));
        // open_clip has the prefix in the model's name, Clippy 0.2's users wrote it as PRETRAINED:
        // both are understood.
        let settings = [("PRETRAINED", &pretrained), ("MODEL_NAME", &model)];
        for (name, setting) in settings {
            let Some(setting) = setting else {
                continue;
            };
            let found = if let Some(folder) = setting.strip_prefix(LOCAL_FOLDER) {
                Self::Folder(PathBuf::from(folder))
            } else if let Some(repository) = Repository::parse(setting) {
                Self::Hub {
                    repository: repository?,
                    cache: folders.hub.clone(),
                }
            } else {
                continue;
            };
            for (other, unused) in settings {
                if let Some(unused) = unused.as_ref().filter(|unused| *unused != setting) {
                    let used = (name, setting.as_str());
                    tracing::warn!("{}", unused_warning(used, (other, unused.as_str())));
                }
            }
            return Ok(found);
        }
        let (model, pretrained) = match (model, pretrained) {
            (None, None) => return Ok(Self::Folder(folders.bundled.clone())),
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
            models: folders.models.clone(),
            cache: Some(folders.hub.clone()),
        })
    }

    /// Finds the files and reads the configuration, without the weights.
    ///
    /// # Errors
    /// [`ClipError::NotDownloaded`] or [`ClipError::NotThere`] where files are missing, or what is
    /// wrong with the configuration.
    pub fn describe(&self) -> Result<Description> {
        match self {
            Self::Tag {
                model,
                tag,
                models,
                cache,
            } => {
                let entry = pretrained::find(model, tag)?;
                let own = models.join(&entry.model).join(&entry.tag);
                let repository = Repository::main(&entry.repository)?;
                let cached = cache.as_ref().and_then(|cache| cache.snapshot(&repository));
                let missing = || ClipError::NotDownloaded {
                    model: model.clone(),
                    tag: tag.clone(),
                    folder: cache
                        .as_ref()
                        .map_or_else(|| own.clone(), |cache| cache.repository(&repository)),
                };
                // The first folder that has all files, or else the error of the one with weights.
                let mut found = Err(missing());
                for folder in [Some(&own), cached.as_ref()].into_iter().flatten() {
                    if found.is_err() && folder.join(WEIGHTS_FILE).is_file() {
                        found = describe_tag(entry, folder);
                    }
                }
                found
            }
            Self::Hub { repository, cache } => describe_repository(repository, cache),
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

/// Says that a setting is not used, since another one names the whole model.
fn unused_warning((name, setting): (&str, &str), (other, unused): (&str, &str)) -> String {
    format!(
        "{other} is {unused}, which is not used: {name} is {setting}, which names the whole model. \
         Unset {other}"
    )
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
        let folders = ModelFolders {
            models: "/data/models".into(),
            bundled: "/bundled".into(),
            hub: Cache::new("/hub"),
        };
        ModelSource::parse(model, pretrained, &folders)
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
        assert_eq!(
            parse(Some("ViT-B/32"), Some("laion2b-s34b_b79K")).unwrap(),
            ModelSource::Tag {
                model: "ViT-B-32".into(),
                tag: "laion2b_s34b_b79k".into(),
                models: "/data/models".into(),
                cache: Some(Cache::new("/hub")),
            }
        );
        let hub = ModelSource::Hub {
            repository: Repository::main("laion/x").unwrap(),
            cache: Cache::new("/hub"),
        };
        for (model, pretrained) in [
            (None, Some("hf-hub:laion/x")),
            (Some("hf-hub:laion/x"), None),
            (Some("ViT-B-32"), Some("hf-hub:laion/x")),
            (Some("hf-hub:laion/x"), Some("openai")),
        ] {
            assert_eq!(parse(model, pretrained).unwrap(), hub);
        }
    }

    #[test]
    fn an_error_names_what_is_missing() {
        for (model, pretrained, part) in [
            (Some("ViT-B-32"), None, "PRETRAINED"),
            (None, Some("openai"), "MODEL_NAME"),
            (Some("ViT-B-32"), Some("nonsense"), "laion2b_s34b_b79k"),
            (Some("ViT-Q-1"), Some("x.safetensors"), "ViT-Q-1"),
            (Some("ViT-B-32"), Some("x.pt"), "pickled"),
            (Some("hf-hub:laion/x/y"), None, "hf-hub:ORG/REPO"),
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
