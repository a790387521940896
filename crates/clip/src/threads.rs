//! How many threads libtorch computes with.

use std::collections::BTreeSet;
use std::fs;

/// Returns the physical cores that this process may use; at least 1.
///
/// Two hyperthreads share one core's arithmetic units, so a second thread gains little. Where the
/// system does not report the cores, every logical processor counts.
pub(crate) fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    let cores: BTreeSet<String> = (0..)
        .map_while(|processor| {
            let path =
                format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
            fs::read_to_string(path).ok()
        })
        .collect();
    if cores.is_empty() {
        allowed
    } else {
        allowed.min(cores.len())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_is_a_core_and_no_more_than_processors() {
        let cores = super::physical_cores();
        assert!(cores >= 1 && cores <= std::thread::available_parallelism().map_or(1, usize::from));
    }
}
