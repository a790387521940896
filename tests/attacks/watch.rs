//! Somebody else who uses the server meanwhile, and the server's memory.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::target::{Target, client};

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// The slowest `/readyz`.
    pub ready: Duration,
    /// The slowest search.
    pub search: Duration,
    pub searches: usize,
    pub faults: Vec<String>,
}

/// Asks again and again until it is stopped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    pub fn start(target: &Target) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, url) = (Arc::clone(&stop), target.url.clone());
        let thread = std::thread::spawn(move || {
            let client = client(Ipv4Addr::new(127, 0, 0, 2));
            let mut seen = Seen::default();
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
                // Other words each time, so that the model has to be asked.
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
                if seen.faults.len() > 20 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        Self { stop, thread }
    }

    pub fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic")
    }
}

/// The most memory that a process had since its start, or since [`forget_peak`], in bytes.
pub fn peak_memory(process: u32) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("Linux tells");
    let kib: u64 = line
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .expect("a number");
    kib << 10
}

/// Begins to count the peak anew, where the system allows it.
pub fn forget_peak(process: u32) {
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
}
