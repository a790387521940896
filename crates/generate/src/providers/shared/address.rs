//! The address of a provider's server.

use std::fmt;

use clippy_core::settings::Secret;
use clippy_core::{Error, Result};
use percent_encoding::percent_decode_str;
use reqwest::RequestBuilder;

/// The base URL of a server. A user name and password in it are sent with every call, and are never
/// shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The URL without user name, password and query, and without a trailing slash.
    base: String,
    login: Option<(String, Secret)>,
}

impl Address {
    /// Reads an `http` or `https` URL.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for anything else. The message never holds a user
    /// or a password.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = || {
            let shown = without_login(text);
            Error::invalid(format!(
                "\"{shown}\" is not an address: it must be an http or https URL without ? and #"
            ))
        };
        let mut url = url::Url::parse(text).map_err(|_| wrong())?;
        let usable = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        if !usable {
            return Err(wrong());
        }
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let password = Secret::new(percent_decoded(url.password().unwrap_or_default()));
            (percent_decoded(url.username()), password)
        });
        url.set_username("")
            .and_then(|()| url.set_password(None))
            .map_err(|()| wrong())?;
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            login,
        })
    }

    /// The address without user and password.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Removes the first of these endings that the address has.
    #[must_use]
    pub fn without_ending(mut self, endings: &[&str]) -> Self {
        if let Some(shorter) = endings
            .iter()
            .find_map(|ending| self.base.strip_suffix(ending))
        {
            self.base = shorter.trim_end_matches('/').to_owned();
        }
        self
    }

    /// Adds the user name and password of the address to a call, if it has them.
    pub(crate) fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.login {
            Some((user, password)) => request.basic_auth(user, Some(password.expose())),
            None => request,
        }
    }

    /// The value of the `Authorization` header, for calls that are not made by reqwest.
    pub(crate) fn authorization(&self) -> Option<String> {
        use base64::Engine;
        let (user, password) = self.login.as_ref()?;
        let plain = format!("{user}:{}", password.expose());
        Some(format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(plain)
        ))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base)
    }
}

/// The part of an invalid address that may be shown: nothing before an `@`, and no query.
pub(crate) fn without_login(text: &str) -> String {
    let shown = match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    };
    let end = shown.find(['?', '#']).unwrap_or(shown.len());
    crate::text::shorten(&shown[..end])
}

fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_a_password_are_stored_and_never_shown() {
        let address =
            Address::parse("https://ann:p%40ss@host.test:8188/base/").expect("an address");
        assert_eq!(address.as_str(), "https://host.test:8188/base");
        assert_eq!(
            format!("{address} {address:?}"),
            "https://host.test:8188/base https://host.test:8188/base"
        );
        assert_eq!(
            address.authorization().as_deref(),
            Some("Basic YW5uOnBAc3M=")
        );
        assert_eq!(
            Address::parse("http://host.test")
                .expect("an address")
                .authorization(),
            None
        );
        for bad in [
            "ann:p@ss@host.test:8188",
            "ftp://ann:p@ss@host.test",
            "http://ann:p@ss@host.test/?token=p@ss",
        ] {
            let message = Address::parse(bad).expect_err(bad).message;
            assert!(
                !message.contains("ann") && !message.contains("p@ss"),
                "{message}"
            );
        }
    }

    #[test]
    fn known_endings_are_removed() {
        let endings = ["/v1beta/models", "/v1beta", "/v1"];
        for (text, expected) in [
            ("https://host.test/v1beta/", "https://host.test"),
            (
                "https://host.test/proxy/v1beta/models",
                "https://host.test/proxy",
            ),
            ("https://host.test/v1betas", "https://host.test/v1betas"),
            ("https://host.test", "https://host.test"),
        ] {
            assert_eq!(
                Address::parse(text)
                    .expect("an address")
                    .without_ending(&endings)
                    .as_str(),
                expected
            );
        }
    }
}
