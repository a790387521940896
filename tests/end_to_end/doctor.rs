//! `clippy doctor` asks what can be asked, and says what mends it.

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
fn a_setting_that_is_misspelt_is_named_beside_the_one_that_was_meant() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(
        folder.path().join(".env"),
        "API_KEY=a\nLOGLEVEL=debug\nADMIN_KEYS=a\nPOSTGRES_PASSWORD=of-another-program\n",
    )
    .expect("a temporary folder");
    let (fine, said) = doctor(folder.path(), &[("API_KEYS", "a")]);
    assert!(!fine, "{said}");
    for part in [
        "API_KEY is not a setting of Clippy; API_KEYS is one",
        "LOGLEVEL is not a setting of Clippy; LOG_LEVEL is one",
        "a key is in API_KEYS and in ADMIN_KEYS",
        "settings: 1 from",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("POSTGRES"), "{said}");
}

#[test]
fn a_folder_that_is_mistyped_is_said_and_not_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(folder.path(), &["search", "--text", "moon"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("there is no collection in"), "{said}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn faults_of_settings_and_folders_are_found_before_anybody_meets_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(
        folder.path().join(".env"),
        "API_KEYS='hunter2\nLOG_LEVEL=verbose\nIMAGES_ROOT=./not/there\nALLOWED_ORIGINS=*\n",
    )
    .expect("a temporary folder");
    let (fine, said) = doctor(folder.path(), &[]);
    assert!(!fine, "{said}");
    let faults: Vec<&str> = said
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
            "{part}: {said}"
        );
    }
    assert_eq!(faults.len(), 4, "{said}");
    assert!(
        said.contains(&folder.path().join(".env").display().to_string())
            && !said.contains("hunter2"),
        "{said}"
    );
    assert!(
        !folder.path().join("data").exists(),
        "looking changes nothing"
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
fn a_picture_of_the_collection_is_opened_and_the_other_process_asked_for_its_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A copy, which others may read as an earlier version's files.
    ingest_some(folder.path(), 12);
    let open = doctor(folder.path(), &[]).1;
    assert!(
        open.lines()
            .any(|line| line.starts_with("FAULT") && line.contains("chmod")),
        "{open}"
    );
    assert!(run(folder.path(), &["models", "list"]).status.success());
    let (fine, said) = doctor(folder.path(), &[]);
    assert!(fine && said.contains("can be shown"), "{said}");

    let server = Server::start(folder.path(), "serve", &[]);
    let (fine, said) = doctor(folder.path(), &[]);
    let version = format!("version {}", env!("CARGO_PKG_VERSION"));
    assert!(
        fine && said.contains(&server.url) && said.contains(&version),
        "{said}"
    );
}
