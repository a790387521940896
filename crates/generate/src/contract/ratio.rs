//! Ratios of width to height, as requests name them.

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::text::shorten;

/// A ratio of width to height, both from 1 to 100.
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
            Some((width @ 1..=100, height @ 1..=100))
                if width <= 8 * height && height <= 8 * width =>
            {
                Ok(Self { width, height })
            }
            _ => Err(Error::invalid(format!(
                "aspect_ratio is \"{}\", but must be WIDTH:HEIGHT such as 1:1, 3:4 or 16:9, at \
                 most 8:1",
                shorten(text)
            ))),
        }
    }
}
