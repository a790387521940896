//! The size of pictures that SDXL paints best.

/// The number of pixels that SDXL was trained with.
const AREA: f32 = 1024.0 * 1024.0;

/// Width and height for a ratio: about SDXL's number of pixels, in multiples of 64.
pub fn size_for(ratio: f32) -> (u32, u32) {
    let side = |length: f32| ((length / 64.0).round() as u32 * 64).clamp(512, 2048);
    (side((AREA * ratio).sqrt()), side((AREA / ratio).sqrt()))
}
