//! The local provider, which needs no model weights and no network, and costs nothing.
//!
//! [`clippy_painter`] paints the pictures. This module builds its input from a request, and notes
//! in the receipt what the painter cannot do.

mod finishes;
mod kind;
mod pace;
mod provider;
mod size;
mod words;

pub(super) use kind::KIND;
pub use provider::LocalProvider;
