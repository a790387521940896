//! Registers Gemini and Imagen as kinds of providers, and sets up the vision model.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::Result;
use clippy_core::settings::Reader;

use super::account::GoogleAccount;
use super::endpoint::{Backoff, Endpoint, GoogleClient};
use super::gemini::GeminiProvider;
use super::imagen::ImagenProvider;
use super::models::{GeminiSettings, ImagenSettings, vision_model};
use super::vision::GeminiVision;
use crate::contract::Provider;
use crate::providers::kind::{ProviderKind, ProviderSettings, SharedParts};
use crate::providers::shared::describe::Describer;
use crate::providers::shared::variables::{dollars, model};

/// Gemini's image models.
pub const GEMINI: ProviderKind = ProviderKind {
    names: &["gemini"],
    needs: "GEMINI_API_KEY, or GOOGLE_GENAI_USE_VERTEXAI=true with GOOGLE_CLOUD_PROJECT",
    read: |reader| {
        let account = GoogleAccount::read(reader)?;
        let Some(endpoint) = account.gemini()? else {
            return Ok(None);
        };
        let models = GeminiSettings::read(reader)?;
        Ok(Some(Arc::new(Gemini { endpoint, models })))
    },
};

/// Imagen, for projects that still have access to it.
pub const IMAGEN: ProviderKind = ProviderKind {
    names: &["imagen"],
    needs: "GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION and IMAGEN_MODEL",
    read: |reader| {
        let account = GoogleAccount::read(reader)?;
        let model = model(reader, "IMAGEN_MODEL")?;
        let (Some(model), Some(endpoint)) = (model, account.imagen()) else {
            return Ok(None);
        };
        let models = ImagenSettings::read(reader, model)?;
        Ok(Some(Arc::new(Imagen { endpoint, models })))
    },
};

#[derive(Debug)]
struct Gemini {
    endpoint: Endpoint,
    models: GeminiSettings,
}

impl ProviderSettings for Gemini {
    fn build(&self, shared: &SharedParts) -> Result<Arc<dyn Provider>> {
        let client = GoogleClient::new(
            self.endpoint.clone(),
            Backoff::default(),
            shared.timeout,
            "GEMINI_IMAGE_MODEL",
        )?;
        let provider = GeminiProvider::new(client, self.models.clone());
        Ok(Arc::new(provider.with_describer(shared.describer.clone())))
    }
}

#[derive(Debug)]
struct Imagen {
    endpoint: Endpoint,
    models: ImagenSettings,
}

impl ProviderSettings for Imagen {
    fn build(&self, shared: &SharedParts) -> Result<Arc<dyn Provider>> {
        let client = GoogleClient::new(
            self.endpoint.clone(),
            Backoff::default(),
            shared.timeout,
            "IMAGEN_MODEL",
        )?;
        let provider = ImagenProvider::new(client, self.models.clone());
        Ok(Arc::new(provider.with_describer(shared.describer.clone())))
    }
}

/// The model that describes sketches, for all providers.
#[derive(Debug, Clone)]
pub struct VisionSettings {
    endpoint: Endpoint,
    model: String,
    /// The price of a description in US dollars, if it is known.
    pub price: Option<f64>,
}

impl VisionSettings {
    /// Reads them; `None` when Gemini is not set up, or `GEMINI_VISION_MODEL` is `off`.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
    pub fn read(reader: &Reader) -> Result<Option<Self>> {
        let Some(endpoint) = GoogleAccount::read(reader)?.gemini()? else {
            return Ok(None);
        };
        let Some(model) = vision_model(reader)? else {
            return Ok(None);
        };
        // A description never costs more than a picture.
        let price =
            dollars(reader, "GEMINI_VISION_PRICE_USD")?.or(dollars(reader, "GEMINI_PRICE_USD")?);
        Ok(Some(Self {
            endpoint,
            model,
            price,
        }))
    }

    /// Builds the describer, without calling the provider.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Unsupported`] when an HTTP client cannot be made.
    pub fn build(&self, timeout: Duration) -> Result<Arc<dyn Describer>> {
        let client = GoogleClient::new(
            self.endpoint.clone(),
            Backoff::default(),
            timeout,
            "GEMINI_VISION_MODEL",
        )?;
        Ok(Arc::new(GeminiVision::new(
            &client,
            self.model.clone(),
            self.price,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_costs_no_more_than_a_picture_and_can_be_switched_off() {
        let read = |more: &[(&'static str, &'static str)]| {
            let variables = [&[("GEMINI_API_KEY", "k")], more].concat();
            VisionSettings::read(&Reader::from_pairs(variables)).expect("settings")
        };
        let vision = read(&[("GEMINI_PRICE_USD", "0.04")]).expect("on");
        assert_eq!(vision.price, Some(0.04));
        let own = read(&[
            ("GEMINI_PRICE_USD", "0.04"),
            ("GEMINI_VISION_PRICE_USD", "0.01"),
            ("GEMINI_VISION_MODEL", "gemini-2.5-flash"),
        ])
        .expect("on");
        assert_eq!(
            (own.price, own.model.as_str()),
            (Some(0.01), "gemini-2.5-flash")
        );
        assert!(read(&[("GEMINI_VISION_MODEL", "off")]).is_none());
    }
}
