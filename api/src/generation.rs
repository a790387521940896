//! What generation stands on, as far as HTTP needs it.

use std::path::Path;
use std::sync::Arc;

use clippy_core::Result;
use clippy_generate::{DailyBudget, FileSpending, Intake, Outputs, Providers, Spending};

/// Providers to check requests against, and the folders that requests and pictures pass through.
/// The pictures are made by workers, here or elsewhere, that have the same `DATA_DIR`.
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

impl GenerationParts {
    /// The local provider alone, with folders under this one, and without a budget.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the folders cannot be made.
    pub fn local(data: &Path) -> Result<Self> {
        Ok(Self {
            providers: Arc::default(),
            intake: Intake::open(data.join("inputs"))?,
            outputs: Outputs::open(data.join("outputs"))?,
            budget: DailyBudget::default(),
            spending: Arc::new(FileSpending::new(data.join("spending"))),
        })
    }
}
