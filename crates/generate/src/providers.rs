//! The providers that are set up, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clippy_core::{Error, ErrorCode, Result};

use crate::address::Address;
use crate::comfyui::ComfyUiProvider;
use crate::describe::Describer;
use crate::finding::Finding;
use crate::google::{
    Backoff, Endpoint, GcpTokens, GeminiProvider, GeminiVision, GoogleClient, ImagenProvider,
};
use crate::local::LocalProvider;
use crate::provider::{Capabilities, Provider};
use crate::settings::{GenerationSettings, ProviderName};

/// The providers that are set up. The local one always is.
#[derive(Clone)]
pub struct Providers {
    default: ProviderName,
    known: BTreeMap<ProviderName, Arc<dyn Provider>>,
    checked: Arc<Mutex<Checked>>,
}

/// What each provider found the last time it was asked, and when that was.
type Checked = BTreeMap<ProviderName, (Instant, Vec<Finding>)>;

/// So long what a provider found is not asked again.
const FRESH: Duration = Duration::from_secs(60);
/// So long a provider may take to look at itself.
const LOOK: Duration = Duration::from_secs(5);

impl std::fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Providers")
            .field("default", &self.default)
            .field("known", &self.known.keys())
            .finish()
    }
}

impl Default for Providers {
    /// The local provider alone.
    fn default() -> Self {
        let local: Arc<dyn Provider> = Arc::new(LocalProvider);
        let known = BTreeMap::from([(ProviderName::Local, local)]);
        Self {
            default: ProviderName::Local,
            known,
            checked: Arc::default(),
        }
    }
}

impl Providers {
    /// Those that the settings name. Nothing is called yet.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] when an HTTP client cannot be made.
    pub fn from_settings(settings: &GenerationSettings) -> Result<Self> {
        let mut providers = Self {
            default: settings.default,
            ..Self::default()
        };
        let google = &settings.google;
        let vertex = |location: String| {
            let project = google.project.clone()?;
            let tokens = Arc::new(GcpTokens::new(google.credentials.clone()));
            Some(Endpoint::Vertex {
                base: google.vertex_base.clone(),
                project,
                location,
                tokens,
            })
        };
        let mut describer: Option<Arc<dyn Describer>> = None;
        if let Some(gemini) = &settings.gemini {
            let endpoint = if google.gemini_on_vertex {
                // The 3.x image models are served from there only.
                vertex(
                    google
                        .location
                        .clone()
                        .unwrap_or_else(|| "global".to_owned()),
                )
            } else {
                let base = match &google.gemini_base {
                    Some(base) => base.clone(),
                    None => Address::parse("https://generativelanguage.googleapis.com")?,
                };
                google.key.clone().map(|key| Endpoint::ApiKey { base, key })
            };
            if let Some(endpoint) = endpoint {
                let client = GoogleClient::new(
                    endpoint,
                    Backoff::default(),
                    settings.timeout,
                    "GEMINI_IMAGE_MODEL",
                )?;
                // A budget cannot be kept with calls whose price is not known: without one nothing
                // is described.
                let affordable = settings.budget.limit.is_none() || gemini.vision_price.is_some();
                if let Some(model) = gemini.vision_model.clone().filter(|_| affordable) {
                    describer = Some(Arc::new(GeminiVision::new(
                        &client,
                        model,
                        gemini.vision_price,
                    )));
                }
                let provider =
                    GeminiProvider::new(client, gemini.clone()).described_by(describer.clone());
                providers.put(ProviderName::Gemini, provider);
            }
        }
        if let Some(imagen) = &settings.imagen
            && let Some(endpoint) = vertex(
                google
                    .location
                    .clone()
                    .unwrap_or_else(|| "us-central1".to_owned()),
            )
        {
            let client = GoogleClient::new(
                endpoint,
                Backoff::default(),
                settings.timeout,
                "IMAGEN_MODEL",
            )?;
            let provider =
                ImagenProvider::new(client, imagen.clone()).described_by(describer.clone());
            providers.put(ProviderName::Imagen, provider);
        }
        if let Some(comfyui) = &settings.comfyui {
            providers.put(
                ProviderName::ComfyUi,
                ComfyUiProvider::new(comfyui.clone())?.described_by(describer),
            );
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
    /// [`ErrorCode::InvalidInput`] for a name that does not exist; [`ErrorCode::Unsupported`] for a
    /// provider that is not set up, with what to set.
    pub fn get(&self, name: Option<&str>) -> Result<&Arc<dyn Provider>> {
        let name = name.map_or(Ok(self.default), ProviderName::named)?;
        self.known.get(&name).ok_or_else(|| {
            let message = format!(
                "the provider {} is not set up here: it needs {}",
                name.as_str(),
                name.needs()
            );
            Error::new(ErrorCode::Unsupported, message)
        })
    }

    /// What each of them takes and gives, and what it says of itself when it is asked whether it
    /// could work, the default first. What was asked within the last minute is not asked again.
    pub async fn checked(&self) -> Vec<(Capabilities, Vec<Finding>)> {
        let asked = self.known.iter().map(|(name, provider)| async move {
            let known = self.remembered(*name);
            let findings = match known {
                Some(findings) => findings,
                None => self.look(*name, provider.as_ref()).await,
            };
            (*name != self.default, provider.capabilities(), findings)
        });
        let mut all = futures::future::join_all(asked).await;
        all.sort_by_key(|(other, ..)| *other);
        all.into_iter()
            .map(|(_, capabilities, findings)| (capabilities, findings))
            .collect()
    }

    fn remembered(&self, name: ProviderName) -> Option<Vec<Finding>> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked
            .get(&name)
            .filter(|(when, _)| when.elapsed() < FRESH)
            .map(|(_, findings)| findings.clone())
    }

    async fn look(&self, name: ProviderName, provider: &dyn Provider) -> Vec<Finding> {
        let findings = tokio::time::timeout(LOOK, provider.check())
            .await
            .unwrap_or_else(|_| {
                let message = format!("it did not answer within {} s", LOOK.as_secs());
                vec![Finding::warning("server", message)]
            });
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.insert(name, (Instant::now(), findings.clone()));
        findings
    }

    /// What each of them takes and gives, the default first.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capabilities> {
        let mut all: Vec<(bool, Capabilities)> = self
            .known
            .iter()
            .map(|(name, provider)| (*name != self.default, provider.capabilities()))
            .collect();
        all.sort_by_key(|(other, _)| *other);
        all.into_iter()
            .map(|(_, capabilities)| capabilities)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::Reader;

    use super::*;

    #[test]
    fn providers_are_found_by_name_and_those_not_set_up_say_what_they_need() {
        let alone = Providers::default();
        assert_eq!(
            alone
                .get(None)
                .expect("the default")
                .capabilities()
                .provider,
            "local"
        );
        let error = alone.get(Some("gemini")).err().expect("not set up");
        assert!(
            error.code == ErrorCode::Unsupported && error.message.contains("GEMINI_API_KEY"),
            "{}",
            error.message
        );
        assert_eq!(
            alone.get(Some("dalle")).err().expect("unknown").code,
            ErrorCode::InvalidInput
        );

        let variables = [
            ("GEMINI_API_KEY", "k"),
            ("COMFYUI_URL", "http://127.0.0.1:8188"),
            ("GOOGLE_CLOUD_PROJECT", "p"),
            ("IMAGEN_MODEL", "imagen-3.0-capability-001"),
            ("GENERATION_PROVIDER", "comfyui"),
        ];
        let settings = GenerationSettings::read(&Reader::from_pairs(variables)).expect("settings");
        let all = Providers::from_settings(&settings).expect("providers");
        let names: Vec<String> = all
            .capabilities()
            .into_iter()
            .map(|capabilities| capabilities.provider)
            .collect();
        assert_eq!(names, ["comfyui", "local", "gemini", "imagen"]);
        assert_eq!(
            all.get(Some("sdxl"))
                .expect("the same")
                .capabilities()
                .provider,
            "comfyui"
        );
    }

    #[test]
    fn sketches_are_described_for_all_who_cannot_see_them_unless_a_budget_could_not_be_kept() {
        let sketch = crate::GenerateRequest {
            sketch: Some("AA".into()),
            ..crate::GenerateRequest::default()
        };
        let beside = |more: &[(&'static str, &'static str)], name: &str| {
            let mut variables = vec![
                ("GEMINI_API_KEY", "k"),
                ("GOOGLE_CLOUD_PROJECT", "p"),
                ("IMAGEN_MODEL", "imagen-3.0-capability-001"),
                ("COMFYUI_URL", "http://127.0.0.1:8188"),
            ];
            variables.extend(more);
            let settings =
                GenerationSettings::read(&Reader::from_pairs(variables)).expect("settings");
            let all = Providers::from_settings(&settings).expect("providers");
            all.get(Some(name))
                .expect("set up")
                .beside(&sketch)
                .map(|beside| beside.usd)
        };
        for name in ["gemini", "imagen", "comfyui"] {
            assert_eq!(beside(&[], name), Some(None), "{name}");
            assert_eq!(
                beside(&[("GEMINI_PRICE_USD", "0.04")], name),
                Some(Some(0.04)),
                "{name}"
            );
            assert_eq!(
                beside(&[("GEMINI_VISION_PRICE_USD", "0.001")], name),
                Some(Some(0.001)),
                "{name}"
            );
            assert_eq!(
                beside(&[("GEMINI_VISION_MODEL", "off")], name),
                None,
                "{name}"
            );
            assert_eq!(
                beside(&[("GENERATION_DAILY_BUDGET_USD", "5")], name),
                None,
                "{name}"
            );
        }
        assert_eq!(beside(&[], "local"), None);
    }
}
