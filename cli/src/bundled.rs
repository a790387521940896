//! Finds the model that ships with Clippy.

use std::path::{Path, PathBuf};

/// The bundled model's folder, under `models`.
const NAME: &str = "clippy-small";

/// Returns the folder of the bundled model: beside the program, in the `share` folder of its
/// prefix, or in the source tree that it was built from.
pub fn model() -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models")
        .join(NAME);
    let beside = std::env::current_exe().ok().and_then(|program| {
        let folder = program.parent()?;
        [
            folder.join("models").join(NAME),
            folder.join("../share/clippy/models").join(NAME),
        ]
        .into_iter()
        .find(|folder| folder.is_dir())
    });
    beside.unwrap_or(sources)
}
