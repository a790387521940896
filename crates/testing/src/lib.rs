//! Helpers for the tests and benches of several crates.
//!
//! - Test doubles: [`MemoryGallery`], which passes the gallery's contract suite; [`FakeEmbedder`],
//!   [`MemoryBoards`], [`MemoryMaps`], [`MemoryPreferences`] and [`MemoryRecent`]. They behave like the real implementations until a
//!   test sets one of their faults.
//!   A job store without a file is `SqliteJobs::in_memory` of `clippy-jobs`: it is the real store,
//!   so it cannot behave differently.
//! - [`MemoryHistory`], and [`check_history`]: the contract of histories.
//! - [`check_embedder`] and [`check_overload`]: the contract of embedders; [`check_boards`] and
//!   [`check_boards_under_concurrency`]: the contract of boards.
//! - [`RedisServer`]: a real Redis server, one for each test.
//! - [`ApiClient`] and [`BlockingApiClient`]: call the API, and check the form of every error
//!   response.
//! - [`Events`] and [`BlockingEvents`]: server-sent events, read as a browser reads them.
//! - [`wait_until`], [`wait_for`], their forms with a time limit, and [`wait_for_blocking`]: wait
//!   for a condition or a value, never for a fixed time.

mod blocking_client;
mod boards;
mod boards_contract;
mod client;
mod embedder;
mod embedder_contract;
mod events;
mod gallery;
mod history;
mod history_contract;
mod maps;
mod preferences;
mod recent;
mod redis;
mod search;
mod tagged;
mod trash;
mod waiting;

pub use blocking_client::{BlockingAnswer, BlockingApiClient};
pub use boards::MemoryBoards;
pub use boards_contract::{check_boards, check_boards_under_concurrency};
pub use client::{ApiClient, ApiRequest, check_problem, json, problem};
pub use embedder::FakeEmbedder;
pub use embedder_contract::{check_embedder, check_overload};
pub use events::{BlockingEvents, Event, Events};
pub use gallery::MemoryGallery;
pub use history::MemoryHistory;
pub use history_contract::{check_history, made_entry};
pub use maps::MemoryMaps;
pub use preferences::MemoryPreferences;
pub use recent::MemoryRecent;
pub use redis::{RedisServer, free_port};
pub use tagged::{TaggedPicture, tagged_pictures};
pub use trash::MemoryTrash;
pub use waiting::{wait_for, wait_for_blocking, wait_for_within, wait_until, wait_until_within};
