//! OpenCLIP's two towers on libtorch.

pub(crate) mod activation;
mod count_sketch;
mod descriptor;
pub(crate) mod layers;
mod packed;
mod pass;
mod patches;
pub(crate) mod resnet;
pub(crate) mod siglip;
pub(crate) mod style;
mod style_source;
pub(crate) mod text;
pub(crate) mod transformer;
pub(crate) mod vision;
pub mod weights;

use std::path::{Path, PathBuf};

use clippy_core::embedding::{Embedding, ImageTransform, ModelPixels};
use tch::{Device, Kind, Tensor};

use crate::config::{ModelConfig, VisionNetwork};
use crate::device::Precision;
use crate::error::{ClipError, Result};
use activation::Activation;
use count_sketch::CountSketch;
use descriptor::StyleDescriptor;
use layers::{Observe, to_unit_length};
use pass::PicturePass;
use resnet::ModifiedResNet;
use siglip::SiglipTransformer;
use style::{LayerStyle, StyleHead, StyleLayer};
use style_source::{StyleSource, StyleWay};
use text::TextTransformer;
use vision::{Blocks, VisionTransformer};
use weights::{Weights, WeightsFile};

/// A CLIP model on one device, in one precision.
pub struct ClipModel {
    vision: VisionTower,
    text: TextTransformer,
    style: Option<StyleSource>,
    /// What turns bytes into normalised values: `x * gain + shift`, each `[1, 3, 1, 1]`.
    pixel_gain: Tensor,
    pixel_shift: Tensor,
    side: i64,
    dimension: i64,
    device: Device,
    kind: Kind,
}

enum VisionTower {
    Transformer(VisionTransformer),
    ResNet(ModifiedResNet),
    Siglip(SiglipTransformer),
}

impl VisionTower {
    fn layer(&self, name: &str) -> Option<StyleLayer> {
        match self {
            Self::Transformer(tower) => tower.layer(name),
            Self::ResNet(tower) => tower.layer(name),
            Self::Siglip(tower) => tower.layer(name),
        }
    }

    fn forward(&self, pixels: &Tensor, observe: &mut Observe<'_>) -> Result<Option<Tensor>> {
        match self {
            Self::Transformer(tower) => tower.forward(pixels, observe),
            Self::ResNet(tower) => tower.forward(pixels, observe),
            Self::Siglip(tower) => tower.forward(pixels, observe),
        }
    }

    /// Removes the class token from a layer's output, since it is no position of the picture.
    fn positions(&self, x: Tensor) -> Result<Tensor> {
        match self {
            Self::Transformer(_) => Ok(x.f_narrow(1, 1, x.size()[1] - 1)?),
            Self::ResNet(_) | Self::Siglip(_) => Ok(x),
        }
    }
}

/// What of a picture is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureView {
    /// What it shows.
    Content,
    /// What it looks like.
    Style,
}

impl ClipModel {
    /// Builds the model that `config` describes from open_clip's weights.
    ///
    /// # Errors
    /// [`crate::ClipError::WeightsMismatch`] lists all tensors that are missing, of another shape,
    /// or left over.
    pub fn load(
        config: &ModelConfig,
        transform: &ImageTransform,
        file: &WeightsFile,
        device: Device,
        precision: Precision,
    ) -> Result<Self> {
        Self::build(config, transform, file.weights(device)?, device, precision)
    }

    /// Builds the model with random weights, for measurements: it costs as much as a trained one,
    /// and its embeddings mean nothing.
    ///
    /// # Errors
    /// Where libtorch fails, such as when there is too little memory.
    pub fn random(
        config: &ModelConfig,
        transform: &ImageTransform,
        device: Device,
        precision: Precision,
        seed: i64,
    ) -> Result<Self> {
        Self::build(
            config,
            transform,
            Weights::random(device, seed),
            device,
            precision,
        )
    }

    /// As [`ClipModel::load`], from tensors that may have other names or lie in several files.
    pub(crate) fn build(
        config: &ModelConfig,
        transform: &ImageTransform,
        mut weights: Weights<'_>,
        device: Device,
        precision: Precision,
    ) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let kind = precision.kind();
        let activation = Activation::new(config.quick_gelu);
        let vision = match config.vision.network {
            VisionNetwork::Transformer {
                layers,
                patch_size,
                mlp_ratio,
                layer_scale,
            } => {
                let blocks = Blocks {
                    layers,
                    patch_size,
                    mlp_ratio,
                    layer_scale,
                };
                let tower = VisionTransformer::load(
                    &mut weights,
                    &config.vision,
                    blocks,
                    config.embed_dim,
                    activation,
                    kind,
                )?;
                VisionTower::Transformer(tower)
            }
            VisionNetwork::ModifiedResNet { layers } => {
                let tower = ModifiedResNet::load(
                    &mut weights,
                    &config.vision,
                    layers,
                    config.embed_dim,
                    kind,
                )?;
                VisionTower::ResNet(tower)
            }
            VisionNetwork::Siglip {
                layers,
                patch_size,
                mlp_ratio,
                is_tanh,
            } => {
                let blocks = Blocks {
                    layers,
                    patch_size,
                    mlp_ratio,
                    layer_scale: false,
                };
                let activation = Activation::gelu(is_tanh);
                let tower = SiglipTransformer::load(
                    &mut weights,
                    &config.vision,
                    blocks,
                    activation,
                    kind,
                )?;
                VisionTower::Siglip(tower)
            }
        };
        let text = TextTransformer::load(
            &mut weights,
            &config.text,
            config.embed_dim,
            activation,
            kind,
        )?;
        weights.finish()?;

        let mut gain = [0.0; 3];
        let mut shift = [0.0; 3];
        for channel in 0..3 {
            gain[channel] = 1.0 / (255.0 * transform.std[channel]);
            shift[channel] = -transform.mean[channel] / transform.std[channel];
        }
        let channels = |values: [f32; 3]| {
            Tensor::f_from_slice(&values)?
                .f_view([1, 3, 1, 1])?
                .f_to_device(device)
        };
        Ok(Self {
            vision,
            text,
            style: None,
            pixel_gain: channels(gain)?,
            pixel_shift: channels(shift)?,
            side: i64::from(transform.side),
            dimension: config.embed_dim,
            device,
            kind,
        })
    }

    /// The device that the model runs on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Reads a style head for this model.
    ///
    /// # Errors
    /// [`ClipError::StyleHead`] for a head of another model.
    pub fn load_style(&mut self, path: &Path) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        let layer = |name: &str| self.vision.layer(name);
        let head = StyleHead::load(path, layer, self.dimension, self.device)?;
        self.style = Some(StyleSource::Head(head));
        Ok(())
    }

    /// Makes style vectors from published style descriptors from now on. Returns the file of their
    /// weights.
    ///
    /// # Errors
    /// [`ClipError::StyleModel`] or [`ClipError::WeightsMismatch`] for a file that holds none.
    pub fn load_descriptors(&mut self, path: &Path, precision: Precision) -> Result<PathBuf> {
        let side = u32::try_from(self.side).unwrap_or(u32::MAX);
        let tower = StyleDescriptor::load(path, self.dimension, side, self.device, precision)?;
        let weights = tower.path().to_owned();
        self.style = Some(StyleSource::Descriptor(Box::new(tower)));
        Ok(weights)
    }

    /// Makes style vectors from the statistics of early layers from now on. `model` is the
    /// fingerprint of this model.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn use_statistics(&mut self, model: &str) -> Result<()> {
        let layer = |name: &str| self.vision.layer(name);
        let sketch = CountSketch::new(layer, self.dimension, model, self.device)?;
        self.style = Some(StyleSource::Statistics(sketch));
        Ok(())
    }

    /// The fingerprint of what makes style vectors; `None` if nothing does.
    #[must_use]
    pub fn style(&self) -> Option<&str> {
        self.style.as_ref().map(StyleSource::fingerprint)
    }

    /// Embeds what pictures show, in one pass: a unit-length vector each.
    ///
    /// # Errors
    /// Where libtorch fails, or a picture is not of the model's side.
    pub fn embed_images(&self, pictures: &[&ModelPixels]) -> Result<Vec<Embedding>> {
        let pictures: Vec<_> = pictures
            .iter()
            .map(|pixels| (*pixels, PictureView::Content))
            .collect();
        self.embed_pictures(&pictures)
    }

    /// Embeds views of pictures, in one pass: a unit-length vector each. Two views of one picture
    /// share the layers that both need.
    ///
    /// # Errors
    /// [`ClipError::NoStyle`] for a style of a model that makes none; where libtorch fails; or a
    /// picture is not of the model's side.
    pub fn embed_pictures(
        &self,
        pictures: &[(&ModelPixels, PictureView)],
    ) -> Result<Vec<Embedding>> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let _no_grad = tch::no_grad_guard();
        let plan = PicturePass::new(pictures);
        let source = match &self.style {
            _ if plan.style.is_empty() => None,
            None => return Err(ClipError::NoStyle),
            Some(source) => Some(source),
        };
        let pictures = self.pictures(&plan.pictures)?;
        let (content, style) = match source.map(StyleSource::way) {
            None => (self.embed_content(&pictures)?, Vec::new()),
            Some(StyleWay::Layers(layers)) => self.embed_both(&plan, &pictures, layers)?,
            Some(StyleWay::Tower(tower)) => {
                let count = plan.pictures.len();
                let content = match plan.content.is_empty() {
                    true => Vec::new(),
                    false => self.embed_content(&rows(&pictures, &plan.content, count)?)?,
                };
                let of_style = rows(&pictures, &plan.style, count)?;
                (content, to_rows(&tower.forward(&of_style)?)?)
            }
        };
        Ok(plan.distribute(&content, &style))
    }

    /// Embeds what pictures show: values in 0..255, `[batch, 3, side, side]`.
    fn embed_content(&self, pictures: &Tensor) -> Result<Vec<Embedding>> {
        let mut observe = |_: usize, x: Tensor| Ok(Some(x));
        let content = self
            .vision
            .forward(&self.normalised(pictures)?, &mut observe)?;
        content.map_or(Ok(Vec::new()), |content| to_rows(&content))
    }

    /// Embeds both views in one pass: the content of some pictures, and the style of some, from the
    /// layers that both share.
    fn embed_both(
        &self,
        plan: &PicturePass<'_>,
        pictures: &Tensor,
        layers: &dyn LayerStyle,
    ) -> Result<(Vec<Embedding>, Vec<Embedding>)> {
        let count = plan.pictures.len();
        let mut seen = Vec::new();
        let mut observe = |number: usize, x: Tensor| {
            if layers.uses(number) {
                let of_style = rows(&x, &plan.style, count)?;
                seen.push(layers.statistics(number, &self.vision.positions(of_style)?)?);
            }
            if !layers.ends_at(number) || seen.is_empty() {
                return Ok(Some(x));
            }
            // The later layers are computed only for the pictures whose content is wanted. The
            // batch is reduced to them once.
            if plan.content.is_empty() {
                return Ok(None);
            }
            let is_narrowed = x.size()[0] as usize != count;
            let rest = if is_narrowed {
                x
            } else {
                rows(&x, &plan.content, count)?
            };
            Ok(Some(rest))
        };
        let pixels = self.normalised(pictures)?;
        let content = self.vision.forward(&pixels, &mut observe)?;
        let content = content.map_or(Ok(Vec::new()), |content| to_rows(&content))?;
        Ok((content, to_rows(&layers.forward(&seen)?)?))
    }

    /// The values in 0..255 of pictures, fp32 `[batch, 3, side, side]` on the device.
    fn pictures(&self, pictures: &[&ModelPixels]) -> Result<Tensor> {
        // Bytes go to the device, floats are made there: a quarter of the traffic.
        let expected = (self.side * self.side * 3) as usize;
        let mut bytes = Vec::with_capacity(pictures.len() * expected);
        for picture in pictures {
            // libtorch reads as many bytes as the shape says, whatever there is.
            if picture.rgb.len() != expected {
                return Err(ClipError::WrongPicture {
                    expected,
                    found: picture.rgb.len(),
                });
            }
            bytes.extend_from_slice(&picture.rgb);
        }
        let size = [pictures.len() as i64, self.side, self.side, 3];
        let pixels =
            Tensor::f_from_data_size(&bytes, &size, Kind::Uint8)?.f_to_device(self.device)?;
        Ok(pixels.f_permute([0, 3, 1, 2])?.f_to_kind(Kind::Float)?)
    }

    /// What the tower takes, made of values in 0..255.
    fn normalised(&self, pictures: &Tensor) -> Result<Tensor> {
        Ok(pictures
            .f_mul(&self.pixel_gain)?
            .f_add_(&self.pixel_shift)?
            .f_to_kind(self.kind)?)
    }

    /// Embeds texts in one pass: a unit-length vector each. A text is what the model's tokenizer
    /// makes of it ([`crate::LoadedModel::tokenizer`]).
    ///
    /// # Errors
    /// Where libtorch fails, a text is longer than the model's context, or one of SigLIP's does not
    /// fill it.
    pub fn embed_texts(&self, texts: &[&[i64]]) -> Result<Vec<Embedding>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let _no_grad = tch::no_grad_guard();
        to_rows(&self.text.forward(texts, self.device)?)
    }
}

/// Selects rows of a batch of `count` rows. If all of them are wanted, nothing is copied.
fn rows(x: &Tensor, wanted: &[i64], count: usize) -> Result<Tensor> {
    if wanted.len() == count {
        return Ok(x.shallow_clone());
    }
    let index = Tensor::f_from_slice(wanted)?.f_to_device(x.device())?;
    Ok(x.f_index_select(0, &index)?)
}

/// fp32 `[batch, dimension]` to unit-length vectors.
fn to_rows(embedded: &Tensor) -> Result<Vec<Embedding>> {
    let embedded = to_unit_length(embedded)?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?;
    let size = embedded.size();
    let (count, dimension) = (size[0] as usize, size[1] as usize);
    let mut flat = vec![0_f32; count * dimension];
    let length = flat.len();
    embedded.f_copy_data(&mut flat, length)?;
    // Half precision may overflow, and damaged weights may hold NaN. Such a vector would spoil a
    // collection.
    if flat.iter().any(|value| !value.is_finite()) {
        return Err(ClipError::NotFinite);
    }
    Ok(flat.chunks_exact(dimension).map(<[f32]>::to_vec).collect())
}
