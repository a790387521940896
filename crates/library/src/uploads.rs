//! Pictures that were sent to the server instead of lying in a user's folder.
//!
//! Each is stored once, by its content: `<folder>/<2 digits>/<id>/<name>`, with its tags in
//! `<name>.json` beside it. The name is kept since its words are searched. From there it is added
//! like a picture of any other folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{DecodeError, DecodeLimits, PictureFormat, probe};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::identity::id_of;
use crate::sidecars::{Description, read_beside};

/// The folder of these pictures in the data folder.
const FOLDER: &str = "pictures";
/// A name for what has none.
const UNNAMED: &str = "picture";
/// The longest name without its extension, in bytes. File systems allow 255 bytes.
const LONGEST_STEM: usize = 120;

/// Returns the folder of these pictures in a data folder.
#[must_use]
pub fn folder_in(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// Whether a folder has the name of the one of these pictures.
pub(crate) fn is_folder(folder: &Path) -> bool {
    folder.ends_with(FOLDER)
}

/// A stored picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The id of its point.
    pub id: PointId,
    /// Its file, by an absolute path.
    pub path: PathBuf,
}

/// Returns the point that a picture with these bytes has.
#[must_use]
pub fn point_of(bytes: &[u8]) -> PointId {
    id_of(&Sha256::digest(bytes).into())
}

/// Stores a picture, unless it is there already. Its tags are added to those that it has. Waits for
/// the disk.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] if it is not a picture, [`ErrorCode::TooLarge`] beyond the limits of
/// pictures, [`ErrorCode::Unavailable`] if it cannot be written.
pub fn store(data: &Path, name: &str, bytes: &[u8], tags: &[String]) -> Result<Upload> {
    let format = check(bytes)?;
    let id = point_of(bytes);
    let folder = place_of(data, id);
    let unwritable = |error: io::Error| {
        Error::new(
            ErrorCode::Unavailable,
            format!("the picture cannot be stored: {error}"),
        )
        .with_source(error)
    };
    make_place(&folder).map_err(unwritable)?;
    // The data folder may be relative to this process's folder; a worker may run in another one.
    let folder = folder.canonicalize().map_err(unwritable)?;
    let path = match stored_in(&folder).map_err(unwritable)? {
        Some(path) => path,
        None => {
            let path = folder.join(file_name(name, format));
            files::replace(&path, bytes).map_err(unwritable)?;
            path
        }
    };
    describe(&path, tags).map_err(unwritable)?;
    Ok(Upload { id, path })
}

/// Removes the stored picture with this id, if there is one. Waits for the disk.
///
/// # Errors
/// [`ErrorCode::Unavailable`] if it cannot be removed.
pub fn remove(data: &Path, id: PointId) -> Result<()> {
    // The ids of stored pictures are UUIDs, made from their content.
    let PointId::Uuid(_) = id else { return Ok(()) };
    match fs::remove_dir_all(place_of(data, id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::new(
            ErrorCode::Unavailable,
            format!("the picture {id} cannot be removed: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Checks that this is a picture that can be added, by its header.
fn check(bytes: &[u8]) -> Result<PictureFormat> {
    let (limits, size) = (DecodeLimits::bulk(), bytes.len() as u64);
    if size > limits.bytes {
        return Err(DecodeError::TooManyBytes {
            bytes: size,
            limit: limits.bytes,
        }
        .into());
    }
    let found = probe(bytes)?;
    limits.check_sides(found.width, found.height)?;
    Ok(found.format)
}

fn place_of(data: &Path, id: PointId) -> PathBuf {
    let id = id.to_string();
    folder_in(data).join(&id[..2]).join(id)
}

/// Makes the folder of a picture, and the two above it, durably.
fn make_place(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().skip(1).take(3) {
        files::sync_folder(above)?;
    }
    Ok(())
}

/// Returns the picture of a folder of one picture. Its name may differ from the name that is sent
/// now.
fn stored_in(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut found = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_picture = path
            .extension()
            .is_some_and(|extension| extension != "json")
            && !path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // The same one whatever the order of the listing.
        if is_picture && found.as_ref().is_none_or(|other| path < *other) {
            found = Some(path);
        }
    }
    Ok(found)
}

/// Writes the tags beside a picture, with the tags that are there.
fn describe(path: &Path, tags: &[String]) -> io::Result<()> {
    let beside = {
        let mut name = path.as_os_str().to_owned();
        name.push(".json");
        PathBuf::from(name)
    };
    let mut description = Description::default();
    if beside.exists() {
        // A damaged file is replaced.
        description = read_beside(&beside).unwrap_or_default();
    }
    let before = description.tags.len();
    for tag in tags {
        description.add_tag(tag);
    }
    if description.tags.len() == before {
        return Ok(());
    }
    let text = serde_json::json!({ "tags": description.tags }).to_string();
    files::replace(&beside, text.as_bytes())
}

/// Returns the name of the file: the words of the name that was sent, and the extension of the
/// content.
fn file_name(given: &str, format: PictureFormat) -> String {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    format!("{}.{}", clean_name(stem), format.extension())
}

/// Returns a name without any character that a file system refuses. It is neither hidden nor a
/// path, and never empty.
pub(crate) fn clean_name(given: &str) -> String {
    let mut clean = String::new();
    for character in given.nfc() {
        let character = if character.is_control() || "<>:\"|?*%/\\".contains(character) {
            '_'
        } else {
            character
        };
        if clean.len() + character.len_utf8() > LONGEST_STEM {
            break;
        }
        clean.push(character);
    }
    let clean = clean.trim_matches(|character: char| character == '.' || character.is_whitespace());
    if clean.is_empty() {
        UNNAMED.to_owned()
    } else {
        clean.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use clippy_imaging::{Encoding, RgbImage, encode};

    use super::*;

    fn png() -> Vec<u8> {
        let picture = RgbImage::from_pixel(8, 8, [200, 30, 30].into());
        encode(&picture, Encoding::Png).expect("a picture")
    }

    fn tags(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_picture_is_stored_once_and_its_tags_are_collected() {
        let data = tempfile::tempdir().expect("a folder");
        let first = store(data.path(), "Red Fox.JPG", &png(), &tags(&["fox"])).expect("stored");
        let again =
            store(data.path(), "other.png", &png(), &tags(&["Snow", "fox"])).expect("stored");
        assert_eq!(first, again);
        assert!(first.path.ends_with("Red Fox.png"), "{:?}", first.path);
        assert_eq!(fs::read(&first.path).expect("there"), png());
        let beside = first.path.with_file_name("Red Fox.png.json");
        let description = read_beside(&beside).expect("readable");
        assert_eq!(description.tags, ["fox", "snow"]);
        assert_eq!(
            fs::read_dir(first.path.parent().expect("a folder"))
                .expect("listed")
                .count(),
            2
        );
    }

    #[test]
    fn a_removed_picture_is_gone_and_others_stay() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let upload = store(data.path(), "a.png", &png(), &tags(&["ink"])).expect("stored");
        remove(data.path(), PointId::Number(7)).expect("no upload has such an id");
        remove(data.path(), PointId::Uuid(uuid::Uuid::nil())).expect("nothing to remove");
        assert!(upload.path.is_file());
        remove(data.path(), upload.id).expect("removed");
        assert!(!upload.path.exists() && folder_in(data.path()).is_dir());
        remove(data.path(), upload.id).expect("gone already");
    }

    #[test]
    fn what_is_no_picture_is_refused_and_leaves_nothing() {
        let data = tempfile::tempdir().expect("a folder");
        for bytes in [&b""[..], b"hello", b"<svg/>", &png()[..20]] {
            assert!(store(data.path(), "a.png", bytes, &[]).is_err());
        }
        assert!(!folder_in(data.path()).exists());
    }

    #[test]
    fn names_cannot_leave_the_folder_or_hide_the_picture() {
        for (given, wanted) in [
            ("../../etc/passwd", "passwd.png"),
            ("C:\\art\\Red Fox.jpeg", "Red Fox.png"),
            (".hidden.png", "hidden.png"),
            (".png", "png.png"),
            ("..", "picture.png"),
            ("", "picture.png"),
            ("a\nb\0c:d.gif", "a_b_c_d.png"),
            ("notes.png.txt", "notes.png.png"),
            ("cafe\u{301}.png", "café.png"),
        ] {
            assert_eq!(file_name(given, PictureFormat::Png), wanted, "{given:?}");
        }
        let long = file_name(&"é".repeat(300), PictureFormat::Png);
        assert!(long.len() <= LONGEST_STEM + 4);
    }
}
