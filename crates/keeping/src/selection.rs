//! Selects the pictures of a bulk change, page by page.

use clippy_core::Result;
use clippy_core::changes::{ChangeAction, ChangeRequest, PictureEdit, PictureMatcher};
use clippy_core::gallery::{Filter, Gallery, Point, TagMode, With};
use clippy_core::ids::PointId;
use clippy_core::trash::{KeptFilter, KeptKind, NumberedPoint, Trash};
use serde::{Deserialize, Serialize};

/// Points of one page.
pub(crate) const PAGE: usize = 256;

/// Where a walk over the selection is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The next point of the collection.
    from: Option<PointId>,
    /// How many of the listed ids are done, or the number of the last kept point.
    after: u64,
    /// Whether the walk has ended.
    pub(crate) ended: bool,
}

/// A page of pictures.
pub(crate) struct Page {
    /// Those that were looked at.
    pub(crate) seen: Vec<PointId>,
    /// Those among them that would change.
    pub(crate) changing: Vec<Point>,
}

/// What a bulk change would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// How many pictures it would change.
    pub count: u64,
    /// Some of them.
    pub samples: Vec<Point>,
}

/// Walks over what a request selects.
pub(crate) struct Selection<'s> {
    gallery: &'s dyn Gallery,
    trash: &'s dyn Trash,
    request: &'s ChangeRequest,
    matcher: PictureMatcher<'s>,
    edit: Option<PictureEdit>,
    filter: Filter,
}

impl<'s> Selection<'s> {
    pub(crate) fn new(
        gallery: &'s dyn Gallery,
        trash: &'s dyn Trash,
        request: &'s ChangeRequest,
    ) -> Self {
        let mut filter = request.filter.to_gallery();
        match request.action {
            ChangeAction::RenameTag => filter.tags.extend(request.from.clone()),
            ChangeAction::RemoveTags if filter.tags.is_empty() => {
                filter.tags.clone_from(&request.tags);
                filter.tag_mode = TagMode::Any;
            }
            _ => {}
        }
        Self {
            gallery,
            trash,
            request,
            matcher: request.filter.matcher(),
            edit: request.edit(),
            filter,
        }
    }

    /// Whether the collection itself checks all conditions, so that it can count.
    fn is_counted_by_the_collection(&self) -> bool {
        let filter = &self.request.filter;
        let fields = [&filter.source, &filter.artist, &filter.folder];
        let moves = matches!(
            self.request.action,
            ChangeAction::Delete | ChangeAction::Hide
        );
        moves && filter.ids.is_none() && fields.iter().all(|field| field.is_none())
    }

    /// About how many pictures are walked over.
    pub(crate) async fn total(&self) -> Result<u64> {
        match (&self.request.filter.ids, self.request.action) {
            (Some(ids), _) => Ok(ids.len() as u64),
            (None, ChangeAction::Restore) => Ok(0),
            (None, _) => self.gallery.count(&self.filter).await,
        }
    }

    /// The next page of pictures.
    pub(crate) async fn page(&self, place: &mut Place) -> Result<Page> {
        let points = match &self.request.filter.ids {
            Some(ids) => {
                let done = usize::try_from(place.after).unwrap_or(usize::MAX);
                let part: Vec<PointId> = ids.iter().skip(done).take(PAGE).copied().collect();
                place.after += part.len() as u64;
                place.ended = place.after >= ids.len() as u64;
                self.gallery.retrieve(&part, With::PAYLOAD).await?
            }
            None => {
                let page = self
                    .gallery
                    .scroll(&self.filter, place.from, PAGE, With::PAYLOAD)
                    .await?;
                place.from = page.next;
                place.ended = page.next.is_none();
                page.points
            }
        };
        let seen = points.iter().map(|point| point.id).collect();
        let changes = |point: &Point| {
            let selected = &self.request.filter;
            let is_selected = match selected.ids {
                Some(_) => self.matcher.matches(point.id, &point.payload),
                None => selected.matches_fields(&point.payload),
            };
            let edit = self.edit.as_ref();
            is_selected && edit.is_none_or(|edit| edit.apply(&point.payload).is_some())
        };
        Ok(Page {
            seen,
            changing: points.into_iter().filter(changes).collect(),
        })
    }

    /// The kept points of the next page of the trash that the request selects.
    pub(crate) async fn kept_page(&self, place: &mut Place) -> Result<(Vec<NumberedPoint>, u64)> {
        let selected = &self.request.filter;
        let mut kinds = vec![KeptKind::Deleted, KeptKind::Hidden];
        // An edit is undone only by the name of its change, since a picture may have several edits.
        kinds.extend(selected.change.is_some().then_some(KeptKind::Edited));
        let filter = KeptFilter {
            change: selected.change.clone(),
            ids: selected.ids.clone(),
            kinds,
            states: Vec::new(),
        };
        let page = self.trash.list(&filter, place.after, PAGE).await?;
        match page.last() {
            Some(last) => place.after = last.number,
            None => place.ended = true,
        }
        let seen = page.len() as u64;
        let matching = page.into_iter().filter(|one| {
            let point = &one.kept.point;
            self.matcher.matches(point.id, &point.payload)
        });
        Ok((matching.collect(), seen))
    }
}

/// Counts the pictures that a request would change, and returns some of them. Nothing is changed.
///
/// # Errors
/// Those of the collection and the trash.
pub async fn preview(
    gallery: &dyn Gallery,
    trash: &dyn Trash,
    request: &ChangeRequest,
    samples: usize,
) -> Result<Preview> {
    let selection = Selection::new(gallery, trash, request);
    let (mut preview, mut place) = (Preview::default(), Place::default());
    let is_counted = selection.is_counted_by_the_collection();
    while !(place.ended || is_counted && preview.samples.len() >= samples) {
        let points: Vec<Point> = if request.action == ChangeAction::Restore {
            let (kept, _) = selection.kept_page(&mut place).await?;
            kept.into_iter().map(|one| one.kept.point).collect()
        } else {
            selection.page(&mut place).await?.changing
        };
        preview.count += points.len() as u64;
        let wanted = samples.saturating_sub(preview.samples.len());
        preview.samples.extend(points.into_iter().take(wanted));
    }
    if is_counted {
        preview.count = selection.total().await?;
    }
    Ok(preview)
}
