//! Pictures from references: what is asked for, who makes it, what it costs, and what became of every input.
//!
//! A [`GenerateRequest`] is checked by [`admit`] against a [`Provider`] before it is queued; [`Resolver`] turns it into
//! a [`Generation`] with pixels; the provider makes [`Generated`] pictures with a [`Receipt`]; [`Lineage`] writes into
//! the files where they came from. Nothing here knows of jobs, of the gallery's store, or of HTTP routes.

mod analysis;
mod data_url;
mod error;
pub mod fetch;
pub mod google;
mod inputs;
pub mod local;
mod outgoing;
mod paid_once;
pub mod prompt;
mod provider;
mod receipt;
mod request;
mod style;

pub use analysis::SketchAnalysis;
pub use data_url::{data_url, picture_bytes};
pub use error::{FailureClass, GenerateError};
pub use fetch::{FetchPolicy, Fetcher};
pub use inputs::{
    Generation, Mode, Reference, ReferenceOrigin, ReferencePicture, ReferencePictures, Resolver, sha256_hex,
};
pub use local::LocalProvider;
pub use paid_once::{
    CallFingerprint, CallJournal, CallOutcome, CallPictures, CallState, MemoryJournal, paid_once,
};
pub use provider::{
    CancelKind, Capabilities, Estimate, Generated, GeneratedImage, GenerationContext, GenerationMeta, NoProgress,
    Preview, Progress, ProgressKind, ProgressSink, Provider, Ratios, Support, admit, estimate,
};
pub use receipt::{Receipt, ReceiptLine, Treatment, plan};
pub use request::{AspectRatio, GenerateRequest, ReferenceInput, Role};
pub use style::StyleTag;
