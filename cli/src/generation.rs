//! Generation: the providers that the settings name, and the folders that requests and pictures pass through.

use std::path::Path;
use std::sync::Arc;

use clippy_api::GenerationParts;
use clippy_core::live::LivePair;
use clippy_core::settings::Reader;
use clippy_generate::{
    DailyBudget, Fetcher, FileJournal, FileSpending, GenerationSettings, Intake, Outputs, Providers, Resolver,
};
use clippy_worker::jobs::{GalleryReferences, GenerateTools};

use crate::failure::Failure;

/// The settings of generation, from the environment.
pub fn settings() -> Result<GenerationSettings, Failure> {
    GenerationSettings::read(&Reader::environment()).map_err(|error| Failure::usage(error.message))
}

/// Whether each provider that is set up could work now. Costs nothing.
pub async fn ready() -> Vec<(String, Result<String, String>)> {
    let providers = match settings().map_err(|failure| failure.to_string()) {
        Ok(settings) => Providers::from_settings(&settings).map_err(|error| error.message),
        Err(fault) => Err(fault),
    };
    let providers = match providers {
        Ok(providers) => providers,
        Err(fault) => return vec![("generation".to_owned(), Err(fault))],
    };
    let mut all = Vec::new();
    for capabilities in providers.capabilities() {
        let name = capabilities.provider;
        let answer = match providers.get(Some(&name)) {
            Ok(provider) => provider.ready().await.map_err(|error| error.message),
            Err(error) => Err(error.message),
        };
        let model = capabilities.model.unwrap_or_else(|| "ready".to_owned());
        all.push((format!("provider {name}"), answer.map(|()| model)));
    }
    all
}

/// What servers and workers make pictures with; both need the same data folder.
pub struct Generation {
    providers: Arc<Providers>,
    intake: Intake,
    outputs: Outputs,
    journal: Arc<FileJournal>,
    budget: DailyBudget,
    spending: FileSpending,
}

impl Generation {
    /// Opens the folders. Nobody is called yet.
    pub fn open(settings: &GenerationSettings, data: &Path) -> Result<Self, Failure> {
        Ok(Self {
            providers: Arc::new(Providers::from_settings(settings)?),
            intake: Intake::open(data.join("inputs"))?,
            outputs: Outputs::open(data.join("outputs"))?,
            journal: Arc::new(FileJournal::new(data.join("calls"))),
            budget: settings.budget,
            spending: FileSpending::new(data.join("spending")),
        })
    }

    /// What the API checks requests against, and shows pictures from.
    pub fn parts(&self) -> GenerationParts {
        GenerationParts {
            providers: Arc::clone(&self.providers),
            intake: self.intake.clone(),
            outputs: self.outputs.clone(),
            budget: self.budget,
            spending: Arc::new(self.spending.clone()),
        }
    }

    /// What workers make pictures with.
    pub fn tools(&self, references: GalleryReferences, live: Arc<LivePair>) -> GenerateTools {
        GenerateTools {
            providers: Arc::clone(&self.providers),
            resolver: Arc::new(Resolver::new(Arc::new(references), Arc::new(Fetcher::default()))),
            intake: self.intake.clone(),
            outputs: self.outputs.clone(),
            journal: Arc::clone(&self.journal) as _,
            budget: self.budget,
            spending: self.spending.clone(),
            live,
        }
    }
}
