//! Rebuilds the program when the built web client changes, which is embedded in it. `make` builds
//! the client first; plain `cargo build` does not need it.

fn main() {
    // The folder is in the repository, so it can be watched before the client is built.
    println!("cargo::rerun-if-changed=../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
