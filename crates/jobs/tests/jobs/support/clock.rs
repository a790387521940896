//! A wrong clock: a small library, preloaded before the C library, that shifts the time of day.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(id, now);
  const char *skew = getenv("CLIPPY_TEST_SKEW_SECS");
  if (answer == 0 && id == CLOCK_REALTIME && skew) now->tv_sec += atol(skew);
  return answer;
}
"#;

/// Builds the library into `folder`, with the compiler that Rust links with. A worker that has it
/// as `LD_PRELOAD` reads a time of day that is off by `CLIPPY_TEST_SKEW_SECS`.
pub fn library(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, SOURCE).expect("written");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .status();
    assert!(
        built.expect("cc, which Rust links with, is here").success(),
        "the library was built"
    );
    library
}
