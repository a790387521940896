//! What the hub says of a file before it is downloaded: of which commit it is, its hash, its size.

use std::io::Read;
use std::path::Path;

use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::repository::is_commit;
use crate::error::{ClipError, Result};

/// What the hub announces about a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Announcement {
    commit: String,
    etag: String,
    size: Option<u64>,
}

impl Announcement {
    /// Reads the headers of an answer. `None` where the commit or the hash is missing.
    pub(super) fn read(headers: &HeaderMap, is_redirect: bool) -> Option<Self> {
        let commit = text(headers, "x-repo-commit").filter(|commit| is_commit(commit))?;
        let linked = text(headers, "x-linked-etag");
        // The hash of a redirect's own answer is not the file's.
        let own = |name: &str| (!is_redirect).then(|| text(headers, name)).flatten();
        let etag = linked.or_else(|| own(ETAG.as_str()))?;
        let etag = etag.trim_start_matches("W/").trim_matches('"');
        // It becomes the name of a file.
        let is_plain = (1..=128).contains(&etag.len())
            && etag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let size = text(headers, "x-linked-size").or_else(|| own(CONTENT_LENGTH.as_str()));
        is_plain.then(|| Self {
            commit: commit.to_owned(),
            etag: etag.to_owned(),
            size: size.and_then(|size| size.parse().ok()),
        })
    }

    /// The commit that the file is of.
    pub(crate) fn commit(&self) -> &str {
        &self.commit
    }

    /// The name of its content: a hash.
    pub(super) fn etag(&self) -> &str {
        &self.etag
    }

    /// Its size, if it is known.
    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Compares a file with the hash: SHA-256 for large files, git's for small ones. A hash of
    /// another form is not compared.
    ///
    /// # Errors
    /// Where it cannot be read. `Ok(Some(reason))` where it differs.
    pub(super) fn difference(&self, path: &Path) -> Result<Option<String>> {
        let (found, name) = match self.etag.len() {
            64 if self.is_hex() => (hash(path, Sha256::new())?, "SHA-256"),
            40 if self.is_hex() => {
                let size = std::fs::metadata(path)
                    .map_err(ClipError::reading(path))?
                    .len();
                let mut sha1 = Sha1::new();
                sha1.update(format!("blob {size}\0"));
                (hash(path, sha1)?, "git hash")
            }
            _ => return Ok(None),
        };
        let is_same = found.eq_ignore_ascii_case(&self.etag);
        let wanted = &self.etag;
        Ok((!is_same).then(|| format!("its {name} is {found}, {wanted} was announced")))
    }

    fn is_hex(&self) -> bool {
        self.etag.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

fn hash(path: &Path, mut hash: impl Digest) -> Result<String> {
    let io = ClipError::reading(path);
    let mut file = std::fs::File::open(path).map_err(&io)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).map_err(&io)?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..count]);
    }
}

/// Returns a header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789012345678901234567890123456789";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                reqwest::header::HeaderName::from_static(name),
                value.parse().unwrap(),
            )
        });
        pairs.collect()
    }

    #[test]
    fn the_linked_file_counts_and_not_the_redirect() {
        let redirect = headers(&[
            ("x-repo-commit", COMMIT),
            ("etag", "\"of-the-redirect\""),
            ("content-length", "7"),
            ("x-linked-etag", "\"abc\""),
            ("x-linked-size", "70000"),
        ]);
        let found = Announcement::read(&redirect, true).unwrap();
        assert_eq!((found.etag(), found.size()), ("abc", Some(70_000)));
        let small = headers(&[
            ("x-repo-commit", COMMIT),
            ("etag", "W/\"def\""),
            ("content-length", "7"),
        ]);
        let found = Announcement::read(&small, false).unwrap();
        assert_eq!((found.etag(), found.size()), ("def", Some(7)));
        assert_eq!(Announcement::read(&small, true), None);
    }

    #[test]
    fn a_hash_or_a_commit_that_is_a_path_is_refused() {
        for (commit, etag) in [(COMMIT, "../../../up"), ("../up", "abc"), (COMMIT, "")] {
            let headers = headers(&[("x-repo-commit", commit), ("etag", etag)]);
            assert_eq!(Announcement::read(&headers, false), None, "{commit} {etag}");
        }
    }

    #[test]
    fn small_files_are_compared_with_gits_hash() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello\n").unwrap();
        // `git hash-object` of this content.
        let mut announced = Announcement {
            etag: "ce013625030ba8dba906f756967f9e9ca394464a".to_owned(),
            ..Announcement::default()
        };
        assert_eq!(announced.difference(file.path()).unwrap(), None);
        std::fs::write(file.path(), "hellO\n").unwrap();
        assert!(announced.difference(file.path()).unwrap().is_some());
        announced.etag = "of-another-form".to_owned();
        assert_eq!(announced.difference(file.path()).unwrap(), None);
    }
}
