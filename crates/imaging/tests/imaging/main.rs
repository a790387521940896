//! Edge maps against OpenCV, pictures that are wrong, and what is done to good ones.

mod bad_pictures;
mod edges;
mod frames;
mod kinds;
mod looks;
mod make;
mod memory;
mod odd_kinds;
mod tiffs;
