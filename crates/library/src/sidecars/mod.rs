//! What describes a picture besides its pixels: the files beside it, and the metadata inside it.
//! There is one file for each format, which parses it into a [`Description`].

mod booru;
mod description;
mod embedded;
mod encoding;
mod fields;
mod gallery_dl;
mod hydrus;
mod iptc;
mod json;
mod text;
mod xmp;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use self::description::{Description, tag};
pub use self::embedded::read_embedded;

/// The largest file beside a picture that is read.
pub const MOST_BYTES: u64 = 1 << 20;

/// The extensions of files beside pictures.
const EXTENSIONS: [&str; 3] = ["json", "xmp", "txt"];

/// Returns the names that a file beside this picture may have, in lower case: `fox.png.txt` before
/// `fox.txt`, and the most detailed format first.
#[must_use]
pub fn names_beside(picture: &str) -> Vec<String> {
    let picture = picture.to_lowercase();
    let stem = Path::new(&picture)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .filter(|stem| *stem != picture)
        .map(str::to_owned);
    let mut names = Vec::with_capacity(2 * EXTENSIONS.len());
    for extension in EXTENSIONS {
        names.push(format!("{picture}.{extension}"));
        if let Some(stem) = &stem {
            names.push(format!("{stem}.{extension}"));
        }
    }
    names.retain(|name| *name != picture);
    names
}

/// Returns whether a file may describe a picture, by its extension.
#[must_use]
pub fn is_beside_a_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.to_lowercase().as_str()))
}

/// Reads a file beside a picture.
///
/// # Errors
/// The reason if it cannot be read, for the report. The picture is still added.
pub fn read_beside(path: &Path) -> Result<Description, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let too_large = || {
        format!(
            "{shown} is larger than {} MB, so it is not read as a description of a picture",
            MOST_BYTES >> 20
        )
    };
    if size > MOST_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_large());
    }
    let text = encoding::text_of(&bytes);
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_lowercase).as_deref() {
        Some("json") => json::parse(&text).map_err(|error| format!("{shown}: {error}")),
        Some("xmp") => xmp::parse(&text).map_err(|error| format!("{shown}: {error}")),
        _ => Ok(text::parse(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_a_picture_have_each_extension_with_and_without_its_own() {
        let names = names_beside("Fox.PNG");
        assert_eq!(
            names,
            [
                "fox.png.json",
                "fox.json",
                "fox.png.xmp",
                "fox.xmp",
                "fox.png.txt",
                "fox.txt"
            ]
        );
        assert_eq!(names_beside("fox").len(), 3);
        assert!(!names_beside("a.txt").contains(&"a.txt".to_owned()));
    }
}
