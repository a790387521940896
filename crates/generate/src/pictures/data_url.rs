//! Pictures as data URLs or base64, the forms in which clients send them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use clippy_core::{Error, ErrorCode, Result};

/// Decodes a data URL (`data:image/png;base64,…`) or plain base64; white space is ignored.
///
/// # Errors
/// [`ErrorCode::InvalidPicture`] when it is neither, or a data URL of another media type.
pub fn picture_bytes(text: &str) -> Result<Bytes> {
    let text = text.trim();
    let wrong = |message: &str| Error::new(ErrorCode::InvalidPicture, message);
    let encoded = match text
        .get(..5)
        .filter(|start| start.eq_ignore_ascii_case("data:"))
    {
        None => text,
        Some(_) => {
            let (head, body) = text
                .split_once(',')
                .ok_or_else(|| wrong("the data URL has no comma and no content"))?;
            let kind = head[5..].to_ascii_lowercase();
            if !kind.split(';').any(|part| part.trim() == "base64") {
                return Err(wrong(
                    "the data URL is not base64: send data:image/png;base64,…",
                ));
            }
            let media_type = kind.split(';').next().unwrap_or_default();
            if !(media_type.is_empty()
                || media_type.starts_with("image/")
                || media_type == "application/octet-stream")
            {
                return Err(wrong(
                    "the data URL is not a picture: its media type must begin with image/",
                ));
            }
            body
        }
    };
    let compact: Vec<u8> = encoded
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = STANDARD
        .decode(&compact)
        .or_else(|_| STANDARD_NO_PAD.decode(&compact));
    match decoded {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes.into()),
        Ok(_) => Err(wrong("the picture is empty")),
        Err(_) => Err(wrong(
            "this is neither base64 nor a data URL nor an https URL",
        )),
    }
}

/// A picture's file as a data URL.
#[must_use]
pub fn data_url(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

/// Whether a text is an `http` or `https` URL.
pub(super) fn is_web_url(text: &str) -> bool {
    let beginning: String = text
        .chars()
        .take(8)
        .collect::<String>()
        .to_ascii_lowercase();
    beginning.starts_with("http://") || beginning.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_and_base64_are_read_and_the_rest_refused() {
        for good in [
            "data:image/png;base64,aGk=",
            "aGk=",
            "aGk",
            "DATA:image/PNG;charset=x;base64, aG\nk=",
        ] {
            assert_eq!(&picture_bytes(good).expect(good)[..], b"hi");
        }
        for bad in [
            "",
            "data:",
            "data:image/png,hi",
            "data:text/html;base64,aGk=",
            "data:image/png;base64,",
            "é!",
            "ftp://x/y.png",
        ] {
            assert_eq!(
                picture_bytes(bad).expect_err(bad).code,
                ErrorCode::InvalidPicture,
                "{bad}"
            );
        }
    }
}
