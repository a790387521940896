//! A server without requests uses almost no processor time: it waits for events and does not poll.

use std::time::{Duration, Instant};

use crate::harness::{Server, wait_for_blocking};

/// The largest share of one core that an idle server may use: a fast machine needs a tenth of it.
const MAX_SHARE: f64 = 0.01;
/// Long enough that work repeated every few seconds happens several times.
const WINDOW: Duration = Duration::from_secs(10);

/// Returns the processor time that a process has used so far.
fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name, in parentheses, may contain spaces.
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .expect("fields")
        .split(' ')
        .collect();
    // `utime` and `stime` are fields 14 and 15, in hundredths of a second. The split starts at
    // field 3.
    let ticks = |place: usize| fields[place].parse::<u64>().expect("a number");
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Asserts that a server soon uses almost no processor time.
pub fn assert_idle(server: &Server) {
    // Work that follows the preparation (graphs, calibration) may still run in the first windows.
    wait_for_blocking("an idle window", Duration::from_secs(300), || {
        let (before, begun) = (processor_time(server.process()), Instant::now());
        std::thread::sleep(WINDOW);
        let share = (processor_time(server.process()) - before).as_secs_f64()
            / begun.elapsed().as_secs_f64();
        eprintln!("{:.2} % of a core", 100.0 * share);
        (share <= MAX_SHARE).then_some(())
    });
}
