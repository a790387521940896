//! One process owns an embedded collection; the other commands send it requests.

use serde_json::Value;

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

#[test]
fn a_server_on_another_machine_is_named_and_not_called_on_this_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_some(folder.path(), 12);
    let server = Server::start(folder.path(), "serve", &[]);
    // As if the folder were shared with the machine of the server.
    let lock = folder.path().join("data/lock");
    let text_of_lock = std::fs::read_to_string(&lock).expect("a lock");
    let mut holder: Value = serde_json::from_str(&text_of_lock).expect("JSON");
    holder["machine"] = "atelier-2".into();
    std::fs::write(&lock, holder.to_string()).expect("written");
    let search = ["search", "--text", "apple"];
    let refused = run(folder.path(), &search);
    let printed = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    for part in ["machine atelier-2", &server.url, "--server"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let second = run(folder.path(), &["serve", "--bind", "127.0.0.1:0"]);
    let printed = text(&second.stderr);
    assert!(printed.contains("machine atelier-2"), "{printed}");
    let answered = run(
        folder.path(),
        &[&search[..], &["--server", &server.url]].concat(),
    );
    assert!(answered.status.success(), "{}", text(&answered.stderr));
}
