//! Computes style vectors with published style descriptors (CSD): the image tower of a CLIP ViT
//! that was trained further, and a matrix that keeps what distinguishes styles.
//!
//! The weights are a `.safetensors` file with OpenAI's names of the tower after `backbone.`, and
//! `last_layer_style`, `[width, outputs]`. `last_layer_content` is not used.

use std::path::{Path, PathBuf};

use clippy_core::embedding::DESCRIPTORS;
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use super::activation::Activation;
use super::count_sketch::mix;
use super::layers::to_unit_length;
use super::vision::{Blocks, VisionTransformer};
use super::weights::{Stored, WeightsFile};
use crate::config::{VisionConfig, VisionNetwork};
use crate::device::Precision;
use crate::error::{ClipError, Result};
use crate::preprocess::default_transform;

/// The width of an attention head of all of OpenAI's transformers.
const HEAD_WIDTH: i64 = 64;
const STYLE: &str = "last_layer_style";
/// The usual name of the file of weights in a published folder.
const DEFAULT_NAME: &str = "model.safetensors";

/// An image tower that computes style vectors only.
pub struct StyleDescriptor {
    tower: VisionTransformer,
    gain: Tensor,
    shift: Tensor,
    side: i64,
    /// Shortens the tower's vectors if they are too long: `[outputs of the tower, outputs]`.
    projection: Option<Tensor>,
    /// How many zeros are appended if the tower's vectors are too short.
    padding: i64,
    kind: Kind,
    path: PathBuf,
    fingerprint: String,
}

impl StyleDescriptor {
    /// Reads the weights: a `.safetensors` file or a folder with one. `outputs` is the length of
    /// the vectors, and `side` that of the pictures, in pixels.
    ///
    /// # Errors
    /// [`ClipError::StyleModel`] with the reason why the weights cannot be used, and
    /// [`ClipError::WeightsMismatch`] with all tensors that do not fit.
    pub fn load(
        path: &Path,
        outputs: i64,
        side: u32,
        device: Device,
        precision: Precision,
    ) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let path = find_weights(path)?;
        let file = WeightsFile::open(&path)?;
        let kind = precision.kind();
        let shape = DescriptorShape::read(&file, &path)?;
        let mut weights = file
            .weights(device)?
            .with_names(|name| Stored::As(stored_name(name)));
        weights.ignore("last_layer_content");
        let tower = VisionTransformer::load(
            &mut weights,
            &shape.vision,
            shape.blocks,
            shape.outputs,
            Activation::QuickGelu,
            kind,
        )?;
        weights.finish()?;
        let own_side = u32::try_from(shape.vision.image_size).unwrap_or(u32::MAX);
        let transform = default_transform(own_side);
        let per_channel = |value: &dyn Fn(usize) -> f32| -> Result<Tensor> {
            let values: Vec<f32> = (0..3).map(value).collect();
            Ok(Tensor::f_from_slice(&values)?
                .f_view([1, 3, 1, 1])?
                .f_to_device(device)?)
        };
        // The vectors also depend on their length and on the side of the pictures.
        let mut hash = Sha256::new();
        hash.update(file.fingerprint(b"descriptors"));
        hash.update(format!(" {outputs} {side}"));
        Ok(Self {
            tower,
            gain: per_channel(&|channel| 1.0 / (255.0 * transform.std[channel]))?,
            shift: per_channel(&|channel| -transform.mean[channel] / transform.std[channel])?,
            side: shape.vision.image_size,
            projection: (shape.outputs > outputs)
                .then(|| projection(shape.outputs, outputs, device))
                .transpose()?,
            padding: (outputs - shape.outputs).max(0),
            kind,
            path,
            fingerprint: format!("{DESCRIPTORS}{}", hex::encode(hash.finalize())),
        })
    }

    /// The fingerprint of the vectors.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The file of the weights.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Turns pictures (`[batch, 3, side, side]` of any side, with values in 0..255) into style
    /// vectors (fp32 `[batch, outputs]`, of unit length).
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let sides = [self.side, self.side];
        let resized = if pictures.size()[2..] == sides {
            pictures.shallow_clone()
        } else {
            pictures
                .f_internal_upsample_bicubic2d_aa(sides, false, None, None)?
                .f_clamp(0.0, 255.0)?
        };
        let pixels = resized
            .f_mul(&self.gain)?
            .f_add(&self.shift)?
            .f_to_kind(self.kind)?;
        let mut observe = |_: usize, x: Tensor| Ok(Some(x));
        let Some(made) = self.tower.forward(&pixels, &mut observe)? else {
            return Err(ClipError::NoStyle);
        };
        let mut made = to_unit_length(&made)?;
        if let Some(projection) = &self.projection {
            made = to_unit_length(&made.f_matmul(projection)?)?;
        }
        Ok(made.f_constant_pad_nd([0, self.padding])?)
    }
}

/// Makes a pseudo-random matrix of signs, `[inputs, outputs]`. A projection with it nearly keeps
/// cosines. The signs depend only on the shape.
fn projection(inputs: i64, outputs: i64, device: Device) -> Result<Tensor> {
    let signs: Vec<f32> = (0..(inputs * outputs).unsigned_abs())
        .map(|number| if mix(number) & 1 == 0 { 1.0 } else { -1.0 })
        .collect();
    Ok(Tensor::f_from_slice(&signs)?
        .f_view([inputs, outputs])?
        .f_to_device(device)?)
}

/// Returns the name in the file of a tensor that open_clip calls `name`.
fn stored_name(name: &str) -> String {
    match name.strip_prefix("visual.") {
        Some("proj") => STYLE.to_owned(),
        Some(rest) => format!("backbone.{rest}"),
        None => name.to_owned(),
    }
}

/// The dimensions of the tower, derived from the shapes of its tensors.
struct DescriptorShape {
    vision: VisionConfig,
    blocks: Blocks,
    outputs: i64,
}

impl DescriptorShape {
    fn read(file: &WeightsFile, path: &Path) -> Result<Self> {
        let error = |reason: String| style_model(path, reason);
        let shape = |name: &str, sides: usize| -> Result<Vec<i64>> {
            let found = file.shape(name)?;
            let found = found.ok_or_else(|| error(format!("it has no tensor {name}")))?;
            if found.len() == sides && found.iter().all(|side| *side > 0) {
                return Ok(found);
            }
            Err(error(format!("its tensor {name} has the shape {found:?}")))
        };
        let patches = shape("backbone.conv1.weight", 4)?;
        let positions = shape("backbone.positional_embedding", 2)?;
        let hidden = shape("backbone.transformer.resblocks.0.mlp.c_fc.weight", 2)?;
        let style = shape(STYLE, 2)?;
        let (width, patch_size) = (patches[0], patches[3]);
        let grid = ((positions[0] - 1) as f64).sqrt().round() as i64;
        if grid < 1 || grid * grid + 1 != positions[0] {
            return Err(error(format!("{} positions are no square", positions[0])));
        }
        if width % HEAD_WIDTH != 0 {
            return Err(error(format!(
                "its width {width} is no multiple of {HEAD_WIDTH}, the width of OpenAI's heads"
            )));
        }
        let mut layers = 0;
        while file
            .shape(&format!(
                "backbone.transformer.resblocks.{layers}.ln_1.weight"
            ))?
            .is_some()
        {
            layers += 1;
        }
        let mlp_ratio = hidden[0] as f64 / width as f64;
        let network = VisionNetwork::Transformer {
            layers,
            patch_size,
            mlp_ratio,
            layer_scale: false,
        };
        Ok(Self {
            vision: VisionConfig {
                image_size: grid * patch_size,
                width,
                head_width: HEAD_WIDTH,
                network,
            },
            blocks: Blocks {
                layers,
                patch_size,
                mlp_ratio,
                layer_scale: false,
            },
            outputs: style[1],
        })
    }
}

/// Finds the weights: the file itself, or the one file in a folder.
fn find_weights(path: &Path) -> Result<PathBuf> {
    let error = |reason: String| style_model(path, reason);
    let ending = path.extension().and_then(|ending| ending.to_str());
    if path.is_dir() {
        let usual = path.join(DEFAULT_NAME);
        if usual.is_file() {
            return Ok(usual);
        }
        let io = |source| ClipError::Io {
            path: path.to_owned(),
            source,
        };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let file = entry.map_err(io)?.path();
            if file
                .extension()
                .is_some_and(|ending| ending == "safetensors")
            {
                found.push(file);
            }
        }
        return match <[PathBuf; 1]>::try_from(found) {
            Ok([file]) => Ok(file),
            Err(found) => Err(error(format!(
                "the folder has {} .safetensors files, and must have one",
                found.len()
            ))),
        };
    }
    match ending {
        Some("pth" | "pt" | "bin" | "ckpt") => Err(error(format!(
            "pickled weights can run any code and are not read. Convert them once: {}",
            conversion(path)
        ))),
        Some("safetensors") if path.is_file() => Ok(path.to_owned()),
        Some("safetensors") => Err(error("it does not exist".to_owned())),
        _ => Err(error(
            "it is neither a .safetensors file nor a folder with one".to_owned(),
        )),
    }
}

/// The command that converts a pickle, whose tensors are under `model_state_dict` and are called
/// `module.*` if several devices trained them.
fn conversion(path: &Path) -> String {
    format!(
        "python3 -c \"import torch, sys; from safetensors.torch import save_file; \
         s = torch.load(sys.argv[1], map_location='cpu', weights_only=False); \
         s = s.get('model_state_dict', s); \
         save_file({{k.removeprefix('module.'): v.contiguous() for k, v in s.items()}}, \
         sys.argv[2])\" {} {}",
        path.display(),
        path.with_extension("safetensors").display()
    )
}

fn style_model(path: &Path, reason: String) -> ClipError {
    ClipError::StyleModel {
        path: path.to_owned(),
        reason,
    }
}
