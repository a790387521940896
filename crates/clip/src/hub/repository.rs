//! The name of a repository, as settings have it: `hf-hub:ORG/REPO`, or `hf-hub:ORG/REPO@REVISION`.

use std::fmt;

use crate::error::{ClipError, Result};

/// open_clip's prefix for a repository of the hub.
pub const PREFIX: &str = "hf-hub:";

/// The branch that a repository without a revision means.
const MAIN: &str = "main";
/// The hub's limit for each part of a name.
const LONGEST: usize = 96;

/// A repository of the hub, at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    id: String,
    revision: String,
}

impl Repository {
    /// Reads `hf-hub:ORG/REPO`, or `hf-hub:ORG/REPO@REVISION` as timm writes it. Returns `None` for
    /// a setting without the prefix.
    ///
    /// # Errors
    /// [`ClipError::Repository`] where the rest names no repository.
    pub fn parse(setting: &str) -> Option<Result<Self>> {
        let rest = setting.strip_prefix(PREFIX)?;
        Some(match rest.split_once('@') {
            Some((id, revision)) => Self::new(id, revision),
            None => Self::new(rest, MAIN),
        })
    }

    /// Returns the main branch of a repository, such as `laion/CLIP-ViT-B-32-laion2B-s34B-b79K`.
    ///
    /// # Errors
    /// As [`Repository::parse`].
    pub fn main(id: &str) -> Result<Self> {
        Self::new(id, MAIN)
    }

    /// Names become paths and parts of addresses, so the hub's own rules are checked here.
    fn new(id: &str, revision: &str) -> Result<Self> {
        let is_repository = !id.is_empty()
            && id.split('/').count() <= 2
            && id.split('/').all(is_name)
            && !id.ends_with(".git");
        let error = |setting: String, what: &str| ClipError::Repository {
            repository: setting,
            what: what.to_owned(),
        };
        if !is_repository {
            let what = "names no repository: write hf-hub:ORG/REPO, as in \
                        hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K";
            return Err(error(format!("{PREFIX}{id}"), what));
        }
        if !revision.split('/').all(is_name) {
            let what = "names no revision: write a branch, a tag or a commit after the @, or leave \
                        it out";
            return Err(error(format!("{PREFIX}{id}@{revision}"), what));
        }
        Ok(Self {
            id: id.to_owned(),
            revision: match is_commit(revision) {
                // As git and the hub write it, and as the cache's folder is called.
                true => revision.to_ascii_lowercase(),
                false => revision.to_owned(),
            },
        })
    }

    /// The organisation and the name: `ORG/REPO`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name alone: `REPO`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// The branch, tag or commit.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The commit, if the revision is one.
    pub(super) fn commit(&self) -> Option<&str> {
        is_commit(&self.revision).then_some(self.revision.as_str())
    }

    /// The page where a person accepts the repository's licence.
    pub(super) fn page(&self) -> String {
        format!("https://huggingface.co/{}", self.id)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", self.id)?;
        if self.revision != MAIN {
            write!(formatter, "@{}", self.revision)?;
        }
        Ok(())
    }
}

/// Whether this is the full hash of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_name(text: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    text.len() <= LONGEST
        && bytes.first().is_some_and(is_word)
        && bytes.last().is_some_and(is_word)
        && bytes
            .iter()
            .all(|byte| is_word(byte) || b"-.".contains(byte))
        && !text.contains("..")
        && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_names_a_repository_and_perhaps_a_revision() {
        let parse = |setting| Repository::parse(setting).map(|parsed| parsed.unwrap());
        assert_eq!(parse("local-dir:/m"), None);
        for (setting, id, revision) in [
            ("hf-hub:laion/CLIP-ViT-B.1", "laion/CLIP-ViT-B.1", "main"),
            ("hf-hub:o/r@v1.0", "o/r", "v1.0"),
            ("hf-hub:o/r@refs/pr/3", "o/r", "refs/pr/3"),
            ("hf-hub:alone", "alone", "main"),
        ] {
            let found = parse(setting).unwrap();
            assert_eq!((found.id(), found.revision()), (id, revision));
            assert_eq!(found.to_string(), setting);
        }
        let commit = "0123456789ABCDEF0123456789ABCDEF01234567";
        let named = format!("hf-hub:o/r@{commit}");
        let found = parse(&named).unwrap();
        assert_eq!(found.revision(), commit.to_lowercase());
        assert_eq!(parse("hf-hub:o/r@ABC").unwrap().revision(), "ABC");
    }

    #[test]
    fn names_that_could_leave_the_cache_are_refused() {
        for wrong in [
            "",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "../b",
            "a/..",
            "a/b..c",
            "a--b/c",
            "a/b.git",
            "a b/c",
            ".a/b",
            "a/b?x",
            "a/b@",
            "a/b@../x",
            "a/b@x/../y",
            "a/b@/x",
            "a\\b",
            "é/b",
        ] {
            let error = Repository::parse(&format!("{PREFIX}{wrong}")).unwrap();
            assert!(error.is_err(), "{wrong}");
        }
        assert!(Repository::main(&"a".repeat(97)).is_err());
    }
}
