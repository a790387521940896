//! Ratios of width to height, as requests name them. Long parts name the size, too.

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::text::shorten;

/// The largest part that only stands for a ratio; longer ones are pixels.
const LONGEST_PART: u32 = 100;
/// The largest size in pixels.
const MOST_PIXELS: u32 = 1536;

/// A ratio of width to height, such as 3:4, or a size in pixels, such as 1536:1024. A provider that
/// has sizes of its own takes only the ratio of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AspectRatio {
    /// The width's part.
    pub width: u32,
    /// The height's part.
    pub height: u32,
}

impl AspectRatio {
    /// Width divided by height.
    #[must_use]
    pub fn value(self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// The long side in pixels, if it is a size.
    #[must_use]
    pub fn long_side(self) -> Option<u32> {
        Some(self.width.max(self.height)).filter(|long| *long > LONGEST_PART)
    }
}

impl std::fmt::Display for AspectRatio {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.width, self.height)
    }
}

impl std::str::FromStr for AspectRatio {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text
            .split_once(':')
            .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        match parts {
            Some((width @ 1..=MOST_PIXELS, height @ 1..=MOST_PIXELS))
                if width <= 8 * height && height <= 8 * width =>
            {
                Ok(Self { width, height })
            }
            _ => Err(Error::invalid(format!(
                "aspect_ratio is \"{}\", but must be WIDTH:HEIGHT such as 1:1, 3:4 or 16:9, at \
                 most 8:1, or a size such as 1024:768, at most {MOST_PIXELS} pixels",
                shorten(text)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_parts_are_a_size_and_short_ones_only_a_ratio() {
        let read = |text: &str| text.parse::<AspectRatio>().map(AspectRatio::long_side);
        assert_eq!(read("3:4").expect("a ratio"), None);
        assert_eq!(read("100:100").expect("a ratio"), None);
        assert_eq!(read("1024:768").expect("a size"), Some(1024));
        assert_eq!(read("768:1536").expect("a size"), Some(1536));
        for bad in ["1537:1024", "1536:100", "0:1024", "1024x768"] {
            let error = read(bad).expect_err("too large, too thin, or no size");
            assert!(error.message.contains("1536 pixels"), "{}", error.message);
        }
    }
}
