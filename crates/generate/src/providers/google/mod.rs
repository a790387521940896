//! Gemini and Imagen, and what they share: the account, authentication, retries, and the conversion
//! of Google's errors.

mod account;
mod base64;
mod check;
mod endpoint;
mod failure;
mod gemini;
mod gemini_answer;
mod imagen;
mod kinds;
mod models;
mod vision;

pub(super) use account::asks_for_vertex;
pub use endpoint::{Backoff, Endpoint, GcpTokens, GoogleClient, TokenSource};
pub use gemini::GeminiProvider;
pub use imagen::ImagenProvider;
pub(super) use kinds::{GEMINI, IMAGEN, VisionSettings};
pub use models::{Autosquare, GeminiSettings, ImagenSettings};
pub use vision::GeminiVision;
