//! Keeps the styles up to date after pictures were stored.

use clippy_core::clustering::FEWEST;
use clippy_core::embedding::{Embedder, ModelInfo};
use clippy_core::gallery::{Gallery, Payload, STYLE_GROUP_FIELD, Vectors};
use clippy_core::style_groups::{NOTE, StyleGroups};
use clippy_core::styles::check_search;
use clippy_core::{Result, styles};
use tokio_util::sync::CancellationToken;

use super::assign::payload_of;
use super::{Finder, count_styled, group_the_rest, takes_groups};

/// Finds the styles of a collection if none were found yet, or if it has outgrown them. Otherwise
/// puts the pictures without a group into the nearest one. A collection that cannot have styles is
/// left as it is.
///
/// A failure is only logged: the pictures are stored, and the next run or `clippy styles --find`
/// makes up for it.
pub async fn refresh(gallery: &dyn Gallery, embedder: &dyn Embedder, stop: &CancellationToken) {
    let finder = Finder {
        gallery,
        embedder,
        stop,
        report: &|_, _| {},
    };
    if let Err(error) = try_refresh(&finder).await {
        tracing::warn!(%error, "the styles of the collection could not be found");
    }
}

async fn try_refresh(finder: &Finder<'_>) -> Result<()> {
    let (gallery, model) = (finder.gallery, finder.embedder.info());
    if !takes_groups(&gallery.info().await?) || check_search(gallery, model).await.is_err() {
        return Ok(());
    }
    let pictures = count_styled(gallery).await?;
    if pictures < FEWEST as u64 {
        return Ok(());
    }
    let head = styles::head_of(gallery, model).await?;
    match StyleGroups::read(gallery, head.as_deref()).await? {
        Some(groups) if !groups.is_outgrown(pictures) => {
            group_the_rest(gallery, &groups, finder.stop).await
        }
        _ => finder.find(false).await.map(|_| ()),
    }
}

/// Copies the groups of a collection to another one, whose pictures are the same. Groups of another
/// style head are not copied.
///
/// # Errors
/// What the collections report.
pub(crate) async fn carry_over(
    from: &dyn Gallery,
    to: &dyn Gallery,
    embedder: &dyn Embedder,
) -> Result<()> {
    let head = styles::head_of(to, embedder.info()).await?;
    let head = head.as_deref();
    let is_there = StyleGroups::read(to, head).await?.is_some();
    if is_there || StyleGroups::read(from, head).await?.is_none() {
        return Ok(());
    }
    match from.note(NOTE).await? {
        Some(note) => to.set_note(NOTE, note).await,
        None => Ok(()),
    }
}

/// The groups that new pictures are put into, without another run.
pub(crate) struct CurrentGroups(Option<StyleGroups>);

impl CurrentGroups {
    pub(crate) async fn read(gallery: &dyn Gallery, model: &ModelInfo) -> Result<Self> {
        let head = styles::head_of(gallery, model).await?;
        StyleGroups::read(gallery, head.as_deref()).await.map(Self)
    }

    /// Adds the key of a picture's group to its payload. Without groups the payload stays.
    pub(crate) fn add_to(&self, payload: &mut Payload, vectors: &Vectors) {
        let Some(groups) = &self.0 else { return };
        match vectors
            .style
            .as_deref()
            .and_then(|style| groups.key_for(style))
        {
            Some(key) => payload.extend(payload_of(vec![key])),
            None => {
                payload.remove(STYLE_GROUP_FIELD);
            }
        }
    }
}
