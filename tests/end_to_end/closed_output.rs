//! Commands whose output nobody reads, or cannot be written.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{clippy, ingest_some, output_within, text};

/// Makes the output a pipe that nobody reads.
fn unread(command: &mut Command) -> &mut Command {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    command.stdout(writer)
}

#[test]
fn a_command_whose_output_nobody_reads_ends_quietly_with_the_code_of_its_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_some(folder.path(), 4);
    std::fs::write(folder.path().join("tags.txt"), "cat\n").expect("written");
    let nowhere = [
        "fetch",
        "safebooru",
        "--tags-file",
        "none.txt",
        "--out",
        "set",
        "--base-url",
        "http://127.0.0.1:9",
    ];
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["models", "list"], 0),
        (&["migrate", "--dry-run"], 0),
        (&["search", "--text", "apple"], 0),
        (&["search", "--text", "apple", "--json"], 0),
        // Too few pictures: work that fails fails as with a reader.
        (&["calibrate"], 1),
        (&["styles"], 0),
        (&["search"], 2),
        (&nowhere, 2),
    ] {
        let mut command = clippy(folder.path());
        let ended = unread(command.args(arguments).stderr(Stdio::piped()))
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("it starts");
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        let failure = said.lines().any(|line| line.starts_with("clippy: "));
        assert_eq!(failure, code != 0, "{arguments:?}: {said}");
        // Nobody reads its errors either.
        let (reader, errors) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = clippy(folder.path());
        let ended = unread(command.args(arguments).stderr(errors)).status();
        assert_eq!(
            ended.expect("it starts").code(),
            Some(code),
            "{arguments:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_fails_the_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let full = std::fs::File::options().write(true).open("/dev/full");
    let ended = clippy(folder.path())
        .args(["models", "list"])
        .stdout(full.expect("a device of Linux"))
        .output()
        .expect("it starts");
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("output could not be written"), "{said}");
    // The command itself works.
    let ended = output_within(
        clippy(folder.path()).args(["models", "list"]),
        Duration::from_secs(180),
    );
    assert!(ended.status.success());
}
