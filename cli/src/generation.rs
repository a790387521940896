//! Generation: the configured providers, and the folders of inputs and outputs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clippy_api::GenerationParts;
use clippy_core::live::LivePair;
use clippy_core::settings::Reader;
use clippy_generate::{
    Capabilities, DailyBudget, Fetcher, FileJournal, FileSpending, Finding, GenerationSettings,
    Intake, Outputs, ProviderName, Providers, Resolver,
};
use clippy_worker::jobs::{GalleryReferences, GenerateTools, ProviderPatience};

use crate::failure::Failure;

/// The settings of generation, from the environment.
pub fn settings() -> Result<GenerationSettings, Failure> {
    GenerationSettings::read(&Reader::environment()).map_err(|error| Failure::usage(error.message))
}

/// The settings with the local provider only, whatever the environment says.
pub fn offline() -> Result<GenerationSettings, Failure> {
    GenerationSettings::read(&Reader::from_pairs([])).map_err(|error| Failure::run(error.message))
}

/// Asks each configured provider whether it could work. Costs nothing.
pub async fn check_providers() -> Vec<(String, Finding)> {
    let settings = settings().map_err(|failure| failure.to_string());
    let providers = match settings
        .and_then(|found| Providers::from_settings(&found).map_err(|error| error.message))
    {
        Ok(providers) => providers,
        Err(fault) => return vec![("generation".to_owned(), Finding::fault("settings", fault))],
    };
    let of = |(capabilities, findings): (Capabilities, Vec<Finding>)| {
        let provider = format!("provider {}", capabilities.provider);
        findings
            .into_iter()
            .map(move |finding| (provider.clone(), finding))
    };
    providers
        .check_all()
        .await
        .into_iter()
        .flat_map(of)
        .collect()
}

/// Logs the default provider, unless `GENERATION_PROVIDER` chose it.
pub fn announce(settings: &GenerationSettings) {
    if settings.chosen {
        return;
    }
    let name = settings.default.as_str();
    if settings.default != ProviderName::Local {
        tracing::info!(
            "pictures are made with {name} on Vertex AI, which GOOGLE_GENAI_USE_VERTEXAI asks for \
             as in Clippy 0.2 and which costs money: GENERATION_PROVIDER=local makes them on this \
             machine"
        );
        return;
    }
    let others: Vec<&str> = settings
        .set_up()
        .filter(|name| *name != ProviderName::Local)
        .map(ProviderName::as_str)
        .collect();
    if !others.is_empty() {
        let others = others.join(" and ");
        tracing::info!(
            "pictures are made with {name} unless a request names another provider, though \
             {others} is set up: GENERATION_PROVIDER says who makes them"
        );
    }
}

/// What servers and workers need to generate pictures. Both must have the same data folder.
pub struct Generation {
    providers: Arc<Providers>,
    intake: Intake,
    outputs: Outputs,
    journal: Arc<FileJournal>,
    budget: DailyBudget,
    spending: FileSpending,
    longest_call: Duration,
    patience: ProviderPatience,
}

impl Generation {
    /// Opens the folders. No provider is called yet.
    pub fn open(settings: &GenerationSettings, data: &Path) -> Result<Self, Failure> {
        Ok(Self {
            providers: Arc::new(Providers::from_settings(settings)?),
            intake: Intake::open(data.join("inputs"))?,
            outputs: Outputs::open(data.join("outputs"))?,
            journal: Arc::new(FileJournal::new(data.join("calls"))),
            budget: settings.budget,
            spending: FileSpending::new(data.join("spending")),
            longest_call: settings.timeout,
            patience: ProviderPatience::of(settings.patience),
        })
    }

    /// The parts that the API needs.
    pub fn parts(&self) -> GenerationParts {
        GenerationParts {
            providers: Arc::clone(&self.providers),
            intake: self.intake.clone(),
            outputs: self.outputs.clone(),
            budget: self.budget,
            spending: Arc::new(self.spending.clone()),
            journal: Arc::clone(&self.journal) as _,
        }
    }

    /// The parts that workers need.
    pub fn tools(&self, references: GalleryReferences, live: Arc<LivePair>) -> GenerateTools {
        GenerateTools {
            providers: Arc::clone(&self.providers),
            resolver: Arc::new(Resolver::new(
                Arc::new(references),
                Arc::new(Fetcher::default()),
            )),
            intake: self.intake.clone(),
            outputs: self.outputs.clone(),
            journal: Arc::clone(&self.journal) as _,
            budget: self.budget,
            spending: self.spending.clone(),
            longest_call: self.longest_call,
            patience: self.patience,
            live,
        }
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::Settings;
    use clippy_core::settings::table::{SETTINGS, Usual, find};

    use super::*;

    /// The table of settings is what `.env.example` and docs/settings.md are made from.
    #[test]
    fn the_table_of_settings_has_what_the_code_reads_with_its_defaults() {
        // Everything is turned on, so that every variable is read.
        let reader = Reader::from_pairs([
            ("GEMINI_API_KEY", "k"),
            ("GOOGLE_CLOUD_PROJECT", "p"),
            ("IMAGEN_MODEL", "imagen-3.0-capability-001"),
            ("COMFYUI_URL", "http://127.0.0.1:8188"),
        ]);
        Settings::read(&reader).expect("settings");
        GenerationSettings::read(&reader).expect("settings");
        crate::commands::pull::endpoint(&reader);
        let asked = reader.asked();
        for (name, default) in &asked {
            let setting = find(name).unwrap_or_else(|| {
                panic!("{name} is read, but not in crates/core/src/settings/table.rs")
            });
            if let (Some(default), Usual::Value(value)) = (default, setting.usual) {
                assert_eq!(value, default, "{name}");
            }
            assert!(
                default.is_none() || matches!(setting.usual, Usual::Value(_)),
                "{name} has the default {default:?}"
            );
        }
        for setting in SETTINGS {
            assert!(
                asked.contains_key(setting.name),
                "nobody reads {}",
                setting.name
            );
            assert!(
                setting.older.is_none_or(|older| asked.contains_key(older)),
                "nobody reads {:?}",
                setting.older
            );
        }
    }
}
