//! The settings of generation: which providers there are, and what they work with.

use std::path::PathBuf;
use std::time::Duration;

use clippy_core::settings::{Reader, Secret};
use clippy_core::{Error, Result};

use crate::budget::{DailyBudget, MicroDollars};
use crate::comfyui::{ComfyUiSettings, Template};
use crate::google::{GeminiSettings, ImagenSettings};

/// A provider by its name in `GENERATION_PROVIDER` and in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProviderName {
    /// On this machine's processor.
    Local,
    /// Gemini's image models.
    Gemini,
    /// Imagen, for projects that still have it.
    Imagen,
    /// SDXL on a ComfyUI server; `sdxl` means the same.
    ComfyUi,
}

impl ProviderName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Local, Self::Gemini, Self::Imagen, Self::ComfyUi];

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Gemini => "gemini",
            Self::Imagen => "imagen",
            Self::ComfyUi => "comfyui",
        }
    }

    /// The provider of this name.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that lists the names.
    pub fn named(name: &str) -> Result<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "local" => Ok(Self::Local),
            "gemini" => Ok(Self::Gemini),
            "imagen" => Ok(Self::Imagen),
            "comfyui" | "sdxl" => Ok(Self::ComfyUi),
            _ => Err(Error::invalid(format!(
                "provider is \"{}\", but must be one of local, gemini, imagen, comfyui, sdxl",
                crate::request::shortened(name)
            ))),
        }
    }

    /// What to set so that the provider is there.
    #[must_use]
    pub fn needs(self) -> &'static str {
        match self {
            Self::Local => "nothing",
            Self::Gemini => "GEMINI_API_KEY, or GOOGLE_GENAI_USE_VERTEXAI=true with GOOGLE_CLOUD_PROJECT",
            Self::Imagen => "GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION and IMAGEN_MODEL",
            Self::ComfyUi => "COMFYUI_URL",
        }
    }
}

/// What Imagen does with a base that is not square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Autosquare {
    /// It is padded to a square for the model, and the padding is cut off the answer.
    #[default]
    Expand,
    /// It is sent as it is.
    Off,
}

/// Google's account.
#[derive(Debug, Clone, Default)]
pub struct GoogleAccount {
    /// `GEMINI_API_KEY`.
    pub key: Option<Secret>,
    /// `GEMINI_BASE_URL`.
    pub gemini_base: Option<String>,
    /// `GOOGLE_GENAI_USE_VERTEXAI`: Gemini through Vertex AI; on by itself where there is a project and no key.
    pub gemini_on_vertex: bool,
    /// `VERTEX_BASE_URL`.
    pub vertex_base: Option<String>,
    /// `GOOGLE_CLOUD_PROJECT`.
    pub project: Option<String>,
    /// `GOOGLE_CLOUD_LOCATION` where it is set.
    pub location: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    pub credentials: Option<PathBuf>,
}

/// Everything about generation that can be set.
#[derive(Debug, Clone)]
pub struct GenerationSettings {
    /// `GENERATION_PROVIDER`.
    pub default: ProviderName,
    /// Google's account.
    pub google: GoogleAccount,
    /// Gemini's models, where there is a key or a project.
    pub gemini: Option<GeminiSettings>,
    /// Imagen's models, where `IMAGEN_MODEL` asks for it.
    pub imagen: Option<ImagenSettings>,
    /// ComfyUI, where `COMFYUI_URL` is set.
    pub comfyui: Option<ComfyUiSettings>,
    /// `GENERATION_DAILY_BUDGET_USD`.
    pub budget: DailyBudget,
    /// `GENERATION_TIMEOUT_SECS`: the longest that one call to a provider may take.
    pub timeout: Duration,
}

fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::invalid(format!("{name} is \"{value}\", but must be {expected}"))
}

/// A base URL without a slash at its end.
fn url(reader: &Reader, name: &str) -> Result<Option<String>> {
    let Some(text) = reader.text(&[name]) else { return Ok(None) };
    match url::Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(Some(text.trim_end_matches('/').to_owned()))
        }
        _ => Err(wrong(name, &text, "an http or https URL")),
    }
}

/// An amount in US dollars.
fn dollars(reader: &Reader, name: &str) -> Result<Option<f64>> {
    let Some(text) = reader.text(&[name]) else { return Ok(None) };
    let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.map(Some).ok_or_else(|| wrong(name, &text, "an amount in US dollars, such as 0.04"))
}

fn yes(reader: &Reader, name: &str) -> Result<Option<bool>> {
    let Some(text) = reader.text(&[name]) else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => Err(wrong(name, &text, "true or false")),
    }
}

/// The part of a model's URL: letters, digits, dots, dashes; nothing that leads elsewhere.
fn model(reader: &Reader, name: &str) -> Result<Option<String>> {
    let Some(text) = reader.text(&[name]) else { return Ok(None) };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@');
    if text.chars().all(plain) {
        Ok(Some(text))
    } else {
        Err(wrong(name, &text, "a model's id, such as gemini-3.1-flash-image"))
    }
}

impl GenerationSettings {
    /// Reads them.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable, its value and what it should be.
    pub fn read(reader: &Reader) -> Result<Self> {
        let default = match reader.text(&["GENERATION_PROVIDER"]) {
            None => ProviderName::Local,
            Some(name) => ProviderName::named(&name)
                .map_err(|_| wrong("GENERATION_PROVIDER", &name, "local, gemini, imagen, comfyui or sdxl"))?,
        };
        let key = reader.text(&["GEMINI_API_KEY"]).map(Secret::new);
        let project = reader.text(&["GOOGLE_CLOUD_PROJECT"]);
        let google = GoogleAccount {
            gemini_base: url(reader, "GEMINI_BASE_URL")?,
            gemini_on_vertex: yes(reader, "GOOGLE_GENAI_USE_VERTEXAI")?.unwrap_or(key.is_none() && project.is_some()),
            vertex_base: url(reader, "VERTEX_BASE_URL")?,
            location: model(reader, "GOOGLE_CLOUD_LOCATION")?,
            credentials: reader.text(&["GOOGLE_APPLICATION_CREDENTIALS"]).map(PathBuf::from),
            key,
            project,
        };
        let has_gemini = if google.gemini_on_vertex { google.project.is_some() } else { google.key.is_some() };
        let settings = Self {
            default,
            gemini: if has_gemini { Some(gemini(reader)?) } else { None },
            imagen: match model(reader, "IMAGEN_MODEL")? {
                Some(model) if google.project.is_some() => Some(imagen(reader, model)?),
                _ => None,
            },
            comfyui: match url(reader, "COMFYUI_URL")? {
                Some(url) => Some(comfyui(reader, &url)?),
                None => None,
            },
            budget: DailyBudget {
                limit: dollars(reader, "GENERATION_DAILY_BUDGET_USD")?.map(MicroDollars::from_dollars),
            },
            timeout: Duration::from_secs(reader.checked(
                "GENERATION_TIMEOUT_SECS",
                180,
                "from 1 to 3600 seconds",
                |seconds: &u64| (1..=3600).contains(seconds),
            )?),
            google,
        };
        let there = match settings.default {
            ProviderName::Local => true,
            ProviderName::Gemini => settings.gemini.is_some(),
            ProviderName::Imagen => settings.imagen.is_some(),
            ProviderName::ComfyUi => settings.comfyui.is_some(),
        };
        if there {
            return Ok(settings);
        }
        let name = settings.default.as_str();
        Err(Error::invalid(format!("GENERATION_PROVIDER is \"{name}\", which also needs {}", settings.default.needs())))
    }
}

fn gemini(reader: &Reader) -> Result<GeminiSettings> {
    let mut settings = GeminiSettings::default();
    if let Some(model) = model(reader, "GEMINI_IMAGE_MODEL")? {
        settings.image_model = model;
    }
    if let Some(name) = model(reader, "GEMINI_VISION_MODEL")? {
        settings.vision_model = (name != "off").then_some(name);
    }
    if let Some(size) = reader.text(&["GEMINI_IMAGE_SIZE"]) {
        if !["512", "1K", "2K", "4K"].contains(&size.as_str()) {
            return Err(wrong("GEMINI_IMAGE_SIZE", &size, "512, 1K, 2K or 4K"));
        }
        settings.image_size = size;
    }
    settings.price = dollars(reader, "GEMINI_PRICE_USD")?;
    Ok(settings)
}

fn imagen(reader: &Reader, model: String) -> Result<ImagenSettings> {
    let defaults = ImagenSettings::default();
    let autosquare = match reader.text(&["IMAGEN_AUTOSQUARE"]).map(|text| text.to_ascii_lowercase()).as_deref() {
        // Clippy 0.2's `crop` cut the base; here nothing of it is lost.
        None | Some("expand" | "crop" | "true" | "1" | "on") => Autosquare::Expand,
        Some("off" | "none" | "false" | "0" | "no") => Autosquare::Off,
        Some(other) => return Err(wrong("IMAGEN_AUTOSQUARE", other, "expand, crop or off")),
    };
    Ok(ImagenSettings {
        model,
        text_model: self::model(reader, "IMAGEN_TEXT_MODEL")?.unwrap_or(defaults.text_model),
        max_side: reader.checked("IMAGEN_MAX_SIDE", defaults.max_side, "from 256 to 4096 pixels", |side: &u32| {
            (256..=4096).contains(side)
        })?,
        style_max: reader.checked("IMAGEN_STYLE_MAX", defaults.style_max, "from 0 to 4", |most: &usize| *most <= 4)?,
        price: dollars(reader, "IMAGEN_PRICE_USD")?,
        autosquare,
    })
}

fn comfyui(reader: &Reader, url: &str) -> Result<ComfyUiSettings> {
    let mut settings = ComfyUiSettings::at(url)?;
    if let Some(checkpoint) = reader.text(&["COMFYUI_CHECKPOINT"]) {
        settings.checkpoint = checkpoint;
    }
    if let Some(controlnet) = reader.text(&["COMFYUI_CONTROLNET"]) {
        settings.controlnet = controlnet;
    }
    if let Some(path) = reader.text(&["COMFYUI_TEMPLATE"]) {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| wrong("COMFYUI_TEMPLATE", &path, &format!("a file that can be read ({error})")))?;
        settings.template = Template::parse(&text)
            .map_err(|error| wrong("COMFYUI_TEMPLATE", &path, &format!("a template ({})", error.message)))?;
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<GenerationSettings> {
        GenerationSettings::read(&Reader::from_pairs(variables.iter().copied()))
    }

    #[test]
    fn with_nothing_set_there_is_the_local_provider_alone() {
        let settings = read(&[]).expect("nothing set");
        assert_eq!(settings.default, ProviderName::Local);
        assert!(settings.gemini.is_none() && settings.imagen.is_none() && settings.comfyui.is_none());
        assert_eq!(settings.budget.limit, None);
    }

    #[test]
    fn an_environment_of_clippy_0_2_works() {
        let settings = read(&[
            ("GOOGLE_GENAI_USE_VERTEXAI", "True"),
            ("GOOGLE_CLOUD_PROJECT", "p"),
            ("GOOGLE_CLOUD_LOCATION", "us-central1"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/key.json"),
            ("GEMINI_VISION_MODEL", "gemini-2.5-flash"),
            ("IMAGEN_MODEL", "imagen-3.0-capability-001"),
            ("IMAGEN_AUTOSQUARE", "expand"),
            ("IMAGEN_MAX_SIDE", "1536"),
            ("IMAGEN_STYLE_MAX", "2"),
            ("GENERATION_PROVIDER", "imagen"),
        ])
        .expect("0.2's names");
        assert!(settings.google.gemini_on_vertex);
        assert_eq!(settings.gemini.and_then(|gemini| gemini.vision_model).as_deref(), Some("gemini-2.5-flash"));
        let imagen = settings.imagen.expect("asked for");
        assert_eq!((imagen.max_side, imagen.style_max, imagen.autosquare), (1536, 2, Autosquare::Expand));
    }

    #[test]
    fn wrong_values_are_named_and_secrets_do_not_show() {
        for (name, value) in [
            ("GENERATION_PROVIDER", "dalle"),
            ("COMFYUI_URL", "127.0.0.1:8188"),
            ("GEMINI_BASE_URL", "file:///etc"),
            ("GENERATION_DAILY_BUDGET_USD", "lots"),
            ("GENERATION_TIMEOUT_SECS", "0"),
            ("GOOGLE_GENAI_USE_VERTEXAI", "maybe"),
            ("GOOGLE_CLOUD_LOCATION", "evil.example/x?"),
        ] {
            let message = read(&[(name, value)]).expect_err(name).message;
            assert!(message.contains(name) && message.contains(value), "{message}");
        }
        let message = read(&[("GENERATION_PROVIDER", "sdxl")]).expect_err("no server").message;
        assert!(message.contains("COMFYUI_URL"), "{message}");
        let settings = read(&[("GEMINI_API_KEY", "hunter2"), ("GEMINI_PRICE_USD", "0.04")]).expect("a key");
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.gemini.and_then(|gemini| gemini.price), Some(0.04));
    }
}
