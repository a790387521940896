//! Everything Clippy does to pixels before a model sees them: reading pictures, drawing their edge
//! maps, trimming sketches, open_clip's image transform, thumbnails and perceptual hashes.
//!
//! All functions are pure (apart from [`decode_file`], which reads one file), work on one thread,
//! and take and give 8-bit RGB pictures. Bytes from outside enter through [`decode()`] alone, which
//! never panics and bounds memory: that of one picture by its [`DecodeLimits`], that of all
//! pictures of the process by a [`Budget`].

mod budget;
mod decode;
mod edge;
mod format;
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
mod transform;

pub use budget::{Budget, BudgetError, Permit};
pub use decode::{Probe, decode, decode_file, decode_within, probe};
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
