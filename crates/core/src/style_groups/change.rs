//! Changes of the note.

use serde_json::Value;
use tokio::sync::Mutex;

use super::{NOTE, StyleGroups, none_yet};
use crate::gallery::Gallery;
use crate::{Error, Result};

/// One change at a time: each reads the note, and then replaces it.
static CHANGING: Mutex<()> = Mutex::const_new(());

/// Changes the groups of a collection, and returns them. If the change fails, nothing is stored.
///
/// # Errors
/// [`crate::ErrorCode::Unsupported`] if there are no groups, what `change` returns, and what the
/// collection reports.
pub async fn change(
    gallery: &dyn Gallery,
    head: Option<&str>,
    change: impl FnOnce(&mut StyleGroups) -> Result<()> + Send,
) -> Result<StyleGroups> {
    let _turn = CHANGING.lock().await;
    let mut groups = StyleGroups::read(gallery, head)
        .await?
        .ok_or_else(none_yet)?;
    change(&mut groups)?;
    gallery.set_note(NOTE, to_note(&groups)?).await?;
    Ok(groups)
}

impl StyleGroups {
    /// Replaces the groups of a collection by these, which a run has found. What persons decided
    /// until now is kept.
    ///
    /// # Errors
    /// What the collection reports.
    pub async fn replace(mut self, gallery: &dyn Gallery, afresh: bool) -> Result<Self> {
        let _turn = CHANGING.lock().await;
        let before = Self::read(gallery, Some(&self.head)).await?;
        if let Some(before) = before.filter(|_| !afresh) {
            self.keep_decisions(&before);
        }
        gallery.set_note(NOTE, to_note(&self)?).await?;
        Ok(self)
    }
}

fn to_note(groups: &StyleGroups) -> Result<Value> {
    serde_json::to_value(groups).map_err(|error| {
        Error::internal("the groups of styles cannot be written as JSON").with_source(error)
    })
}
