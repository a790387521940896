//! Looks after a gallery: deletes, hides, restores and edits pictures, one or many.
//!
//! A picture that is taken out is first copied into the trash ([`clippy_core::trash`]), then
//! deleted from the collection; it is put back in the reverse order. So a `kill -9` at any moment
//! loses nothing, and [`complete_interrupted`] finishes what was interrupted. An edit keeps the
//! picture as it was before, so that it can be undone bit for bit.

mod edits;
mod keeper;
mod maintain;
mod planned;
mod restore;
mod run;
mod selection;

pub use keeper::Keeper;
pub use maintain::complete_interrupted;
pub use restore::Restored;
pub use run::{ChangeCursor, ChangeReport, ChangeTools, Observer, run};
pub use selection::{Preview, preview};
