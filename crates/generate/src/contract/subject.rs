/// A subject that only words name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSubject {
    /// The whole prompt.
    pub prompt: String,
    /// The words that may name the subject, the likeliest first. The others describe it.
    pub names: Vec<String>,
}
