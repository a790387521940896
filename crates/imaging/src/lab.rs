//! Converts CIE L*a*b* under D50, as TIFF and ICC profiles store it, to sRGB.

/// Converts one colour after the other; equal neighbours are converted once.
#[derive(Debug, Default)]
pub(crate) struct LabToRgb {
    last: Option<([f32; 3], [u8; 3])>,
}

impl LabToRgb {
    /// Converts a colour: L* is 0 to 100, a* and b* about -128 to 127.
    pub(crate) fn of(&mut self, lab: [f32; 3]) -> [u8; 3] {
        match self.last {
            Some((known, rgb)) if known == lab => rgb,
            _ => {
                let rgb = to_srgb(lab);
                self.last = Some((lab, rgb));
                rgb
            }
        }
    }
}

/// Converts a colour by CIE 15 (the inverse of L*a*b*), Bradford's adaptation from D50 to D65, and
/// IEC 61966-2-1 (as in ICC's sRGB profile).
fn to_srgb([l, a, b]: [f32; 3]) -> [u8; 3] {
    const WHITE: [f32; 3] = [0.964_22, 1.0, 0.825_21];
    const LINEAR: [[f32; 3]; 3] = [
        [3.133_856, -1.616_866_7, -0.490_614_6],
        [-0.978_768_4, 1.916_141_5, 0.033_454],
        [0.071_945_3, -0.228_991_4, 1.405_242_7],
    ];
    let y = (l + 16.0) / 116.0;
    let cube = |value: f32| {
        if value > 6.0 / 29.0 {
            value.powi(3)
        } else {
            (value - 4.0 / 29.0) * 3.0 * (6.0f32 / 29.0).powi(2)
        }
    };
    let xyz = [
        cube(y + a / 500.0) * WHITE[0],
        cube(y) * WHITE[1],
        cube(y - b / 200.0) * WHITE[2],
    ];
    LINEAR.map(|row| {
        let linear: f32 = row
            .iter()
            .zip(&xyz)
            .map(|(factor, value)| factor * value)
            .sum();
        let linear = linear.clamp(0.0, 1.0);
        let value = if linear <= 0.003_130_8 {
            12.92 * linear
        } else {
            1.055 * linear.powf(1.0 / 2.4) - 0.055
        };
        (value * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_are_converted() {
        // From ICC's sRGB profile, as littlecms converts them.
        for (lab, rgb) in [
            ([100.0, 0.0, 0.0], [255, 255, 255]),
            ([0.0, 0.0, 0.0], [0, 0, 0]),
            ([54.29, 80.81, 69.89], [255, 0, 0]),
            ([87.82, -79.29, 80.99], [0, 255, 0]),
            ([29.57, 68.30, -112.03], [0, 0, 255]),
            ([53.39, 0.0, 0.0], [127, 127, 127]),
        ] {
            let made = LabToRgb::default().of(lab);
            for (one, two) in made.iter().zip(&rgb) {
                assert!(one.abs_diff(*two) <= 2, "{lab:?}: {made:?}, not {rgb:?}");
            }
        }
    }
}
