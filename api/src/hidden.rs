//! Hides paths of this machine in what jobs report: a caller learns which file is meant, but not
//! its folder.
//!
//! Jobs also run on other machines, and pass on messages of libraries. So this happens where answers
//! are written.

use std::path::Path;

use serde_json::Value;

use crate::options::ApiOptions;

/// Fields with sentences, which may contain any path.
const SENTENCES: [&str; 4] = ["message", "reason", "error", "warning"];
/// Fields whose values are maps from sentences to counts.
const COUNTED_SENTENCES: [&str; 2] = ["skipped", "remarks"];

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
        // A nested folder is replaced before the one around it.
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Self { folders }
    }

    /// Hides the paths in a sentence: configured folders are replaced by their names, other paths
    /// are cut down to the file's name.
    pub(crate) fn in_text(&self, text: &str) -> String {
        hide_absolute_paths(&self.name_folders(text))
    }

    /// Hides the paths in a value: in sentences as [`HiddenPaths::in_text`] does, elsewhere the
    /// configured folders only.
    pub(crate) fn in_value(&self, value: Value) -> Value {
        self.walk(value, false)
    }

    fn walk(&self, value: Value, sentence: bool) -> Value {
        match value {
            // A picture, not a text.
            Value::String(text) if text.starts_with("data:") => Value::String(text),
            Value::String(text) if sentence => Value::String(self.in_text(&text)),
            Value::String(text) => Value::String(self.name_folders(&text)),
            Value::Array(members) => members
                .into_iter()
                .map(|member| self.walk(member, sentence))
                .collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| match value {
                    Value::Object(counts) if COUNTED_SENTENCES.contains(&name.as_str()) => {
                        let counts = counts.into_iter();
                        let hidden = counts.map(|(said, count)| (self.in_text(&said), count));
                        (name, hidden.collect())
                    }
                    value => {
                        let sentence = SENTENCES.contains(&name.as_str());
                        (name, self.walk(value, sentence))
                    }
                })
                .collect(),
            other => other,
        }
    }

    /// Replaces configured folders by their names.
    fn name_folders(&self, text: &str) -> String {
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

/// Replaces the folders of absolute paths by `…/`.
fn hide_absolute_paths(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('/') {
        let (before, from) = rest.split_at(start);
        shown.push_str(before);
        // A path in quotes may hold spaces.
        let length = match shown.ends_with('"').then(|| from.find('"')).flatten() {
            Some(end) => end,
            None => from
                .find(|one: char| one.is_whitespace() || "\"'`)],;<>".contains(one))
                .unwrap_or(from.len()),
        };
        let (path, after) = from.split_at(length);
        let begins =
            !shown.ends_with(|last: char| last.is_alphanumeric() || "/._-~%".contains(last));
        // `file:///a/b` is a path, `https://a/b` is not.
        let local = path.strip_prefix("//").filter(|rest| rest.starts_with('/'));
        let mut parts = local.unwrap_or(path).split('/').skip(1);
        let first = parts.next().unwrap_or_default();
        let second = parts.next();
        let is_place = begins && !first.is_empty() && second.is_some() && !is_route(path);
        match path.rsplit_once('/') {
            Some((_, name)) if is_place => {
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

/// Whether it is one of this server's own addresses, which are no paths.
fn is_route(path: &str) -> bool {
    let number = |id: &str| !id.is_empty() && id.bytes().all(|digit| digit.is_ascii_digit());
    path.starts_with("/api/")
        || path == "/images/generate"
        || path == "/search/hybrid"
        || path.strip_prefix("/image/").is_some_and(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sentence_says_which_file_and_not_where() {
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
            "prompt": "a road to /home/of/art", "url": "/api/jobs/1/images/0", "file": format!("{data}/m.jsonl"),
            "failed": [{"reason": "/mnt/x/y.png cannot be read"}], "error": {"code": "internal", "message": "/a/b/c"},
            "reasons": {"skipped": {"/a/b/c is a link": 2}, "remarks": {}},
        });
        assert_eq!(
            hidden.in_value(value),
            json!({
                "prompt": "a road to /home/of/art", "url": "/api/jobs/1/images/0", "file": "DATA_DIR/m.jsonl",
                "failed": [{"reason": "…/y.png cannot be read"}], "error": {"code": "internal", "message": "…/c"},
                "reasons": {"skipped": {"…/c is a link": 2}, "remarks": {}},
            })
        );
    }
}
