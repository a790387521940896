//! Tests of scans of folders that contain what people and programs leave in them.

mod aborted;
mod bad_input;
mod changes;
mod copies;
mod fixture;
mod formats;
mod links;
mod missing;
mod parts;
mod random;
