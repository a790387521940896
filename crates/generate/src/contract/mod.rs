//! The contract of generation: requests, providers, and their results.

mod call;
mod capabilities;
mod context;
mod error;
mod estimate;
mod finding;
mod generated;
mod generation;
mod plan;
mod preset;
mod progress;
mod provider;
mod ratio;
mod receipt;
mod request;
mod style;
mod subject;

pub use call::{
    AnsweredCall, CallFingerprint, CallJournal, CallKey, CallOutcome, CallPictures, CallRole,
    CallState, PaidCall,
};
pub use capabilities::{CancelKind, Capabilities, ProgressKind, Ratios, Support};
pub use context::{GenerationContext, scope_of, seed_of};
pub use error::{FailureCause, FailureClass, GenerateError};
pub use estimate::{Estimate, estimate};
pub use finding::{Finding, FindingLevel};
pub use generated::{Generated, GeneratedImage, GenerationMeta};
pub use generation::{Generation, Mode, Reference, ReferenceOrigin};
pub use plan::{nearest_ratio, plan};
pub use preset::Preset;
pub use progress::{GenerationProgress, GenerationProgressSink, NoProgress, Preview};
pub use provider::{ExtraCall, Provider, admit};
pub use ratio::AspectRatio;
pub use receipt::{Receipt, ReceiptLine, Treatment};
pub use request::{GenerateRequest, MOST_REFERENCES, QueryNote, ReferenceInput, Role};
pub use style::StyleTag;
pub use subject::NamedSubject;
