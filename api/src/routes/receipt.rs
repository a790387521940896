//! The form of a receipt in answers: how each input of a generation is used.

use clippy_generate::{Receipt, ReceiptLine, Treatment};
use serde::Serialize;
use utoipa::ToSchema;

/// What a provider does with each input of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReceiptResponse {
    /// The provider's name.
    provider: String,
    /// One line for each input of the request.
    lines: Vec<ReceiptLineResponse>,
}

/// How one input is used.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReceiptLineResponse {
    /// The input: `refs[0]`, `sketch`, `base`, `mask`, `prompt`, `seed`, `negative_prompt`,
    /// `aspect_ratio`, `count` or `style_tags[0]`.
    input: String,
    /// Whether it is used as requested.
    treatment: TreatmentName,
    /// What is sent to the provider.
    sent: String,
    /// Why it is not used as requested; absent if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Whether an input is used as requested (`honoured`), in a similar way (`approximated`) or not at
/// all (`dropped`).
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TreatmentName {
    Honoured,
    Approximated,
    Dropped,
}

impl From<Receipt> for ReceiptResponse {
    fn from(Receipt { provider, lines }: Receipt) -> Self {
        Self {
            provider,
            lines: lines.into_iter().map(ReceiptLineResponse::from).collect(),
        }
    }
}

impl From<ReceiptLine> for ReceiptLineResponse {
    fn from(
        ReceiptLine {
            input,
            treatment,
            sent,
            reason,
        }: ReceiptLine,
    ) -> Self {
        Self {
            input,
            treatment: treatment.into(),
            sent,
            reason: (!reason.is_empty()).then_some(reason),
        }
    }
}

impl From<Treatment> for TreatmentName {
    fn from(treatment: Treatment) -> Self {
        match treatment {
            Treatment::Honoured => Self::Honoured,
            Treatment::Approximated => Self::Approximated,
            Treatment::Dropped => Self::Dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs store their receipt as JSON, and answers pass it on, so both forms must be equal.
    #[test]
    fn a_stored_receipt_is_equal_to_an_answered_one() {
        let mut receipt = Receipt::new("local");
        receipt.add_honoured("seed", "7");
        receipt.add_approximated("sketch", "a hint", "it takes no structure");
        receipt.add_dropped("refs[2]", "it takes two references");
        let stored = serde_json::to_value(&receipt).expect("JSON");
        let answered = serde_json::to_value(ReceiptResponse::from(receipt)).expect("JSON");
        assert_eq!(stored, answered);
        assert_eq!(stored["lines"].as_array().map(Vec::len), Some(3));
    }
}
