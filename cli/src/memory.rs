//! Tunes the memory allocator, and returns unused memory to the system.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::time::Duration;

    /// Allocations up to this size, in bytes, come from memory that the process keeps. Larger ones
    /// (decoded pictures, large bodies) come from the system each time, so that they cause no
    /// fragmentation and can grow in place.
    const KEPT: libc::c_int = 24 << 20;
    /// The most heaps that threads allocate from. By default glibc makes eight for each core, and
    /// each of them keeps the most memory that its threads ever used.
    const MOST_HEAPS: libc::c_int = 4;
    /// The time between two checks of the memory.
    const INTERVAL: Duration = Duration::from_secs(5);
    /// Memory is returned when the process has grown by this many bytes.
    const GROWTH: u64 = 96 << 20;
    /// How many times memory is returned after a growth, since memory that is in use at first
    /// becomes free later.
    const REPEATS: u32 = 12;

    pub fn tune_allocator() {
        // SAFETY: `mallopt` takes two numbers and touches nothing else; no other thread runs yet.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
            libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * KEPT);
            libc::mallopt(libc::M_TOP_PAD, KEPT / 4);
            libc::mallopt(libc::M_ARENA_MAX, MOST_HEAPS);
        }
    }

    pub fn return_unused_memory() {
        // Without this thread the program works, and only keeps more memory.
        let started = std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(watch);
        drop(started);
    }

    fn watch() {
        let Some(mut lowest) = own_memory() else {
            return;
        };
        let mut repeats = 0_u32;
        loop {
            std::thread::sleep(INTERVAL);
            let Some(now) = own_memory() else { return };
            lowest = lowest.min(now);
            if now > lowest + GROWTH {
                repeats = REPEATS;
            }
            if repeats > 0 {
                repeats -= 1;
                // SAFETY: it locks each heap itself, and only returns memory that nobody uses.
                unsafe { libc::malloc_trim(KEPT as libc::size_t) };
                lowest = own_memory().unwrap_or(now);
            }
        }
    }

    /// The memory of the process in bytes, without mapped files.
    fn own_memory() -> Option<u64> {
        let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
        let mut pages = pages.split(' ').skip(1).map(|count| count.parse::<u64>());
        let (resident, files) = (pages.next()?.ok()?, pages.next()?.ok()?);
        // SAFETY: it only returns a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Some(resident.saturating_sub(files) * u64::try_from(page).ok()?)
    }
}

/// Lets libtorch reuse its memory. By default glibc returns every tensor of some hundred KiB to the
/// system, which clears the pages before their next use. That took a seventh of the time of an
/// ingest with a small model.
pub fn tune_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::tune_allocator();
}

/// Starts a thread that returns unused memory to the system whenever the process has grown. A flood
/// of large requests leaves free memory in many heaps, which no later request can use at once.
pub fn return_unused_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::return_unused_memory();
}
