//! The metadata that gallery-dl writes (`--write-metadata`) for any site, and plain objects with
//! tags or a caption, as many scripts write them.

use super::description::{Description, fill};
use super::fields::{Fields, first, list, name, post_url, rating, text};

/// Fields with tags. The site and the options decide which of them exist.
const TAGS: [&str; 10] = [
    "tags",
    "tags_character",
    "tags_copyright",
    "tags_artist",
    "tags_general",
    "tags_species",
    "tags_meta",
    "tag_string",
    "keywords",
    "hashtags",
];
/// Fields with the artist's name.
const ARTISTS: [&str; 9] = [
    "artist",
    "artists",
    "tags_artist",
    "creator",
    "author",
    "photographer",
    "user",
    "uploader",
    "username",
];

/// Parses an object.
pub(super) fn parse(fields: &Fields) -> Description {
    let mut description = Description::default();
    for name in TAGS {
        list(fields.get(name))
            .iter()
            .for_each(|tag| description.add_namespaced(tag.trim_start_matches('#')));
    }
    if let Some(artist) = ARTISTS.iter().find_map(|field| name(fields.get(*field))) {
        fill(&mut description.artist, &artist);
    }
    let category = text(fields, "category").unwrap_or_default();
    if let Some(given) = text(fields, "rating") {
        let has_four = category.contains("danbooru");
        fill(&mut description.rating, &rating(&given, has_four));
    }
    let address = |names: &[&str]| first(fields, names).filter(|given| given.starts_with("http"));
    let post = address(&["post_url", "source_post_url", "webpage_url", "page_url"])
        .or_else(|| text(fields, "id").and_then(|id| post_url(&category, &id)));
    for (field, given) in [
        (&mut description.post_url, post),
        (
            &mut description.source,
            first(fields, &["source", "source_url"]).or_else(|| address(&["url"])),
        ),
        (
            &mut description.licence,
            first(fields, &["license", "licence", "copyright"]),
        ),
        (&mut description.title, text(fields, "title")),
        (
            &mut description.caption,
            first(
                fields,
                &["caption", "description", "text", "prompt", "content"],
            ),
        ),
    ] {
        if let Some(given) = given {
            fill(field, &given);
        }
    }
    description
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(value: Value) -> Description {
        match value {
            Value::Object(fields) => parse(&fields),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_work_of_pixiv() {
        let found = parsed(json!({
            "category": "pixiv", "subcategory": "artworks", "id": 12345, "title": "Fox at dusk",
            "rating": "General",
            "tags": ["オリジナル", "fox", {"name": "dusk", "translated_name": null}], "user": {"id": 1,
            "name": "Wada", "account": "wada"},
            "caption": "A drawing of a fox.", "url": "https://i.pximg.net/img/12345_p0.png",
            "extension": "png", "num": 0
        }));
        assert_eq!(found.tags, ["オリジナル", "fox", "dusk"]);
        assert_eq!(found.artist.as_deref(), Some("Wada"));
        assert_eq!(found.title.as_deref(), Some("Fox at dusk"));
        assert_eq!(found.caption.as_deref(), Some("A drawing of a fox."));
        assert_eq!(
            found.post_url.as_deref(),
            Some("https://www.pixiv.net/artworks/12345")
        );
    }

    #[test]
    fn a_post_of_a_board_with_tags_by_kind() {
        let found = parsed(json!({
            "category": "safebooru", "id": 9, "rating": "s", "tags": "fox snow red_fox",
            "tags_artist": "wada",
            "source": "https://example.org/fox"
        }));
        assert_eq!(found.tags, ["fox", "snow", "red_fox", "wada"]);
        assert_eq!(found.rating.as_deref(), Some("safe"));
        assert_eq!(found.artist.as_deref(), Some("wada"));
        assert_eq!(
            found.post_url.as_deref(),
            Some("https://safebooru.org/index.php?page=post&s=view&id=9")
        );
    }

    #[test]
    fn a_plain_object_with_a_caption_and_a_licence() {
        let found = parsed(
            json!({"caption": "a fox", "license": "CC0", "author": ["Ann", "Bo"], "tags": 7}),
        );
        assert_eq!(found.caption.as_deref(), Some("a fox"));
        assert_eq!(found.licence.as_deref(), Some("CC0"));
        assert_eq!(found.artist.as_deref(), Some("Ann, Bo"));
        assert!(found.tags.is_empty());
    }
}
