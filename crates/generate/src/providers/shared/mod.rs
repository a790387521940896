//! Code that several providers share: addresses, answers, prompts, and encoded pictures.

pub mod address;
pub mod analysis;
pub mod body;
pub mod describe;
pub mod outgoing;
pub mod prompt;
pub mod variables;
