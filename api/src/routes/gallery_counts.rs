//! `GET /api/gallery/counts`: how many pictures each style and tag has, under a filter.

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::{
    Filter, Gallery, STYLE_GROUP_FIELD, STYLE_TAGS_FIELD, TAGS_FIELD, TagMode,
};
use clippy_core::style_groups::StyleGroups;
use clippy_core::styles;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::routes::facet::FacetValue;
use crate::routes::gallery::GalleryFilter;
use crate::routes::search::StyleGroupCount;
use crate::state::AppState;

/// How many style tags are counted.
const MOST_STYLES: usize = 60;
/// How many other tags are counted.
const MOST_TAGS: usize = 40;
/// More keys of groups than pictures can have: those of two runs.
const MOST_KEYS: usize = 2_000;

/// How many pictures there are with each style and tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GalleryCounts {
    /// How many pictures the filter selects.
    total: u64,
    /// Style tags, the most frequent first. Any of the chosen styles is enough, so these counts
    /// leave `styles` out: choosing a further style never makes the others disappear.
    styles: Vec<FacetValue>,
    /// The styles that the gallery has, likewise without `style_groups`.
    style_groups: Vec<StyleGroupCount>,
    /// Other tags of the selected pictures, the most frequent first, without those of the filter.
    tags: Vec<FacetValue>,
    /// The filter's own tags, each as if it were the only one.
    chosen_tags: Vec<FacetValue>,
}

impl GalleryCounts {
    async fn of(
        gallery: &dyn Gallery,
        groups: Option<&StyleGroups>,
        filter: &Filter,
    ) -> Result<Self, Problem> {
        let any_style = Filter {
            any_tags: Vec::new(),
            ..filter.clone()
        };
        let any_group = Filter {
            style_groups: Vec::new(),
            ..filter.clone()
        };
        let most_tags = MOST_TAGS + MOST_STYLES + filter.tags.len();
        let (total, styles, mut tags) = tokio::try_join!(
            gallery.count(filter),
            gallery.facet(STYLE_TAGS_FIELD, &any_style, MOST_STYLES),
            gallery.facet(TAGS_FIELD, filter, most_tags),
        )?;
        // Styles are also among the tags: each is listed once.
        tags.retain(|tag| {
            let is_chosen = filter.tags.contains(&tag.value);
            !is_chosen && styles.iter().all(|style| style.value != tag.value)
        });
        tags.truncate(MOST_TAGS);
        let style_groups = match groups {
            None => Vec::new(),
            Some(groups) => {
                let keys = gallery.facet(STYLE_GROUP_FIELD, &any_group, MOST_KEYS);
                let keys = keys.await?;
                let counts = groups.counts(&keys).into_iter();
                counts
                    .map(|(group, count)| StyleGroupCount::new(group.id, group.name.clone(), count))
                    .collect()
            }
        };
        let mut chosen_tags = Vec::with_capacity(filter.tags.len());
        for tag in &filter.tags {
            let alone = Filter {
                tags: vec![tag.clone()],
                tag_mode: TagMode::All,
                ..filter.clone()
            };
            let count = gallery.count(&alone).await?;
            chosen_tags.push(FacetValue::new(tag.clone(), count));
        }
        Ok(Self {
            total,
            styles: styles.into_iter().map(FacetValue::from).collect(),
            style_groups,
            tags: tags.into_iter().map(FacetValue::from).collect(),
            chosen_tags,
        })
    }
}

/// Counts the pictures that a filter selects, and those of each style and tag.
#[utoipa::path(
    get,
    path = "/api/gallery/counts",
    tag = "search",
    params(GalleryFilter),
    responses(
        (status = 200, description = "The counts.", body = GalleryCounts),
        (status = 400, description = "A list that is too long."),
        (status = 404, description = "No such style."),
        (status = 422, description = "No styles were found yet."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn count_gallery(
    State(state): State<AppState>,
    ApiQuery(filter): ApiQuery<GalleryFilter>,
) -> Result<Json<GalleryCounts>, Problem> {
    let (_, live) = state.searcher();
    let head = styles::head_of(&*live.gallery, live.embedder.info()).await?;
    let groups = StyleGroups::read(&*live.gallery, head.as_deref()).await?;
    let filter = filter.resolve(groups.as_ref())?;
    let counts = GalleryCounts::of(&*live.gallery, groups.as_ref(), &filter);
    Ok(Json(counts.await?))
}
