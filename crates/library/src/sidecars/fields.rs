//! Reads JSON fields that several programs write in similar ways.

use serde_json::{Map, Value};

/// An object of a sidecar.
pub(super) type Fields = Map<String, Value>;

/// Returns a field's text. Numbers are converted to text.
pub(super) fn text(fields: &Fields, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the text of the first of these fields that has one.
pub(super) fn first(fields: &Fields, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(fields, name))
}

/// Returns the members of a list of texts, or the words of one text.
pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(members)) => members
            .iter()
            .filter_map(|member| match member {
                Value::String(text) => Some(text.clone()),
                // Pixiv and others: {"name": "fox", "translated_name": …}
                Value::Object(fields) => first(fields, &["name", "tag", "title"]),
                _ => None,
            })
            .collect(),
        Some(Value::String(text)) if text.contains(',') => {
            text.split(',').map(|tag| tag.trim().to_owned()).collect()
        }
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Returns a person's name, from a text, a list of texts, or an object with a name.
pub(super) fn name(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(name) if !name.trim().is_empty() => Some(name.clone()),
        Value::Array(members) => {
            let names: Vec<String> = members
                .iter()
                .filter_map(|member| name(Some(member)))
                .collect();
            (!names.is_empty()).then(|| names.join(", "))
        }
        Value::Object(fields) => first(fields, &["name", "username", "account", "nick"]),
        _ => None,
    }
}

/// Returns the full name of a rating that a board abbreviates. Danbooru has four ratings, older
/// boards have three.
pub(super) fn rating(given: &str, has_four: bool) -> String {
    match (given, has_four) {
        ("g", _) => "general",
        ("s", true) => "sensitive",
        ("s", false) => "safe",
        ("q", _) => "questionable",
        ("e", _) => "explicit",
        (other, _) => other,
    }
    .to_owned()
}

/// Returns the page of a post, for boards whose addresses are known.
pub(super) fn post_url(site: &str, id: &str) -> Option<String> {
    let site = site.to_lowercase();
    let page = |host: &str| format!("https://{host}/index.php?page=post&s=view&id={id}");
    if site.contains("danbooru") {
        Some(format!("https://danbooru.donmai.us/posts/{id}"))
    } else if site.contains("safebooru") {
        Some(page("safebooru.org"))
    } else if site.contains("gelbooru") {
        Some(page("gelbooru.com"))
    } else if site.contains("pixiv") {
        Some(format!("https://www.pixiv.net/artworks/{id}"))
    } else {
        None
    }
}
