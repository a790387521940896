//! Scans of folders as people and programs leave them.

mod bad_input;
mod changes;
mod formats;
mod house;
mod links;
