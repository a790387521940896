//! The options of a server.

/// The options of a server.
#[derive(Debug, Clone)]
pub struct FakeOptions {
    /// The version that it reports. It lacks what later versions added.
    pub version: String,
    /// The key that every call needs, except the health check.
    pub api_key: Option<String>,
    /// A key for reading only.
    pub read_only_key: Option<String>,
}

impl Default for FakeOptions {
    fn default() -> Self {
        Self {
            version: "1.20.0".to_owned(),
            api_key: None,
            read_only_key: None,
        }
    }
}
