//! Pictures from references: what is asked for, who makes it, what it costs, and what became of
//! every input.
//!
//! A [`GenerateRequest`] is checked by [`admit`] against a [`Provider`] before it is queued;
//! [`Resolver`] turns it into a [`Generation`] with pixels; the provider makes [`Generated`]
//! pictures with a [`Receipt`]; [`Lineage`] writes into the files where they came from and
//! [`Outputs`] keeps them. Calls that cost money go through a [`CallJournal`] and a
//! [`DailyBudget`]. Nothing here knows of jobs, of the gallery's store, or of HTTP routes.

mod address;
mod analysis;
mod body;
mod budget;
pub mod comfyui;
mod data_url;
mod describe;
mod durable;
mod error;
pub mod fetch;
mod file_journal;
mod file_spending;
mod finding;
pub mod google;
mod held;
mod inputs;
mod intake;
mod lineage;
mod lineage_index;
pub mod local;
mod outgoing;
mod output;
mod outputs;
mod paid_once;
pub mod prompt;
mod provider;
mod providers;
mod receipt;
mod request;
mod seen;
mod settings;
mod style;
mod suggestion;
mod tags;

pub use address::Address;
pub use analysis::SketchAnalysis;
pub use budget::{BudgetRefusal, DailyBudget, MemorySpending, MicroDollars, Reservation, Spending};
pub use comfyui::{ComfyUiProvider, Preset};
pub use data_url::{data_url, picture_bytes};
pub use describe::Describer;
pub use error::{FailureClass, GenerateError};
pub use fetch::{FetchPolicy, Fetcher};
pub use file_journal::FileJournal;
pub use file_spending::FileSpending;
pub use finding::{Finding, FindingLevel};
pub use inputs::{
    Generation, Mode, Reference, ReferenceOrigin, ReferencePicture, ReferencePictures, Resolver,
    sha256_hex,
};
pub use intake::Intake;
pub use lineage::{Lineage, LineageReference};
pub use local::LocalProvider;
pub use outgoing::Outgoing;
pub use output::Output;
pub use outputs::Outputs;
pub use paid_once::{
    CallFingerprint, CallJournal, CallOutcome, CallPictures, CallState, MemoryJournal, paid_once,
};
pub use provider::{
    Beside, CancelKind, Capabilities, Estimate, Generated, GeneratedImage, GenerationContext,
    GenerationMeta, NoProgress, Preview, Progress, ProgressKind, ProgressSink, Provider, Ratios,
    Support, admit, estimate, make, seed_of,
};
pub use providers::Providers;
pub use receipt::{Receipt, ReceiptLine, Treatment, plan};
pub use request::{AspectRatio, GenerateRequest, QueryNote, ReferenceInput, Role};
pub use settings::{Autosquare, GenerationSettings, ProviderName};
pub use style::StyleTag;
pub use suggestion::{FoundPicture, SuggestedReference, Wish, suggest};
