//! `MODEL_NAME`, `PRETRAINED`, `DEVICE`, `PRECISION` and their older names `OPENCLIP_*`,
//! `EMBED_BATCH`, `EMBEDDER_URL`, `STYLE_MODEL`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::reader::{Reader, wrong};
use crate::Result;

/// The largest `EMBED_BATCH`.
const MOST_BATCH: usize = 4096;

/// The number format that a model computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Precision {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point (half), for GPUs.
    Fp16,
    /// bfloat16, for GPUs and for CPUs that compute in it.
    Bf16,
}

/// Which model embeds, on what.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// `MODEL_NAME`: open_clip's name of the architecture. Unset means the bundled model.
    pub name: Option<String>,
    /// `PRETRAINED`: a known tag, a path to `.safetensors`, `local-dir:PATH`, or `hf-hub:ORG/REPO`.
    pub pretrained: Option<String>,
    /// `DEVICE`: `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// `PRECISION`; unset means what is fastest on the device without a loss that search would
    /// notice.
    pub precision: Option<Precision>,
    /// `EMBED_BATCH`: most pictures in one batch; unset means a number that suits the device.
    pub embed_batch: Option<usize>,
    /// `EMBEDDER_URL`: a worker that embeds, for machines without a GPU.
    pub embedder_url: Option<Address>,
    /// `STYLE_MODEL`: published style descriptors (CSD), a `.safetensors` file or a folder with one.
    pub style_model: Option<PathBuf>,
}

pub(super) fn read(reader: &Reader) -> Result<ModelSettings> {
    let device = reader
        .text_or(&["DEVICE", "OPENCLIP_DEVICE"], "auto")
        .to_lowercase();
    let known = matches!(device.as_str(), "auto" | "cpu" | "cuda")
        || device
            .strip_prefix("cuda:")
            .is_some_and(|index| index.parse::<u32>().is_ok());
    if !known {
        return Err(wrong("DEVICE", &device, "auto, cpu, cuda or cuda:N"));
    }
    let precision = match reader.text(&["PRECISION", "OPENCLIP_PRECISION"]) {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| wrong("PRECISION", &text, "fp32, fp16 or bf16"))?,
        ),
    };
    let embed_batch = reader.text(&["EMBED_BATCH"]).map(|text| {
        let number = text.parse().ok();
        let number = number.filter(|number| (1..=MOST_BATCH).contains(number));
        number.ok_or_else(|| wrong("EMBED_BATCH", &text, "a whole number from 1 to 4096"))
    });
    Ok(ModelSettings {
        name: reader.text(&["MODEL_NAME", "OPENCLIP_MODEL"]),
        pretrained: reader.text(&["PRETRAINED", "OPENCLIP_PRETRAINED"]),
        device,
        precision,
        embed_batch: embed_batch.transpose()?,
        embedder_url: reader.text(&["EMBEDDER_URL"]).map(Address::new),
        style_model: reader.text(&["STYLE_MODEL"]).map(PathBuf::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_a_number_of_pictures() {
        let batch = |text: &str| {
            let reader = Reader::from_pairs([("EMBED_BATCH", text)]);
            read(&reader).map(|settings| settings.embed_batch)
        };
        assert_eq!(batch("").expect("unset"), None);
        assert_eq!(batch("128").expect("a number"), Some(128));
        for wrong in ["0", "-1", "4097", "many"] {
            let error = batch(wrong).expect_err(wrong).to_string();
            assert!(error.contains("EMBED_BATCH"), "{error}");
        }
    }
}
