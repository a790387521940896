//! Passes the folder of libtorch to dependents, so that what links this crate finds it at run time.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // `torch-sys` sets it for packages that depend on it directly.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        // For this crate's own tests and examples; a run path is not inherited by dependents.
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
        // Dependents read this as `DEP_CLIPPY_CLIP_LIBTORCH_LIB`.
        println!("cargo::metadata=LIBTORCH_LIB={folder}");
    }
}
