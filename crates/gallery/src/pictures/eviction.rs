//! Keeps the thumbnails on disk below their limit.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The share of the limit that is left after a sweep, so that the next one is some time away.
const KEPT_SHARE: f64 = 0.8;

/// Removes the oldest thumbnails when all of them take more than `most` bytes. Returns how many
/// were removed.
///
/// A thumbnail that is being read can be read to its end, and a removed one is made again when it
/// is needed.
///
/// # Errors
/// Errors of the file system about the folder; a file that cannot be removed is kept.
pub(super) fn sweep(folder: &Path, most: u64) -> io::Result<usize> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &mut files)?;
        }
    }
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    if total <= most {
        return Ok(0);
    }
    files.sort_unstable_by_key(|file| file.made);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rough share"
    )]
    let kept = (most as f64 * KEPT_SHARE) as u64;
    let mut removed = 0;
    for file in files {
        if total <= kept {
            break;
        }
        match fs::remove_file(&file.path) {
            Ok(()) => removed += 1,
            Err(error) => {
                tracing::warn!(path = %file.path.display(), %error,
                "an old thumbnail cannot be removed")
            }
        }
        total -= file.bytes;
    }
    Ok(removed)
}

struct Thumbnail {
    path: PathBuf,
    bytes: u64,
    made: SystemTime,
}

fn collect(folder: &Path, files: &mut Vec<Thumbnail>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Another sweep has just removed it.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_file() {
            let made = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push(Thumbnail {
                path: entry.path(),
                bytes: metadata.len(),
                made,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_are_removed_and_only_above_the_limit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let begin = SystemTime::now() - Duration::from_secs(100);
        for number in 0..10_u64 {
            let path = folder
                .path()
                .join(format!("{:02x}", number % 3))
                .join(format!("{number}.jpg"));
            fs::create_dir_all(path.parent().expect("in a folder")).expect("made");
            fs::write(&path, [0; 100]).expect("written");
            let file = fs::File::options().write(true).open(&path).expect("there");
            file.set_modified(begin + Duration::from_secs(number))
                .expect("a time");
        }
        let left = |number: u64| {
            folder
                .path()
                .join(format!("{:02x}", number % 3))
                .join(format!("{number}.jpg"))
                .exists()
        };
        assert_eq!(sweep(folder.path(), 1_000).expect("swept"), 0);
        assert_eq!(sweep(folder.path(), 500).expect("swept"), 6);
        assert!((0..6).all(|number| !left(number)) && (6..10).all(left));
    }
}
