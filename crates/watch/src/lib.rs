//! Watches folders, and says which of them have changes that are complete.
//!
//! [`watch`] follows one folder until its receiver is dropped. It listens for events of the
//! operating system. Where there are none, such as on a network drive, it looks at the folder now
//! and then. Changes are collected until their files are whole: nothing happened in their folder
//! for a while, and no program has a file open that it wrote to. However many events there are, the
//! collected changes are a short list of folders ([`Changes`]).
//!
//! Watching begins with a notice that everything may have changed, since nobody watched before. The
//! same notice follows when events were lost, and when a folder that was away is back.

mod changes;
mod events;
mod folder;
mod pending;
mod place;
mod polling;

pub use changes::{Changes, Part};
pub use folder::{Notice, WatchOptions, WatchState, watch};
