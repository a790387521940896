//! Everything Clippy does to pixels before a model sees them: reading pictures, drawing their edge maps, trimming
//! sketches, open_clip's image transform, thumbnails and perceptual hashes.
//!
//! All functions are pure (apart from [`decode_file`], which reads one file), work on one thread, and take and give
//! 8-bit RGB pictures. Bytes from outside enter through [`decode`] alone, which bounds memory and never panics.

mod decode;
mod edge;
mod hash;
mod jpeg;
mod pixels;
mod resize;
mod sketch;
mod thumbnail;
mod transform;

pub use decode::{DecodeError, DecodeLimits, PictureFormat, Probe, decode, decode_file, probe};
pub use edge::edge_map;
pub use hash::{appearance, hamming, perceptual_hash};
pub use image::{GrayImage, RgbImage};
pub use sketch::trim_sketch;
pub use thumbnail::{EncodeError, Encoding, encode, thumbnail};
pub use transform::{normalise, transform, transform_grey};
