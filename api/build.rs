//! The web client is part of the program when it was built before it: `make` does so, plain `cargo
//! build` need not.

fn main() {
    // The folder is in the repository, so that there is something to watch before there is a
    // client.
    println!("cargo::rerun-if-changed=../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
