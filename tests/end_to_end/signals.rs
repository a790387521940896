//! The first Ctrl-C ends a command, whatever the command waits for.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use crate::harness::{clippy, signal, wait_for_blocking};

#[test]
fn a_command_that_waits_for_a_server_ends_at_the_first_signal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let mut child = clippy(folder.path())
        .args(["jobs", "list", "--server", &url])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // The command listens for signals before it calls the server.
    let (_open, _) = silent.accept().expect("a call");
    signal(child.id(), "INT");
    let ended = wait_for_blocking("the command to end", Duration::from_secs(10), || {
        child.try_wait().expect("a child")
    });
    assert_eq!(ended.code(), Some(130));
}
