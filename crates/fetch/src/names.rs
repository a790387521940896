//! Names of files and folders. Nothing that a site sends is used as a path.

use md5::{Digest, Md5};

const LONGEST: usize = 80;
const RESERVED: [&str; 5] = ["con", "prn", "aux", "nul", "all"];
const PICTURES: [&str; 9] = [
    "jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "avif",
];

/// Returns a folder name for a tag. A name that differs from the tag contains a hash of the tag, so
/// that two tags never share a folder, also where upper and lower case are the same.
pub fn folder_of_tag(tag: &str) -> String {
    let safe: String = tag
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    let device = safe.len() == 4 && (safe.starts_with("com") || safe.starts_with("lpt"));
    if safe == tag && !device && !RESERVED.contains(&safe.as_str()) {
        return safe;
    }
    format!("{safe}-{}", &hex::encode(Md5::digest(tag))[..8])
}

/// Returns the extension of a file name or an address, if it is that of a picture.
pub fn picture_extension(name: &str) -> Option<&'static str> {
    let name = name.split(['?', '#']).next()?;
    let extension = name.rsplit('/').next()?.rsplit_once('.')?.1;
    PICTURES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::{folder_of_tag, picture_extension};

    #[test]
    fn tags_never_leave_their_folder() {
        assert_eq!(folder_of_tag("red_hair"), "red_hair");
        for tag in [
            "..",
            "../../etc",
            "a/b",
            "a\\b",
            "nul",
            "COM1",
            "com1",
            ".hidden",
            "all",
        ] {
            let folder = folder_of_tag(tag);
            assert!(!folder.contains(['/', '\\', '.']), "{folder}");
            assert_ne!(folder, tag);
        }
        assert_ne!(folder_of_tag("a/b"), folder_of_tag("a:b"));
        assert_ne!(folder_of_tag("Cat").to_lowercase(), folder_of_tag("cat"));
    }

    #[test]
    fn only_pictures_have_an_extension() {
        assert_eq!(picture_extension("https://a/b.JPG?1"), Some("jpg"));
        assert_eq!(picture_extension("b.mp4"), None);
        assert_eq!(picture_extension("https://a.png/b"), None);
        assert_eq!(picture_extension("x.png/../../y"), None);
    }
}
