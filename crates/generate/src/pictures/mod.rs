//! Pictures coming in and going out: fetching, uploads, decoding, and outputs with their lineage.

mod data_url;
pub mod fetch;
mod intake;
mod lineage;
mod lineage_index;
mod list;
mod mask;
mod memory;
mod output;
mod outputs;
mod resolver;
mod style_look;
mod suggestion;

pub use data_url::{data_url, picture_bytes};
pub use fetch::{FetchPolicy, Fetcher};
pub use intake::{Intake, StoredFile, stored_hash, stored_inputs, stored_name};
pub use lineage::{Lineage, LineageReference};
pub use lineage_index::MadeFrom;
pub use list::{ListedOutput, ListedOutputs, OutputFile};
pub use output::{Output, gallery_id};
pub use outputs::Outputs;
pub use resolver::{ReferencePicture, ReferencePictures, Resolver};
pub use suggestion::{FoundPicture, SuggestedReference, SuggestionOptions, suggest};
