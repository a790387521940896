//! The configured providers, by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;

use super::kind::SharedParts;
use super::local::LocalProvider;
use super::name::ProviderName;
use super::settings::GenerationSettings;
use crate::contract::{Capabilities, Finding, Provider};

/// The configured providers. The local one is always among them.
#[derive(Clone)]
pub struct Providers {
    default: ProviderName,
    known: BTreeMap<ProviderName, Arc<dyn Provider>>,
    findings: Arc<Mutex<FindingCache>>,
}

/// The findings of each provider's last check, with its time.
type FindingCache = BTreeMap<ProviderName, (Instant, Vec<Finding>)>;

/// How long the findings of a check are reused.
const CACHE_TIME: Duration = Duration::from_secs(60);
/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

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
    /// Only the local provider.
    fn default() -> Self {
        let local: Arc<dyn Provider> = Arc::new(LocalProvider);
        let known = BTreeMap::from([(ProviderName::Local, local)]);
        Self {
            default: ProviderName::Local,
            known,
            findings: Arc::default(),
        }
    }
}

impl Providers {
    /// Builds the providers that the settings configure, without calling them.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] when an HTTP client cannot be made.
    pub fn from_settings(settings: &GenerationSettings) -> Result<Self> {
        let mut providers = Self {
            default: settings.default,
            ..Self::default()
        };
        let describer = match settings.affordable_vision() {
            Some(vision) => Some(vision.build(settings.timeout)?),
            None => None,
        };
        let shared = SharedParts {
            timeout: settings.timeout,
            describer,
        };
        for (name, settings) in settings.providers() {
            providers.known.insert(name, settings.build(&shared)?);
        }
        Ok(providers)
    }

    /// Adds a provider, or replaces the one of that name.
    pub fn put(&mut self, name: ProviderName, provider: impl Provider) {
        self.known.insert(name, Arc::new(provider));
    }

    /// The provider with this name, or the default.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for an unknown name; [`ErrorCode::Unsupported`] for a provider
    /// that is not configured, with the settings that it needs.
    pub fn get(&self, name: Option<&str>) -> Result<&Arc<dyn Provider>> {
        let name = name.map_or(Ok(self.default), ProviderName::from_name)?;
        self.known.get(&name).ok_or_else(|| {
            let message = format!(
                "the provider {} is not set up here: it needs {}",
                name.as_str(),
                name.needs()
            );
            Error::new(ErrorCode::Unsupported, message)
        })
    }

    /// Checks all providers and returns their capabilities and findings, the default first. The
    /// findings of the last minute are reused.
    pub async fn check_all(&self) -> Vec<(Capabilities, Vec<Finding>)> {
        let asked = self.known.iter().map(|(name, provider)| async move {
            let known = self.cached_findings(*name);
            let findings = match known {
                Some(findings) => findings,
                None => self.check_one(*name, provider.as_ref()).await,
            };
            (*name != self.default, provider.capabilities(), findings)
        });
        let mut all = futures::future::join_all(asked).await;
        all.sort_by_key(|(other, ..)| *other);
        all.into_iter()
            .map(|(_, capabilities, findings)| (capabilities, findings))
            .collect()
    }

    fn cached_findings(&self, name: ProviderName) -> Option<Vec<Finding>> {
        let cache = self.findings.lock();
        cache
            .get(&name)
            .filter(|(when, _)| when.elapsed() < CACHE_TIME)
            .map(|(_, findings)| findings.clone())
    }

    async fn check_one(&self, name: ProviderName, provider: &dyn Provider) -> Vec<Finding> {
        let findings = tokio::time::timeout(CHECK_TIMEOUT, provider.check())
            .await
            .unwrap_or_else(|_| {
                let message = format!("it did not answer within {} s", CHECK_TIMEOUT.as_secs());
                vec![Finding::warning("server", message)]
            });
        let mut cache = self.findings.lock();
        cache.insert(name, (Instant::now(), findings.clone()));
        findings
    }

    /// The capabilities of all providers, the default first.
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
    fn sketches_are_described_unless_a_budget_could_not_be_enforced() {
        let sketch = crate::GenerateRequest {
            sketch: Some("AA".into()),
            ..crate::GenerateRequest::default()
        };
        let extra_price = |more: &[(&'static str, &'static str)], name: &str| {
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
                .extra_call(&sketch)
                .map(|extra| extra.usd)
        };
        for name in ["gemini", "imagen", "comfyui"] {
            assert_eq!(extra_price(&[], name), Some(None), "{name}");
            assert_eq!(
                extra_price(&[("GEMINI_PRICE_USD", "0.04")], name),
                Some(Some(0.04)),
                "{name}"
            );
            assert_eq!(
                extra_price(&[("GEMINI_VISION_PRICE_USD", "0.001")], name),
                Some(Some(0.001)),
                "{name}"
            );
            assert_eq!(
                extra_price(&[("GEMINI_VISION_MODEL", "off")], name),
                None,
                "{name}"
            );
            assert_eq!(
                extra_price(&[("GENERATION_DAILY_BUDGET_USD", "5")], name),
                None,
                "{name}"
            );
        }
        assert_eq!(extra_price(&[], "local"), None);
    }
}
