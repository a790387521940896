//! SDXL on a ComfyUI server that the artist runs: IP-Adapter references, a scribble ControlNet,
//! img2img and inpainting.
//!
//! The graph is a [`Template`] with named slots, which users can replace. Missing nodes and files
//! are reported before anything is queued. Progress and previews come over a WebSocket, or by
//! polling if there is none.

mod adapters;
mod attempt;
mod client;
mod events;
mod failure;
mod follow;
mod graph_input;
mod kind;
mod lenient;
mod planning;
mod preflight;
mod preset;
mod provider;
mod readiness;
mod reporter;
mod settings;
mod size;
mod tags;
mod template;

pub(super) use kind::KIND;
pub use preset::PresetNumbers;
pub use provider::ComfyUiProvider;
pub use settings::ComfyUiSettings;
pub use template::Template;
