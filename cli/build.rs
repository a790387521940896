//! Lets the binary, its tests and its benches find libtorch where it was linked from.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_CLIPPY_CLIP_LIBTORCH_LIB");
    if let Ok(folder) = std::env::var("DEP_CLIPPY_CLIP_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
