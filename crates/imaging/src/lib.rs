//! Everything Clippy does to pixels before a model sees them: reading pictures, drawing their edge
//! maps, trimming sketches, open_clip's image transform, thumbnails and perceptual hashes.
//!
//! All functions are pure (except [`decode_file`], which reads a file), run on one thread, and work
//! on 8-bit RGB pictures. Untrusted bytes enter through [`decode()`] only. It never panics, and it
//! limits memory: of one picture by its [`DecodeLimits`], of all pictures of the process by a
//! [`Budget`].

mod budget;
mod decode;
mod edge;
mod format;
mod frames;
mod hash;
mod jpeg;
mod lab;
mod limits;
mod opened;
mod picture;
mod pixels;
mod png;
mod resize;
mod sketch;
mod sniff;
mod thumbnail;
mod tiff;
mod tiff_parts;
mod transform;

pub use budget::{Budget, BudgetError, Permit};
pub use decode::{
    Probe, decode, decode_file, decode_sketch, decode_sketch_within, decode_within, probe,
};
pub use edge::edge_map;
pub use format::PictureFormat;
pub use hash::{appearance, hamming, perceptual_hash};
pub use image::{GrayImage, RgbImage};
pub use limits::{DecodeError, DecodeLimits};
pub use picture::Picture;
pub use resize::{cover, resized, scaled_to};
pub use sketch::trim_sketch;
pub use sniff::sniff;
pub use thumbnail::{EncodeError, Encoding, encode, thumbnail};
pub use transform::{normalise, transform, transform_grey};
