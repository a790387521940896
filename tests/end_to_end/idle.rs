//! A server that nobody asks for anything rests: what waits is woken, and does not look around.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Server, wait_until};

/// The share of one core that an idle server may take.
const MOST: f64 = 0.015;
/// Long enough that whatever comes round every few seconds comes round several times.
const WINDOW: Duration = Duration::from_secs(10);

/// Processor time that a process has used so far.
fn used(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name, in parentheses, may hold spaces.
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .expect("fields")
        .split(' ')
        .collect();
    // `utime` and `stime`, fields 14 and 15 counted from the process's number; in hundredths of a
    // second.
    let ticks = |place: usize| fields[place].parse::<u64>().expect("a number");
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

#[test]
fn an_idle_demo_leaves_the_processor_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), "demo", &[]);
    let client = clippy_http::blocking_client()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client");
    wait_until("the gallery to be ready", Duration::from_secs(300), || {
        let response = client
            .get(format!("{}/api/preparing", server.url))
            .send()
            .ok()?;
        let answer: Value = response.json().ok()?;
        answer["preparing"].is_null().then_some(())
    });
    drop(client);
    // Whatever ends after the gallery is there (graphs, calibration) may still run in the first
    // windows.
    let share = wait_until(
        "a window in which nothing is done",
        Duration::from_secs(120),
        || {
            let (before, begun) = (used(server.process()), Instant::now());
            std::thread::sleep(WINDOW);
            let share =
                (used(server.process()) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
            eprintln!("{:.2} % of a core", 100.0 * share);
            (share <= MOST).then_some(share)
        },
    );
    assert!(share <= MOST);
    assert!(server.stop().success());
}
