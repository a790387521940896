//! The settings of generation: the configured providers, the default one, and limits on cost and
//! time.

use std::collections::BTreeMap;
use std::time::Duration;

use clippy_core::settings::{Reader, wrong};
use clippy_core::{Error, Result};

use super::google::{VisionSettings, asks_for_vertex};
use super::kind::DynSettings;
use super::name::ProviderName;
use super::shared::variables::dollars;
use crate::money::{DailyBudget, MicroDollars};

/// The settings of generation.
#[derive(Debug, Clone)]
pub struct GenerationSettings {
    /// `GENERATION_PROVIDER`. If it is not set, the provider that Clippy 0.2 would have used with
    /// these settings, else the local one.
    pub default: ProviderName,
    /// Whether `GENERATION_PROVIDER` is set.
    pub chosen: bool,
    /// The configured providers.
    providers: BTreeMap<ProviderName, DynSettings>,
    /// The model that describes sketches.
    vision: Option<VisionSettings>,
    /// `GENERATION_DAILY_BUDGET_USD`.
    pub budget: DailyBudget,
    /// `GENERATION_TIMEOUT_SECS`: the longest that one call to a provider may take.
    pub timeout: Duration,
    /// `GENERATION_WAIT_SECS`: how long a job waits for a provider that is unreachable or busy.
    pub patience: Duration,
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
            Some(name) => Some(ProviderName::from_name(&name).map_err(|_| {
                let names = ProviderName::all_names().join(", ");
                wrong("GENERATION_PROVIDER", &name, &format!("one of {names}"))
            })?),
        };
        let mut providers = BTreeMap::new();
        for name in ProviderName::ALL {
            if let Some(settings) = (name.kind().read)(reader)? {
                providers.insert(name, settings);
            }
        }
        let default = match chosen {
            Some(name) => name,
            None => unchosen_default(reader, &providers)?,
        };
        if !providers.contains_key(&default) {
            let (name, needs) = (default.as_str(), default.needs());
            return Err(Error::invalid(format!(
                "GENERATION_PROVIDER is \"{name}\", which also needs {needs}"
            )));
        }
        Ok(Self {
            default,
            chosen: chosen.is_some(),
            providers,
            vision: VisionSettings::read(reader)?,
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
        })
    }

    /// The configured providers, with their settings.
    pub(super) fn providers(&self) -> impl Iterator<Item = (ProviderName, &DynSettings)> {
        self.providers
            .iter()
            .map(|(name, settings)| (*name, settings))
    }

    /// The names of the configured providers.
    pub fn set_up(&self) -> impl Iterator<Item = ProviderName> {
        self.providers.keys().copied()
    }

    /// The model that describes sketches. `None` if there is a budget but its price is not known,
    /// because the budget could not be enforced.
    pub(super) fn affordable_vision(&self) -> Option<&VisionSettings> {
        self.vision
            .as_ref()
            .filter(|vision| self.budget.limit.is_none() || vision.price.is_some())
    }
}

/// The default if `GENERATION_PROVIDER` is not set. Clippy 0.2 used Vertex AI whenever
/// `GOOGLE_GENAI_USE_VERTEXAI` was set, so that variable is enough to select it.
fn unchosen_default(
    reader: &Reader,
    providers: &BTreeMap<ProviderName, DynSettings>,
) -> Result<ProviderName> {
    let of_vertex = [ProviderName::Imagen, ProviderName::Gemini];
    let found = of_vertex
        .into_iter()
        .find(|name| providers.contains_key(name));
    Ok(match found {
        Some(name) if asks_for_vertex(reader)? => name,
        _ => ProviderName::Local,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<GenerationSettings> {
        GenerationSettings::read(&Reader::from_pairs(variables.iter().copied()))
    }

    #[test]
    fn without_settings_there_is_only_the_local_provider() {
        let settings = read(&[]).expect("nothing set");
        assert_eq!(settings.default, ProviderName::Local);
        assert!(settings.set_up().eq([ProviderName::Local]));
        assert!(settings.vision.is_none());
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
        let known = [
            ProviderName::Local,
            ProviderName::Gemini,
            ProviderName::Imagen,
        ];
        assert!(settings.set_up().eq(known));
        assert_eq!(settings.default, ProviderName::Imagen);
        let vision = format!("{:?}", settings.vision.expect("a project"));
        assert!(vision.contains("gemini-2.5-flash"), "{vision}");
    }

    #[test]
    fn a_complete_vertex_configuration_of_clippy_0_2_selects_its_provider() {
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
        // An incomplete configuration, or a variable that other programs need, must not select a
        // paid provider.
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
        }
        let settings = read(&[("COMFYUI_URL", "http://ann:hunter2@host.test")]);
        let shown = format!("{:?}", settings.expect("an address"));
        assert!(
            shown.contains("host.test") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
