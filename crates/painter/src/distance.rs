//! Distances between pixels.

/// Returns for every pixel its chamfer distance to the nearest pixel for which `is` holds.
pub(crate) fn distance_to(is: impl Fn(usize) -> bool, width: usize, height: usize) -> Vec<f32> {
    let mut distance: Vec<f32> = (0..width * height)
        .map(|index| if is(index) { 0.0 } else { 1e6 })
        .collect();
    let diagonal = std::f32::consts::SQRT_2;
    for y in 0..height {
        for x in 0..width {
            let index = y * width + x;
            let mut best = distance[index];
            if x > 0 {
                best = best.min(distance[index - 1] + 1.0);
            }
            if y > 0 {
                best = best.min(distance[index - width] + 1.0);
                if x > 0 {
                    best = best.min(distance[index - width - 1] + diagonal);
                }
                if x + 1 < width {
                    best = best.min(distance[index - width + 1] + diagonal);
                }
            }
            distance[index] = best;
        }
    }
    for y in (0..height).rev() {
        for x in (0..width).rev() {
            let index = y * width + x;
            let mut best = distance[index];
            if x + 1 < width {
                best = best.min(distance[index + 1] + 1.0);
            }
            if y + 1 < height {
                best = best.min(distance[index + width] + 1.0);
                if x > 0 {
                    best = best.min(distance[index + width - 1] + diagonal);
                }
                if x + 1 < width {
                    best = best.min(distance[index + width + 1] + diagonal);
                }
            }
            distance[index] = best;
        }
    }
    distance
}
