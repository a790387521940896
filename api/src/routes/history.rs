//! `/api/history`: lists, shows, marks and deletes generated pictures.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use clippy_common::shorten;
use clippy_core::history::{HistoryFilter, ListedEntry, MOST_ENTRIES};
use clippy_core::{Error, Result};
use clippy_history::MadeFacts;
use clippy_jobs::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::extract::{ApiJson, ApiQuery};
use crate::problem::Problem;
use crate::routes::history_entry::{HistoryDetailsResponse, HistoryEntryResponse};
use crate::state::AppState;

/// The longest search, in bytes.
const LONGEST_QUERY: usize = 1_000;
/// The longest name of a style, and the longest id.
const LONGEST_NAME: usize = 100;
/// A day in milliseconds.
const DAY: i64 = 86_400_000;

/// Selects entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Words that all occur in the artist's words, in those of the search for the references, or in
    /// the style tags. Parts of words count. Punctuation alone finds nothing.
    q: Option<String>,
    /// The id of a picture of the gallery that was a reference.
    #[serde(rename = "ref")]
    #[param(rename = "ref")]
    reference: Option<String>,
    /// A style tag.
    style: Option<String>,
    /// Not before this: a date in UTC, such as `2026-01-31`, or RFC 3339.
    from: Option<String>,
    /// Until this: a date in UTC, which is included, or RFC 3339, which is not.
    to: Option<String>,
    /// Only entries with a favourite.
    #[param(default = false)]
    favourite: Option<bool>,
    /// All entries of this chain. Without it, a chain of edits is listed once, as the newest of its
    /// entries that match.
    chain: Option<String>,
    /// How many, 1..100.
    #[param(default = 24, minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl HistoryQuery {
    /// Whether words were sent, but only punctuation: no entry has such a word.
    fn has_no_words(&self) -> bool {
        let sent = self.q.as_deref().unwrap_or_default();
        !sent.trim().is_empty() && HistoryFilter::words_of(sent).is_empty()
    }

    fn filter(self, caller: &Caller) -> Result<HistoryFilter> {
        let limit = self.limit.unwrap_or(24);
        if limit == 0 || limit > MOST_ENTRIES {
            let message = format!("limit is {limit}, but must be 1..{MOST_ENTRIES}");
            return Err(Error::invalid(message));
        }
        for (name, text, most) in [
            ("q", &self.q, LONGEST_QUERY),
            ("style", &self.style, LONGEST_NAME),
            ("chain", &self.chain, LONGEST_NAME),
        ] {
            if text.as_ref().is_some_and(|text| text.len() > most) {
                return Err(Error::invalid(format!(
                    "{name} is longer than {most} bytes"
                )));
            }
        }
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(HistoryFilter {
            owner: caller.sees().map(str::to_owned),
            words: HistoryFilter::words_of(self.q.as_deref().unwrap_or_default()),
            reference: given(self.reference).map(|id| id.parse()).transpose()?,
            style: given(self.style),
            from: given(self.from)
                .map(|text| time("from", &text, 0))
                .transpose()?,
            to: given(self.to)
                .map(|text| time("to", &text, DAY))
                .transpose()?,
            favourite: self.favourite.unwrap_or_default(),
            chain: given(self.chain),
            after: self.cursor.map(|cursor| cursor.parse()).transpose()?,
            limit,
        })
    }
}

/// A date or a time in milliseconds since 1970. To a date, `added` is added.
fn time(name: &str, text: &str, added: i64) -> Result<i64> {
    // The last hours of the year 9999 are too far in the future for a timestamp. The year before
    // has as many days.
    if let Some(rest) = text.strip_prefix("9999-") {
        let before = time(name, &format!("9998-{rest}"), added).map_err(|_| no_time(name, text))?;
        return Ok(before.saturating_add(365 * DAY));
    }
    let date = format!("{text}T00:00:00Z").parse::<Timestamp>();
    let time = match date {
        Ok(date) => date.as_millis().saturating_add(added),
        Err(_) => text
            .parse::<Timestamp>()
            .map_err(|_| no_time(name, text))?
            .as_millis(),
    };
    Ok(time)
}

fn no_time(name: &str, text: &str) -> Error {
    let shown = shorten(text, 40);
    Error::invalid(format!(
        "{name} is \"{shown}\", but must be a date such as 2026-01-31 or a time in UTC such as \
         2026-01-31T12:00:00Z, until 9999-12-31"
    ))
}

/// Entries of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryResponse {
    /// The newest first.
    entries: Vec<HistoryEntryResponse>,
    /// The `cursor` of the next page; null at the end.
    next_cursor: Option<String>,
    /// How much the caller's history takes; absent with `cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<HistoryUsageResponse>,
}

/// How much a history takes, whatever was searched for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryUsageResponse {
    /// Entries.
    entries: u64,
    /// Pictures.
    pictures: u64,
    /// Bytes of the pictures' files.
    picture_bytes: u64,
    /// Bytes of the uploads that they were made from, each counted once.
    input_bytes: u64,
    /// After how many days entries without a favourite are deleted; null for never.
    keep_days: Option<u64>,
    /// The style tags, the most frequent first.
    styles: Vec<StyleCountResponse>,
}

/// A style tag of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StyleCountResponse {
    /// The tag.
    style: String,
    /// How many entries have it.
    entries: u64,
}

/// Lists the caller's generated pictures by run, newest first. With an admin key, those of all
/// callers.
///
/// The history outlives jobs: entries stay until they are deleted, or until `OUTPUTS_KEEP_DAYS`.
#[utoipa::path(
    get,
    path = "/api/history",
    tag = "history",
    params(HistoryQuery),
    responses(
        (status = 200, description = "The entries.", body = HistoryResponse),
        (
            status = 400,
            description = "A value out of range, an invalid date, id or cursor."
        ),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_history(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Json<HistoryResponse>, Problem> {
    let is_first = query.cursor.is_none();
    let has_no_words = query.has_no_words();
    let filter = query.filter(&caller)?;
    let listed = if has_no_words {
        Vec::new()
    } else {
        state.history().list(&filter).await?
    };
    let last = listed.last().map(|last| last.place);
    let usage = if is_first {
        let usage = state.history().usage(caller.sees()).await?;
        let styles = usage.styles.into_iter();
        Some(HistoryUsageResponse {
            entries: usage.entries,
            pictures: usage.pictures,
            picture_bytes: usage.picture_bytes,
            input_bytes: usage.input_bytes,
            keep_days: state.options().outputs_keep_days,
            styles: styles
                .map(|(style, entries)| StyleCountResponse { style, entries })
                .collect(),
        })
    } else {
        None
    };
    Ok(Json(HistoryResponse {
        // A full page may be the last one; then the next is empty.
        next_cursor: last
            .filter(|_| listed.len() == filter.limit)
            .map(|place| place.to_string()),
        entries: listed
            .into_iter()
            .map(HistoryEntryResponse::of)
            .collect::<Result<_>>()?,
        usage,
    }))
}

/// Returns an entry with its settings and its receipt.
///
/// `settings` are what a client needs to ask for the same again: they are fields of
/// `POST /api/images/generate`, with addresses in the places of uploads.
#[utoipa::path(
    get,
    path = "/api/history/{id}",
    tag = "history",
    params(("id" = String, Path, description = "The entry's id: that of its job.")),
    responses(
        (status = 200, description = "The entry.", body = HistoryDetailsResponse),
        (status = 404, description = "No such entry, or it belongs to another caller."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_history_entry(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<HistoryDetailsResponse>, Problem> {
    let listed = visible_entry(&state, &caller, &id).await?;
    Ok(Json(details(&state, listed).await?))
}

async fn details(state: &AppState, listed: ListedEntry) -> Result<HistoryDetailsResponse> {
    let facts = MadeFacts::of(&listed.entry)?;
    HistoryDetailsResponse::of(&state.generation().intake, listed, facts).await
}

/// Changes to an entry.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct HistoryChangeBody {
    /// Whether it is a favourite. `OUTPUTS_KEEP_DAYS` does not delete favourites.
    favourite: bool,
    /// The index of a picture. Without it, all pictures of the entry are changed.
    picture: Option<u32>,
}

/// Marks a picture, or all pictures of an entry, as favourites, or no longer.
#[utoipa::path(
    patch,
    path = "/api/history/{id}",
    tag = "history",
    params(("id" = String, Path, description = "The entry's id.")),
    request_body = HistoryChangeBody,
    responses(
        (status = 200, description = "The entry as it is now.", body = HistoryDetailsResponse),
        (
            status = 404,
            description = "No such entry or picture, or it belongs to another caller."
        ),
        (status = 422, description = "A field that is missing or mistyped."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn change_history_entry(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    ApiJson(body): ApiJson<HistoryChangeBody>,
) -> Result<Json<HistoryDetailsResponse>, Problem> {
    visible_entry(&state, &caller, &id).await?;
    let history = state.history();
    if !history
        .set_favourite(&id, body.picture, body.favourite)
        .await?
    {
        return Err(no_picture(&id, body.picture).into());
    }
    let listed = visible_entry(&state, &caller, &id).await?;
    Ok(Json(details(&state, listed).await?))
}

/// Selects a picture of an entry.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// The index of the only picture to delete. Without it, the whole entry is deleted.
    picture: Option<u32>,
}

/// Deletes an entry or one of its pictures, with the files and uploads that nothing else needs.
/// This cannot be undone.
///
/// A picture that was added to the gallery stays there. An upload stays for some minutes, and as
/// long as a job that is waiting, or can be retried, needs it.
#[utoipa::path(
    delete,
    path = "/api/history/{id}",
    tag = "history",
    params(("id" = String, Path, description = "The entry's id."), DeleteQuery),
    responses(
        (status = 204, description = "It is deleted."),
        (
            status = 404,
            description = "No such entry or picture, or it belongs to another caller."
        ),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn delete_history_entry(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    visible_entry(&state, &caller, &id).await?;
    if !state.history_keeper().remove(&id, query.picture).await? {
        return Err(no_picture(&id, query.picture).into());
    }
    Ok(StatusCode::NO_CONTENT)
}

fn no_picture(id: &str, picture: Option<u32>) -> Error {
    let shown = shorten(id, 64);
    Error::not_found(match picture {
        Some(picture) => format!("entry {shown} of the history has no picture {picture}"),
        None => format!("the history has no entry {shown}"),
    })
}

/// An entry that this caller may see.
pub(crate) async fn visible_entry(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<ListedEntry> {
    let missing = || no_picture(id, None);
    if id.len() > LONGEST_NAME {
        return Err(missing());
    }
    let found = state.history().get(id).await?;
    found
        .filter(|listed| {
            let whose = listed.entry.owner.as_deref();
            caller.sees().is_none_or(|owner| whose == Some(owner))
        })
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_whole_day_and_a_time_is_exact() {
        let day = 1_769_817_600_000;
        assert_eq!(time("from", "2026-01-31", 0).expect("a date"), day);
        assert_eq!(time("to", "2026-01-31", DAY).expect("a date"), day + DAY);
        let noon = time("to", "2026-01-31T12:00:00Z", DAY).expect("a time");
        assert_eq!(noon, day + DAY / 2);
        let last = 253_402_214_400_000;
        assert_eq!(time("from", "9999-12-31", 0).expect("a date"), last);
        assert_eq!(time("to", "9999-12-30", DAY).expect("a date"), last);
        let noon = time("to", "9999-12-31T12:00:00Z", DAY).expect("a time");
        assert_eq!(noon, last + DAY / 2);
        for wrong in [
            "yesterday",
            "2026-02-30",
            "31.1.2026",
            "9999-12-32",
            "10000-01-01",
        ] {
            let error = time("from", wrong, 0).expect_err(wrong);
            assert!(error.message.contains("from"), "{}", error.message);
        }
    }
}
