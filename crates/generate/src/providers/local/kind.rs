//! Registers the local provider, which needs no settings.

use std::sync::Arc;

use clippy_core::Result;

use super::provider::LocalProvider;
use crate::contract::Provider;
use crate::providers::kind::{ProviderKind, ProviderSettings, SharedParts};

/// The local provider.
pub const KIND: ProviderKind = ProviderKind {
    names: &["local"],
    needs: "nothing",
    read: |_| Ok(Some(Arc::new(LocalProvider))),
};

impl ProviderSettings for LocalProvider {
    fn build(&self, _shared: &SharedParts) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(*self))
    }
}
