//! The collection of pictures: its schema, the engine that holds it, the embedded database, and the
//! picture files.

pub mod backup;
pub mod collections;
pub mod edge;
mod guarded;
mod identity;
pub mod lock;
mod neighbourhood;
pub mod pictures;
pub mod qdrant;
pub mod recent;
pub mod schema;
mod spellings;
pub mod state;
mod vectors;

pub use backup::{FolderBackup, copy_database};
pub use collections::{EdgeCollections, EdgeCollectionsOptions};
pub use edge::{EdgeGallery, EdgeOptions};
pub use lock::{Holder, StoreLock, holder};
pub use pictures::{GalleryPictures, PictureFile, PictureFiles, PictureOptions};
pub use qdrant::{
    QdrantCollections, QdrantGallery, QdrantOptions, QdrantServer, Quantization, StorageOptions,
};
pub use recent::RecentQueryFile;
pub use state::{EmbeddedMaps, EmbeddedState, EmbeddedTrash};
