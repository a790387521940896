//! The settings of Google's account, which Gemini and Imagen share.

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::Result;
use clippy_core::settings::{Reader, Secret};

use super::endpoint::{Endpoint, GcpTokens};
use crate::providers::shared::address::Address;
use crate::providers::shared::variables::{address, flag, model};

/// Whether `GOOGLE_GENAI_USE_VERTEXAI` asks for Vertex AI.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when it is neither true nor false.
pub fn asks_for_vertex(reader: &Reader) -> Result<bool> {
    Ok(flag(reader, "GOOGLE_GENAI_USE_VERTEXAI")? == Some(true))
}

/// The settings of a Google account.
#[derive(Debug, Clone)]
pub struct GoogleAccount {
    /// `GEMINI_API_KEY`.
    key: Option<Secret>,
    /// `GEMINI_BASE_URL`.
    gemini_base: Option<Address>,
    /// Whether Gemini is called through Vertex AI: `GOOGLE_GENAI_USE_VERTEXAI`, or by default when
    /// there is a project and no key.
    gemini_on_vertex: bool,
    /// `VERTEX_BASE_URL`.
    vertex_base: Option<Address>,
    /// `GOOGLE_CLOUD_PROJECT`.
    project: Option<String>,
    /// `GOOGLE_CLOUD_LOCATION`, if it is set.
    location: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    credentials: Option<PathBuf>,
}

impl GoogleAccount {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
    pub fn read(reader: &Reader) -> Result<Self> {
        let key = reader.text(&["GEMINI_API_KEY"]).map(Secret::new);
        let project = reader.text(&["GOOGLE_CLOUD_PROJECT"]);
        Ok(Self {
            gemini_base: address(reader, "GEMINI_BASE_URL")?,
            gemini_on_vertex: flag(reader, "GOOGLE_GENAI_USE_VERTEXAI")?
                .unwrap_or(key.is_none() && project.is_some()),
            vertex_base: address(reader, "VERTEX_BASE_URL")?,
            location: model(reader, "GOOGLE_CLOUD_LOCATION")?,
            credentials: reader
                .text(&["GOOGLE_APPLICATION_CREDENTIALS"])
                .map(PathBuf::from),
            key,
            project,
        })
    }

    /// The endpoint of Gemini; `None` without a key or a project.
    ///
    /// # Errors
    /// As [`Address::parse`].
    pub fn gemini(&self) -> Result<Option<Endpoint>> {
        if self.gemini_on_vertex {
            // The 3.x image models are served from this location only.
            return Ok(self.vertex("global"));
        }
        let base = match &self.gemini_base {
            Some(base) => base.clone(),
            None => Address::parse("https://generativelanguage.googleapis.com")?,
        };
        Ok(self.key.clone().map(|key| Endpoint::ApiKey { base, key }))
    }

    /// The endpoint of Imagen; `None` without a project.
    #[must_use]
    pub fn imagen(&self) -> Option<Endpoint> {
        self.vertex("us-central1")
    }

    fn vertex(&self, usual_location: &str) -> Option<Endpoint> {
        let location = self.location.as_deref().unwrap_or(usual_location);
        Some(Endpoint::Vertex {
            base: self.vertex_base.clone(),
            project: self.project.clone()?,
            location: location.to_owned(),
            tokens: Arc::new(GcpTokens::new(self.credentials.clone())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<GoogleAccount> {
        GoogleAccount::read(&Reader::from_pairs(variables.iter().copied()))
    }

    #[test]
    fn secrets_do_not_show() {
        let account = read(&[("GEMINI_API_KEY", "hunter2")]).expect("a key");
        assert!(!format!("{account:?}").contains("hunter2"));
        for name in ["GEMINI_BASE_URL", "VERTEX_BASE_URL"] {
            let account = read(&[(name, "http://ann:hunter2@host.test")]).expect("an address");
            let shown = format!("{account:?}");
            assert!(
                shown.contains("host.test") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }

    #[test]
    fn gemini_uses_the_key_unless_vertex_is_asked_for_or_there_is_only_a_project() {
        let on_vertex = |variables: &[(&str, &str)]| {
            let endpoint = read(variables).expect("an account").gemini();
            endpoint
                .expect("an address")
                .map(|endpoint| endpoint.is_vertex())
        };
        let (key, project) = (("GEMINI_API_KEY", "k"), ("GOOGLE_CLOUD_PROJECT", "p"));
        let asked = ("GOOGLE_GENAI_USE_VERTEXAI", "True");
        assert_eq!(on_vertex(&[]), None);
        assert_eq!(on_vertex(&[key, project]), Some(false));
        assert_eq!(on_vertex(&[project]), Some(true));
        assert_eq!(on_vertex(&[key, project, asked]), Some(true));
        assert_eq!(on_vertex(&[key, asked]), None);
    }
}
