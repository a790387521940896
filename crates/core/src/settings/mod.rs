//! Settings: defaults, then `.env`, then the environment; a command's flags win over all of them.
//!
//! There is one file per concern. Every error names its variable. The settings of generation are
//! read in `clippy-generate`, since they are made of the providers' own types; `table.rs` lists all
//! of them for the documentation.

mod address;
mod collection;
pub mod dot_env;
mod hub;
mod jobs;
mod log;
mod model;
mod outputs;
mod preferences;
mod qdrant;
mod reader;
mod server;
pub mod table;

pub use address::{Address, BindAddress, without_credentials};
pub use collection::CollectionSettings;
pub use hub::{HF_ENDPOINT, HubSettings};
pub use jobs::JobSettings;
pub use log::{LogSettings, PROMPTS};
pub use model::{ModelSettings, Precision};
pub use outputs::OutputSettings;
pub use qdrant::{QdrantQuantization, QdrantSettings};
pub use reader::{Reader, Secret, wrong};
pub use server::ServerSettings;

use crate::Result;
use crate::preferences::PreferenceRule;

/// The default name of the collection.
pub const QDRANT_COLLECTION: &str = "clippy";
/// Clippy 0.2's default name of the collection.
pub const OLDER_QDRANT_COLLECTION: &str = "safebooru_union_clip";

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the collection is and how it is searched.
    pub collection: CollectionSettings,
    /// Which model embeds, on what.
    pub model: ModelSettings,
    /// Where models are downloaded from, and where they are kept.
    pub hub: HubSettings,
    /// How clicks and saves change a ranking.
    pub preferences: PreferenceRule,
    /// The HTTP server.
    pub server: ServerSettings,
    /// The log.
    pub log: LogSettings,
    /// The queue.
    pub jobs: JobSettings,
    /// How long generated pictures are kept.
    pub outputs: OutputSettings,
}

impl Settings {
    /// Reads the process's environment. Call after `.env` was loaded into it.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the variable, its value and what it should be.
    pub fn from_environment() -> Result<Self> {
        Self::read(&Reader::environment())
    }

    /// Reads from any source of variables.
    ///
    /// # Errors
    /// Like [`Settings::from_environment`].
    pub fn read(reader: &Reader) -> Result<Self> {
        Ok(Self {
            collection: collection::read(reader)?,
            model: model::read(reader)?,
            hub: hub::read(reader)?,
            preferences: preferences::read(reader)?,
            server: server::read(reader)?,
            log: log::read(reader),
            jobs: jobs::read(reader)?,
            outputs: outputs::read(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::read(&Reader::from_pairs(variables.iter().copied()))
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let settings = read(&[]).expect("nothing set");
        assert_eq!(settings.server.bind.to_string(), "127.0.0.1:8000");
        assert_eq!(settings.collection.hnsw_ef, 128);
        assert_eq!(settings.preferences, PreferenceRule::default());
        assert_eq!(settings.model.name, None);
    }

    #[test]
    fn the_older_names_of_the_model_work_and_the_newer_win() {
        let older = read(&[
            ("OPENCLIP_MODEL", "ViT-B-32"),
            ("OPENCLIP_PRETRAINED", "openai"),
        ])
        .expect("0.2's names");
        assert_eq!(older.model.name.as_deref(), Some("ViT-B-32"));
        let both = read(&[("OPENCLIP_MODEL", "ViT-B-32"), ("MODEL_NAME", "RN50")]).expect("both");
        assert_eq!(both.model.name.as_deref(), Some("RN50"));
    }

    #[test]
    fn an_error_names_the_variable_and_its_value() {
        for (name, value) in [
            ("HNSW_EF", "many"),
            ("ALPHA", "-1"),
            ("EMA_BETA", "NaN"),
            ("BIND", "nowhere"),
            ("PRECISION", "fp8"),
            ("DEVICE", "abacus"),
            ("QDRANT_COLLECTION", "../up"),
            ("JOBS_KEEP_HOURS", "0"),
            ("REDIS_PREFIX", "a b"),
            ("QDRANT_TIMEOUT_SECS", "0"),
            ("FETCH_SITES", "safebooru.org"),
            ("QDRANT_SHARDS", "none"),
            ("QDRANT_QUANTIZATION", "ternary"),
            ("QDRANT_ON_DISK", "perhaps"),
            ("OUTPUTS_KEEP_DAYS", "0"),
            ("HF_HUB_OFFLINE", "perhaps"),
        ] {
            let error = read(&[(name, value)]).expect_err(name);
            assert!(
                error.message.contains(name) && error.message.contains(value),
                "{}",
                error.message
            );
        }
    }

    #[test]
    fn a_base_path_begins_with_a_slash_and_ends_without_one() {
        for (given, path) in [
            ("/clippy", "/clippy"),
            ("clippy/", "/clippy"),
            ("/", ""),
            ("/a/b//", "/a/b"),
        ] {
            assert_eq!(
                read(&[("BASE_PATH", given)]).expect(given).server.base_path,
                path
            );
        }
        for wrong in ["http://host/x", "/a b", "/../x", "/a?b"] {
            assert!(
                read(&[("BASE_PATH", wrong)])
                    .expect_err(wrong)
                    .message
                    .contains("BASE_PATH")
            );
        }
    }

    #[test]
    fn a_list_of_keys_that_holds_none_is_refused() {
        for value in [",", " , ,"] {
            let error = read(&[("API_KEYS", value)]).expect_err("no key");
            assert!(error.message.contains("API_KEYS"), "{}", error.message);
        }
        assert!(
            read(&[("API_KEYS", "  ")])
                .expect("0.2's way to leave a setting out")
                .server
                .api_keys
                .is_empty()
        );
    }

    #[test]
    fn keys_never_show() {
        let redis = "redis://:hunter2@localhost";
        let qdrant = ("QDRANT_API_KEY", "hunter2");
        let settings = read(&[("API_KEYS", "hunter2, other"), ("REDIS_URL", redis), qdrant])
            .expect("two keys");
        assert_eq!(settings.server.api_keys.len(), 2);
        assert_eq!(
            settings.jobs.redis_url.as_ref().map(Secret::expose),
            Some(redis)
        );
        assert!(!format!("{settings:?}").contains("hunter2"));
        for name in ["QDRANT_URL", "EMBEDDER_URL"] {
            let settings = read(&[(name, "http://me:hunter2@host")]).expect("an address");
            assert!(!format!("{settings:?}").contains("hunter2"), "{name}");
        }
        let error = read(&[("REDIS_URL", "localhost:hunter2")]).expect_err("no address");
        assert!(
            error.message.contains("REDIS_URL") && !error.message.contains("hunter2"),
            "{}",
            error.message
        );
    }
}
