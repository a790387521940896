//! Reads a multipart body into fields.

use axum::extract::Multipart;
use axum::extract::multipart::Field;
use bytes::{Bytes, BytesMut};
use clippy_core::{Error, ErrorCode};

use super::body::Unparsed;
use super::fields::Fields;
use crate::problem::Problem;

/// The limit for parts of one body, since many tiny parts would be expensive.
pub(super) const MOST_PARTS: usize = 256;
/// The longest text of one field, in bytes. No field of the API needs more.
const LONGEST_FIELD: usize = 64 << 10;

/// Reads the fields and files with these names. Other parts are skipped.
///
/// # Errors
/// 400 for a body that is not complete multipart, 413 beyond the limits.
pub(crate) async fn read(
    multipart: &mut Multipart,
    unparsed: &Unparsed,
    texts: &[&str],
    files: &[&str],
) -> Result<Fields, Problem> {
    let mut fields = Fields::default();
    let mut parts = 0;
    while let Some(mut field) = multipart.next_field().await? {
        unparsed.clear();
        parts += 1;
        if parts > MOST_PARTS {
            return Err(
                Error::invalid(format!("the body has more than {MOST_PARTS} parts")).into(),
            );
        }
        let name = field.name().unwrap_or_default().to_owned();
        if files.contains(&name.as_str()) {
            let (named, typed) = (
                field.file_name().map(str::to_owned),
                field.content_type().is_some(),
            );
            let bytes = read_file(field, unparsed).await?;
            // A browser also sends a part for an empty file input: without a file name and
            // without bytes.
            if bytes.is_empty() && named.as_deref().unwrap_or_default().is_empty() {
                continue;
            }
            let as_text = named.is_none() && !typed;
            match as_text.then(|| std::str::from_utf8(&bytes)) {
                Some(Ok(text)) => fields.add_text(name, text.to_owned()),
                _ => fields.add_file(name, bytes),
            }
        } else if texts.contains(&name.as_str()) {
            let text = read_text(&name, field, unparsed).await?;
            fields.add_text(name, text);
        } else {
            while field.chunk().await?.is_some() {
                unparsed.clear();
            }
        }
    }
    Ok(fields)
}

pub(super) async fn read_file(mut field: Field<'_>, unparsed: &Unparsed) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = field.chunk().await? {
        unparsed.clear();
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

pub(super) async fn read_text(
    name: &str,
    mut field: Field<'_>,
    unparsed: &Unparsed,
) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        unparsed.clear();
        if bytes.len() + chunk.len() > LONGEST_FIELD {
            let detail = format!("{name} is longer than {LONGEST_FIELD} bytes");
            return Err(Error::new(ErrorCode::TooLarge, detail).into());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid(format!("{name} is not UTF-8 text")).into())
}
