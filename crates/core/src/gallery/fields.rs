//! Names of payload fields that the program itself reads or writes.

use std::time::SystemTime;

use serde_json::Value;

use super::Payload;

/// All tags of a picture, those of its style included.
pub const TAGS_FIELD: &str = "tags_all";
/// The tags among [`TAGS_FIELD`] that say how a picture is drawn, not what it shows.
pub const STYLE_TAGS_FIELD: &str = "matched_tags";
/// The content rating of a picture.
pub const RATING_FIELD: &str = "rating";
/// Where a picture's file is.
pub const PATH_FIELD: &str = "path";
/// Where a picture's file is, in a manifest.
pub const LOCAL_PATH_FIELD: &str = "local_path";
/// The id, as the manifest writes it.
pub const ID_FIELD: &str = "id";
/// The MD5 of the file, in hexadecimal digits.
pub const MD5_FIELD: &str = "md5";
/// The width in pixels.
pub const WIDTH_FIELD: &str = "width";
/// The height in pixels.
pub const HEIGHT_FIELD: &str = "height";
/// The style of a picture, if its manifest names one.
pub const STYLE_FIELD: &str = "style";
/// The page that a picture was posted on.
pub const POST_URL_FIELD: &str = "source_post_url";
/// The licence of a picture.
pub const LICENCE_FIELD: &str = "license";
/// `true` if a picture's file was gone when its folder was scanned last; otherwise absent.
pub const MISSING_FIELD: &str = "missing";
/// The address that a picture is served from. Only answers have it.
pub const IMAGE_URL_FIELD: &str = "image_url";
/// The perceptual hash: 16 hexadecimal digits.
pub const HASH_FIELD: &str = "phash";
/// The program's own notes about a picture.
pub const NOTES_FIELD: &str = "_clippy";
/// The groups of similar styles that a picture is in: of the last run that found groups, and of one
/// that is still running. See [`crate::style_groups`].
pub const STYLE_GROUP_FIELD: &str = "_clippy_style";
/// When a picture came into the collection: milliseconds since 1970. Pictures that earlier versions
/// stored have none.
pub const ADDED_FIELD: &str = "_clippy_added";
/// Tells generated pictures from the gallery's own.
pub const ORIGIN_FIELD: &str = "origin";
/// The tags that were proposed for a picture, with their probabilities: the best first.
pub const PROPOSED_FIELD: &str = "proposed_tags";
/// The tags of [`PROPOSED_FIELD`] alone, for filters and searches.
pub const PROPOSED_WORDS_FIELD: &str = "proposed_words";
/// The fingerprint of the model that the tags of [`PROPOSED_FIELD`] come from.
pub const PROPOSED_BY_FIELD: &str = "proposed_by";
/// Proposed tags that a person accepted. They are in [`TAGS_FIELD`], too.
pub const ACCEPTED_FIELD: &str = "accepted_tags";
/// Proposed tags that a person rejected. They are not proposed for this picture again.
pub const REJECTED_FIELD: &str = "rejected_tags";
/// The value of [`ORIGIN_FIELD`] of a generated picture; the gallery's own have another value, or
/// no such field.
pub const GENERATED: &str = "generated";

/// The tags of a payload.
pub fn tags_of(payload: &Payload) -> impl Iterator<Item = &str> {
    words_of(payload, TAGS_FIELD)
}

/// The style tags of a payload.
pub fn style_tags_of(payload: &Payload) -> impl Iterator<Item = &str> {
    words_of(payload, STYLE_TAGS_FIELD)
}

/// The proposed tags of a payload, unless another model than `by` proposed them.
pub fn proposed_words_of<'p>(
    payload: &'p Payload,
    by: Option<&str>,
) -> impl Iterator<Item = &'p str> {
    let current = by.is_some() && payload.get(PROPOSED_BY_FIELD).and_then(Value::as_str) == by;
    words_of(payload, PROPOSED_WORDS_FIELD).filter(move |_| current)
}

/// The words of a payload field that is a list.
pub fn words_of<'p>(payload: &'p Payload, field: &str) -> impl Iterator<Item = &'p str> {
    payload
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Returns the value of [`ADDED_FIELD`] for a picture that is added now.
#[must_use]
pub fn added_now() -> Value {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let milliseconds = since.unwrap_or_default().as_millis();
    Value::from(u64::try_from(milliseconds).unwrap_or_default())
}
