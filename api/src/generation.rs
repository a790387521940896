//! The parts of generation that the API needs.

use std::path::Path;
use std::sync::Arc;

use clippy_core::Result;
use clippy_generate::{
    CallJournal, DailyBudget, FileJournal, FileSpending, Intake, Outputs, Providers, Spending,
};

/// The providers that requests are checked against, and the folders of inputs and outputs. Workers
/// generate the pictures, in this process or another one with the same `DATA_DIR`.
#[derive(Clone)]
pub struct GenerationParts {
    /// The providers.
    pub providers: Arc<Providers>,
    /// Stores uploaded pictures.
    pub intake: Intake,
    /// Stores generated pictures.
    pub outputs: Outputs,
    /// The amount that each key may spend in a day.
    pub budget: DailyBudget,
    /// The amounts that were spent.
    pub spending: Arc<dyn Spending>,
    /// Records paid calls.
    pub journal: Arc<dyn CallJournal>,
}

impl GenerationParts {
    /// Returns the parts with the local provider only, folders in `data`, and no budget.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the folders cannot be created.
    pub fn local(data: &Path) -> Result<Self> {
        Ok(Self {
            providers: Arc::default(),
            intake: Intake::open(data.join("inputs"))?,
            outputs: Outputs::open(data.join("outputs"))?,
            budget: DailyBudget::default(),
            spending: Arc::new(FileSpending::new(data.join("spending"))),
            journal: Arc::new(FileJournal::new(data.join("calls"))),
        })
    }
}
