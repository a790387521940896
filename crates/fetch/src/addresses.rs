//! The addresses of a site, and which others may be called.

use reqwest::Url;

use crate::error::FetchError;
use crate::page::Post;

#[derive(Debug, Clone)]
pub struct Addresses {
    base: Url,
    public_only: bool,
}

impl Addresses {
    pub fn new(base_url: &str, public_only: bool) -> Result<Self, FetchError> {
        let base = Url::parse(&format!("{}/", base_url.trim_end_matches('/')))
            .ok()
            .filter(|base| matches!(base.scheme(), "http" | "https") && base.has_host())
            .ok_or_else(|| FetchError::Usage(format!("{base_url} is not an http(s) address")))?;
        if !base.username().is_empty() || base.password().is_some() {
            // It would be in the manifest, as a part of the addresses of posts.
            return Err(FetchError::Usage(
                "the address of a site must not contain a user name or a password".to_owned(),
            ));
        }
        Ok(Self { base, public_only })
    }

    /// The host of the site.
    pub fn host(&self) -> Option<&str> {
        self.base.host_str()
    }

    /// The page of a post for people.
    pub fn post(&self, id: u64) -> String {
        format!("{}index.php?page=post&s=view&id={id}", self.base)
    }

    /// One page of a query's posts.
    pub fn page(&self, query: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}index.php", self.base.path()));
        url.set_query(Some(query));
        url
    }

    /// The address of a post's file, if the site names one.
    pub fn file(&self, post: &Post) -> Option<Url> {
        let url = if let Some(url) = &post.file_url {
            self.base.join(url).ok()?
        } else {
            let mut url = self.base.join("images").ok()?;
            let directory = post.directory.as_deref()?;
            url.path_segments_mut()
                .ok()?
                .extend(directory.split('/').filter(|part| !part.is_empty()))
                .push(post.image.as_deref()?);
            url
        };
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// Whether an address that the site named may be called; the error says why not. Names of hosts
    /// are checked when they are resolved.
    pub fn check(&self, url: &Url) -> Result<(), &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is not an http(s) address");
        }
        if !self.public_only || url.origin() == self.base.origin() {
            return Ok(());
        }
        if url.scheme() != "https" || url.port_or_known_default() != Some(443) {
            return Err("only https on port 443 is fetched from other hosts than the site's");
        }
        if url.host() == self.base.host() {
            return Err("only the site's own port of its host is called");
        }
        let address = match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
            Some(host) => host.parse().ok(),
            None => return Err("it names no host"),
        };
        address.and_then(clippy_http::refusal).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn only_the_site_and_public_addresses_are_called() {
        let addresses = Addresses::new("http://127.0.0.1:8123/booru", true).expect("a site");
        for (url, allowed) in [
            ("http://127.0.0.1:8123/f/1.png", true),
            ("https://93.184.215.14/1.png", true),
            ("https://cdn.example.org/1.png", true),
            ("http://cdn.example.org/1.png", false),
            ("https://cdn.example.org:8443/1.png", false),
            ("http://127.0.0.1:8124/1.png", false),
            ("https://127.0.0.1/1.png", false),
            ("https://10.0.0.1/1.png", false),
            ("https://[::1]/1.png", false),
            ("https://2130706433/1.png", false),
            ("file:///etc/hostname", false),
        ] {
            let parsed = url.parse().expect("a URL");
            assert_eq!(addresses.check(&parsed).is_ok(), allowed, "{url}");
        }
        for bad in ["ftp://example.org", "https://me:secret@example.org", "x"] {
            let error = Addresses::new(bad, false).expect_err(bad).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
