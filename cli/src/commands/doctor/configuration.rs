//! Checks the settings, their file, and the folders and addresses in them.

use std::path::Path;

use clippy_api::ApiOptions;
use clippy_common::files;
use clippy_core::settings::Settings;

use super::Findings;
use crate::commands::serve::{ListenAddress, OR_ALLOW_ANYONE};
use crate::commands::tastes_of_clippy_0_2::PREFERENCES_FILE;
use crate::environment::Environment;
use crate::{logging, private};

pub(super) async fn check(settings: &Settings, environment: &Environment, findings: &mut Findings) {
    file(environment, findings);
    for complaint in &settings.log.complaints {
        findings.fault("log", complaint);
    }
    if let Err(error) = logging::check(&settings.log.filter) {
        findings.fault(
            "log",
            format!(
                "LOG_LEVEL is \"{}\", which is not a filter: {error}",
                settings.log.filter
            ),
        );
    }
    data_folder(&settings.collection.data_dir, findings);
    images_root(settings, findings);
    server(settings, findings).await;
}

fn file(environment: &Environment, findings: &mut Findings) {
    match &environment.file {
        None => findings.ok(
            "settings",
            "no .env here or in a folder above; from the environment only",
        ),
        Some(file) => {
            findings.ok(
                "settings",
                format!(
                    "{} from {}, and the environment",
                    environment.set,
                    file.display()
                ),
            );
            for misspelt in &environment.misspelt {
                findings.fault("settings", format!("{}: {misspelt}", file.display()));
            }
            for complaint in &environment.complaints {
                findings.fault("settings", format!("{}: {complaint}", file.display()));
            }
        }
    }
    for name in &environment.unused {
        findings.warning(
            "settings",
            format!("{name} is set, but this version does not use it"),
        );
    }
    for reason in &environment.skipped {
        findings.fault(
            "settings",
            format!("{reason}, so it is not read: copy the settings you need into a .env here"),
        );
    }
}

fn data_folder(folder: &Path, findings: &mut Findings) {
    findings.add("data folder", check_writable(folder));
    match private::inspect(folder) {
        Ok(found) if found.open.is_empty() => {}
        Ok(found) => findings.fault(
            "data folder",
            format!(
                "other users of this machine can read {} in it: run `chmod -R go-rwx` on them, or \
                 start Clippy, which does the same",
                found.open.join(", ")
            ),
        ),
        Err(error) => findings.fault(
            "data folder",
            format!("its permissions cannot be read: {error}"),
        ),
    }
    let preferences = folder.join(PREFERENCES_FILE);
    if preferences.is_file() {
        findings.ok(
            "preferences",
            format!(
                "`clippy import {}` imports the artists' preferences of Clippy 0.2",
                preferences.display()
            ),
        );
    }
}

/// Checks that a folder exists or can be created, and can be written to.
fn check_writable(folder: &Path) -> Result<String, String> {
    let there = folder.exists();
    let written = std::fs::create_dir_all(folder).and_then(|()| files::check_writable(folder));
    if !there {
        // Removes only an empty folder: one that is in use by now stays.
        let _ = std::fs::remove_dir(folder);
    }
    written
        .map(|()| folder.display().to_string())
        .map_err(|error| {
            format!(
                "{} cannot be written to ({error}): fix its permissions, or pass another folder \
                 with --data-dir",
                folder.display()
            )
        })
}

fn images_root(settings: &Settings, findings: &mut Findings) {
    let Some(root) = &settings.collection.images_root else {
        return;
    };
    let outcome = match std::fs::read_dir(root) {
        Ok(_) => Ok(root.display().to_string()),
        Err(error) => Err(format!(
            "the folder {} cannot be read ({error}), so no picture in it can be shown: set it to \
             the folder of the pictures, or unset it",
            root.display()
        )),
    };
    findings.add("IMAGES_ROOT", outcome);
}

async fn server(settings: &Settings, findings: &mut Findings) {
    let server = &settings.server;
    if server
        .api_keys
        .iter()
        .any(|key| server.admin_keys.contains(key))
    {
        findings.warning(
            "keys",
            "a key is in API_KEYS and in ADMIN_KEYS, so it has the rights of an admin",
        );
    }
    let keyed = !server.api_keys.is_empty() || !server.admin_keys.is_empty();
    let address = match ListenAddress::resolve(&server.bind).await {
        Ok(listening) => listening
            .check_exposure(settings, OR_ALLOW_ANYONE)
            .map(|()| {
                let keys = if keyed {
                    "every call needs a key"
                } else {
                    "for this machine only, without keys"
                };
                format!("{}, {keys}", server.bind)
            }),
        Err(failure) => Err(failure),
    };
    findings.add("address", address);
    match clippy_api::check_sites(&ApiOptions::from(server)) {
        Err(error) => findings.fault("pages", error.message),
        Ok(()) if !keyed && server.allowed_origins.iter().any(|origin| origin == "*") => findings
            .fault(
                "pages",
                "ALLOWED_ORIGINS is * and no keys are set, so every page that is open in a browser \
                 on this machine can read the collection: list the origins, or set API_KEYS",
            ),
        Ok(()) => {
            let hosts = if server.allowed_hosts.is_empty() {
                String::new()
            } else {
                format!("; also called {}", server.allowed_hosts.join(", "))
            };
            findings.ok(
                "pages",
                format!(
                    "calls from {} are accepted{hosts}",
                    server.allowed_origins.join(", ")
                ),
            );
        }
    }
}
