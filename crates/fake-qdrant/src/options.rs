//! What kind of server to start.

/// What kind of server to start.
#[derive(Debug, Clone)]
pub struct FakeOptions {
    /// The version that it says it has; what came later is not there.
    pub version: String,
    /// The key that every call needs, but for the question whether it is there.
    pub api_key: Option<String>,
    /// A key for reading.
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
