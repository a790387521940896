//! The name of this machine, for messages about files that several machines share.

use std::sync::OnceLock;

/// Returns the name of this machine (in a container, of the container). `None` where names are not
/// stable: macOS may take another name on each network.
#[must_use]
pub fn name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(read).as_deref()
}

fn read() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
