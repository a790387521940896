//! Generates pictures from references: requests, providers, costs, and a receipt for every input.
//!
//! A [`GenerateRequest`] is checked by [`admit`] against a [`Provider`] before it is queued;
//! [`Resolver`] turns it into a [`Generation`] with pixels; the provider makes [`Generated`]
//! pictures with a [`Receipt`]; [`Lineage`] is embedded in the files, and [`Outputs`] stores them.
//! Calls that cost money go through a [`CallJournal`] and a [`DailyBudget`]. The crate is
//! independent of jobs, of the gallery's store, and of HTTP routes.
//!
//! The four parts depend on each other in one direction: `contract` is used by `money` and
//! `pictures`, and all three by `providers`.

mod contract;
mod digest;
mod durable;
mod money;
mod pictures;
mod providers;
mod text;

pub use contract::{
    AnsweredCall, AspectRatio, CallFingerprint, CallJournal, CallKey, CallOutcome, CallPictures,
    CallRole, CallState, CancelKind, Capabilities, Estimate, ExtraCall, FailureCause, FailureClass,
    Finding, FindingLevel, GenerateError, GenerateRequest, Generated, GeneratedImage, Generation,
    GenerationContext, GenerationMeta, GenerationProgress, GenerationProgressSink, Mode,
    NamedSubject, NoProgress, PaidCall, Preset, Preview, ProgressKind, Provider, QueryNote, Ratios,
    Receipt, ReceiptLine, Reference, ReferenceInput, ReferenceOrigin, Role, StyleTag, Support,
    Treatment, admit, estimate, plan, scope_of, seed_of,
};
pub use digest::sha256_hex;
pub use money::{
    BudgetRefusal, DailyBudget, FileJournal, FileSpending, MemoryJournal, MemorySpending,
    MicroDollars, Reservation, Spending, count_bought, day_of, pay_once,
};
pub use pictures::{
    FetchPolicy, Fetcher, FoundPicture, Intake, Lineage, LineageReference, ListedOutput,
    ListedOutputs, MadeFrom, Output, OutputFile, Outputs, ReferencePicture, ReferencePictures,
    Resolver, StoredFile, SuggestedReference, SuggestionOptions, data_url, fetch, gallery_id,
    picture_bytes, stored_hash, stored_inputs, stored_name, suggest,
};
pub use providers::{
    Address, Autosquare, ComfyUiProvider, Describer, EncodedPicture, GenerationSettings,
    LocalProvider, ProviderName, Providers, comfyui, google, make,
};
