//! Imagen's limits for one call.

use crate::contract::AspectRatio;

const RATIOS: [(u32, u32); 5] = [(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];
/// The largest number of references in one call, including the sketch and the base.
pub const MOST_REFERENCES: usize = 4;
/// The largest number of pictures that one call makes.
pub const PICTURES_PER_CALL: u32 = 4;

/// The ratios that it supports.
pub fn ratios() -> Vec<AspectRatio> {
    RATIOS
        .map(|(width, height)| AspectRatio { width, height })
        .to_vec()
}

/// The seed that a call is sent with: Imagen takes seeds from 1 to 2^31 - 1.
pub fn sent_seed(seed: u64, call: u32) -> u64 {
    (seed.wrapping_add(u64::from(call * PICTURES_PER_CALL)) & 0x7fff_ffff).max(1)
}
