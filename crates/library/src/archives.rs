//! Tars of pictures, such as the shards of a WebDataset that img2dataset writes: pictures with texts
//! and JSON beside them.
//!
//! A tar is unpacked once, into a folder of its own below `DATA_DIR/pictures`, and that folder is
//! added like any other. Only pictures and files that describe them are unpacked. A member's path
//! cannot lead outside; links and devices are left out. What is unpacked is never larger than the
//! tar, since a tar is not compressed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use clippy_common::files;
use clippy_core::{Error, Result};
use clippy_imaging::{DecodeLimits, sniff};
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use crate::sidecars::{MOST_BYTES, is_beside_a_picture};
use crate::uploads;

/// Where tars are unpacked, in the folder of uploaded pictures.
const FOLDER: &str = "tars";
/// How many first bytes show whether a file is a picture.
const BEGINNING: usize = 512;
/// The position and the text that mark a tar.
const MAGIC: (usize, &[u8]) = (257, b"ustar");
/// The beginnings of compressed files, and the names of their compressions.
const COMPRESSIONS: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
];
/// The extensions of compressed tars without `.tar`.
const COMPRESSED: [&str; 4] = [".tgz", ".tzst", ".txz", ".tbz2"];
/// The most folders of a member's path.
const DEEPEST: usize = 16;
/// Begins the names of folders that tars are being unpacked into.
const UNFINISHED: &str = ".unpacking-";
/// A folder of this age was left by a process that was killed.
const LEFT_AFTER: Duration = Duration::from_hours(24);

/// A tar that was unpacked.
#[derive(Debug)]
pub struct Unpacked {
    /// The folder of its pictures.
    pub folder: PathBuf,
    /// How many members were left out, for each reason, and an example of each. Empty if it was
    /// unpacked before.
    pub left_out: BTreeMap<&'static str, (u64, String)>,
}

/// Returns whether a file is a tar, by its content. A file that cannot be read is none.
#[must_use]
pub fn is_tar(path: &Path) -> bool {
    let (offset, mark) = MAGIC;
    let mut beginning = vec![0; offset + mark.len()];
    path.is_file()
        && File::open(path)
            .and_then(|mut file| file.read_exact(&mut beginning))
            .is_ok_and(|()| beginning.ends_with(mark))
}

/// Returns the name of the compression of a tar that is compressed, by its name and its content. A
/// file that cannot be read has none.
#[must_use]
pub fn compression_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let is_named_so = name.contains(".tar.") || COMPRESSED.iter().any(|end| name.ends_with(end));
    if !(is_named_so && path.is_file()) {
        return None;
    }
    let mut beginning = Vec::new();
    let file = File::open(path).ok()?;
    file.take(8).read_to_end(&mut beginning).ok()?;
    let known = COMPRESSIONS.iter();
    known
        .filter(|(mark, _)| beginning.starts_with(mark))
        .map(|(_, name)| *name)
        .next()
}

/// Unpacks a tar, unless this tar was unpacked before. `going_on` is called
/// for each member; if it returns `false`, nothing is kept. Waits for the disk.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] if the tar is cut off or damaged, or cannot be written;
/// nothing is kept then.
pub fn unpack(tar: &Path, data: &Path, going_on: &dyn Fn() -> bool) -> Result<Unpacked> {
    let failed = |error: io::Error| {
        let advice = match error.kind() {
            ErrorKind::UnexpectedEof => ": it is cut off, so copy or download it again",
            _ => "",
        };
        let shown = tar.display();
        Error::invalid(format!("{shown} cannot be unpacked: {error}{advice}")).with_source(error)
    };
    let place = place_of(tar, data).map_err(failed)?;
    let mut left_out = BTreeMap::<&'static str, (u64, String)>::new();
    if place.is_dir() {
        return Ok(Unpacked {
            folder: place,
            left_out,
        });
    }
    let above = place.parent().unwrap_or(data);
    fs::create_dir_all(above).map_err(failed)?;
    remove_left_over(above);
    // Unpacked beside its place and then renamed, so that a folder in place is whole.
    let unpacked = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(above)
        .map_err(failed)?;
    let mut archive = Archive::new(io::BufReader::with_capacity(
        1 << 16,
        File::open(tar).map_err(failed)?,
    ));
    for entry in archive.entries().map_err(failed)? {
        if !going_on() {
            return Err(Error::invalid(format!(
                "the unpacking of {} was stopped",
                tar.display()
            )));
        }
        let entry = entry.map_err(failed)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if let Some(reason) = take(entry, unpacked.path()).map_err(failed)? {
            left_out.entry(reason).or_insert((0, name)).0 += 1;
        }
    }
    files::rename(unpacked.path(), &place).map_err(failed)?;
    // Its folder has another name now, so there is nothing to remove.
    let _ = unpacked.keep();
    Ok(Unpacked {
        folder: place,
        left_out,
    })
}

/// Removes what killed processes left. What cannot be removed is left for the next time.
fn remove_left_over(above: &Path) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let is_unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
        let is_old = || {
            let changed = entry.metadata().and_then(|metadata| metadata.modified());
            changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT_AFTER))
        };
        if is_unfinished && is_old() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns the folder below which the names of folders are words: the folder of all tars has a name
/// that nobody chose.
pub(crate) fn words_begin_below(root: &Path, folder: &str) -> PathBuf {
    let tars = root.join(FOLDER);
    if uploads::is_folder(root) && Path::new(folder).starts_with(&tars) {
        tars
    } else {
        root.to_owned()
    }
}

/// Returns the folder of a tar. Another tar of the same name, or one that was changed, has another
/// folder.
fn place_of(tar: &Path, data: &Path) -> io::Result<PathBuf> {
    let real = tar.canonicalize()?;
    let metadata = real.metadata()?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH);
    let mut hash = Sha256::new();
    hash.update(real.as_os_str().as_encoded_bytes());
    hash.update(metadata.len().to_le_bytes());
    hash.update(changed.unwrap_or_default().as_nanos().to_le_bytes());
    let digest = hex::encode(&hash.finalize()[..6]);
    let stem = real.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{}-{digest}", uploads::clean_name(&stem));
    Ok(uploads::folder_in(data).join(FOLDER).join(name))
}

/// Writes a member, if it is a picture or describes one, or else returns the reason.
fn take(mut entry: Entry<'_, impl Read>, folder: &Path) -> io::Result<Option<&'static str>> {
    match entry.header().entry_type() {
        EntryType::Regular => {}
        EntryType::Directory => return Ok(None),
        EntryType::Symlink | EntryType::Link => return Ok(Some("a link")),
        EntryType::GNUSparse => return Ok(Some("a sparse file: pack it without --sparse")),
        _ => return Ok(Some("neither a file nor a folder")),
    }
    let inside = match path_inside(&entry.path()?) {
        Ok(inside) => inside,
        Err(reason) => return Ok(Some(reason)),
    };
    let mut beginning = Vec::with_capacity(BEGINNING);
    Read::by_ref(&mut entry)
        .take(BEGINNING as u64)
        .read_to_end(&mut beginning)?;
    let limit = if is_beside_a_picture(&inside) {
        MOST_BYTES
    } else if sniff(&beginning).is_ok() {
        DecodeLimits::bulk().bytes
    } else {
        return Ok(Some("not a picture"));
    };
    if entry.size() > limit {
        return Ok(Some("too large"));
    }
    let path = folder.join(inside);
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut file = match File::create_new(&path) {
        Ok(file) => file,
        // Two members of one name, or a file where a folder is: the first one counts.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Ok(Some("of the same name as an earlier one"));
        }
        Err(error) => return Err(error),
    };
    file.write_all(&beginning)?;
    io::copy(&mut entry, &mut file)?;
    file.sync_all()?;
    Ok(None)
}

/// Returns a member's path below the folder, or why it has none.
fn path_inside(path: &Path) -> Result<PathBuf, &'static str> {
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                let name = name.to_str().ok_or("with a name that is not UTF-8")?;
                if name.starts_with('.') {
                    return Err("hidden");
                }
                inside.push(uploads::clean_name(name));
            }
            Component::CurDir => {}
            _ => return Err("with a path that leads outside"),
        }
    }
    match inside.components().count() {
        1..=DEEPEST => Ok(inside),
        0 => Err("without a name"),
        _ => Err("in too many folders"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use clippy_imaging::{Encoding, RgbImage, encode};
    use tar::{Builder, Header};

    use super::*;

    fn png() -> Vec<u8> {
        let picture = RgbImage::from_pixel(8, 8, [20, 130, 30].into());
        encode(&picture, Encoding::Png).expect("a picture")
    }

    /// Adds a member with any path, which the builder's own calls would refuse.
    fn add(builder: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, content: &[u8]) {
        let mut header = Header::new_ustar();
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, content).expect("added");
    }

    fn shard() -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        add(&mut builder, "000001.png", EntryType::Regular, &png());
        add(&mut builder, "000001.txt", EntryType::Regular, b"a red fox");
        let json = br#"{"caption": "a red fox", "url": "https://example.org/1.png"}"#;
        add(&mut builder, "000001.json", EntryType::Regular, json);
        add(&mut builder, "sub/./2.jpg", EntryType::Regular, &png());
        add(
            &mut builder,
            "../../outside.png",
            EntryType::Regular,
            &png(),
        );
        add(&mut builder, "/absolute.png", EntryType::Regular, &png());
        add(&mut builder, "link.png", EntryType::Symlink, b"");
        add(&mut builder, "pipe", EntryType::Fifo, b"");
        add(&mut builder, "sub/.hidden.png", EntryType::Regular, &png());
        add(&mut builder, "program.exe", EntryType::Regular, b"MZ");
        add(
            &mut builder,
            "000001.png",
            EntryType::Regular,
            b"another of the same name",
        );
        builder.into_inner().expect("written")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).expect("listed") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() {
                names.extend(
                    self::names(&entry.path())
                        .iter()
                        .map(|sub| format!("{name}/{sub}")),
                );
            } else {
                names.push(name);
            }
        }
        names.sort();
        names
    }

    #[test]
    fn pictures_and_what_describes_them_are_unpacked_once_and_nothing_lands_outside() {
        let folder = tempfile::tempdir().expect("a folder");
        let tar = folder.path().join("00000.tar");
        fs::write(&tar, shard()).expect("written");
        assert!(is_tar(&tar) && !is_tar(folder.path()) && !is_tar(&folder.path().join("gone")));
        let data = folder.path().join("data");
        // What a killed process left yesterday goes, and what another one unpacks now stays.
        let tars = uploads::folder_in(&data).join(FOLDER);
        for (name, age) in [("old", 2), ("new", 0)] {
            let left = tars.join(format!("{UNFINISHED}{name}"));
            fs::create_dir_all(&left).expect("made");
            let at = SystemTime::now() - age * LEFT_AFTER;
            let folder = File::open(&left).expect("opened");
            folder.set_modified(at).expect("changed");
        }
        let Unpacked {
            folder: place,
            left_out,
        } = unpack(&tar, &data, &|| true).expect("unpacked");
        assert!(!tars.join(".unpacking-old").exists() && tars.join(".unpacking-new").exists());
        let of = |reason| {
            left_out
                .get(reason)
                .map(|(count, first)| (*count, &**first))
        };
        assert_eq!(
            of("with a path that leads outside"),
            Some((2, "../../outside.png"))
        );
        assert_eq!(of("a link"), Some((1, "link.png")));
        assert_eq!(of("hidden"), Some((1, "sub/.hidden.png")));
        assert_eq!(of("not a picture"), Some((2, "program.exe")));
        assert_eq!(left_out.len(), 5, "{left_out:?}");
        assert_eq!(
            names(&place),
            ["000001.json", "000001.png", "000001.txt", "sub/2.jpg"]
        );
        assert_eq!(fs::read(place.join("000001.png")).expect("read"), png());
        assert_eq!(unpack(&tar, &data, &|| false).expect("there").folder, place);
        assert_eq!(
            words_begin_below(&uploads::folder_in(&data), &place.to_string_lossy()),
            tars
        );
        assert_eq!(words_begin_below(&data, &place.to_string_lossy()), data);
        assert_eq!(names(folder.path()).len(), 5, "nothing outside");
    }

    #[test]
    fn a_compressed_tar_is_recognised_by_its_name_and_its_content() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content, expected) in [
            ("a.tar.gz", b"\x1f\x8b\x08.......".as_slice(), Some("gzip")),
            ("A.TGZ", b"\x1f\x8b\x08.......", Some("gzip")),
            ("a.tar.zst", b"\x28\xb5\x2f\xfd....", Some("zstd")),
            ("a.tar.gz.txt", b"notes", None),
            ("a.tar", b"\x1f\x8b\x08.......", None),
            ("short.tgz", b"\x1f", None),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("written");
            assert_eq!(compression_of(&path), expected, "{name}");
        }
        assert_eq!(compression_of(&folder.path().join("gone.tgz")), None);
    }

    #[test]
    fn a_tar_that_is_cut_off_or_stopped_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let tar = folder.path().join("cut.tar");
        let whole = shard();
        fs::write(&tar, &whole[..700]).expect("written");
        assert!(unpack(&tar, &data, &|| true).is_err());
        fs::write(&tar, &whole).expect("written");
        assert!(unpack(&tar, &data, &|| false).is_err());
        assert_eq!(names(&data), Vec::<String>::new());
    }
}
