//! `DATA_DIR`, `QDRANT_URL`, `QDRANT_COLLECTION`, `IMAGES_ROOT`, `WATCH_FOLDERS`,
//! `HNSW_EF`.

use std::path::PathBuf;

use super::address::Address;
use super::reader::{Reader, wrong};
use super::{QDRANT_COLLECTION, QdrantSettings};
use crate::Result;

/// Where the collection is and how it is searched.
#[derive(Debug, Clone)]
pub struct CollectionSettings {
    /// `DATA_DIR`: the folder of all stored data.
    pub data_dir: PathBuf,
    /// `QDRANT_COLLECTION`: the collection's name.
    pub name: String,
    /// Whether that name was set explicitly.
    pub named: bool,
    /// `QDRANT_URL`: a Qdrant server. Unset means the embedded engine under `DATA_DIR`.
    pub qdrant_url: Option<Address>,
    /// Further settings of that server.
    pub qdrant: QdrantSettings,
    /// `IMAGES_ROOT`: the folder that manifests' relative paths are looked up under, and that
    /// pictures are served from.
    pub images_root: Option<PathBuf>,
    /// `WATCH_FOLDERS`: folders whose pictures a server adds when they change.
    pub watch_folders: Vec<PathBuf>,
    /// `HNSW_EF`: size of the search beam in the graph.
    pub hnsw_ef: usize,
}

pub(super) fn read(reader: &Reader) -> Result<CollectionSettings> {
    let named = reader.text(&["QDRANT_COLLECTION"]).is_some();
    let name = reader.text_or(&["QDRANT_COLLECTION"], QDRANT_COLLECTION);
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-@.".contains(character);
    if name.starts_with('.') || name.len() > 200 || !name.chars().all(plain) {
        let expected = "a name of letters, digits, '_', '-', '@' and '.', not beginning with a dot";
        return Err(wrong("QDRANT_COLLECTION", &name, expected));
    }
    Ok(CollectionSettings {
        data_dir: PathBuf::from(reader.text_or(&["DATA_DIR"], "data")),
        name,
        named,
        qdrant_url: reader.text(&["QDRANT_URL"]).map(Address::new),
        qdrant: super::qdrant::read(reader)?,
        images_root: reader.text(&["IMAGES_ROOT"]).map(PathBuf::from),
        watch_folders: reader
            .list("WATCH_FOLDERS")
            .into_iter()
            .map(PathBuf::from)
            .collect(),
        hnsw_ef: reader.checked("HNSW_EF", 128, "a whole number from 1 to 10000", |ef| {
            (1..=10_000).contains(ef)
        })?,
    })
}
