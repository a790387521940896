//! What Gemini and Imagen share: the address, the key or token, retries, and what Google's errors mean.

mod endpoint;
mod failure;
mod gemini;
mod gemini_answer;
mod imagen;

pub use endpoint::{Backoff, Endpoint, GcpTokens, GoogleClient, TokenSource};
pub use gemini::{GeminiProvider, GeminiSettings};
pub use imagen::{ImagenProvider, ImagenSettings};
