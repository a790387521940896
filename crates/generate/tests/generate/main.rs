//! Tests of the crate's public interface: real pictures, real sockets on free ports, real
//! processes.

mod bad_input;
mod comfyui;
mod comfyui_fake;
mod gemini;
mod google_fake;
mod google_faults;
mod hostile_pictures;
mod hostile_urls;
mod imagen;
mod killed;
mod local;
mod local_finishes;
mod local_variety;
mod outputs;
mod references;
mod support;
