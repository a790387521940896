//! Pictures from references: what is asked for, who makes it, what it costs, and what became of
//! every input.
//!
//! A [`GenerateRequest`] is checked by [`admit`] against a [`Provider`] before it is queued;
//! [`Resolver`] turns it into a [`Generation`] with pixels; the provider makes [`Generated`]
//! pictures with a [`Receipt`]; [`Lineage`] writes into the files where they came from and
//! [`Outputs`] keeps them. Calls that cost money go through a [`CallJournal`] and a
//! [`DailyBudget`]. Nothing here knows of jobs, of the gallery's store, or of HTTP routes.
//!
//! The four parts use each other one way: `contract` is used by `money` and `pictures`, and all
//! three by `providers`.

mod contract;
mod digest;
mod durable;
mod money;
mod pictures;
mod providers;
mod text;

pub use contract::{
    AnsweredCall, AspectRatio, CallFingerprint, CallJournal, CallKey, CallOutcome, CallPictures,
    CallRole, CallState, CancelKind, Capabilities, Estimate, ExtraCall, FailureClass, Finding,
    FindingLevel, GenerateError, GenerateRequest, Generated, GeneratedImage, Generation,
    GenerationContext, GenerationMeta, Mode, NoProgress, PaidCall, Preset, Preview, Progress,
    ProgressKind, ProgressSink, Provider, QueryNote, Ratios, Receipt, ReceiptLine, Reference,
    ReferenceInput, ReferenceOrigin, Role, StyleTag, Support, Treatment, admit, estimate, plan,
    scope_of, seed_of,
};
pub use digest::sha256_hex;
pub use money::{
    BudgetRefusal, DailyBudget, FileJournal, FileSpending, MemoryJournal, MemorySpending,
    MicroDollars, Reservation, Spending, count_bought, paid_once,
};
pub use pictures::{
    FetchPolicy, Fetcher, FoundPicture, Intake, Lineage, LineageReference, MadeFrom, Output,
    Outputs, ReferencePicture, ReferencePictures, Resolver, SuggestedReference, SuggestionOptions,
    data_url, fetch, picture_bytes, suggest,
};
pub use providers::{
    Address, Autosquare, ComfyUiProvider, Describer, EncodedPicture, GenerationSettings,
    LocalProvider, ProviderName, Providers, comfyui, google, make,
};
