//! Keeps the data folder readable for its owner only, since it contains prompts, preferences,
//! pictures and names of keys.

use std::path::Path;

use crate::failure::Failure;

/// Makes new files and folders of this process accessible to its user only. Call it before other
/// threads start.
pub fn make_new_files_private() {
    #[cfg(unix)]
    // SAFETY: `umask` sets one number of this process and cannot fail.
    unsafe {
        libc::umask(0o077);
    }
}

/// The folder that a process may use without writing to it.
const READ_ONLY: &str = "models";

/// Clippy's files in a data folder that other users may read or write.
#[derive(Debug, Default)]
pub struct OpenFiles {
    /// Their names; `.` is the folder itself.
    pub open: Vec<String>,
}

/// Removes the rights of other users to Clippy's files in a data folder, which earlier versions
/// left. Other files are not changed. Returns the files that were changed.
pub fn restrict(data: &Path) -> std::io::Result<OpenFiles> {
    walk(data, true)
}

/// Returns the files that [`restrict`] would change.
pub fn inspect(data: &Path) -> std::io::Result<OpenFiles> {
    walk(data, false)
}

/// Checks that this user may read and write Clippy's files in a data folder. Otherwise each part
/// would fail in its own words, such as "attempt to write a readonly database".
pub fn check_access(data: &Path) -> Result<(), Failure> {
    let entries = match std::fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(refusal(data, &["anything".to_owned()]));
        }
        Err(_) => return Ok(()),
    };
    let mut refused: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let writes = name != READ_ONLY;
            (is_ours(&name) && !is_accessible(&entry.path(), writes)).then_some(name)
        })
        .collect();
    refused.sort();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(refusal(data, &refused)),
    }
}

fn refusal(data: &Path, refused: &[String]) -> Failure {
    let data = data.display();
    Failure::run(format!(
        "this user may not read and write {} in {data}: run as the user who made them, give them to \
         this one (chown -R), or choose another folder with --data-dir",
        refused.join(", ")
    ))
}

#[cfg(unix)]
fn is_accessible(path: &Path, writes: bool) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(name) = std::ffi::CString::new(path.as_os_str().as_bytes()) else {
        return true;
    };
    let enter = if path.is_dir() { libc::X_OK } else { 0 };
    let write = if writes { libc::W_OK } else { 0 };
    // SAFETY: `name` ends with a zero byte and lives until the call returns.
    let answer = unsafe { libc::access(name.as_ptr(), libc::R_OK | write | enter) };
    answer == 0 || std::io::Error::last_os_error().kind() != std::io::ErrorKind::PermissionDenied
}

#[cfg(not(unix))]
fn is_accessible(_path: &Path, _writes: bool) -> bool {
    true
}

#[cfg(not(unix))]
fn walk(_data: &Path, _change: bool) -> std::io::Result<OpenFiles> {
    Ok(OpenFiles::default())
}

#[cfg(unix)]
fn walk(data: &Path, change: bool) -> std::io::Result<OpenFiles> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = OpenFiles::default();
    let entries = match std::fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    let (mut ours, mut others) = (0, 0);
    let mut close = |path: &Path, name: &str| -> std::io::Result<()> {
        // The rights of a symbolic link mean nothing, and its target is the user's choice.
        let mode = std::fs::symlink_metadata(path)?;
        if mode.file_type().is_symlink() || mode.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        found.open.push(name.to_owned());
        if change {
            let own = mode.permissions().mode() & 0o700;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(own))?;
        }
        Ok(())
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_ours(&name) {
            ours += 1;
            close(&entry.path(), &name)?;
        } else {
            others += 1;
        }
    }
    // A folder with files of other programs may have to stay readable for other users.
    if ours > 0 && others == 0 {
        close(data, ".")?;
    }
    Ok(found)
}

fn is_ours(name: &str) -> bool {
    const NAMES: [&str; 19] = [
        "backup.json",
        "backup.lock",
        "backup_target.json",
        "calls",
        "changes",
        "collection",
        "collections",
        "collections.json",
        "demo",
        "folder_id",
        "inputs",
        "lock",
        "models",
        "outputs",
        "recent_queries.json",
        "scans",
        "spending",
        "thumbnails",
        ".doctor",
    ];
    NAMES.contains(&name)
        || ["clippy.db", "jobs.db"]
            .iter()
            .any(|database| name.starts_with(database))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    fn open(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    }

    #[test]
    fn files_of_another_user_are_named_with_what_helps() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (data, database) = (folder.path(), folder.path().join("clippy.db"));
        std::fs::write(&database, "").expect("made");
        check_access(data).expect("it is ours");
        open(&database, 0o444);
        // Nothing is refused to the superuser.
        let complaint = match check_access(data) {
            Err(failure) => failure,
            Ok(()) => refusal(data, &["clippy.db".to_owned()]),
        };
        let complaint = complaint.to_string();
        for part in ["clippy.db", "chown -R", "--data-dir"] {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
    }

    #[test]
    fn only_clippys_own_files_lose_the_rights_of_other_users() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path();
        for name in ["outputs", "scans"] {
            std::fs::create_dir(data.join(name)).expect("made");
        }
        for name in ["clippy.db", "folder_id"] {
            std::fs::write(data.join(name), "").expect("made");
        }
        for (name, before) in [
            ("outputs", 0o755),
            ("scans", 0o755),
            ("clippy.db", 0o644),
            ("folder_id", 0o644),
            (".", 0o755),
        ] {
            open(&data.join(name), before);
        }
        assert_eq!(inspect(data).expect("read").open.len(), 5);
        assert_eq!(mode(data), 0o755, "inspecting changes nothing");
        restrict(data).expect("closed");
        assert_eq!(
            [
                mode(&data.join("outputs")),
                mode(&data.join("clippy.db")),
                mode(data)
            ],
            [0o700, 0o600, 0o700]
        );
        assert!(inspect(data).expect("read").open.is_empty());

        // The rights of a folder with files of another program are kept.
        open(data, 0o755);
        std::fs::create_dir(data.join("safebooru")).expect("made");
        open(&data.join("safebooru"), 0o755);
        open(&data.join("outputs"), 0o750);
        assert_eq!(restrict(data).expect("closed").open, ["outputs"]);
        assert_eq!([mode(data), mode(&data.join("safebooru"))], [0o755, 0o755]);
        assert!(
            restrict(&data.join("not there"))
                .expect("nothing to do")
                .open
                .is_empty()
        );
    }
}
