//! SDXL on a ComfyUI server that the artist runs: IP-Adapter references, a scribble ControlNet,
//! img2img and inpainting.
//!
//! The graph is a [`Template`] with named slots, which a user may replace by their own. What the
//! server lacks is found before anything is queued, and named. Progress and previews come over a
//! WebSocket, or by asking when there is none.

mod again;
mod client;
mod events;
mod failure;
mod filling;
mod lenient;
mod planning;
mod preflight;
mod prepared;
mod preset;
mod progress;
mod provider;
mod readiness;
mod template;
mod watch;
mod weights;

pub use preset::{Preset, PresetNumbers};
pub use provider::{ComfyUiProvider, ComfyUiSettings};
pub use template::Template;
