//! Registers ComfyUI as a kind of provider.

use std::sync::Arc;

use clippy_core::Result;

use super::provider::ComfyUiProvider;
use super::settings::ComfyUiSettings;
use crate::contract::Provider;
use crate::providers::kind::{ProviderKind, ProviderSettings, SharedParts};
use crate::providers::shared::variables::address;

/// SDXL on a ComfyUI server.
pub const KIND: ProviderKind = ProviderKind {
    names: &["comfyui", "sdxl"],
    needs: "COMFYUI_URL",
    read: |reader| match address(reader, "COMFYUI_URL")? {
        Some(address) => Ok(Some(Arc::new(ComfyUiSettings::read(reader, address)?))),
        None => Ok(None),
    },
};

impl ProviderSettings for ComfyUiSettings {
    fn build(&self, shared: &SharedParts) -> Result<Arc<dyn Provider>> {
        let provider = ComfyUiProvider::new(self.clone())?;
        Ok(Arc::new(provider.with_describer(shared.describer.clone())))
    }
}
