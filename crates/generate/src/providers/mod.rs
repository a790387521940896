//! The providers, and how they are configured.

pub mod comfyui;
pub mod google;
mod inspection;
mod kind;
mod local;
mod making;
mod name;
mod registry;
mod settings;
mod shared;

pub use comfyui::ComfyUiProvider;
pub use google::Autosquare;
pub use local::LocalProvider;
pub use making::make;
pub use name::ProviderName;
pub use registry::Providers;
pub use settings::GenerationSettings;
pub use shared::address::Address;
pub use shared::describe::Describer;
pub use shared::outgoing::EncodedPicture;
