//! What several providers need: addresses, answers, prompts, and pictures as they are sent.

pub mod address;
pub mod analysis;
pub mod body;
pub mod describe;
pub mod outgoing;
pub mod prompt;
pub mod variables;
