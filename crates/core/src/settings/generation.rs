//! Who makes pictures, by which models, with which keys, and how much a key may spend a day.

use std::path::PathBuf;

use super::reader::{Reader, Secret, wrong};
use crate::Result;

/// Who makes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderName {
    /// This machine: no key, no network, no bill.
    Local,
    /// Google's Gemini image models.
    Gemini,
    /// Google's Imagen, which is being retired.
    Imagen,
    /// SDXL on a ComfyUI server. `sdxl` is another name for it.
    ComfyUi,
}

/// How Google is reached, for Gemini and Imagen.
#[derive(Debug, Clone)]
pub struct GoogleSettings {
    /// `GEMINI_API_KEY`.
    pub api_key: Option<Secret>,
    /// `GEMINI_BASE_URL`: where calls with the key go.
    pub base_url: String,
    /// `GOOGLE_GENAI_USE_VERTEXAI`: Vertex AI although there is a key.
    pub use_vertex: bool,
    /// `GOOGLE_CLOUD_PROJECT`.
    pub project: Option<String>,
    /// `GOOGLE_CLOUD_LOCATION`; unset means the one where the model is to be had.
    pub location: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`: a service account's key file; without it, the machine's own credentials.
    pub credentials: Option<PathBuf>,
    /// `VERTEX_BASE_URL`: instead of the address that follows from the location.
    pub vertex_base_url: Option<String>,
}

/// Who makes pictures, and for how much.
#[derive(Debug, Clone)]
pub struct GenerationSettings {
    /// `GENERATION_PROVIDER`: who is asked when a request names nobody.
    pub provider: ProviderName,
    /// How Google is reached.
    pub google: GoogleSettings,
    /// `GEMINI_IMAGE_MODEL`; unset means the one that this version was made for.
    pub gemini_image_model: Option<String>,
    /// `GEMINI_VISION_MODEL`: describes sketches; `none` leaves that out.
    pub gemini_vision_model: Option<String>,
    /// `GEMINI_IMAGE_SIZE`.
    pub gemini_image_size: Option<String>,
    /// `IMAGEN_MODEL`.
    pub imagen_model: Option<String>,
    /// `IMAGEN_MAX_SIDE`: longest side of pictures that are sent.
    pub imagen_max_side: Option<u32>,
    /// `IMAGEN_STYLE_MAX`: most style references of one picture.
    pub imagen_style_max: Option<usize>,
    /// `COMFYUI_URL`.
    pub comfyui_url: Option<String>,
    /// `COMFYUI_CHECKPOINT`.
    pub comfyui_checkpoint: Option<String>,
    /// `COMFYUI_CONTROLNET`.
    pub comfyui_controlnet: Option<String>,
    /// `COMFYUI_TEMPLATE`: a graph of the user's own.
    pub comfyui_template: Option<PathBuf>,
    /// `GENERATION_PRICE_USD`: what one picture of the provider costs, for estimates and budgets.
    pub price_usd: Option<f64>,
    /// `GENERATION_DAILY_USD`: what one key may spend a day (UTC).
    pub daily_usd: Option<f64>,
    /// `GENERATION_DAILY_PICTURES`: how many pictures one key may ask for a day (UTC).
    pub daily_pictures: Option<u64>,
}

const AUTOSQUARE: &str = "IMAGEN_AUTOSQUARE";

pub(super) fn read(reader: &Reader) -> Result<GenerationSettings> {
    let settings = GenerationSettings {
        provider: provider(reader)?,
        google: google(reader)?,
        gemini_image_model: reader.text(&["GEMINI_IMAGE_MODEL"]),
        gemini_vision_model: reader.text(&["GEMINI_VISION_MODEL"]),
        gemini_image_size: one_of(reader, "GEMINI_IMAGE_SIZE", &["512", "1K", "2K", "4K"])?,
        imagen_model: reader.text(&["IMAGEN_MODEL"]),
        imagen_max_side: optional(reader, "IMAGEN_MAX_SIDE", "a number of pixels from 64 to 4096", |side: &u32| {
            (64..=4096).contains(side)
        })?,
        imagen_style_max: optional(reader, "IMAGEN_STYLE_MAX", "a whole number from 1 to 4", |most: &usize| {
            (1..=4).contains(most)
        })?,
        comfyui_url: address(reader, "COMFYUI_URL")?,
        comfyui_checkpoint: reader.text(&["COMFYUI_CHECKPOINT"]),
        comfyui_controlnet: reader.text(&["COMFYUI_CONTROLNET"]),
        comfyui_template: reader.text(&["COMFYUI_TEMPLATE"]).map(PathBuf::from),
        price_usd: money(reader, "GENERATION_PRICE_USD")?,
        daily_usd: money(reader, "GENERATION_DAILY_USD")?,
        daily_pictures: optional(reader, "GENERATION_DAILY_PICTURES", "a whole number of pictures", |_: &u64| true)?,
    };
    // Clippy 0.2's way of making a picture square. Ratios are asked for by each request now; a wrong value is still
    // a mistake that somebody wants to know of.
    one_of(reader, AUTOSQUARE, &["expand", "crop", "off"])?;
    check(&settings)?;
    Ok(settings)
}

/// What a provider cannot do without, said at the start and not at the first picture.
fn check(settings: &GenerationSettings) -> Result<()> {
    let missing = |value: &str, expected: &str| Err(wrong("GENERATION_PROVIDER", value, expected));
    let google = &settings.google;
    match settings.provider {
        ProviderName::Gemini if google.use_vertex && google.project.is_none() => {
            missing("gemini", "another, or GOOGLE_CLOUD_PROJECT must be set: GOOGLE_GENAI_USE_VERTEXAI asks for Vertex AI")
        }
        ProviderName::Gemini if google.api_key.is_none() && google.project.is_none() => {
            missing("gemini", "another, or GEMINI_API_KEY or GOOGLE_CLOUD_PROJECT must be set")
        }
        ProviderName::Imagen if google.project.is_none() => {
            missing("imagen", "another, or GOOGLE_CLOUD_PROJECT must be set: Imagen is reached through Vertex AI")
        }
        ProviderName::ComfyUi if settings.comfyui_url.is_none() => {
            missing("comfyui", "another, or COMFYUI_URL must be set, such as http://127.0.0.1:8188")
        }
        ProviderName::Local | ProviderName::Gemini | ProviderName::Imagen | ProviderName::ComfyUi => {
            if settings.daily_usd.is_some() && settings.price_usd.is_none() && settings.provider != ProviderName::Local {
                return Err(crate::Error::invalid(
                    "GENERATION_DAILY_USD is set and GENERATION_PRICE_USD is not: without the price of a picture nobody \
                     can tell when the budget is spent. Set it too",
                ));
            }
            Ok(())
        }
    }
}

fn provider(reader: &Reader) -> Result<ProviderName> {
    match reader.text(&["GENERATION_PROVIDER"]).unwrap_or_else(|| "local".to_owned()).to_lowercase().as_str() {
        "local" => Ok(ProviderName::Local),
        "gemini" => Ok(ProviderName::Gemini),
        "imagen" => Ok(ProviderName::Imagen),
        "comfyui" | "sdxl" => Ok(ProviderName::ComfyUi),
        other => Err(wrong("GENERATION_PROVIDER", other, "local, gemini, imagen, comfyui or sdxl")),
    }
}

fn google(reader: &Reader) -> Result<GoogleSettings> {
    let use_vertex = match reader.text(&["GOOGLE_GENAI_USE_VERTEXAI"]).map(|text| text.to_lowercase()).as_deref() {
        None | Some("false" | "0" | "no" | "off") => false,
        Some("true" | "1" | "yes" | "on") => true,
        Some(other) => return Err(wrong("GOOGLE_GENAI_USE_VERTEXAI", other, "true or false")),
    };
    let name = |variable: &str| match reader.text(&[variable]) {
        Some(value) if !value.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.:".contains(letter)) => {
            Err(wrong(variable, &value, "a name of letters, digits and hyphens"))
        }
        value => Ok(value),
    };
    Ok(GoogleSettings {
        api_key: reader.text(&["GEMINI_API_KEY"]).map(Secret::new),
        base_url: address(reader, "GEMINI_BASE_URL")?
            .unwrap_or_else(|| "https://generativelanguage.googleapis.com".to_owned()),
        use_vertex,
        project: name("GOOGLE_CLOUD_PROJECT")?,
        location: name("GOOGLE_CLOUD_LOCATION")?,
        credentials: reader.text(&["GOOGLE_APPLICATION_CREDENTIALS"]).map(PathBuf::from),
        vertex_base_url: address(reader, "VERTEX_BASE_URL")?,
    })
}

fn address(reader: &Reader, name: &str) -> Result<Option<String>> {
    match reader.text(&[name]) {
        Some(value) if !(value.starts_with("http://") || value.starts_with("https://")) || value.contains('@') => {
            // Not the value itself: it may hold a password.
            Err(wrong(name, "[hidden]", "an address such as http://127.0.0.1:8188, without a password in it"))
        }
        value => Ok(value.map(|value| value.trim_end_matches('/').to_owned())),
    }
}

fn one_of(reader: &Reader, name: &str, known: &[&str]) -> Result<Option<String>> {
    match reader.text(&[name]) {
        None => Ok(None),
        Some(value) => match known.iter().find(|known| known.eq_ignore_ascii_case(&value)) {
            Some(known) => Ok(Some((*known).to_owned())),
            None => Err(wrong(name, &value, &format!("one of {}", known.join(", ")))),
        },
    }
}

fn optional<T: std::str::FromStr>(
    reader: &Reader,
    name: &str,
    expected: &str,
    good: impl Fn(&T) -> bool,
) -> Result<Option<T>> {
    match reader.text(&[name]) {
        None => Ok(None),
        Some(value) => value.parse().ok().filter(good).map(Some).ok_or_else(|| wrong(name, &value, expected)),
    }
}

fn money(reader: &Reader, name: &str) -> Result<Option<f64>> {
    optional(reader, name, "an amount of US dollars, such as 2.5", |amount: &f64| amount.is_finite() && *amount >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<GenerationSettings> {
        read(&Reader::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn the_local_provider_needs_nothing() {
        let settings = settings(&[]).expect("nothing set");
        assert_eq!(settings.provider, ProviderName::Local);
        assert_eq!((settings.daily_usd, settings.daily_pictures), (None, None));
        assert_eq!(settings.google.base_url, "https://generativelanguage.googleapis.com");
    }

    #[test]
    fn what_a_provider_lacks_is_named() {
        for (pairs, named) in [
            (&[("GENERATION_PROVIDER", "dall-e")][..], "local, gemini, imagen, comfyui or sdxl"),
            (&[("GENERATION_PROVIDER", "gemini")], "GEMINI_API_KEY"),
            (
                &[("GENERATION_PROVIDER", "gemini"), ("GEMINI_API_KEY", "k"), ("GOOGLE_GENAI_USE_VERTEXAI", "true")],
                "GOOGLE_CLOUD_PROJECT",
            ),
            (&[("GENERATION_PROVIDER", "imagen"), ("GEMINI_API_KEY", "k")], "GOOGLE_CLOUD_PROJECT"),
            (&[("GENERATION_PROVIDER", "sdxl")], "COMFYUI_URL"),
            (&[("COMFYUI_URL", "localhost:8188")], "COMFYUI_URL"),
            (&[("GOOGLE_CLOUD_PROJECT", "a/../b")], "GOOGLE_CLOUD_PROJECT"),
            (&[("GOOGLE_GENAI_USE_VERTEXAI", "maybe")], "true or false"),
            (&[("GEMINI_IMAGE_SIZE", "8K")], "GEMINI_IMAGE_SIZE"),
            (&[("IMAGEN_MAX_SIDE", "9")], "IMAGEN_MAX_SIDE"),
            (&[("IMAGEN_STYLE_MAX", "0")], "IMAGEN_STYLE_MAX"),
            (&[("IMAGEN_AUTOSQUARE", "stretch")], "IMAGEN_AUTOSQUARE"),
            (&[("GENERATION_DAILY_USD", "-1")], "GENERATION_DAILY_USD"),
            (&[("GENERATION_DAILY_PICTURES", "few")], "GENERATION_DAILY_PICTURES"),
            (
                &[("GENERATION_PROVIDER", "gemini"), ("GEMINI_API_KEY", "k"), ("GENERATION_DAILY_USD", "5")],
                "GENERATION_PRICE_USD",
            ),
        ] {
            let error = settings(pairs).expect_err(named);
            assert!(error.message.contains(named), "{} should name {named}", error.message);
        }
    }

    #[test]
    fn the_key_never_shows() {
        let settings = settings(&[
            ("GENERATION_PROVIDER", "gemini"),
            ("GEMINI_API_KEY", "hunter2"),
            ("GENERATION_PRICE_USD", "0.04"),
            ("GENERATION_DAILY_USD", "5"),
        ])
        .expect("gemini by key");
        assert_eq!(settings.google.api_key.as_ref().map(Secret::expose), Some("hunter2"));
        assert!(!format!("{settings:?}").contains("hunter2"));
        let error = super::read(&Reader::from_pairs([("COMFYUI_URL", "http://me:hunter2@box:8188")])).expect_err("a password");
        assert!(!error.message.contains("hunter2"), "{}", error.message);
    }
}
