//! Colours, and how the styles change them.

/// A colour as the screen shows it (sRGB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
}

/// Makes a colour from 0xRRGGBB.
pub(crate) const fn hex(value: u32) -> Colour {
    Colour {
        red: (value >> 16) as u8,
        green: (value >> 8) as u8,
        blue: value as u8,
    }
}

/// The colours that the drawings are defined in; a style converts them to its own.
pub(crate) mod paint {
    use super::{Colour, hex};
    pub(crate) const RED: Colour = hex(0xe5383b);
    pub(crate) const CRIMSON: Colour = hex(0xba1b3a);
    pub(crate) const TERRACOTTA: Colour = hex(0xc8663c);
    pub(crate) const ORANGE: Colour = hex(0xf58a2c);
    pub(crate) const GOLD: Colour = hex(0xf6b829);
    pub(crate) const YELLOW: Colour = hex(0xffd84a);
    pub(crate) const LIME: Colour = hex(0xa6cf43);
    pub(crate) const LEAF: Colour = hex(0x4caf50);
    pub(crate) const GREEN: Colour = hex(0x2e8b57);
    pub(crate) const PINE: Colour = hex(0x1d6b4f);
    pub(crate) const TEAL: Colour = hex(0x21a5a5);
    pub(crate) const ICE: Colour = hex(0xbfe6f5);
    pub(crate) const SKY: Colour = hex(0x6cc4ee);
    pub(crate) const BLUE: Colour = hex(0x2f7ed8);
    pub(crate) const NAVY: Colour = hex(0x264a8c);
    pub(crate) const PURPLE: Colour = hex(0x8557c6);
    pub(crate) const PINK: Colour = hex(0xf58fb0);
    pub(crate) const ROSE: Colour = hex(0xe4547d);
    pub(crate) const BROWN: Colour = hex(0x7d4e2d);
    pub(crate) const WOOD: Colour = hex(0xb67a45);
    pub(crate) const TAN: Colour = hex(0xdcae74);
    pub(crate) const CREAM: Colour = hex(0xfdeecb);
    pub(crate) const WHITE: Colour = hex(0xfafafa);
    pub(crate) const SILVER: Colour = hex(0xc9d2da);
    pub(crate) const GREY: Colour = hex(0x8a97a3);
    pub(crate) const SLATE: Colour = hex(0x5b6b80);
    pub(crate) const CHARCOAL: Colour = hex(0x343b47);
    pub(crate) const INK: Colour = hex(0x22212b);
}

impl Colour {
    /// Returns CSS's form: `#rrggbb`.
    pub(crate) fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }

    /// Returns the perceived lightness, 0 to 1 (Rec. 601 weights on the stored values).
    pub(crate) fn lightness(self) -> f32 {
        (0.299 * f32::from(self.red) + 0.587 * f32::from(self.green) + 0.114 * f32::from(self.blue))
            / 255.0
    }

    /// This colour mixed with a share (0 to 1) of another.
    pub(crate) fn mixed(self, other: Self, share: f32) -> Self {
        let blend = |a: u8, b: u8| {
            (f32::from(a) + (f32::from(b) - f32::from(a)) * share)
                .round()
                .clamp(0.0, 255.0) as u8
        };
        Self {
            red: blend(self.red, other.red),
            green: blend(self.green, other.green),
            blue: blend(self.blue, other.blue),
        }
    }

    /// Returns the hue in degrees, and saturation and lightness from 0 to 1.
    pub(crate) fn hue_saturation_lightness(self) -> (f32, f32, f32) {
        let [red, green, blue] =
            [self.red, self.green, self.blue].map(|part| f32::from(part) / 255.0);
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let (spread, lightness) = (most - least, (most + least) / 2.0);
        if spread < 1e-6 {
            return (0.0, 0.0, lightness);
        }
        let saturation = spread / (1.0 - (2.0 * lightness - 1.0).abs()).max(1e-6);
        let sextant = if most == red {
            ((green - blue) / spread).rem_euclid(6.0)
        } else if most == green {
            (blue - red) / spread + 2.0
        } else {
            (red - green) / spread + 4.0
        };
        (sextant * 60.0, saturation, lightness)
    }

    /// Returns the colour of this hue (degrees), saturation and lightness (clamped to 0 to 1).
    pub(crate) fn from_hue(hue: f32, saturation: f32, lightness: f32) -> Self {
        let (saturation, lightness) = (saturation.clamp(0.0, 1.0), lightness.clamp(0.0, 1.0));
        let spread = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
        let channel = |offset: f32| {
            let place = (hue / 60.0 + offset).rem_euclid(6.0);
            let strength = ((place - 3.0).abs() - 1.0).clamp(0.0, 1.0);
            ((lightness - spread / 2.0 + spread * strength) * 255.0).round() as u8
        };
        Self {
            red: channel(0.0),
            green: channel(4.0),
            blue: channel(2.0),
        }
    }

    /// Returns whether it is a colour, rather than a grey, near-white or near-black.
    pub(crate) fn is_colourful(self) -> bool {
        let spread =
            self.red.max(self.green).max(self.blue) - self.red.min(self.green).min(self.blue);
        spread > 48
    }

    /// Rotates the colour around the colour wheel; greys stay grey.
    pub(crate) fn turned(self, degrees: f32) -> Self {
        let (hue, saturation, lightness) = self.hue_saturation_lightness();
        Self::from_hue(hue + degrees, saturation, lightness)
    }

    /// Returns the colour in shadow: darker, a little cooler and more saturated.
    pub(crate) fn shadow(self, share: f32) -> Self {
        self.mixed(hex(0x1c1446), share)
    }

    /// Returns the colour in light: lighter, a little warmer.
    pub(crate) fn light(self, share: f32) -> Self {
        self.mixed(hex(0xfffbe8), share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hue_survives_the_round_trip() {
        for colour in [
            paint::RED,
            paint::LEAF,
            paint::NAVY,
            paint::GOLD,
            paint::PINK,
            paint::GREY,
        ] {
            let (hue, saturation, lightness) = colour.hue_saturation_lightness();
            let back = Colour::from_hue(hue, saturation, lightness);
            assert!(
                back.red.abs_diff(colour.red) <= 1,
                "{colour:?} became {back:?}"
            );
            assert!(
                back.green.abs_diff(colour.green) <= 1,
                "{colour:?} became {back:?}"
            );
            assert!(
                back.blue.abs_diff(colour.blue) <= 1,
                "{colour:?} became {back:?}"
            );
        }
    }
}
