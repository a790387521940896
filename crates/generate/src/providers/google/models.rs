//! The models of Gemini and Imagen, their limits and their prices.

use clippy_core::Result;
use clippy_core::settings::{Reader, wrong};

use crate::providers::shared::variables::{dollars, model_or};

/// The default of `GEMINI_VISION_MODEL`.
const VISION_MODEL: &str = "gemini-3.5-flash";

/// `GEMINI_VISION_MODEL`; `None` when it is `off`.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
pub fn vision_model(reader: &Reader) -> Result<Option<String>> {
    let model = model_or(reader, "GEMINI_VISION_MODEL", VISION_MODEL)?;
    Ok((model != "off").then_some(model))
}

/// The settings of Gemini's models.
#[derive(Debug, Clone)]
pub struct GeminiSettings {
    /// `GEMINI_IMAGE_MODEL`.
    pub image_model: String,
    /// `GEMINI_VISION_MODEL`, which describes sketches; `None` when it is off.
    pub vision_model: Option<String>,
    /// `512`, `1K`, `2K` or `4K`.
    pub image_size: String,
    /// The price of a picture in US dollars, if it is known.
    pub price: Option<f64>,
}

impl Default for GeminiSettings {
    fn default() -> Self {
        Self {
            image_model: "gemini-3.1-flash-image".to_owned(),
            vision_model: Some(VISION_MODEL.to_owned()),
            image_size: "1K".to_owned(),
            price: None,
        }
    }
}

impl GeminiSettings {
    /// Reads them.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
    pub fn read(reader: &Reader) -> Result<Self> {
        let defaults = Self::default();
        let image_size = reader.text_or(&["GEMINI_IMAGE_SIZE"], &defaults.image_size);
        if !["512", "1K", "2K", "4K"].contains(&image_size.as_str()) {
            return Err(wrong("GEMINI_IMAGE_SIZE", &image_size, "512, 1K, 2K or 4K"));
        }
        Ok(Self {
            image_model: model_or(reader, "GEMINI_IMAGE_MODEL", &defaults.image_model)?,
            vision_model: vision_model(reader)?,
            image_size,
            price: dollars(reader, "GEMINI_PRICE_USD")?,
        })
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

/// The settings of Imagen's models.
#[derive(Debug, Clone)]
pub struct ImagenSettings {
    /// `IMAGEN_MODEL`, which takes references.
    pub model: String,
    /// `IMAGEN_TEXT_MODEL`, for requests without pictures.
    pub text_model: String,
    /// `IMAGEN_MAX_SIDE`.
    pub max_side: u32,
    /// `IMAGEN_STYLE_MAX`: the largest number of style references.
    pub style_max: usize,
    /// The price of a picture in US dollars, if it is known.
    pub price: Option<f64>,
    /// `IMAGEN_AUTOSQUARE`.
    pub autosquare: Autosquare,
}

impl Default for ImagenSettings {
    fn default() -> Self {
        Self {
            model: "imagen-3.0-capability-001".to_owned(),
            text_model: "imagen-3.0-generate-001".to_owned(),
            max_side: 1024,
            style_max: 3,
            price: None,
            autosquare: Autosquare::Expand,
        }
    }
}

impl ImagenSettings {
    /// Reads them; `model` is `IMAGEN_MODEL`.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
    pub fn read(reader: &Reader, model: String) -> Result<Self> {
        let defaults = Self::default();
        let autosquare = reader.text_or(&["IMAGEN_AUTOSQUARE"], "expand");
        let autosquare = match autosquare.to_ascii_lowercase().as_str() {
            // Clippy 0.2's `crop` cropped the base; here it means the same as `expand`.
            "expand" | "crop" | "true" | "1" | "on" => Autosquare::Expand,
            "off" | "none" | "false" | "0" | "no" => Autosquare::Off,
            other => return Err(wrong("IMAGEN_AUTOSQUARE", other, "expand, crop or off")),
        };
        Ok(Self {
            model,
            text_model: model_or(reader, "IMAGEN_TEXT_MODEL", &defaults.text_model)?,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imagen_s_variables_of_clippy_0_2_are_read() {
        let reader = Reader::from_pairs([
            ("IMAGEN_AUTOSQUARE", "off"),
            ("IMAGEN_MAX_SIDE", "1536"),
            ("IMAGEN_STYLE_MAX", "2"),
        ]);
        let imagen = ImagenSettings::read(&reader, "m".to_owned()).expect("settings");
        assert_eq!(
            (imagen.max_side, imagen.style_max, imagen.autosquare),
            (1536, 2, Autosquare::Off)
        );
        for same in ["expand", "crop"] {
            let reader = Reader::from_pairs([("IMAGEN_AUTOSQUARE", same)]);
            let imagen = ImagenSettings::read(&reader, "m".to_owned()).expect("settings");
            assert_eq!(imagen.autosquare, Autosquare::Expand, "{same}");
        }
    }
}
