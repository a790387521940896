//! `clippy doctor` checks the installation and says how to fix what it finds.

use std::fs;

use crate::harness::{Server, clippy, ingest_some, run, text};

fn doctor(data: &std::path::Path, settings: &[(&str, &str)]) -> (bool, String) {
    let output = clippy(data)
        .arg("doctor")
        .envs(settings.iter().copied())
        .output()
        .expect("it starts");
    (
        output.status.success(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

#[test]
fn a_misspelt_setting_is_reported_with_the_right_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(
        folder.path().join(".env"),
        "API_KEY=a\nLOGLEVEL=debug\nADMIN_KEYS=a\nPOSTGRES_PASSWORD=of-another-program\n",
    )
    .expect("a temporary folder");
    let (fine, printed) = doctor(folder.path(), &[("API_KEYS", "a")]);
    assert!(!fine, "{printed}");
    for part in [
        "API_KEY is not a setting of Clippy; API_KEYS is one",
        "LOGLEVEL is not a setting of Clippy; LOG_LEVEL is one",
        "a key is in API_KEYS and in ADMIN_KEYS",
        "settings: 1 from",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(!printed.contains("POSTGRES"), "{printed}");
}

#[test]
fn a_folder_that_does_not_exist_is_reported_and_not_created() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(folder.path(), &["search", "--text", "moon"]);
    assert!(!output.status.success());
    let printed = text(&output.stderr);
    assert!(printed.contains("there is no collection in"), "{printed}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn faults_of_settings_and_folders_are_reported_and_nothing_is_changed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(
        folder.path().join(".env"),
        "API_KEYS='hunter2\nLOG_LEVEL=verbose\nIMAGES_ROOT=./not/there\nALLOWED_ORIGINS=*\n",
    )
    .expect("a temporary folder");
    let (fine, printed) = doctor(folder.path(), &[]);
    assert!(!fine, "{printed}");
    let faults: Vec<&str> = printed
        .lines()
        .filter(|line| line.starts_with("FAULT"))
        .collect();
    for part in [
        "line 1 (API_KEYS)",
        "LOG_LEVEL",
        "not/there",
        "ALLOWED_ORIGINS",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(part)),
            "{part}: {printed}"
        );
    }
    assert_eq!(faults.len(), 4, "{printed}");
    assert!(
        printed.contains(&folder.path().join(".env").display().to_string())
            && !printed.contains("hunter2"),
        "{printed}"
    );
    assert!(
        !folder.path().join("data").exists(),
        "doctor created a folder"
    );
    let wrong = doctor(
        folder.path(),
        &[("ALLOWED_ORIGINS", "example.org"), ("BIND", "0.0.0.0:0")],
    )
    .1;
    for part in ["example.org", "API_KEYS are set"] {
        assert!(
            wrong
                .lines()
                .any(|line| line.starts_with("FAULT") && line.contains(part)),
            "{part}: {wrong}"
        );
    }
}

#[test]
fn doctor_opens_a_picture_and_asks_a_running_server_for_its_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The copied folder is readable by other users, as the files of earlier versions are.
    ingest_some(folder.path(), 12);
    let open = doctor(folder.path(), &[]).1;
    assert!(
        open.lines()
            .any(|line| line.starts_with("FAULT") && line.contains("chmod")),
        "{open}"
    );
    assert!(run(folder.path(), &["models", "list"]).status.success());
    let (fine, printed) = doctor(folder.path(), &[]);
    assert!(fine && printed.contains("can be shown"), "{printed}");

    let server = Server::start(folder.path(), "serve", &[]);
    let (fine, printed) = doctor(folder.path(), &[]);
    let version = format!("version {}", env!("CARGO_PKG_VERSION"));
    assert!(
        fine && printed.contains(&server.url) && printed.contains(&version),
        "{printed}"
    );
}
