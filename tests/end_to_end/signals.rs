//! The first Ctrl-C is heard, whatever a command is waiting for.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use crate::harness::{clippy, signal, wait_until};

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
    // It listens for signals before it calls anybody.
    let (_open, _) = silent.accept().expect("it calls");
    signal(child.id(), "INT");
    let ended = wait_until("the command to end", Duration::from_secs(10), || {
        child.try_wait().expect("a child")
    });
    assert_eq!(ended.code(), Some(130));
}
