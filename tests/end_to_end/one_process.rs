//! An embedded collection belongs to one process; the other commands talk to that one.

use crate::harness::{Server, ingest_some, json, run, text};

#[test]
fn while_a_server_runs_searches_go_through_it_and_a_second_owner_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = ingest_some(folder.path(), 12);
    let server = Server::start(folder.path(), "serve", &[]);

    let found = json(folder.path(), &["search", "--text", "apple", "--json"]);
    assert_eq!(found["results"].as_array().expect("a list").len(), 12);

    for arguments in [
        &["serve", "--bind", "127.0.0.1:0"][..],
        &["ingest", "--manifest", &manifest],
    ] {
        let second = run(folder.path(), arguments);
        let said = text(&second.stderr);
        assert_eq!(second.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains(&server.url),
            "{arguments:?} names who holds it: {said}"
        );
    }
    let url = server.url.clone();
    server.kill();
    // The address of a killed server is still in the folder; nobody is there, so the command opens
    // the collection itself.
    let found = json(folder.path(), &["search", "--text", "apple", "--json"]);
    assert_eq!(found["results"].as_array().expect("a list").len(), 12);
    let output = run(
        folder.path(),
        &["search", "--text", "apple", "--server", &url],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("does not answer"),
        "{}",
        text(&output.stderr)
    );
}
