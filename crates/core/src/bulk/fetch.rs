//! The parameters of a job that fetches pictures from a site.

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result};

/// The most tags of one job.
const MOST_TAGS: usize = 10_000;
/// The most bytes of a tag.
const LONGEST_TAG: usize = 1000;
/// The most bytes of a folder's name.
const LONGEST_NAME: usize = 64;
/// The most downloads at the same time.
const MOST_WORKERS: u64 = 64;

/// A request to fetch the pictures of tags into a folder of `DATA_DIR/fetched`
/// (`clippy fetch safebooru --enqueue`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// The tags. Spaces become underscores.
    pub tags: Vec<String>,
    /// The folder's name. The default is the id of the job. A name that was used before goes on
    /// with the run in that folder.
    #[serde(default)]
    pub name: Option<String>,
    /// One folder for all pictures, instead of one for each tag.
    #[serde(default)]
    pub union: bool,
    /// Downloads at the same time, 1..=64.
    #[serde(default = "workers")]
    pub workers: u64,
    /// The most pages of 100 posts for each tag.
    #[serde(default)]
    pub max_pages: Option<u64>,
    /// Only posts whose id is smaller.
    #[serde(default)]
    pub older_than_id: Option<u64>,
    /// Only posts whose id is at most this.
    #[serde(default)]
    pub max_id: Option<u64>,
    /// The most requests a second.
    #[serde(default = "rate")]
    pub rate: f64,
    /// The address of the site, one of `FETCH_SITES`. The default is the first of them.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Whether the pictures are embedded and stored, too.
    #[serde(default)]
    pub ingest: bool,
}

fn workers() -> u64 {
    FetchRequest::WORKERS
}

fn rate() -> f64 {
    FetchRequest::RATE
}

impl FetchRequest {
    /// The default number of downloads at the same time.
    pub const WORKERS: u64 = 4;
    /// The default number of requests a second.
    pub const RATE: f64 = 4.0;

    /// Refuses values that can never work.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] that names the field and what it must be.
    pub fn check(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::invalid(message));
        if self.tags.iter().all(|tag| tag.trim().is_empty()) {
            return invalid("tags is empty: name the tags to fetch".to_owned());
        }
        if self.tags.len() > MOST_TAGS {
            return invalid(format!(
                "tags has {} entries, but at most {MOST_TAGS} are allowed: use several jobs",
                self.tags.len()
            ));
        }
        let unusable = |tag: &&String| tag.len() > LONGEST_TAG || tag.contains(char::is_control);
        if let Some(tag) = self.tags.iter().find(unusable) {
            return invalid(format!(
                "tags has \"{}\", which is longer than {LONGEST_TAG} bytes or has control \
                 characters in it: each entry must be one tag",
                clippy_common::shorten(tag, 40).escape_debug()
            ));
        }
        if let Some(name) = &self.name
            && !is_name(name)
        {
            return invalid(format!(
                "name is \"{}\", but must be 1 to {LONGEST_NAME} lower-case letters, digits, '-' \
                 and '_', and begin with a letter or digit",
                clippy_common::shorten(name, 40).escape_debug()
            ));
        }
        if !(1..=MOST_WORKERS).contains(&self.workers) {
            return invalid(format!(
                "workers is {}, but must be 1..{MOST_WORKERS}",
                self.workers
            ));
        }
        if !(0.001..=1000.0).contains(&self.rate) {
            return invalid(format!(
                "rate is {}, but must be a number from 0.001 to 1000",
                self.rate
            ));
        }
        if self.max_pages == Some(0) {
            return invalid("max_pages is 0, but must be at least 1".to_owned());
        }
        Ok(())
    }

    /// Returns the address of the site, which must be one of those that the server may call.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] for another one; the message says what to do.
    pub fn site(&self, allowed: &[String]) -> Result<String> {
        let plain = |address: &str| address.trim_end_matches('/').to_ascii_lowercase();
        let wanted = self.base_url.as_deref().map(plain);
        let site = allowed
            .iter()
            .find(|site| wanted.as_ref().is_none_or(|wanted| plain(site) == *wanted));
        site.cloned().ok_or_else(|| {
            Error::new(
                ErrorCode::Forbidden,
                format!(
                    "base_url is \"{}\", but this server fetches only from {}: its owner can add \
                     the site to FETCH_SITES",
                    clippy_common::shorten(self.base_url.as_deref().unwrap_or_default(), 200)
                        .escape_debug(),
                    allowed.join(", ")
                ),
            )
        })
    }
}

/// Whether a text is the name of one folder, on every system.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && plain(name.as_bytes()[0])
        && name
            .bytes()
            .all(|byte| plain(byte) || matches!(byte, b'-' | b'_'))
        && !["con", "prn", "aux", "nul"].contains(&name)
        && !(name.len() == 4 && (name.starts_with("com") || name.starts_with("lpt")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> FetchRequest {
        serde_json::from_str(r#"{"tags": ["red hair"]}"#).expect("all others have defaults")
    }

    type Change = fn(&mut FetchRequest);

    #[test]
    fn what_can_never_work_is_refused_by_name() {
        request().check().expect("valid");
        let bad: [(&str, Change); 10] = [
            ("tags", |it| it.tags = vec![" ".to_owned()]),
            ("tags", |it| it.tags = vec!["a".to_owned(); MOST_TAGS + 1]),
            ("tags", |it| it.tags = vec!["a\nb".to_owned()]),
            ("tags", |it| it.tags = vec!["a".repeat(LONGEST_TAG + 1)]),
            ("workers", |it| it.workers = 0),
            ("workers", |it| it.workers = 65),
            ("rate", |it| it.rate = 0.0),
            ("rate", |it| it.rate = f64::NAN),
            ("max_pages", |it| it.max_pages = Some(0)),
            ("name", |it| it.name = Some("a".repeat(65))),
        ];
        for (field, change) in bad {
            let mut request = request();
            change(&mut request);
            let error = request.check().expect_err(field);
            assert!(error.message.starts_with(field), "{error}");
        }
        for (name, good) in [
            ("cats", true),
            ("2026-red_hair", true),
            ("", false),
            ("..", false),
            ("../up", false),
            ("/etc", false),
            ("a/b", false),
            ("a\\b", false),
            (".hidden", false),
            ("Cats", false),
            ("nul", false),
            ("com1", false),
        ] {
            let mut request = request();
            request.name = Some(name.to_owned());
            assert_eq!(request.check().is_ok(), good, "{name}");
        }
    }

    #[test]
    fn only_the_sites_of_the_owner_are_called() {
        let sites = [
            "https://safebooru.org".to_owned(),
            "http://booru.lan/x".to_owned(),
        ];
        let site = |given: Option<&str>| {
            let mut request = request();
            request.base_url = given.map(str::to_owned);
            request.site(&sites)
        };
        assert_eq!(site(None).expect("the first"), sites[0]);
        assert_eq!(site(Some("http://booru.lan/x/")).expect("listed"), sites[1]);
        for other in [
            "http://safebooru.org",
            "https://safebooru.org.example",
            "http://booru.lan",
            "http://169.254.169.254",
            "",
        ] {
            let error = site(Some(other)).expect_err(other);
            assert_eq!(error.code, ErrorCode::Forbidden, "{other}");
            assert!(error.message.contains("FETCH_SITES"), "{error}");
        }
    }
}
