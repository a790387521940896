//! `clippy models pull`: downloads weights that open_clip has published.

use std::path::Path;

use clippy_clip::{download, pretrained};
use clippy_core::settings::Reader;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output::say;

/// Reads `HF_ENDPOINT`, the address to download from.
pub fn endpoint(reader: &Reader) -> String {
    reader.text_or(&["HF_ENDPOINT"], download::DEFAULT_BASE_URL)
}

/// Downloads into `models/<name>/<tag>/`, resuming an earlier download, and checks the result.
pub async fn run(
    models: &Path,
    name: &str,
    tag: &str,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let entry = pretrained::find(name, tag).map_err(|error| Failure::usage(error.to_string()))?;
    // The same variable as Hugging Face's own tools use.
    let base = endpoint(&Reader::environment());
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
    ) {
        bar.set_style(style);
    }
    let advanced = |done: u64, total: Option<u64>| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    };
    let folder = tokio::select! {
        pulled = download::pull(entry, models, &base, advanced) => {
            pulled.map_err(clippy_core::Error::from)?
        }
        () = shutdown.cancelled() => {
            return Err(Failure::run("stopped; the next pull continues from here"));
        }
    };
    bar.finish_and_clear();
    say!("{} {} is in {}.", entry.model, entry.tag, folder.display());
    say!(
        "Use it with MODEL_NAME={} PRETRAINED={}, in a data folder of its own.",
        entry.model,
        entry.tag
    );
    Ok(())
}
