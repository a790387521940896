//! Copies a file, and leaves holes where it has only zeros, so that a sparse file stays sparse.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// The bytes that are read together.
const TOGETHER: usize = 1 << 20;
/// The length of the smallest hole. File systems store blocks of this length.
const BLOCK: usize = 4096;

/// Copies the content and the permissions of a file. The copy is returned, open for writing. It is
/// not synced.
///
/// # Errors
/// An error of the file system.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<File> {
    let mut source = File::open(from)?;
    let permissions = source.metadata()?.permissions();
    let mut copy = create(to, &permissions)?;
    // Before it has any content, so that nobody else can read it meanwhile.
    fs::set_permissions(to, permissions)?;
    let (mut bytes, mut length) = (vec![0; TOGETHER], 0_u64);
    loop {
        let filled = fill(&mut source, &mut bytes)?;
        if filled == 0 {
            break;
        }
        write_around_holes(&mut copy, &bytes[..filled])?;
        length += filled as u64;
    }
    // A hole at the end is no part of the file before this.
    copy.set_len(length)?;
    Ok(copy)
}

#[cfg(unix)]
fn create(path: &Path, permissions: &Permissions) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(true);
    options.mode(permissions.mode()).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _permissions: &Permissions) -> io::Result<File> {
    File::create(path)
}

/// Writes bytes at the file's position, and skips blocks of zeros.
fn write_around_holes(copy: &mut File, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let is_hole = is_zero(&rest[..rest.len().min(BLOCK)]);
        let same = rest
            .chunks(BLOCK)
            .take_while(|block| is_zero(block) == is_hole);
        let length: usize = same.map(<[u8]>::len).sum();
        let (part, after) = rest.split_at(length);
        if is_hole {
            copy.seek(SeekFrom::Current(length as i64))?;
        } else {
            copy.write_all(part)?;
        }
        rest = after;
    }
    Ok(())
}

fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// Reads until the buffer is full or the file ends. Only so do blocks begin where those of the file
/// system do.
fn fill(source: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match source.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(content: &[u8]) -> Vec<u8> {
        let place = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::write(&from, content).expect("written");
        fs::write(&to, b"a longer file that was there before".repeat(1000)).expect("written");
        drop(copy(&from, &to).expect("copied"));
        fs::read(&to).expect("read")
    }

    #[test]
    fn any_content_stays_equal() {
        let mut mixed = vec![0; 3 * TOGETHER + 77];
        for place in [
            0,
            BLOCK - 1,
            2 * BLOCK,
            TOGETHER + 5,
            2 * TOGETHER,
            3 * TOGETHER + 3,
        ] {
            mixed[place] = 7;
        }
        for length in [
            0,
            1,
            BLOCK,
            BLOCK + 1,
            TOGETHER,
            2 * TOGETHER + 9,
            mixed.len(),
        ] {
            assert!(copied(&mixed[..length]) == mixed[..length], "{length}");
            assert!(
                copied(&vec![0; length]) == vec![0; length],
                "{length} zeros"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_sparse_file_stays_sparse_and_keeps_its_permissions() {
        use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
        let place = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        let file = File::create(&from).expect("made");
        file.set_len(64 << 20).expect("long");
        file.write_all_at(b"in the middle", 20 << 20)
            .expect("written");
        fs::set_permissions(&from, fs::Permissions::from_mode(0o640)).expect("set");
        file.sync_all().expect("synced");
        copy(&from, &to)
            .expect("copied")
            .sync_all()
            .expect("synced");
        let (before, after) = (
            file.metadata().expect("there"),
            fs::metadata(&to).expect("there"),
        );
        assert_eq!((after.len(), after.mode()), (before.len(), before.mode()));
        assert!(fs::read(&to).expect("read") == fs::read(&from).expect("read"));
        let most = 1 << 20;
        if before.blocks() * 512 > most {
            eprintln!("this file system has no holes: sparse files are left out of this test");
            return;
        }
        assert!(after.blocks() * 512 <= most, "{} blocks", after.blocks());
    }
}
