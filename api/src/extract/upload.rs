//! Reads a form of pictures.

use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use clippy_core::changes::check_new_tags;
use clippy_core::{Error, ErrorCode};

use super::body::{Admitted, Unparsed};
use super::form::OpenForm;
use super::large::content_type;
use super::parts::{MOST_PARTS, read_file, read_text};
use crate::problem::Problem;
use crate::state::AppState;

/// The name of a file that was sent without one, such as a picture from the clipboard.
const UNNAMED: &str = "picture";
/// The longest name that is shown in an answer, in characters.
const LONGEST_NAME: usize = 200;

/// A file of a form.
#[derive(Clone)]
pub(crate) struct SentFile {
    /// Its name on the sender's machine.
    pub name: String,
    pub bytes: Bytes,
}

/// The files and the tags of a form.
pub(crate) struct PictureForm {
    pub files: Vec<SentFile>,
    /// Tags for all files.
    pub tags: Vec<String>,
    /// Freed when the files have been stored.
    pub held: Admitted,
}

impl FromRequest<AppState> for PictureForm {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let essence = content_type(request.headers());
        if essence != "multipart/form-data" {
            let given = clippy_common::shorten(&essence, 60);
            return Err(Problem::unsupported_media_type(format!(
                "the content type is \"{given}\": send the files as multipart/form-data"
            )));
        }
        let form = OpenForm::new(request, state).await?;
        let ((files, tags), held) = form.read(read).await?;
        Ok(Self { files, tags, held })
    }
}

/// Reads all parts with a file name, and the field `tags`. Other fields are refused, so that a
/// misspelt one is noticed.
async fn read(
    multipart: &mut Multipart,
    unparsed: &Unparsed,
) -> Result<(Vec<SentFile>, Vec<String>), Problem> {
    let (mut files, mut tags, mut parts) = (Vec::new(), Vec::new(), 0);
    while let Some(field) = multipart.next_field().await? {
        unparsed.clear();
        parts += 1;
        if parts > MOST_PARTS {
            return Err(Error::invalid(format!(
                "the form has more than {MOST_PARTS} parts: send the files in several requests"
            ))
            .into());
        }
        if is_file(&field) {
            let name = field.file_name().map(str::trim).unwrap_or_default();
            let name = if name.is_empty() { UNNAMED } else { name };
            let name = clippy_common::shorten(name, LONGEST_NAME).into_owned();
            let bytes = read_file(field, unparsed).await?;
            // A browser also sends a part for an empty file input.
            if !(bytes.is_empty() && name == UNNAMED) {
                files.push(SentFile { name, bytes });
            }
        } else if field.name() == Some("tags") {
            let text = read_text("tags", field, unparsed).await?;
            let words = text.split(',').map(str::trim);
            tags.extend(words.filter(|tag| !tag.is_empty()).map(str::to_owned));
        } else {
            let name = clippy_common::shorten(field.name().unwrap_or_default(), 60);
            let message = format!(
                "the form has the field \"{name}\": it takes files, and tags in the field \"tags\""
            );
            return Err(Error::new(ErrorCode::Unsupported, message).into());
        }
    }
    check_new_tags("tags", &tags)?;
    Ok((files, tags))
}

fn is_file(field: &Field<'_>) -> bool {
    field.file_name().is_some()
        || field
            .content_type()
            .is_some_and(|kind| kind.starts_with("image/"))
}
