//! The entry that each provider's folder offers to the registry.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use clippy_core::Result;
use clippy_core::settings::Reader;

use super::shared::describe::Describer;
use crate::contract::Provider;

/// How a provider is named and configured.
#[derive(Debug)]
pub struct ProviderKind {
    /// Its names in `GENERATION_PROVIDER` and in requests; the first is the one that is shown.
    pub names: &'static [&'static str],
    /// The settings that it needs, for error messages.
    pub needs: &'static str,
    /// Reads its settings; `None` if it is not configured.
    pub read: fn(&Reader) -> Result<Option<DynSettings>>,
}

/// The settings of some provider.
pub type DynSettings = Arc<dyn ProviderSettings>;

/// The settings of one provider.
pub trait ProviderSettings: Debug + Send + Sync {
    /// Builds the provider, without calling it.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Unsupported`] when an HTTP client cannot be made.
    fn build(&self, shared: &SharedParts) -> Result<Arc<dyn Provider>>;
}

/// What all providers are built with.
#[derive(Clone)]
pub struct SharedParts {
    /// The longest that one call may take.
    pub timeout: Duration,
    /// Describes sketches, for providers whose models cannot see them.
    pub describer: Option<Arc<dyn Describer>>,
}
