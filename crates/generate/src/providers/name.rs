//! The names of the providers.

use clippy_core::{Error, Result};

use super::kind::ProviderKind;
use super::{comfyui, google, local};
use crate::text::shorten;

/// A provider by its name in `GENERATION_PROVIDER` and in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProviderName {
    /// The built-in painter, on this machine's processor.
    Local,
    /// Gemini's image models.
    Gemini,
    /// Imagen, for projects that still have access to it.
    Imagen,
    /// SDXL on a ComfyUI server; `sdxl` means the same.
    ComfyUi,
}

impl ProviderName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Local, Self::Gemini, Self::Imagen, Self::ComfyUi];

    /// Its entry, which its own folder defines.
    pub(super) fn kind(self) -> &'static ProviderKind {
        match self {
            Self::Local => &local::KIND,
            Self::Gemini => &google::GEMINI,
            Self::Imagen => &google::IMAGEN,
            Self::ComfyUi => &comfyui::KIND,
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.kind().names.first().copied().unwrap_or_default()
    }

    /// The provider of this name.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that lists the names.
    pub fn from_name(name: &str) -> Result<Self> {
        let wanted = name.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|known| known.kind().names.contains(&wanted.as_str()))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "provider is \"{}\", but must be one of {}",
                    shorten(name),
                    Self::all_names().join(", ")
                ))
            })
    }

    /// Every name of every provider.
    pub(super) fn all_names() -> Vec<&'static str> {
        let names = Self::ALL.into_iter().flat_map(|known| known.kind().names);
        names.copied().collect()
    }

    /// What to set so that the provider can be used.
    #[must_use]
    pub fn needs(self) -> &'static str {
        self.kind().needs
    }
}
