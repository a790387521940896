//! Checks the process that has the data folder open.

use clippy_core::settings::Settings;
use clippy_gallery::holder;

use super::Findings;
use crate::client::{Client, is_loopback};

const OURS: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn check(settings: &Settings, findings: &mut Findings) {
    let Some(holder) = holder(&settings.collection.data_dir) else {
        return findings.ok("owner", "no process has it open");
    };
    let process = match holder.other_machine() {
        Some(machine) => format!("process {} on machine {machine}", holder.pid),
        None => format!("process {}", holder.pid),
    };
    let Some(address) = &holder.address else {
        return findings.ok("owner", format!("{process} has it open"));
    };
    let serves = format!("{process} serves it at {address}");
    if holder.other_machine().is_some() && is_loopback(address) {
        return findings.ok(
            "owner",
            format!("{serves}, an address that only programs on that machine can reach"),
        );
    }
    let health = match Client::from_data_folder(address, settings) {
        Ok(client) => client.version().await,
        Err(failure) => Err(failure),
    };
    match health {
        Err(failure) => findings.fault("owner", format!("{serves}, but {failure}")),
        Ok(version) if version == OURS => {
            findings.ok("owner", format!("{serves}, version {version}"))
        }
        Ok(version) => findings.fault(
            "owner",
            format!(
                "{serves}, version {version}, but this is version {OURS}: restart the server with \
                 this version"
            ),
        ),
    }
}
