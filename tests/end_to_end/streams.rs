//! More watchers of one job than a system lets a process have connections by default.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Server, clippy, gallery, json as answered, run, text};

/// A login's usual limit is 1,024.
const STREAMS: u64 = 1_200;
/// What an open stream may cost.
const MOST_BYTES: u64 = 20 * 1024;

/// Kilobytes of memory that a process holds.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Reads until a stream has said this; what was read.
fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut said = String::new();
    let mut bytes = [0_u8; 4096];
    while !said.contains(wanted) {
        let length = stream.read(&mut bytes).unwrap_or_else(|error| panic!("{error} after {said}"));
        assert!(length > 0, "the stream ended after {said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    said
}

#[test]
fn more_watchers_than_the_usual_limit_cost_little_and_are_all_told() {
    // Each is a connection of this process, too.
    let room = rlimit::increase_nofile_limit(STREAMS + 512).expect("a limit");
    let streams = STREAMS.min(room.saturating_sub(512));
    if streams < STREAMS {
        eprintln!(
            "LEFT OUT: this system allows {room} open files, so that {streams} streams are tried and not {STREAMS}"
        );
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = gallery().display().to_string();
    // A login's usual limit, which the server raises by itself.
    let program = clippy(folder.path());
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -Sn 1024; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    program.get_envs().filter(|(_, value)| value.is_none()).for_each(|(name, _)| {
        limited.env_remove(name);
    });
    limited.args(["serve", "--bind", "127.0.0.1:0"]).current_dir(folder.path()).env("IMAGES_ROOT", &root);
    let server = Server::run(limited, "serve");
    assert!(run(folder.path(), &["queues", "pause", "control"]).status.success());
    let manifest = gallery().join("manifest.jsonl").display().to_string();
    let queued = answered(folder.path(), &["ingest", "--manifest", &manifest, "--enqueue", "--json"]);
    let id = queued["id"].as_str().expect("an id").to_owned();

    let address = server.url.trim_start_matches("http://").to_owned();
    let open = || {
        let mut stream = TcpStream::connect(&address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("set");
        let request = format!("GET /api/jobs/{id}/events HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        read_until(&mut stream, "event: snapshot");
        stream
    };
    let mut watching: Vec<TcpStream> = (0..200).map(|_| open()).collect();
    let before = resident(server.process());
    let begun = Instant::now();
    watching.extend((200..streams).map(|_| open()));
    let each = resident(server.process()).saturating_sub(before) * 1024 / (streams - 200);
    eprintln!("{streams} streams in {:?}: {each} bytes each", begun.elapsed());
    assert!(each < MOST_BYTES, "{each} bytes a stream");

    let cancelled = run(folder.path(), &["jobs", "cancel", &id]);
    assert!(cancelled.status.success(), "{}", text(&cancelled.stderr));
    for stream in &mut watching {
        let said = read_until(stream, "event: done");
        assert!(said.contains(&json!("cancelled").to_string()), "{said}");
    }
}
