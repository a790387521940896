//! Copies the live collection into another data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clippy_core::collections::WritePause;
use clippy_core::{Error, ErrorCode, Result, blocking};

use super::EdgeCollections;
use super::state::State;

impl EdgeCollections {
    /// Copies the live collection into a data folder without one. The collection that is kept for a
    /// rollback is left out. Returns how many points the copy has, and a pause of all writes that
    /// began before the copy: until it is dropped, databases can be copied that fit it.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] while a re-index builds a collection; [`ErrorCode::Internal`] when
    /// the disk is full or broken.
    pub async fn copy_live(&self, data: &Path) -> Result<(u64, Box<dyn WritePause>)> {
        let shared = Arc::clone(&self.shared);
        let live = shared.state.lock().live.clone();
        let gallery = shared.gallery(&live, None).await?;
        let (into, of_state) = (data.join(&live.folder), data.to_owned());
        let pausing = Arc::clone(&shared);
        let runtime = tokio::runtime::Handle::current();
        let pause = move || {
            let pause = runtime.block_on(pausing.pause())?;
            let state = pausing.state.lock().clone();
            if state.building.is_some() {
                return Err(Error::new(
                    ErrorCode::Conflict,
                    "a re-index is running, and what it has built cannot be copied: wait for it \
                     or cancel it (`clippy jobs list`), then make the backup",
                ));
            }
            if state.live.name != live.name {
                return Err(Error::new(
                    ErrorCode::Conflict,
                    "a re-index switched to another collection just now: make the backup again",
                ));
            }
            Ok((pause, state))
        };
        let (points, (pause, state)) = gallery.copy_to(into, pause).await?;
        write_state(&shared.options.data, of_state, state).await?;
        Ok((points, Box::new(pause)))
    }
}

/// Writes the list of collections of the copy, which has only the live one. A data folder that was
/// never re-indexed has no list.
async fn write_state(from: &Path, into: PathBuf, state: State) -> Result<()> {
    let from = from.to_owned();
    blocking("copying the list of collections", move || {
        if State::read(&from)?.is_none() {
            return Ok(());
        }
        State {
            building: None,
            previous: None,
            ..state
        }
        .write(&into)
    })
    .await
}
