//! Edge maps compared with OpenCV's, invalid pictures, and the processing of valid ones.

mod bad_pictures;
mod edges;
mod frames;
mod kinds;
mod looks;
mod make;
mod memory;
mod odd_kinds;
mod tiffs;
