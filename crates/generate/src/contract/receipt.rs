//! The receipt: for every input, whether it was honoured, approximated or dropped, what was
//! actually sent, and why.

use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

/// How an input was treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Used as requested.
    Honoured,
    /// Used approximately: described in words, rounded, or as a hint.
    Approximated,
    /// Not used.
    Dropped,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// The input: `refs[0]`, `sketch`, `base`, `mask`, `seed`, `negative_prompt`, `aspect_ratio`,
    /// `count`, `style_tags[0]`.
    pub input: String,
    /// How it was treated.
    pub treatment: Treatment,
    /// What is actually sent or done.
    pub sent: String,
    /// Why it is not as asked; empty when honoured.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
}

/// What a provider does with each input of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The provider.
    pub provider: String,
    /// One line for each input that was given.
    pub lines: Vec<ReceiptLine>,
}

impl Receipt {
    /// An empty receipt.
    #[must_use]
    pub fn new(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            lines: Vec::new(),
        }
    }

    /// Records that an input is used as asked.
    pub fn add_honoured(&mut self, input: impl Into<String>, sent: impl Into<String>) {
        self.set_line(
            input.into(),
            Treatment::Honoured,
            sent.into(),
            String::new(),
        );
    }

    /// Records that an input is used only roughly, and why.
    pub fn add_approximated(
        &mut self,
        input: impl Into<String>,
        sent: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.set_line(
            input.into(),
            Treatment::Approximated,
            sent.into(),
            reason.into(),
        );
    }

    /// Records that an input is not used, and why.
    pub fn add_dropped(&mut self, input: impl Into<String>, reason: impl Into<String>) {
        self.set_line(
            input.into(),
            Treatment::Dropped,
            "nothing".to_owned(),
            reason.into(),
        );
    }

    /// A later line about the same input replaces the earlier one.
    fn set_line(&mut self, input: String, treatment: Treatment, sent: String, reason: String) {
        let line = ReceiptLine {
            input,
            treatment,
            sent,
            reason,
        };
        match self.lines.iter_mut().find(|old| old.input == line.input) {
            Some(old) => *old = line,
            None => self.lines.push(line),
        }
    }

    /// The line of one input.
    #[must_use]
    pub fn line(&self, input: &str) -> Option<&ReceiptLine> {
        self.lines.iter().find(|line| line.input == input)
    }

    /// For `strict`: fails unless every input is honoured.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] that lists what cannot be honoured and why.
    pub fn refuse_unless_honoured(&self) -> Result<()> {
        let faults: Vec<String> = self
            .lines
            .iter()
            .filter(|line| line.treatment != Treatment::Honoured)
            .map(|line| match line.treatment {
                Treatment::Dropped => format!("{} would be dropped ({})", line.input, line.reason),
                _ => format!("{} would be approximated ({})", line.input, line.reason),
            })
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} cannot honour every input, and the request is strict: {}",
            self.provider,
            faults.join("; ")
        );
        Err(Error::new(ErrorCode::Unsupported, message))
    }
}
