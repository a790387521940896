//! What the hub says of a file before it is downloaded: of which commit it is, its hash, its size.

use std::io::Read;
use std::path::Path;

use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::repository::is_commit;
use crate::error::{ClipError, Result};

/// The largest size of a file that is believed: 1 PiB. Published models are far smaller.
pub(super) const LARGEST: u64 = 1 << 50;

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

    /// Whether the hash is of a form that can be compared: SHA-256 or git's.
    pub(super) fn has_known_hash(&self) -> bool {
        self.form().is_some()
    }

    /// Why a file that is announced like this is not downloaded, and what to do.
    pub(super) fn fault(&self) -> Option<String> {
        const ADVICE: &str = "Check HF_ENDPOINT, or name another mirror there";
        match self.size {
            None if !self.has_known_hash() => Some(format!(
                "the answer says neither its size nor a hash that can be compared (SHA-256 or \
                 git's), so a download could not be checked. {ADVICE}"
            )),
            Some(size) if size > LARGEST => Some(format!(
                "it is announced with {size} bytes, more than any model has. {ADVICE}"
            )),
            _ => None,
        }
    }

    /// Whether a file is there and is the announced one, by its size or, if that is unknown, by its
    /// hash.
    pub(super) fn is_whole(&self, path: &Path) -> bool {
        let is_same = |length: u64| match self.size {
            Some(size) => length == size,
            None => self.has_known_hash() && matches!(self.difference(path), Ok(None)),
        };
        std::fs::metadata(path).is_ok_and(|there| there.is_file() && is_same(there.len()))
    }

    /// Compares a file with the hash: SHA-256 for large files, git's for small ones. A hash of
    /// another form is not compared.
    ///
    /// # Errors
    /// Where it cannot be read. `Ok(Some(reason))` where it differs.
    pub(super) fn difference(&self, path: &Path) -> Result<Option<String>> {
        let (found, name) = match self.form() {
            Some(Form::Sha256) => (hash(path, Sha256::new())?, "SHA-256"),
            Some(Form::Git) => {
                let size = std::fs::metadata(path)
                    .map_err(ClipError::reading(path))?
                    .len();
                let mut sha1 = Sha1::new();
                sha1.update(format!("blob {size}\0"));
                (hash(path, sha1)?, "git hash")
            }
            None => return Ok(None),
        };
        let is_same = found.eq_ignore_ascii_case(&self.etag);
        let wanted = &self.etag;
        Ok((!is_same).then(|| format!("its {name} is {found}, {wanted} was announced")))
    }

    fn form(&self) -> Option<Form> {
        let is_hex = self.etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.etag.len() {
            64 if is_hex => Some(Form::Sha256),
            40 if is_hex => Some(Form::Git),
            _ => None,
        }
    }
}

/// The forms of hashes that can be compared.
enum Form {
    Sha256,
    /// SHA-1 of the length and the content.
    Git,
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

    #[test]
    fn a_file_must_have_a_size_or_a_hash_that_can_be_checked() {
        let announced = |etag: &str, size| Announcement {
            etag: etag.to_owned(),
            size,
            ..Announcement::default()
        };
        // Git's hash, SHA-256, MD5, and 40 letters that are no hash.
        let (git, sha256, md5) = ("a".repeat(40), "b".repeat(64), "c".repeat(32));
        let letters = "x".repeat(40);
        for (etag, size, is_refused) in [
            (&git, None, false),
            (&sha256, None, false),
            (&md5, Some(1), false),
            (&letters, Some(1), false),
            (&md5, None, true),
            (&letters, None, true),
            (&sha256, Some(LARGEST), false),
            (&sha256, Some(LARGEST + 1), true),
            (&sha256, Some(u64::MAX), true),
        ] {
            let fault = announced(etag, size).fault();
            assert_eq!(fault.is_some(), is_refused, "{etag} {size:?}: {fault:?}");
        }
    }

    #[test]
    fn a_file_is_whole_by_its_size_or_else_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let announced = |etag: &str, size| Announcement {
            etag: etag.to_owned(),
            size,
            ..Announcement::default()
        };
        // `git hash-object` of the first content.
        let hash = "ce013625030ba8dba906f756967f9e9ca394464a";
        for (content, by_size, by_hash) in [
            (Some("hello\n"), true, true),
            (Some("hellO\n"), true, false),
            (Some("hello"), false, false),
            (None, false, false),
        ] {
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            assert_eq!(announced("other", Some(6)).is_whole(&path), by_size);
            assert_eq!(announced(hash, None).is_whole(&path), by_hash);
            assert!(!announced("other", None).is_whole(&path), "{content:?}");
        }
        assert!(!announced(hash, None).is_whole(folder.path()), "a folder");
    }
}
