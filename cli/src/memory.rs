//! Tunes the memory allocator.

/// Allocations up to this size, in bytes, come from memory that the process keeps. Larger ones
/// (decoded pictures, large bodies) come from the system each time, so that they cause no
/// fragmentation and can grow in place.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 24 << 20;

/// Lets libtorch reuse its memory. By default glibc returns every tensor of some hundred KiB to the
/// system, which clears the pages before their next use. That took a seventh of the time of an
/// ingest with a small model.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn tune_allocator() {
    // SAFETY: `mallopt` takes two numbers and touches nothing else; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * KEPT);
        libc::mallopt(libc::M_TOP_PAD, KEPT / 4);
    }
}

/// Other allocators need no tuning.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn tune_allocator() {}
