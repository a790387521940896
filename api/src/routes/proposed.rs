//! `GET /api/tags/proposed` and `POST /api/tags/review`: proposed tags, and decisions about them.

use axum::Json;
use axum::extract::State;
use clippy_common::shorten;
use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::gallery::{
    FacetCount, Filter, GalleryReader, PROPOSED_BY_FIELD, PROPOSED_WORDS_FIELD, Proposed, With,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use clippy_tagging::{
    Decision, LONGEST_TAG, MOST_AT_ONCE, MOST_TAGS, Reviewed, Reviewer, TagAction,
    check_takes_proposals, proposals_of,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::bulk::{Rest, refuse_unknown};
use crate::access::Caller;
use crate::extract::{ApiJson, ApiQuery};
use crate::problem::Problem;
use crate::routes::image::address_of;
use crate::state::AppState;

/// The most groups or pictures of one answer.
const MOST_LISTED: usize = 200;
/// The most pictures of a group that are shown with it.
const SAMPLES: usize = 12;
/// The pictures of a group that are looked at for the best samples.
const LOOKED_AT: usize = 240;
/// The most decisions about one picture.
const MOST_DECIDED: usize = 64;
/// Points of one page of a walk.
const PAGE: usize = 120;

/// Selects proposals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProposedQuery {
    /// Only this tag: the answer has one group, with a page of its pictures.
    tag: Option<String>,
    /// Only pictures whose proposal has at least this probability, 0..1.
    #[param(default = 0.0, minimum = 0.0, maximum = 1.0)]
    at_least: Option<f64>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
    /// How many groups, or pictures of the tag, 1..200.
    #[param(default = 20, minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Proposed tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposedResponse {
    /// The tags, those of most pictures first.
    groups: Vec<ProposedGroup>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    /// Pictures whose proposals are not shown, since a model made them that was replaced. Propose
    /// tags again.
    outdated: u64,
}

/// The pictures that a tag is proposed for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposedGroup {
    /// The tag.
    tag: String,
    /// How many pictures it is proposed for, with any probability.
    count: u64,
    /// Pictures, the most probable first. With `tag` a page of all of them, by id; else a few.
    pictures: Vec<ProposedPicture>,
}

/// A picture that a tag is proposed for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposedPicture {
    /// A number when the id is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// How probable it is that the tag is right.
    probability: f64,
    /// The address of the picture on this server.
    image_url: String,
}

/// Lists proposed tags: groups of pictures by tag, or all pictures of one tag.
#[utoipa::path(
    get,
    path = "/api/tags/proposed",
    tag = "search",
    params(ProposedQuery),
    responses(
        (status = 200, description = "The proposals, or an empty list.", body = ProposedResponse),
        (status = 400, description = "A value out of range, or an invalid cursor."),
        (status = 422, description = "A collection of an older schema."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_proposed(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<ProposedQuery>,
) -> Result<Json<ProposedResponse>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if limit == 0 || limit > MOST_LISTED {
        let message = format!("limit is {limit}, but must be 1..{MOST_LISTED}");
        return Err(Error::invalid(message).into());
    }
    let (_, live) = state.searcher();
    let listing = Listing {
        gallery: &*live.gallery,
        base: &state.options().base_path,
        by: live.embedder.info().fingerprint.clone(),
        at_least: query.at_least.unwrap_or_default(),
    };
    check_probability(listing.at_least)?;
    check_takes_proposals(&listing.gallery.info().await?)?;
    let cursor = query.cursor.as_deref();
    let (groups, next_cursor) = match &query.tag {
        Some(tag) => {
            check_tag(tag)?;
            let from = cursor.map(str::parse::<PointId>).transpose()?;
            let (group, next) = listing.tag(tag, from, limit).await?;
            (vec![group], next)
        }
        None => {
            let unknown = |_| Error::invalid("cursor is not one of an earlier answer");
            let from = cursor.map_or(Ok(0), str::parse::<usize>).map_err(unknown)?;
            listing.groups(from.min(MOST_TAGS), limit).await?
        }
    };
    Ok(Json(ProposedResponse {
        groups,
        next_cursor,
        outdated: listing.outdated().await?,
    }))
}

/// Reads the proposals of the current model.
struct Listing<'g> {
    gallery: &'g dyn GalleryReader,
    base: &'g str,
    by: String,
    at_least: f64,
}

impl Listing<'_> {
    fn filter(&self, words: Vec<String>) -> Filter {
        let by = self.by.clone();
        Filter {
            proposed: Some(Proposed { by, words }),
            ..Filter::default()
        }
    }

    async fn groups(
        &self,
        from: usize,
        limit: usize,
    ) -> Result<(Vec<ProposedGroup>, Option<String>)> {
        let all = self.filter(Vec::new());
        let most = from + limit + 1;
        let counted = self.gallery.facet(PROPOSED_WORDS_FIELD, &all, most).await?;
        let more = counted.len() > from + limit;
        let mut groups = Vec::new();
        for FacetCount { value, count } in counted.into_iter().skip(from).take(limit) {
            let pictures = self.samples(&value).await?;
            if !pictures.is_empty() {
                groups.push(ProposedGroup {
                    tag: value,
                    count,
                    pictures,
                });
            }
        }
        Ok((groups, more.then(|| (from + limit).to_string())))
    }

    /// The most probable of the first pictures of a tag.
    async fn samples(&self, tag: &str) -> Result<Vec<ProposedPicture>> {
        let (mut pictures, _) = self.pictures(tag, None, LOOKED_AT).await?;
        pictures.sort_by(|left, right| {
            let by_probability = right.probability.total_cmp(&left.probability);
            by_probability.then(left.id.cmp(&right.id))
        });
        pictures.truncate(SAMPLES);
        Ok(pictures)
    }

    async fn tag(
        &self,
        tag: &str,
        from: Option<PointId>,
        limit: usize,
    ) -> Result<(ProposedGroup, Option<String>)> {
        let (pictures, next) = self.pictures(tag, from, limit).await?;
        let group = ProposedGroup {
            tag: tag.to_owned(),
            count: self
                .gallery
                .count(&self.filter(vec![tag.to_owned()]))
                .await?,
            pictures,
        };
        Ok((group, next.map(|next| next.to_string())))
    }

    /// The pictures of a tag, up to `most`, by id.
    async fn pictures(
        &self,
        tag: &str,
        mut from: Option<PointId>,
        most: usize,
    ) -> Result<(Vec<ProposedPicture>, Option<PointId>)> {
        let filter = self.filter(vec![tag.to_owned()]);
        let mut pictures = Vec::new();
        loop {
            let wanted = (most - pictures.len()).min(PAGE);
            let page = self
                .gallery
                .scroll(&filter, from, wanted, With::PAYLOAD)
                .await?;
            for point in page.points {
                let proposals = proposals_of(&point.payload, &self.by);
                let meant = proposals.iter().find(|one| one.tag == tag);
                let meant = meant.filter(|one| one.probability >= self.at_least);
                pictures.extend(meant.map(|one| ProposedPicture {
                    id: point.id,
                    probability: one.probability,
                    image_url: address_of(self.base, point.id, &point.payload),
                }));
            }
            from = page.next;
            if from.is_none() || pictures.len() >= most {
                return Ok((pictures, from));
            }
        }
    }

    /// Counts pictures with proposals of other models.
    async fn outdated(&self) -> Result<u64> {
        let all = Filter::default();
        let makers = self.gallery.facet(PROPOSED_BY_FIELD, &all, 100).await?;
        let others = makers.iter().filter(|maker| maker.value != self.by);
        Ok(others.map(|maker| maker.count).sum())
    }
}

/// Decisions about proposals: for pictures in `accept` and `reject`, or for all pictures of `tag`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReviewBody {
    /// Proposals that are right: they become tags.
    #[serde(default)]
    accept: Vec<DecidedTags>,
    /// Proposals that are wrong: they are not proposed for these pictures again.
    #[serde(default)]
    reject: Vec<DecidedTags>,
    /// Decide on all pictures that this tag is proposed for.
    tag: Option<String>,
    /// With `tag`: only on proposals of at least this probability.
    at_least: Option<f64>,
    /// With `tag`: `accept` or `reject`.
    #[schema(value_type = Option<String>)]
    action: Option<TagAction>,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[schema(default = json!(TEXT_TEMPLATE))]
    text_template: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// Tags of one picture.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DecidedTags {
    /// The picture.
    #[schema(value_type = Value)]
    id: PointId,
    /// Its proposed tags that the decision is about.
    tags: Vec<String>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewResponse {
    /// Proposals that became tags.
    accepted: u64,
    /// Proposals that were rejected.
    rejected: u64,
    /// Pictures that changed.
    pictures: u64,
    /// Whether the tag has more pictures: send the same request again.
    more: bool,
    /// The id of the review, if it changed something. `POST /api/pictures/bulk` with `restore` and
    /// this id as `filter.change` undoes it.
    change: Option<String>,
}

impl ReviewResponse {
    fn of(reviewed: Reviewed, change: String) -> Self {
        let Reviewed {
            accepted,
            rejected,
            pictures,
            more,
        } = reviewed;
        Self {
            accepted,
            rejected,
            pictures,
            more,
            change: (pictures > 0).then_some(change),
        }
    }
}

/// Accepts and rejects proposed tags.
///
/// An accepted tag is added to the picture's tags, and its text vector is made anew, both in one
/// write. A rejected one is remembered. Tags that are not proposed for a picture are left out, so a
/// request may be repeated. A request about a `tag` decides on up to 500 pictures. A review can be
/// undone within 30 days.
#[utoipa::path(
    post,
    path = "/api/tags/review",
    tag = "admin",
    request_body = ReviewBody,
    responses(
        (status = 200, description = "What was changed.", body = ReviewResponse),
        (
            status = 400,
            description = "Nothing to decide, too many decisions, or a tag that is too long."
        ),
        (
            status = 404,
            description = "A picture that is not in the collection: nothing was changed."
        ),
        (
            status = 422,
            description = "A field that is missing, mistyped or unknown, or a collection of an \
                older schema."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn review_tags(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(mut body): ApiJson<ReviewBody>,
) -> Result<Json<ReviewResponse>, Problem> {
    refuse_unknown(&body.rest)?;
    let (_, live) = state.searcher();
    check_takes_proposals(&live.gallery.info().await?)?;
    let template = body.text_template.take();
    let template = template.as_deref().unwrap_or(TEXT_TEMPLATE);
    if !template.contains("{tags}") {
        return Err(Error::invalid("text_template has no {tags} in it").into());
    }
    let change = Uuid::now_v7().to_string();
    let reviewer = Reviewer::new(
        &*live.gallery,
        &*live.embedder,
        template,
        (state.trash(), &change, Some(caller.name())),
    );
    let by_picture = !(body.accept.is_empty() && body.reject.is_empty());
    let detail = json!({ "tag": body.tag });
    let reviewed = match (&body.tag, body.action, by_picture) {
        (Some(tag), Some(action), false) => {
            check_tag(tag)?;
            let at_least = body.at_least.unwrap_or_default();
            check_probability(at_least)?;
            reviewer.review_tag(tag, at_least, action).await?
        }
        (None, None, true) => reviewer.review(decisions(body)?).await?,
        _ => {
            let message = "Send accept and reject with pictures, or a tag with an action";
            return Err(Error::invalid(message).into());
        }
    };
    reviewer.record(reviewed, detail).await?;
    Ok(Json(ReviewResponse::of(reviewed, change)))
}

/// Checks decisions about pictures. Those about the same picture become one.
fn decisions(body: ReviewBody) -> Result<Vec<Decision>> {
    let mut decisions: Vec<Decision> = Vec::new();
    let accept = body.accept.into_iter().map(|decided| (decided, true));
    let reject = body.reject.into_iter().map(|decided| (decided, false));
    for (DecidedTags { id, tags }, accepts) in accept.chain(reject) {
        tags.iter().try_for_each(|tag| check_tag(tag))?;
        if tags.len() > MOST_DECIDED {
            return Err(Error::invalid(format!(
                "picture {id} has {} tags, but at most {MOST_DECIDED} are decided on at once",
                tags.len()
            )));
        }
        let index = decisions.iter().position(|known| known.id == id);
        let index = index.unwrap_or_else(|| {
            decisions.push(Decision {
                id,
                accept: Vec::new(),
                reject: Vec::new(),
            });
            decisions.len() - 1
        });
        let decision = &mut decisions[index];
        if accepts {
            decision.accept.extend(tags);
        } else {
            decision.reject.extend(tags);
        }
        if decisions.len() > MOST_AT_ONCE {
            return Err(Error::invalid(format!(
                "more than {MOST_AT_ONCE} pictures: decide on them in several requests"
            )));
        }
    }
    Ok(decisions)
}

fn check_tag(tag: &str) -> Result<()> {
    if tag.trim().is_empty() {
        return Err(Error::invalid("a tag is empty"));
    }
    if tag.len() > LONGEST_TAG {
        return Err(Error::invalid(format!(
            "the tag \"{}\" has {} bytes, but at most {LONGEST_TAG} are allowed",
            shorten(tag, 40),
            tag.len()
        )));
    }
    Ok(())
}

fn check_probability(given: f64) -> Result<()> {
    if (0.0..=1.0).contains(&given) {
        return Ok(());
    }
    let message = format!("at_least is {given}, but must be a probability of 0..1");
    Err(Error::invalid(message))
}
