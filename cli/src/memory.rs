//! How the process keeps the memory that it has.

/// Allocations below this come from memory that is kept; larger ones (decoded pictures, large
/// bodies) are the system's each time, so that they leave nothing behind and grow in place.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 24 << 20;

/// Lets libtorch use its memory again: by default glibc gives every tensor of some hundred KiB back
/// to the system, which clears the pages for the next one. That is a seventh of the time of an
/// ingest with a small model.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_tensors() {
    // SAFETY: `mallopt` takes two numbers and touches nothing else; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * KEPT);
        libc::mallopt(libc::M_TOP_PAD, KEPT / 4);
    }
}

/// Other allocators have their own ways.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_tensors() {}
