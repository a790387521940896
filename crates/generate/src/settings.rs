//! The settings of generation: which providers there are, and what they work with.

use std::path::PathBuf;
use std::time::Duration;

use clippy_core::settings::{Reader, Secret};
use clippy_core::{Error, Result};

use crate::address::{Address, without_login};
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
            Self::Gemini => {
                "GEMINI_API_KEY, or GOOGLE_GENAI_USE_VERTEXAI=true with GOOGLE_CLOUD_PROJECT"
            }
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
    pub gemini_base: Option<Address>,
    /// `GOOGLE_GENAI_USE_VERTEXAI`: Gemini through Vertex AI; on by itself where there is a
    /// project and no key.
    pub gemini_on_vertex: bool,
    /// `VERTEX_BASE_URL`.
    pub vertex_base: Option<Address>,
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
    /// `GENERATION_PROVIDER`. Where that is not set, what Clippy 0.2's settings mean, else the
    /// local one.
    pub default: ProviderName,
    /// Whether `GENERATION_PROVIDER` is set.
    pub chosen: bool,
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
    /// `GENERATION_WAIT_SECS`: how long a provider that is away or busy is waited for.
    pub patience: Duration,
}

fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::invalid(format!("{name} is \"{value}\", but must be {expected}"))
}

/// A server's address. A wrong one is not repeated with the user and the password in it.
fn url(reader: &Reader, name: &str) -> Result<Option<Address>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    let expected = "an http or https URL without ? and #";
    Address::parse(&text)
        .map(Some)
        .map_err(|_| wrong(name, &without_login(&text), expected))
}

/// An amount in US dollars.
fn dollars(reader: &Reader, name: &str) -> Result<Option<f64>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    let amount = text
        .parse::<f64>()
        .ok()
        .filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount
        .map(Some)
        .ok_or_else(|| wrong(name, &text, "an amount in US dollars, such as 0.04"))
}

fn yes(reader: &Reader, name: &str) -> Result<Option<bool>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => Err(wrong(name, &text, "true or false")),
    }
}

/// The part of a model's URL: letters, digits, dots, dashes; nothing that leads elsewhere.
fn model(reader: &Reader, name: &str) -> Result<Option<String>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@');
    if text.chars().all(plain) {
        Ok(Some(text))
    } else {
        Err(wrong(
            name,
            &text,
            "a model's id, such as gemini-3.1-flash-image",
        ))
    }
}

impl GenerationSettings {
    /// Reads them.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable, its value and what it
    /// should be.
    pub fn read(reader: &Reader) -> Result<Self> {
        let chosen = match reader.text(&["GENERATION_PROVIDER"]) {
            None => None,
            Some(name) => Some(ProviderName::named(&name).map_err(|_| {
                wrong(
                    "GENERATION_PROVIDER",
                    &name,
                    "local, gemini, imagen, comfyui or sdxl",
                )
            })?),
        };
        let key = reader.text(&["GEMINI_API_KEY"]).map(Secret::new);
        let project = reader.text(&["GOOGLE_CLOUD_PROJECT"]);
        let google = GoogleAccount {
            gemini_base: url(reader, "GEMINI_BASE_URL")?,
            gemini_on_vertex: yes(reader, "GOOGLE_GENAI_USE_VERTEXAI")?
                .unwrap_or(key.is_none() && project.is_some()),
            vertex_base: url(reader, "VERTEX_BASE_URL")?,
            location: model(reader, "GOOGLE_CLOUD_LOCATION")?,
            credentials: reader
                .text(&["GOOGLE_APPLICATION_CREDENTIALS"])
                .map(PathBuf::from),
            key,
            project,
        };
        let has_gemini = if google.gemini_on_vertex {
            google.project.is_some()
        } else {
            google.key.is_some()
        };
        let mut settings = Self {
            default: chosen.unwrap_or(ProviderName::Local),
            chosen: chosen.is_some(),
            gemini: if has_gemini {
                Some(gemini(reader)?)
            } else {
                None
            },
            imagen: match model(reader, "IMAGEN_MODEL")? {
                Some(model) if google.project.is_some() => Some(imagen(reader, model)?),
                _ => None,
            },
            comfyui: match url(reader, "COMFYUI_URL")? {
                Some(address) => Some(comfyui(reader, address)?),
                None => None,
            },
            budget: DailyBudget {
                limit: dollars(reader, "GENERATION_DAILY_BUDGET_USD")?
                    .map(MicroDollars::from_dollars),
            },
            timeout: Duration::from_secs(reader.checked(
                "GENERATION_TIMEOUT_SECS",
                180,
                "from 1 to 3600 seconds",
                |seconds: &u64| (1..=3600).contains(seconds),
            )?),
            patience: Duration::from_secs(reader.checked(
                "GENERATION_WAIT_SECS",
                1800,
                "from 0 to 86400 seconds",
                |seconds: &u64| *seconds <= 86_400,
            )?),
            google,
        };
        // Clippy 0.2 made pictures with Vertex AI once this was set; nobody sets it for the local
        // provider.
        let as_in_0_2 = yes(reader, "GOOGLE_GENAI_USE_VERTEXAI")? == Some(true);
        if chosen.is_none() && as_in_0_2 {
            settings.default = match (&settings.imagen, &settings.gemini) {
                (Some(_), _) => ProviderName::Imagen,
                (None, Some(_)) => ProviderName::Gemini,
                (None, None) => ProviderName::Local,
            };
        }
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
        Err(Error::invalid(format!(
            "GENERATION_PROVIDER is \"{name}\", which also needs {}",
            settings.default.needs()
        )))
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
    // A description never costs more than a picture.
    settings.vision_price = dollars(reader, "GEMINI_VISION_PRICE_USD")?.or(settings.price);
    Ok(settings)
}

fn imagen(reader: &Reader, model: String) -> Result<ImagenSettings> {
    let defaults = ImagenSettings::default();
    let autosquare = match reader
        .text(&["IMAGEN_AUTOSQUARE"])
        .map(|text| text.to_ascii_lowercase())
        .as_deref()
    {
        // Clippy 0.2's `crop` cut the base; here nothing of it is lost.
        None | Some("expand" | "crop" | "true" | "1" | "on") => Autosquare::Expand,
        Some("off" | "none" | "false" | "0" | "no") => Autosquare::Off,
        Some(other) => return Err(wrong("IMAGEN_AUTOSQUARE", other, "expand, crop or off")),
    };
    Ok(ImagenSettings {
        model,
        text_model: self::model(reader, "IMAGEN_TEXT_MODEL")?.unwrap_or(defaults.text_model),
        max_side: reader.checked(
            "IMAGEN_MAX_SIDE",
            defaults.max_side,
            "from 256 to 4096 pixels",
            |side: &u32| (256..=4096).contains(side),
        )?,
        style_max: reader.checked(
            "IMAGEN_STYLE_MAX",
            defaults.style_max,
            "from 0 to 4",
            |most: &usize| *most <= 4,
        )?,
        price: dollars(reader, "IMAGEN_PRICE_USD")?,
        autosquare,
    })
}

fn comfyui(reader: &Reader, address: Address) -> Result<ComfyUiSettings> {
    let mut settings = ComfyUiSettings::of(address)?;
    settings.longest = Duration::from_secs(reader.checked(
        "COMFYUI_TIMEOUT_SECS",
        settings.longest.as_secs(),
        "from 10 to 86400 seconds",
        |seconds: &u64| (10..=86_400).contains(seconds),
    )?);
    if let Some(checkpoint) = reader.text(&["COMFYUI_CHECKPOINT"]) {
        settings.checkpoint = checkpoint;
    }
    if let Some(controlnet) = reader.text(&["COMFYUI_CONTROLNET"]) {
        settings.controlnet = controlnet;
    }
    if let Some(path) = reader.text(&["COMFYUI_TEMPLATE"]) {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            wrong(
                "COMFYUI_TEMPLATE",
                &path,
                &format!("a file that can be read ({error})"),
            )
        })?;
        settings.template = Template::parse(&text).map_err(|error| {
            wrong(
                "COMFYUI_TEMPLATE",
                &path,
                &format!("a template ({})", error.message),
            )
        })?;
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
        assert!(
            settings.gemini.is_none() && settings.imagen.is_none() && settings.comfyui.is_none()
        );
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
        assert_eq!(
            settings
                .gemini
                .and_then(|gemini| gemini.vision_model)
                .as_deref(),
            Some("gemini-2.5-flash")
        );
        let imagen = settings.imagen.expect("asked for");
        assert_eq!(
            (imagen.max_side, imagen.style_max, imagen.autosquare),
            (1536, 2, Autosquare::Expand)
        );
    }

    #[test]
    fn a_complete_vertex_configuration_of_clippy_0_2_is_what_pictures_are_made_with() {
        let vertex = [
            ("GOOGLE_GENAI_USE_VERTEXAI", "true"),
            ("GOOGLE_CLOUD_PROJECT", "p"),
        ];
        let default = |more: &[(&str, &str)]| {
            let settings = read(&[&vertex[..], more].concat()).expect("settings");
            (settings.default, settings.chosen)
        };
        assert_eq!(default(&[]), (ProviderName::Gemini, false));
        assert_eq!(
            default(&[("IMAGEN_MODEL", "imagen-3.0-capability-001")]),
            (ProviderName::Imagen, false)
        );
        assert_eq!(
            default(&[("GENERATION_PROVIDER", "local")]),
            (ProviderName::Local, true)
        );
        // Halves of it, and what other programs on the machine are set up with, spend nobody's
        // money.
        for incomplete in [&vertex[..1], &vertex[1..], &[("GEMINI_API_KEY", "k")]] {
            assert_eq!(
                read(incomplete).expect("settings").default,
                ProviderName::Local,
                "{incomplete:?}"
            );
        }
    }

    #[test]
    fn wrong_values_are_named_and_secrets_do_not_show() {
        for (name, value) in [
            ("GENERATION_PROVIDER", "dalle"),
            ("COMFYUI_URL", "127.0.0.1:8188"),
            ("GEMINI_BASE_URL", "file:///etc"),
            ("GENERATION_DAILY_BUDGET_USD", "lots"),
            ("GENERATION_TIMEOUT_SECS", "0"),
            ("GENERATION_WAIT_SECS", "-1"),
            ("GOOGLE_GENAI_USE_VERTEXAI", "maybe"),
            ("GOOGLE_CLOUD_LOCATION", "evil.example/x?"),
        ] {
            let message = read(&[(name, value)]).expect_err(name).message;
            assert!(
                message.contains(name) && message.contains(value),
                "{message}"
            );
        }
        let message = read(&[("GENERATION_PROVIDER", "sdxl")])
            .expect_err("no server")
            .message;
        assert!(message.contains("COMFYUI_URL"), "{message}");
        let settings =
            read(&[("GEMINI_API_KEY", "hunter2"), ("GEMINI_PRICE_USD", "0.04")]).expect("a key");
        assert!(!format!("{settings:?}").contains("hunter2"));
        for name in ["COMFYUI_URL", "GEMINI_BASE_URL", "VERTEX_BASE_URL"] {
            for value in ["ann:hunter2@host.test:8188", "ftp://ann:hunter2@host.test"] {
                let message = read(&[(name, value)]).expect_err(name).message;
                assert!(
                    message.contains(name) && message.contains("host.test"),
                    "{message}"
                );
                assert!(
                    !message.contains("hunter2") && !message.contains("ann"),
                    "{message}"
                );
            }
            let settings = read(&[(name, "http://ann:hunter2@host.test")]).expect("an address");
            let shown = format!("{settings:?}");
            assert!(
                shown.contains("host.test") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
        let gemini = settings.gemini.expect("a key");
        assert_eq!(
            (gemini.price, gemini.vision_price),
            (Some(0.04), Some(0.04))
        );
    }
}
