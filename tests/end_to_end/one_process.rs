//! One process owns an embedded collection; the other commands send it requests.

use crate::harness::{Server, ingest_some, json, run, text};

#[test]
fn commands_use_the_running_server_and_a_second_owner_is_refused() {
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
        let printed = text(&second.stderr);
        assert_eq!(second.status.code(), Some(1), "{arguments:?}: {printed}");
        assert!(
            printed.contains(&server.url),
            "{arguments:?} names the owner's address: {printed}"
        );
    }
    let url = server.url.clone();
    server.kill();
    // The address of the killed server is still in the folder. Since nothing answers there, the
    // command opens the collection itself.
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
