//! Attacks on the real program with the demo's gallery: whatever comes in, at most 64 MiB of it, it
//! lives, stays under its memory, and answers others in time.
//!
//! Short by default. `CLIPPY_ATTACK_SECONDS=600` goes on for that long; `CLIPPY_ATTACK_PATIENCE=5`
//! allows answers so many seconds on a machine that is busy with something else.

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
use crate::harness::{Server, wait_until};

/// Most bytes that the program may ever have in memory.
const MOST_MEMORY: u64 = 1_500 << 20;
/// How long others may wait for an answer.
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
    ("forms that are none", bodies::bad_forms),
    ("heads that never end", heads::slow),
    ("heads that cannot be read", heads::unreadable),
    ("addresses that cannot be", heads::bad_addresses),
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
    watch::forget_peak(target.process);

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
                watch::forget_peak(target.process);
            }
        }
        if Instant::now() >= until {
            break;
        }
    }
    wait_until(
        "what was asked for to end",
        Duration::from_secs(120),
        || target.is_idle().then_some(()),
    );
    let peak = watch::peak_memory(target.process);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        peak < MOST_MEMORY,
        "{} MiB in memory at the end",
        peak >> 20
    );
    assert!(target.searches(), "it answers as before");
    assert!(server.stop().success(), "it ends well");
}
