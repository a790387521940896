//! Decodes the variants of base64 that providers send.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::contract::GenerateError;

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// Decodes a picture that has been paid for: with or without line breaks, padding and the head of a
/// data URL, in either alphabet.
///
/// # Errors
/// [`crate::FailureClass::MaybeCharged`] when it is not base64.
pub fn decode_paid_picture(data: &str) -> Result<Bytes, GenerateError> {
    let body = match data.trim_start().strip_prefix("data:") {
        Some(rest) => rest.split_once(',').map_or(rest, |(_, body)| body),
        None => data,
    };
    let compact: Vec<u8> = body
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = STANDARD
        .decode(&compact)
        .or_else(|_| URL_SAFE.decode(&compact));
    decoded.map(Bytes::from).map_err(|_| {
        GenerateError::maybe_charged(
            "the provider sent a picture that is not base64: it may have been charged",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_base64_is_read() {
        let bytes = [0xfb, 0xef, 0xff, 1, 2];
        for text in [
            "++//AQI=",
            "++//AQI",
            "--__AQI=",
            "++\r\n//\nAQ I=",
            "data:image/png;base64,++//AQI=",
        ] {
            assert_eq!(&decode_paid_picture(text).expect(text)[..], bytes, "{text}");
        }
        let error = decode_paid_picture("<html>").expect_err("no base64");
        assert_eq!(error.class, crate::FailureClass::MaybeCharged);
    }
}
