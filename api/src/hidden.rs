//! Hides paths of this machine in the reports of jobs: a caller sees the name of a file, but not
//! its folder.
//!
//! Jobs also run on other machines, and pass on messages of libraries, so paths are hidden when
//! answers are written.

use std::path::Path;

use clippy_core::ids::PointId;
use serde_json::{Map, Value};

use crate::options::ApiOptions;

/// Fields with sentences, which may contain any path.
const SENTENCES: [&str; 4] = ["message", "reason", "error", "warning"];
/// Fields with the paths of files and folders, as lists, too. All texts in objects below them are
/// paths.
const PATHS: [&str; 4] = ["away", "duplicate_files", "file", "missing_files"];
/// The path segments that follow `/api` in this server's routes.
const API: [&str; 18] = [
    "admin",
    "facets",
    "feedback",
    "generate_image",
    "image",
    "images",
    "jobs",
    "lineage",
    "model",
    "openapi.json",
    "pictures",
    "preparing",
    "profile",
    "providers",
    "references",
    "search",
    "tags",
    "tickets",
];
/// How many words after a space are searched for the rest of a path that contains spaces.
const WORDS: usize = 4;

/// What the texts of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// Neither sentences nor paths.
    Plain,
    Sentences,
    Paths,
}

impl Texts {
    /// What the texts of a field of this name are, in a value with these texts.
    fn of_field(self, name: &str) -> Self {
        if SENTENCES.contains(&name) {
            Self::Sentences
        } else if self == Self::Paths || PATHS.contains(&name) {
            Self::Paths
        } else {
            Self::Plain
        }
    }
}

/// The folders of a server, and the names that callers see instead.
#[derive(Debug, Default)]
pub(crate) struct HiddenPaths {
    folders: Vec<(String, &'static str)>,
}

impl HiddenPaths {
    pub(crate) fn new(options: &ApiOptions) -> Self {
        let mut folders = Vec::new();
        for (folder, name) in [
            (&options.data_dir, "DATA_DIR"),
            (&options.images_root, "IMAGES_ROOT"),
        ] {
            let Some(folder) = folder.as_deref() else {
                continue;
            };
            let forms = [std::path::absolute(folder).ok(), folder.canonicalize().ok()];
            for form in forms.into_iter().flatten() {
                let text = form.to_string_lossy().trim_end_matches('/').to_owned();
                if Path::new(&text).components().count() > 1
                    && !folders.iter().any(|(known, _)| *known == text)
                {
                    folders.push((text, name));
                }
            }
        }
        // A nested folder is replaced before its parent.
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Self { folders }
    }

    /// Hides the paths in a sentence: configured folders are replaced by their names, and other
    /// paths are cut to the name of the file.
    pub(crate) fn in_text(&self, text: &str) -> String {
        hide_absolute_paths(&self.name_folders(text))
    }

    /// Hides the folder of a path. Of a path in a configured folder, only that folder is replaced,
    /// by its name.
    fn in_path(&self, path: &str) -> String {
        let named = self.name_folders(path);
        match named.trim_end_matches('/').rsplit_once('/') {
            Some((_, name)) if named.starts_with('/') => format!("…/{name}"),
            _ => named,
        }
    }

    /// Hides the paths in a value: in fields with sentences like [`HiddenPaths::in_text`], in
    /// fields with paths their folders, and in others only the configured folders.
    pub(crate) fn in_value(&self, value: Value) -> Value {
        self.walk(value, Texts::Plain)
    }

    fn walk(&self, value: Value, texts: Texts) -> Value {
        match value {
            // A data URL is a picture and not text.
            Value::String(text) if text.starts_with("data:") => Value::String(text),
            Value::String(text) => Value::String(match texts {
                Texts::Plain => self.name_folders(&text),
                Texts::Sentences => self.in_text(&text),
                Texts::Paths => self.in_path(&text),
            }),
            Value::Array(members) => members
                .into_iter()
                .map(|member| self.walk(member, texts))
                .collect(),
            Value::Object(fields) => {
                let mut shown = Map::new();
                for (name, value) in fields {
                    let value = self.walk(value, texts.of_field(&name));
                    let name = if name.contains('/') {
                        self.in_text(&name)
                    } else {
                        name
                    };
                    // Counts and lists have reasons as their names, and two of these may be equal
                    // now.
                    match shown.get_mut(&name) {
                        Some(before) => add_up(before, value),
                        None => drop(shown.insert(name, value)),
                    }
                }
                shown.into()
            }
            other => other,
        }
    }

    /// Replaces configured folders by their names.
    pub(crate) fn name_folders(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (folder, name) in &self.folders {
            let mut from = 0;
            while let Some(found) = text[from..].find(folder.as_str()).map(|found| from + found) {
                let end = found + folder.len();
                let whole = !text[end..]
                    .starts_with(|next: char| next.is_alphanumeric() || "-_.".contains(next));
                let begins = !text[..found].ends_with(|last: char| last.is_alphanumeric());
                if whole && begins {
                    text.replace_range(found..end, name);
                    from = found + name.len();
                } else {
                    from = end;
                }
            }
        }
        text
    }
}

/// Adds a value to one that has the same name now. Counts are added up, and lists and objects are
/// joined. Of anything else, the first value stays.
fn add_up(value: &mut Value, other: Value) {
    if let (Some(one), Some(more)) = (value.as_u64(), other.as_u64()) {
        *value = one.saturating_add(more).into();
        return;
    }
    match (value, other) {
        (Value::Array(members), Value::Array(more)) => {
            members.extend(more);
            // Listed lines stay in the order of their manifest.
            members.sort_by_key(|member| member.get("line").and_then(Value::as_u64));
        }
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                match fields.get_mut(&name) {
                    Some(before) => add_up(before, value),
                    None => drop(fields.insert(name, value)),
                }
            }
        }
        _ => {}
    }
}

/// Replaces the folders of absolute paths by `…/`.
fn hide_absolute_paths(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('/') {
        let (before, from) = rest.split_at(start);
        shown.push_str(before);
        let (path, after) = from.split_at(length_of_path(&shown, from));
        let begins =
            !shown.ends_with(|last: char| last.is_alphanumeric() || "/._-~%".contains(last));
        // `file://` is followed by a path, other schemes by a server.
        let inside = if shown.ends_with("file:") {
            path.trim_start_matches('/')
        } else {
            &path[1..]
        };
        let is_place = begins && inside.contains('/') && !inside.starts_with('/');
        match path.rsplit_once('/') {
            Some((_, name)) if is_place && !is_route(inside) => {
                shown.push_str("…/");
                shown.push_str(name);
            }
            _ => shown.push_str(path),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Returns the length of the path at the beginning of `text`, which follows `before`.
fn length_of_path(before: &str, text: &str) -> usize {
    // Between quotes, spaces belong to the path.
    if let Some(quote) = before
        .chars()
        .next_back()
        .filter(|last| "\"'`".contains(*last))
        && let Some(end) = text.find(quote)
    {
        return end;
    }
    let end_of_word = |text: &str| {
        text.find(|one: char| one.is_whitespace() || "\"'`)],;<>".contains(one))
            .unwrap_or(text.len())
    };
    let mut end = end_of_word(text);
    // Without quotes, a space belongs to the path only if one of the next words has a slash.
    let mut looked_at = end;
    for _ in 0..WORDS {
        let Some(next) = text[looked_at..].strip_prefix(' ') else {
            break;
        };
        let word = &next[..end_of_word(next)];
        if word.starts_with('/') || word.contains("://") || text[..looked_at].ends_with([':', '.'])
        {
            break;
        }
        looked_at += 1 + word.len();
        if word.contains('/') {
            end = looked_at;
        }
    }
    end
}

/// Whether a path, given without its first slash, is a route of this server.
fn is_route(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.trim_end_matches(['.', ':', '!']);
    match path.split_once('/') {
        Some(("api", rest)) => API.contains(&rest.split('/').next().unwrap_or_default()),
        Some(("image", id)) => id.parse::<PointId>().is_ok(),
        Some(("images", rest)) => rest == "generate",
        Some(("search", rest)) => rest == "hybrid",
        Some(("docs", rest)) => rest.is_empty() || rest == "index.html",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sentence_keeps_the_names_of_files_but_not_their_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("made");
        let options = ApiOptions {
            data_dir: Some(data.clone()),
            ..ApiOptions::default()
        };
        let hidden = HiddenPaths::new(&options);
        let data = data.display();
        for (said, shown) in [
            (
                format!("could not write {data}/outputs/ab/c.png: full"),
                "could not write DATA_DIR/outputs/ab/c.png: full",
            ),
            (format!("{data} is full"), "DATA_DIR is full"),
            (
                "the file \"/home/ann/My.png\" is gone".to_owned(),
                "the file \"…/My.png\" is gone",
            ),
            (
                "\"/home/ann/My Pictures/x.png\" and file:///home/ann/y.png".to_owned(),
                "\"…/x.png\" and file:…/y.png",
            ),
            (
                "/images/ann/z.png is gone, see /image/17".to_owned(),
                "…/z.png is gone, see /image/17",
            ),
            (
                "manifest /srv/m.jsonl: line 3".to_owned(),
                "manifest …/m.jsonl: line 3",
            ),
            (
                "see /api/jobs/1/images/0 and https://example.org/a/b".to_owned(),
                "see /api/jobs/1/images/0 and https://example.org/a/b",
            ),
            ("see file:///home/ann/x.png".to_owned(), "see file:…/x.png"),
            (
                "the file '/home/ann/My Pictures/of me/x.png' is gone".to_owned(),
                "the file '…/x.png' is gone",
            ),
            (
                "/home/ann/My Pictures/x.png cannot be read".to_owned(),
                "…/x.png cannot be read",
            ),
            (
                "/images/ann/x.png, /search/index/y, /docs/z/w and /image/ann/x.png".to_owned(),
                "…/x.png, …/y, …/w and …/x.png",
            ),
            (
                "/image/7, /images/generate, /search/hybrid and /docs/".to_owned(),
                "/image/7, /images/generate, /search/hybrid and /docs/",
            ),
            (
                "image/png or 1/2, and/or /x".to_owned(),
                "image/png or 1/2, and/or /x",
            ),
            (
                "a/b/c stays, ../a/b too".to_owned(),
                "a/b/c stays, ../a/b too",
            ),
        ] {
            assert_eq!(hidden.in_text(&said), shown);
        }
        let beside = format!("{data}base/x");
        assert!(!hidden.in_text(&beside).contains("DATA_DIR"));
        let value = json!({
            "prompt": "a road to /home/of/art", "url": "/api/jobs/1/images/0",
            "file": format!("{data}/m.jsonl"),
            "failed": [{"reason": "/mnt/x/y.png cannot be read"}], "error": {"code": "internal",
            "message": "/a/b/c"},
            "skipped": {"/mnt/x/y.png is no file": 2, "/mnt/z/y.png is no file": 3},
        });
        assert_eq!(
            hidden.in_value(value),
            json!({
                "prompt": "a road to /home/of/art", "url": "/api/jobs/1/images/0",
                "file": "DATA_DIR/m.jsonl",
                "failed": [{"reason": "…/y.png cannot be read"}], "error": {"code": "internal",
                "message": "…/c"},
                "skipped": {"…/y.png is no file": 5},
            })
        );
    }

    #[test]
    fn the_files_of_a_report_have_names_but_no_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = ApiOptions {
            data_dir: Some(folder.path().to_owned()),
            ..ApiOptions::default()
        };
        let hidden = HiddenPaths::new(&options);
        let sent = folder.path().join("pictures/ab/fox.png");
        let report = json!({
            "scan": {
                "missing_files": ["/home/ann/My Pictures: old/x y.png", sent],
                "duplicate_files": [{"path": "/home/ann/a.png", "duplicate_of": "/home/b/c.png"}],
                "away": ["/mnt/nas/"], "new": 1,
            },
            "reasons": {"failed": [{"kind": "no_file", "listed": {"lines": [
                {"line": 1, "file": "/home/ann/d.png", "reason": "/home/ann/d.png: gone"}]}}]},
        });
        assert_eq!(
            hidden.in_value(report),
            json!({
                "scan": {
                    "missing_files": ["…/x y.png", "DATA_DIR/pictures/ab/fox.png"],
                    "duplicate_files": [{"path": "…/a.png", "duplicate_of": "…/c.png"}],
                    "away": ["…/nas"], "new": 1,
                },
                "reasons": {"failed": [{"kind": "no_file", "listed": {"lines": [
                    {"line": 1, "file": "…/d.png", "reason": "…/d.png: gone"}]}}]},
            })
        );
    }

    #[test]
    fn lists_of_reasons_that_are_equal_without_folders_are_joined() {
        let hidden = HiddenPaths::new(&ApiOptions::default());
        let skipped = json!({
            "/mnt/x/y.png is no file": {"lines": [{"line": 1}, {"line": 7}], "more": 2},
            "/mnt/z/y.png is no file": {"lines": [{"line": 4}], "more": 3, "kind": "a"},
            "deleted": {"lines": [{"line": 2}], "more": 0},
        });
        assert_eq!(
            hidden.in_value(skipped),
            json!({
                "…/y.png is no file": {"lines": [{"line": 1}, {"line": 4}, {"line": 7}], "more": 5,
                    "kind": "a"},
                "deleted": {"lines": [{"line": 2}], "more": 0},
            })
        );
    }
}
