//! The features of server versions.

use std::fmt;

use clippy_core::{Error, ErrorCode, Result};

use super::errors::About;

/// A server's version: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u64,
    minor: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// A feature that an older server lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    /// Metadata of a collection, which stores the schema's version, the model and the folders. It
    /// is required. Everything else that is needed (queries in batches, `has_vector`, facets) is
    /// older.
    CollectionMetadata,
    /// Adding a named vector to an existing collection.
    NewVectorName,
}

impl Feature {
    /// Returns the first version that has it.
    pub(super) fn since(self) -> Version {
        match self {
            Self::CollectionMetadata => Version {
                major: 1,
                minor: 16,
            },
            Self::NewVectorName => Version {
                major: 1,
                minor: 18,
            },
        }
    }

    /// Its description, for the middle of a sentence.
    fn name(self) -> &'static str {
        match self {
            Self::CollectionMetadata => {
                "metadata of collections, where the model and the schema's version are kept"
            }
            Self::NewVectorName => "adding a named vector to an existing collection",
        }
    }
}

impl Version {
    /// Parses a server's version; `None` when it is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_start_matches('v').split(['.', '-', '+']);
        Some(Self {
            major: parts.next()?.parse().ok()?,
            minor: parts.next()?.parse().ok()?,
        })
    }

    /// Returns whether this version has the feature.
    pub(super) fn has(self, feature: Feature) -> bool {
        self >= feature.since()
    }

    /// Refuses a version without the feature.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`], with the feature and the version.
    pub(super) fn needs(self, feature: Feature, about: &About) -> Result<()> {
        if self.has(feature) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Unsupported,
            format!(
                "Qdrant at {} is version {self}, which lacks {}: version {} has it. Upgrade the \
                 server",
                about.url,
                feature.name(),
                feature.since()
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text| Version::parse(text).expect(text);
        assert!(version("1.9.2") < version("1.16.0"));
        assert!(version("v1.18.0-dev").has(Feature::NewVectorName));
        assert!(!version("1.17.9").has(Feature::NewVectorName));
        assert_eq!(Version::parse("unknown"), None);
    }
}
