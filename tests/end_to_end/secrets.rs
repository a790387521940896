//! Keys, passwords and stored files are not shown to anybody else.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::harness::{clippy, run, text};

/// Starts a server that answers everything with an empty list, and sends on the heads of its
/// requests.
fn listener() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = String::new();
            for line in BufReader::new(&stream)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
            {
                head.push_str(&line.to_ascii_lowercase());
                head.push('\n');
            }
            let body = r#"{"jobs":[],"next_cursor":null}"#;
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \
                 {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = send.send(head);
        }
    });
    (address, receive)
}

#[test]
fn calls_to_a_server_on_this_machine_do_not_use_a_proxy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ((server, asked), (proxy, passed)) = (listener(), listener());
    for name in [server.clone(), server.replace("127.0.0.1", "localhost")] {
        let output = clippy(folder.path())
            .args([
                "jobs",
                "list",
                "--json",
                "--server",
                &format!("http://{name}"),
            ])
            .env("ADMIN_KEYS", "hunter2")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .envs(
                ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]
                    .map(|proxies| (proxies, format!("http://{proxy}"))),
            )
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let head = asked.recv_timeout(Duration::from_secs(10));
        assert!(passed.try_recv().is_err(), "the proxy received a call");
        assert!(
            head.expect("asked")
                .contains("authorization: bearer hunter2"),
            "{name}"
        );
    }
}

#[test]
fn no_message_shows_the_password_of_a_url() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let secret = "http://ann:hunter2@127.0.0.1:9";
    for (name, value, arguments) in [
        (
            "QDRANT_URL",
            "ftp://ann:hunter2@host",
            &["migrate", "--dry-run"][..],
        ),
        ("QDRANT_URL", secret, &["migrate", "--dry-run"]),
        ("EMBEDDER_URL", "ftp://ann:hunter2@host", &["doctor"]),
        ("EMBEDDER_URL", secret, &["doctor"]),
        ("REDIS_URL", "http://ann:hunter2@host", &["models", "list"]),
        ("COMFYUI_URL", "ftp://ann:hunter2@host", &["doctor"]),
        ("BIND", secret, &["models", "list"]),
        (
            "HF_ENDPOINT",
            "http://ann:hunter2@127.0.0.1:9",
            &["models", "pull", "RN50", "openai"],
        ),
        ("LOG_LEVEL", "trace", &["jobs", "list", "--server", secret]),
    ] {
        let output = clippy(folder.path())
            .args(arguments)
            .env(name, value)
            .output()
            .expect("it starts");
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(!output.status.success(), "{name}={value}: {printed}");
        assert!(!printed.contains("hunter2"), "{name}={value}: {printed}");
    }
}

#[cfg(unix)]
#[test]
fn stored_files_are_readable_only_by_their_owner() {
    use std::os::unix::fs::PermissionsExt;

    fn check_modes(path: &Path, files: &mut u32) {
        let metadata = std::fs::symlink_metadata(path).expect("it is there");
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            for entry in std::fs::read_dir(path).expect("a folder").flatten() {
                check_modes(&entry.path(), files);
            }
        } else {
            *files += 1;
            assert_eq!(mode & !0o100, 0o600, "{}", path.display());
        }
    }

    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(folder.path(), &["migrate"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (data, mut files) = (folder.path().join("data"), 0);
    check_modes(&data, &mut files);
    assert!(files > 2, "there are databases and a collection");

    // The modes that an earlier version set.
    for (name, mode) in [("clippy.db", 0o644), ("collection", 0o755), (".", 0o755)] {
        let open = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(data.join(name), open).expect("ours");
    }
    let output = run(folder.path(), &["models", "list"]);
    let printed = text(&output.stderr);
    assert!(
        output.status.success() && printed.contains("other users of this machine"),
        "{printed}"
    );
    check_modes(&data, &mut files);
}
