//! What generation stands on, as far as HTTP needs it.

use std::sync::Arc;

use clippy_generate::{DailyBudget, Intake, Outputs, Providers, Spending};

/// Providers to check requests against, and the folders that requests and pictures pass through. The pictures are made
/// by workers, here or elsewhere, that have the same `DATA_DIR`.
#[derive(Clone)]
pub struct GenerationParts {
    /// Who makes pictures.
    pub providers: Arc<Providers>,
    /// Uploaded pictures.
    pub intake: Intake,
    /// Made pictures.
    pub outputs: Outputs,
    /// What a key may spend a day.
    pub budget: DailyBudget,
    /// What was spent.
    pub spending: Arc<dyn Spending>,
}
