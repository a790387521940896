//! What Gemini and Imagen share: the address, the key or token, retries, and what Google's errors
//! mean.

mod base64;
mod check;
mod endpoint;
mod failure;
mod gemini;
mod gemini_answer;
mod imagen;
mod vision;

pub use endpoint::{Backoff, Endpoint, GcpTokens, GoogleClient, TokenSource};
pub use gemini::{GeminiProvider, GeminiSettings};
pub use imagen::{ImagenProvider, ImagenSettings};
pub use vision::GeminiVision;
