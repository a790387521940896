//! Whether a folder is there, whether it is still the same one, and whether its drive reports
//! changes.

use std::fs::Metadata;
use std::path::Path;

/// Distinguishes a folder from another one with the same path, such as the empty folder that a
/// drive is mounted at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
        }
    }
}

/// Returns the identity of a folder, or why it is away. Waits for the disk.
pub(crate) fn find(folder: &Path) -> Result<Identity, String> {
    let metadata = std::fs::metadata(folder).map_err(|error| error.to_string())?;
    // Listing it shows whether its drive answers, and whether it may be read.
    let listed = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    drop(listed);
    Ok(Identity::of(&metadata))
}

/// Returns the kind of a drive that reports no changes that other machines make.
#[cfg(target_os = "linux")]
pub(crate) fn drive_without_events(folder: &Path) -> Option<&'static str> {
    /// The magic numbers of file systems, from statfs(2).
    const SILENT: [(u32, &str); 9] = [
        (0x6969, "NFS"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB"),
        (0x517B, "SMB"),
        (0x0102_1997, "9P"),
        (0x6573_5546, "FUSE"),
        (0x00C3_6400, "Ceph"),
        (0x5346_414F, "AFS"),
        (0x786F_4256, "VirtualBox"),
    ];
    let found = rustix::fs::statfs(folder).ok()?;
    // The type of the field differs between machines; the numbers have 32 bits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let kind = found.f_type as u32;
    SILENT
        .iter()
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn drive_without_events(_: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_replaced_has_another_identity() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let folder = base.path().join("pictures");
        assert!(find(&folder).is_err());
        std::fs::create_dir(&folder).expect("made");
        let first = find(&folder).expect("there");
        assert_eq!(find(&folder), Ok(first));
        std::fs::rename(&folder, base.path().join("away")).expect("moved");
        std::fs::create_dir(&folder).expect("made");
        #[cfg(unix)]
        assert_ne!(find(&folder), Ok(first));
        std::fs::write(base.path().join("file"), "").expect("written");
        assert!(find(&base.path().join("file")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_local_drive_reports_changes() {
        assert_eq!(drive_without_events(Path::new("/proc")), None);
    }
}
