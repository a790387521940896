//! The settings of a ComfyUI server.

use std::time::Duration;

use clippy_core::Result;
use clippy_core::settings::{Reader, wrong};

use super::template::Template;
use crate::providers::shared::address::Address;

/// The settings of a ComfyUI server.
#[derive(Debug, Clone)]
pub struct ComfyUiSettings {
    /// `COMFYUI_URL`.
    pub address: Address,
    /// `COMFYUI_CHECKPOINT`: an SDXL model in `models/checkpoints`.
    pub checkpoint: String,
    /// `COMFYUI_CONTROLNET`: a scribble ControlNet for SDXL in `models/controlnet`.
    pub controlnet: String,
    /// `COMFYUI_TEMPLATE`: the graph.
    pub template: Template,
    /// The pause between polls.
    pub poll: Duration,
    /// `COMFYUI_TIMEOUT_SECS`: how long the server may work on a picture, without its time in the
    /// queue.
    pub longest: Duration,
    /// How long to wait for a server that stops answering, before the job is returned to the
    /// queue.
    pub patience: Duration,
}

impl ComfyUiSettings {
    /// The defaults for the server at this URL.
    ///
    /// # Errors
    /// As [`Address::parse`] and [`Template::built_in`].
    pub fn at(url: &str) -> Result<Self> {
        Self::of(Address::parse(url)?)
    }

    /// The defaults for the server at this address.
    ///
    /// # Errors
    /// As [`Template::built_in`].
    pub fn of(address: Address) -> Result<Self> {
        Ok(Self {
            address,
            checkpoint: "sd_xl_base_1.0.safetensors".to_owned(),
            controlnet: "controlnet-scribble-sdxl-1.0.safetensors".to_owned(),
            template: Template::built_in()?,
            poll: Duration::from_secs(1),
            longest: Duration::from_secs(900),
            patience: Duration::from_secs(90),
        })
    }

    /// Reads them; `address` is `COMFYUI_URL`.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
    pub fn read(reader: &Reader, address: Address) -> Result<Self> {
        let defaults = Self::of(address)?;
        let longest = reader.checked(
            "COMFYUI_TIMEOUT_SECS",
            defaults.longest.as_secs(),
            "from 10 to 86400 seconds",
            |seconds: &u64| (10..=86_400).contains(seconds),
        )?;
        Ok(Self {
            longest: Duration::from_secs(longest),
            checkpoint: reader
                .text(&["COMFYUI_CHECKPOINT"])
                .unwrap_or(defaults.checkpoint),
            controlnet: reader
                .text(&["COMFYUI_CONTROLNET"])
                .unwrap_or(defaults.controlnet),
            template: match reader.text(&["COMFYUI_TEMPLATE"]) {
                Some(path) => read_template(&path)?,
                None => defaults.template,
            },
            ..defaults
        })
    }
}

fn read_template(path: &str) -> Result<Template> {
    let refused = |expected: String| wrong("COMFYUI_TEMPLATE", path, &expected);
    let text = std::fs::read_to_string(path)
        .map_err(|error| refused(format!("a file that can be read ({error})")))?;
    Template::parse(&text).map_err(|error| refused(format!("a template ({})", error.message)))
}
