//! The providers that are set up, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use clippy_core::{Error, ErrorCode, Result};

use crate::comfyui::ComfyUiProvider;
use crate::google::{Backoff, Endpoint, GcpTokens, GeminiProvider, GoogleClient, ImagenProvider};
use crate::local::LocalProvider;
use crate::provider::{Capabilities, Provider};
use crate::settings::{GenerationSettings, ProviderName};

/// The providers that are set up. The local one always is.
#[derive(Clone)]
pub struct Providers {
    default: ProviderName,
    known: BTreeMap<ProviderName, Arc<dyn Provider>>,
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Providers").field("default", &self.default).field("known", &self.known.keys()).finish()
    }
}

impl Default for Providers {
    /// The local provider alone.
    fn default() -> Self {
        let local: Arc<dyn Provider> = Arc::new(LocalProvider);
        Self { default: ProviderName::Local, known: BTreeMap::from([(ProviderName::Local, local)]) }
    }
}

impl Providers {
    /// Those that the settings name. Nothing is called yet.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] when an HTTP client cannot be made.
    pub fn from_settings(settings: &GenerationSettings) -> Result<Self> {
        let mut providers = Self { default: settings.default, ..Self::default() };
        let google = &settings.google;
        let vertex = |location: String| {
            let project = google.project.clone()?;
            let tokens = Arc::new(GcpTokens::new(google.credentials.clone()));
            Some(Endpoint::Vertex { base: google.vertex_base.clone(), project, location, tokens })
        };
        if let Some(gemini) = &settings.gemini {
            let endpoint = if google.gemini_on_vertex {
                // The 3.x image models are served from there only.
                vertex(google.location.clone().unwrap_or_else(|| "global".to_owned()))
            } else {
                let base = google
                    .gemini_base
                    .clone()
                    .unwrap_or_else(|| "https://generativelanguage.googleapis.com".to_owned());
                google.key.clone().map(|key| Endpoint::ApiKey { base, key })
            };
            if let Some(endpoint) = endpoint {
                let client = GoogleClient::new(endpoint, Backoff::default(), settings.timeout, "GEMINI_IMAGE_MODEL")?;
                providers.put(ProviderName::Gemini, GeminiProvider::new(client, gemini.clone()));
            }
        }
        if let Some(imagen) = &settings.imagen
            && let Some(endpoint) = vertex(google.location.clone().unwrap_or_else(|| "us-central1".to_owned()))
        {
            let client = GoogleClient::new(endpoint, Backoff::default(), settings.timeout, "IMAGEN_MODEL")?;
            providers.put(ProviderName::Imagen, ImagenProvider::new(client, imagen.clone()));
        }
        if let Some(comfyui) = &settings.comfyui {
            providers.put(ProviderName::ComfyUi, ComfyUiProvider::new(comfyui.clone())?);
        }
        Ok(providers)
    }

    /// Adds a provider, or replaces the one of that name.
    pub fn put(&mut self, name: ProviderName, provider: impl Provider) {
        self.known.insert(name, Arc::new(provider));
    }

    /// The provider of a request: the one it names, else the default.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for a name that does not exist; [`ErrorCode::Unsupported`] for a provider that is not
    /// set up, with what to set.
    pub fn get(&self, name: Option<&str>) -> Result<&Arc<dyn Provider>> {
        let name = name.map_or(Ok(self.default), ProviderName::named)?;
        self.known.get(&name).ok_or_else(|| {
            let message = format!("the provider {} is not set up here: it needs {}", name.as_str(), name.needs());
            Error::new(ErrorCode::Unsupported, message)
        })
    }

    /// What each of them takes and gives, the default first.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capabilities> {
        let mut all: Vec<(bool, Capabilities)> =
            self.known.iter().map(|(name, provider)| (*name != self.default, provider.capabilities())).collect();
        all.sort_by_key(|(other, _)| *other);
        all.into_iter().map(|(_, capabilities)| capabilities).collect()
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::Reader;

    use super::*;

    #[test]
    fn providers_are_found_by_name_and_those_not_set_up_say_what_they_need() {
        let alone = Providers::default();
        assert_eq!(alone.get(None).expect("the default").capabilities().provider, "local");
        let error = alone.get(Some("gemini")).err().expect("not set up");
        assert!(error.code == ErrorCode::Unsupported && error.message.contains("GEMINI_API_KEY"), "{}", error.message);
        assert_eq!(alone.get(Some("dalle")).err().expect("unknown").code, ErrorCode::InvalidInput);

        let variables = [
            ("GEMINI_API_KEY", "k"),
            ("COMFYUI_URL", "http://127.0.0.1:8188"),
            ("GOOGLE_CLOUD_PROJECT", "p"),
            ("IMAGEN_MODEL", "imagen-3.0-capability-001"),
            ("GENERATION_PROVIDER", "comfyui"),
        ];
        let settings = GenerationSettings::read(&Reader::from_pairs(variables)).expect("settings");
        let all = Providers::from_settings(&settings).expect("providers");
        let names: Vec<String> = all.capabilities().into_iter().map(|capabilities| capabilities.provider).collect();
        assert_eq!(names, ["comfyui", "local", "gemini", "imagen"]);
        assert_eq!(all.get(Some("sdxl")).expect("the same").capabilities().provider, "comfyui");
    }
}
