//! The local provider: pictures without weights, without a network and without a bill.
//!
//! The painting itself is [`clippy_painter`]'s; here a request becomes its input, and its receipts
//! say what the painter cannot do.

mod finishes;
mod kind;
mod provider;
mod words;

pub(super) use kind::KIND;
pub use provider::LocalProvider;
