//! Another client that uses the server during an attack, and the server's memory.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::target::{Target, client};

/// What the other client observed.
#[derive(Default)]
pub struct Observations {
    /// The slowest `/readyz`.
    pub ready: Duration,
    /// The slowest search.
    pub search: Duration,
    pub searches: usize,
    pub faults: Vec<String>,
}

/// Sends requests in a loop until it is stopped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Observations>,
}

impl Watch {
    pub fn start(target: &Target) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, url) = (Arc::clone(&stop), target.url.clone());
        let answered = Arc::clone(&target.others_answered);
        let thread = std::thread::spawn(move || {
            let client = client(Ipv4Addr::new(127, 0, 0, 2));
            let mut seen = Observations::default();
            while !stopped.load(Ordering::Relaxed) || seen.searches == 0 {
                let begun = Instant::now();
                match client.get(format!("{url}/readyz")).send() {
                    Ok(answer) if answer.status().is_success() => {}
                    Ok(answer) => seen
                        .faults
                        .push(format!("/readyz answers {}", answer.status())),
                    Err(error) => seen
                        .faults
                        .push(format!("/readyz does not answer: {error:?}")),
                }
                seen.ready = seen.ready.max(begun.elapsed());
                // New words each time, so that no cached vector answers.
                let words = json!({ "query_text": format!("apple {}", seen.searches), "top": 10 });
                let begun = Instant::now();
                match client
                    .post(format!("{url}/api/search/hybrid"))
                    .json(&words)
                    .send()
                {
                    Ok(answer) if answer.status().is_success() => {
                        let found = answer.json::<Value>().unwrap_or_default();
                        if found["results"].as_array().is_none_or(Vec::is_empty) {
                            seen.faults.push(format!("a search finds nothing: {found}"));
                        }
                    }
                    Ok(answer) => {
                        let status = answer.status();
                        seen.faults.push(format!(
                            "a search answers {status}: {}",
                            answer.text().unwrap_or_default()
                        ));
                    }
                    Err(error) => seen
                        .faults
                        .push(format!("a search does not answer: {error:?}")),
                }
                seen.search = seen.search.max(begun.elapsed());
                seen.searches += 1;
                answered.fetch_add(1, Ordering::Relaxed);
                seen.faults.truncate(20);
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        Self { stop, thread }
    }

    pub fn stop(self) -> Observations {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic")
    }
}

/// Returns the most memory that a process used since its start or since [`reset_peak`], in bytes.
pub fn peak_memory(process: u32) -> u64 {
    status(process, "VmHWM:")
}

/// Returns the memory that a process uses now, in bytes.
pub fn memory(process: u32) -> u64 {
    status(process, "VmRSS:")
}

/// Returns a line of `/proc/PID/status`, which is in KiB, in bytes.
fn status(process: u32, name: &str) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("a line of this name");
    let kib: u64 = line
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .expect("a number");
    kib << 10
}

/// Resets the peak, where the system allows it.
pub fn reset_peak(process: u32) {
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
}
