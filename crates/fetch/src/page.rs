//! One page of posts, in the forms that sites send.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A post, with what the site says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub id: u64,
    /// Separated by single spaces.
    pub tags: String,
    pub rating: Option<String>,
    pub score: Option<i64>,
    pub width: Option<u64>,
    pub height: Option<u64>,
    /// 32 hexadecimal digits.
    pub md5: Option<String>,
    pub size: Option<u64>,
    pub source: Option<String>,
    pub license: Option<String>,
    pub file_url: Option<String>,
    /// With `image`, the address of the file where `file_url` is missing.
    pub directory: Option<String>,
    pub image: Option<String>,
}

/// The posts of one page.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Posts {
    pub posts: Vec<Post>,
    /// Posts whose id cannot be read.
    #[serde(default)]
    pub unreadable: u64,
}

/// The content of an answer's body.
#[derive(Debug, PartialEq)]
pub enum Page {
    Posts(Posts),
    /// An HTML page, as throttled programs get, or a body that was cut.
    NotJson,
}

/// Parses a body. The content type is not asked: sites send JSON as text/html.
pub fn parse(body: &[u8]) -> Page {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii();
    if body.is_empty() {
        return Page::Posts(Posts::default());
    }
    let all = match serde_json::from_slice(body) {
        Ok(Value::Array(posts)) => posts,
        Ok(Value::Object(mut fields)) => {
            match fields.remove("post").or_else(|| fields.remove("posts")) {
                Some(Value::Array(posts)) => posts,
                Some(post @ Value::Object(_)) => vec![post],
                // An object with a count only: there are no posts.
                None if fields.contains_key("@attributes") => Vec::new(),
                _ => return Page::NotJson,
            }
        }
        _ => return Page::NotJson,
    };
    let posts: Vec<Post> = all
        .iter()
        .filter_map(|post| self::post(post.as_object()?))
        .collect();
    Page::Posts(Posts {
        unreadable: (all.len() - posts.len()) as u64,
        posts,
    })
}

fn post(fields: &Map<String, Value>) -> Option<Post> {
    // Gelbooru 0.2 calls the md5 `hash`, and other sites have other hashes under that name.
    let md5 = ["md5", "hash"].iter().find_map(|name| {
        text(fields, &[name])
            .map(|md5| md5.to_lowercase())
            .filter(|md5| md5.len() == 32 && md5.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    let tags = text(fields, &["tags", "tag_string"]).unwrap_or_default();
    Some(Post {
        id: text(fields, &["id"])?.parse().ok()?,
        tags: tags.split_whitespace().collect::<Vec<_>>().join(" "),
        rating: text(fields, &["rating"]).as_deref().map(rating),
        score: number(fields, &["score"]),
        width: size(fields, &["width", "image_width"]),
        height: size(fields, &["height", "image_height"]),
        md5,
        size: size(fields, &["file_size"]),
        source: text(fields, &["source"]),
        license: text(fields, &["license", "licence"]),
        file_url: text(fields, &["file_url"]),
        directory: text(fields, &["directory"]),
        image: text(fields, &["image"]),
    })
}

/// Danbooru sends one letter.
fn rating(given: &str) -> String {
    match given {
        "g" => "general".to_owned(),
        "s" => "sensitive".to_owned(),
        "q" => "questionable".to_owned(),
        "e" => "explicit".to_owned(),
        _ => given.to_lowercase(),
    }
}

fn text(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match fields.get(*name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn number(fields: &Map<String, Value>, names: &[&str]) -> Option<i64> {
    text(fields, names)?.parse().ok()
}

fn size(fields: &Map<String, Value>, names: &[&str]) -> Option<u64> {
    number(fields, names)
        .and_then(|size| u64::try_from(size).ok())
        .filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::{Page, Posts, parse};

    #[test]
    fn all_forms_are_read() {
        for body in [
            r#"[{"id": "7", "score": "-2", "hash": "0123456789ABCDEF0123456789abcdef"}]"#,
            r#"{"@attributes": {"count": 1},
                "post": [{"id": 7, "score": -2, "md5": "0123456789abcdef0123456789abcdef"}]}"#,
            "\u{feff}{\"post\": {\"id\": 7, \"score\": -2, \
             \"md5\": \"0123456789abcdef0123456789abcdef\"}}",
        ] {
            let post = &read(body).posts[0];
            assert_eq!((post.id, post.score), (7, Some(-2)));
            assert_eq!(
                post.md5.as_deref(),
                Some("0123456789abcdef0123456789abcdef")
            );
        }
    }

    fn read(body: &str) -> Posts {
        match parse(body.as_bytes()) {
            Page::Posts(posts) => posts,
            Page::NotJson => panic!("{body} is not read"),
        }
    }

    #[test]
    fn a_hash_that_is_no_md5_is_not_checked() {
        let md5 = "0123456789abcdef0123456789abcdef";
        for (fields, wanted) in [
            (format!(r#""md5": "none", "hash": "{md5}""#), Some(md5)),
            (format!(r#""hash": "{md5}01234567""#), None),
            (r#""hash": "0123456789abcdef""#.to_owned(), None),
            (
                r#""hash": "0123456789abcdef0123456789abcdeg""#.to_owned(),
                None,
            ),
        ] {
            let posts = read(&format!(r#"[{{"id": 7, {fields}}}]"#));
            assert_eq!(posts.posts[0].md5.as_deref(), wanted, "{fields}");
        }
    }

    #[test]
    fn posts_without_a_readable_id_are_counted() {
        let posts = read(r#"[{"id": -1}, {"id": "x"}, {}, 5, {"id": 18446744073709551615}]"#);
        assert_eq!((posts.posts.len(), posts.unreadable), (1, 4));
    }

    #[test]
    fn nothing_is_the_end_and_html_is_not() {
        assert_eq!(parse(b" \n"), Page::Posts(Posts::default()));
        assert_eq!(
            parse(br#"{"@attributes": {"count": 0}}"#),
            Page::Posts(Posts::default())
        );
        assert_eq!(parse(b"<html>slow down</html>"), Page::NotJson);
        assert_eq!(parse(br#"[{"id": 7}, {"i"#), Page::NotJson);
        assert_eq!(parse(br#"{"success": false}"#), Page::NotJson);
    }
}
