//! Sets the run paths by which the program, its tests and its benches find libtorch.
//!
//! A packaged program (`CLIPPY_PORTABLE=1`, set by `scripts/package.sh` and the Dockerfile) looks
//! only in folders relative to itself: that of the environment that pip installed it into, and that
//! of an archive or an image. Other builds look first in the folder that they were linked against.

/// Minor versions of Python 3 that PyTorch 2.11 is published for.
const PYTHONS: std::ops::RangeInclusive<u32> = 10..=14;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_CLIPPY_CLIP_LIBTORCH_LIB");
    println!("cargo::rerun-if-env-changed=CLIPPY_PORTABLE");
    let portable = std::env::var_os("CLIPPY_PORTABLE").is_some_and(|value| value == "1");
    if let (false, Ok(folder)) = (portable, std::env::var("DEP_CLIPPY_CLIP_LIBTORCH_LIB")) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
    let beside = if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "macos") {
        "@executable_path"
    } else {
        "$ORIGIN"
    };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{beside}/../lib/clippy");
    for minor in PYTHONS {
        println!(
            "cargo::rustc-link-arg=-Wl,-rpath,{beside}/../lib/python3.{minor}/site-packages/torch/\
             lib"
        );
    }
}
