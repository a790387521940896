//! A post of Danbooru or Safebooru, as their APIs return it.

use super::description::{Description, fill};
use super::fields::{Fields, first, list, post_url, rating, text};

/// Fields of Danbooru that contain tags, the most specific ones first.
const DANBOORU_TAGS: [&str; 5] = [
    "tag_string_character",
    "tag_string_copyright",
    "tag_string_artist",
    "tag_string_general",
    "tag_string_meta",
];

/// Returns whether this is a post of Danbooru.
pub(super) fn is_danbooru(fields: &Fields) -> bool {
    fields.contains_key("tag_string") || fields.contains_key("tag_string_general")
}

/// Returns whether this is a post of Safebooru or a similar board.
pub(super) fn is_safebooru(fields: &Fields) -> bool {
    fields.get("tags").is_some_and(serde_json::Value::is_string)
        && [
            "file_url",
            "directory",
            "owner",
            "sample_url",
            "md5",
            "hash",
        ]
        .iter()
        .any(|name| fields.contains_key(*name))
}

/// Parses a post of Danbooru.
pub(super) fn parse_danbooru(fields: &Fields) -> Description {
    let mut description = Description::default();
    for name in DANBOORU_TAGS.iter().chain(&["tag_string"]) {
        words(fields, name)
            .iter()
            .for_each(|tag| description.add_tag(tag));
    }
    let artists: Vec<String> = words(fields, "tag_string_artist")
        .iter()
        .map(|artist| artist.replace('_', " "))
        .collect();
    fill(&mut description.artist, &artists.join(", "));
    if let Some(given) = text(fields, "rating") {
        fill(&mut description.rating, &rating(&given, true));
    }
    if let Some(url) = text(fields, "id").and_then(|id| post_url("danbooru", &id)) {
        fill(&mut description.post_url, &url);
    }
    if let Some(source) = first(fields, &["source", "pixiv_id"]) {
        fill(&mut description.source, &source);
    }
    description
}

/// Parses a post of Safebooru.
pub(super) fn parse_safebooru(fields: &Fields) -> Description {
    let mut description = Description::default();
    list(fields.get("tags"))
        .iter()
        .for_each(|tag| description.add_tag(tag));
    if let Some(given) = text(fields, "rating") {
        fill(&mut description.rating, &rating(&given, false));
    }
    if let Some(source) = text(fields, "source") {
        fill(&mut description.source, &source);
    }
    let site = first(fields, &["file_url", "sample_url", "preview_url"])
        .unwrap_or_else(|| "safebooru".to_owned());
    if let Some(url) = text(fields, "id").and_then(|id| post_url(&site, &id)) {
        fill(&mut description.post_url, &url);
    }
    description
}

fn words(fields: &Fields, name: &str) -> Vec<String> {
    text(fields, name)
        .map(|tags| tags.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: serde_json::Value) -> Fields {
        match value {
            serde_json::Value::Object(fields) => fields,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_post_of_danbooru_gives_tags_artist_rating_and_pages() {
        let post = fields(json!({
            "id": 4242, "rating": "s", "source": "https://www.pixiv.net/artworks/1", "md5": "00",
            "tag_string": "1girl fox_ears kitsune original wada_arco",
            "tag_string_general": "1girl fox_ears",
            "tag_string_character": "kitsune", "tag_string_copyright": "original",
            "tag_string_artist": "wada_arco",
            "tag_string_meta": "", "score": 7
        }));
        assert!(is_danbooru(&post));
        let found = parse_danbooru(&post);
        assert_eq!(
            found.tags,
            ["kitsune", "original", "wada_arco", "1girl", "fox_ears"]
        );
        assert_eq!(found.artist.as_deref(), Some("wada arco"));
        assert_eq!(found.rating.as_deref(), Some("sensitive"));
        assert_eq!(
            found.post_url.as_deref(),
            Some("https://danbooru.donmai.us/posts/4242")
        );
        assert_eq!(
            found.source.as_deref(),
            Some("https://www.pixiv.net/artworks/1")
        );
    }

    #[test]
    fn a_post_of_safebooru_gives_its_tags_and_its_page() {
        let post = fields(json!({
            "id": 5, "directory": 12, "hash": "ab", "image": "ab.png", "owner": "somebody",
            "rating": "general",
            "tags": " apple fruit red_apple ", "file_url": "https://safebooru.org/images/12/ab.png",
            "source": ""
        }));
        assert!(is_safebooru(&post) && !is_danbooru(&post));
        let found = parse_safebooru(&post);
        assert_eq!(found.tags, ["apple", "fruit", "red_apple"]);
        assert_eq!(found.rating.as_deref(), Some("general"));
        assert_eq!(
            found.post_url.as_deref(),
            Some("https://safebooru.org/index.php?page=post&s=view&id=5")
        );
        assert_eq!(found.source, None);
    }
}
