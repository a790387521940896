//! Attacks on the real program with the demo's gallery, with bodies of up to 64 MiB. The server
//! must survive, stay below its memory limit, and still answer other clients in time.
//!
//! By default, each attack runs once. `CLIPPY_ATTACK_SECONDS=600` repeats them for that long.
//! `CLIPPY_ATTACK_PATIENCE=5` sets the longest time for an answer in seconds, for a busy machine.

mod bodies;
mod bombs;
mod heads;
mod pictures;
mod readers;
mod target;
mod watch;

use std::time::{Duration, Instant};

use crate::attacks::target::Target;
use crate::attacks::watch::Watch;
use crate::harness::{Server, wait_for_blocking};

/// The most memory that the program may use, in bytes.
const MOST_MEMORY: u64 = 1_500 << 20;
/// How much more memory the program may hold soon after an attack than before, in bytes.
const KEPT_AFTERWARDS: u64 = 300 << 20;
/// How long other clients may wait for an answer, in seconds.
const PATIENCE: f64 = 2.0;

type Attack = (&'static str, fn(&Target));

const ATTACKS: [Attack; 15] = [
    ("pictures of one column", pictures::of_one_column),
    (
        "pictures of one column to generate from",
        pictures::to_generate_from,
    ),
    ("a flood of 16-bit pictures", pictures::flood),
    ("a flood of 16-bit references", pictures::references),
    (
        "colour profiles that unpack to gigabytes",
        pictures::profiles,
    ),
    ("large JSON", bodies::large_json),
    ("deep JSON", bodies::deep_json),
    (
        "bodies that are announced and never sent",
        bodies::announced,
    ),
    ("bodies that trickle", bodies::trickling),
    ("malformed forms", bodies::bad_forms),
    ("heads that never end", heads::slow),
    ("heads that cannot be read", heads::unreadable),
    ("invalid paths", heads::bad_addresses),
    ("readers that never read", readers::never_reading),
    ("many streams of events", readers::streams),
];

#[test]
fn no_attack_kills_the_server_or_keeps_others_waiting() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
    };
    let until =
        Instant::now() + Duration::from_secs_f64(number("CLIPPY_ATTACK_SECONDS").unwrap_or(0.0));
    let patience = Duration::from_secs_f64(number("CLIPPY_ATTACK_PATIENCE").unwrap_or(PATIENCE));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), "demo", &[]);
    let target = Target::new(&server);
    target.wait_for_the_gallery();
    watch::reset_peak(target.process);
    let quiet = watch::memory(target.process);

    let mut faults = Vec::new();
    loop {
        for (name, attack) in ATTACKS {
            let begun = Instant::now();
            let watch = Watch::start(&target);
            attack(&target);
            let seen = watch.stop();
            let peak = watch::peak_memory(target.process);
            println!(
                "{name}: {:.1} s, ready within {:.2} s, searched {} times within {:.2} s, at most \
                 {} MiB in memory",
                begun.elapsed().as_secs_f64(),
                seen.ready.as_secs_f64(),
                seen.searches,
                seen.search.as_secs_f64(),
                peak >> 20
            );
            faults.extend(
                seen.faults
                    .into_iter()
                    .map(|fault| format!("{name}: {fault}")),
            );
            for (what, slowest) in [("/readyz", seen.ready), ("a search", seen.search)] {
                if slowest > patience {
                    faults.push(format!(
                        "{name}: {what} took {:.1} s",
                        slowest.as_secs_f64()
                    ));
                }
            }
            if peak > MOST_MEMORY {
                faults.push(format!("{name}: {} MiB in memory", peak >> 20));
                watch::reset_peak(target.process);
            }
        }
        if Instant::now() >= until {
            break;
        }
    }
    wait_for_blocking("the jobs to finish", Duration::from_secs(600), || {
        target.is_idle().then_some(())
    });
    let most = quiet + KEPT_AFTERWARDS;
    wait_for_blocking("memory to be returned", Duration::from_secs(180), || {
        (watch::memory(target.process) <= most).then_some(())
    });
    let peak = watch::peak_memory(target.process);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        peak < MOST_MEMORY,
        "{} MiB in memory at the end",
        peak >> 20
    );
    assert!(target.searches(), "the server still finds pictures");
    assert!(server.stop().success(), "the server exits with code 0");
}
