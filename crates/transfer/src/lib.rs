//! Exports and backups: their files, and how they are written, checked and read.
//!
//! An export is a folder with everything that a collection consists of, in open formats: a manifest,
//! vectors, preferences and deleted pictures. It is read from a [`Source`] and written to a
//! [`Sink`]; both are a running server, whatever engine its collection is on. [`give`] and [`take`]
//! are what such a server does. A backup is a copy of a data folder.

pub mod backup;
mod batch;
mod description;
mod export;
mod folder;
pub mod give;
mod hashing;
mod import;
mod index;
mod ports;
mod reader;
mod records;
mod sameness;
pub mod take;
mod writer;

pub use batch::{PointPage, decode_page, encode_page};
pub use description::Description;
pub use export::{Exported, export};
pub use import::{Imported, import};
pub use index::{INDEX_FILE, MANIFEST_FILE};
pub use ports::{Progress, Sink, Source};
pub use reader::ExportFolder;
pub use records::{KeptRecord, Records, StoredRecords};
pub use take::{Accepted, Begun, Rules, Stored};
