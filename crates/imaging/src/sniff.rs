//! Recognises a file's format by its first bytes, and names unsupported ones.

use crate::format::PictureFormat;
use crate::limits::DecodeError;

/// Recognises the format by the first bytes; 512 of them are enough.
///
/// # Errors
/// [`DecodeError::Empty`], [`DecodeError::NotAPicture`], [`DecodeError::Unsupported`].
pub fn sniff(bytes: &[u8]) -> Result<PictureFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let known = image::guess_format(bytes).ok();
    if let Some(format) = known.and_then(PictureFormat::from_image) {
        return Ok(format);
    }
    match foreign_format(bytes)
        .map(str::to_owned)
        .or_else(|| known.map(|format| format!("{format:?}")))
    {
        Some(name) => Err(DecodeError::Unsupported {
            what: format!("a {name} file"),
        }),
        None => Err(DecodeError::NotAPicture),
    }
}

/// Names a common format that is not supported, for the message.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    let brand = bytes.get(4..12).unwrap_or_default();
    if let Some(kind) = brand.strip_prefix(b"ftyp") {
        return match kind {
            b"avif" | b"avis" => Some("AVIF"),
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Some("HEIC"),
            _ => Some("video"),
        };
    }
    let start = &bytes[..bytes.len().min(512)];
    let text = start.trim_ascii_start();
    let signatures: [(&[u8], &str); 5] = [
        (b"%PDF-", "PDF"),
        (b"8BPS", "Photoshop"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
        (b"<svg", "SVG"),
    ];
    if let Some((_, name)) = signatures
        .iter()
        .find(|(signature, _)| text.starts_with(signature))
    {
        return Some(name);
    }
    (text.starts_with(b"<?xml") && text.windows(4).any(|window| window == b"<svg")).then_some("SVG")
}
