//! The map of a collection: a place in the plane for each picture, so that similar pictures lie near
//! each other. A job makes it from the vectors of one space.

use async_trait::async_trait;
use clippy_common::shorten;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::gallery::Space;
use crate::ids::PointId;
use crate::{Error, Result};

/// The most corners of an area.
pub const MOST_CORNERS: usize = 500;
/// The most pictures in the area of a search.
pub const MOST_IN_AREA: usize = 20_000;

/// The vectors that a map is made from.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MapSpace {
    /// What pictures show.
    #[default]
    Image,
    /// How they are drawn.
    Style,
}

impl MapSpace {
    /// The space of these vectors.
    #[must_use]
    pub fn space(self) -> Space {
        match self {
            Self::Image => Space::Image,
            Self::Style => Space::Style,
        }
    }
}

/// How an area is written.
const EXAMPLE: &str = "\"x,y x,y x,y\", such as \"0,0 0.5,0 0.5,0.5\"";
/// The longest part of a wrong corner that an error shows, in characters.
const LONGEST_SHOWN: usize = 40;

/// A request to make a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapRequest {
    /// The vectors to make it from.
    pub make_map: MapSpace,
}

/// A picture's place on a map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MapPlace {
    /// The picture.
    pub id: PointId,
    /// From the left edge, 0 to 1.
    pub x: f32,
    /// From the upper edge, 0 to 1.
    pub y: f32,
    /// The id of its style, if it has one.
    pub style: Option<u64>,
}

/// A map of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureMap {
    /// The vectors that it was made from.
    pub space: MapSpace,
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// The pictures, in the order of their ids.
    pub places: Vec<MapPlace>,
}

/// The maps of a collection.
#[async_trait]
pub trait Maps: Send + Sync + 'static {
    /// Returns when the map of a space was made, in seconds since 1970; `None` if none was.
    async fn made(&self, space: MapSpace) -> Result<Option<u64>>;

    /// Returns the map of a space; `None` if none was made.
    async fn map(&self, space: MapSpace) -> Result<Option<PictureMap>>;

    /// Stores a map in the place of the one of the same space.
    async fn replace(&self, map: &PictureMap) -> Result<()>;
}

/// An area of a map: the inside of a line through its corners.
#[derive(Debug, Clone, PartialEq)]
pub struct MapArea {
    corners: Vec<[f32; 2]>,
    /// The smallest rectangle around the corners: left and upper, right and lower.
    bounds: [[f32; 2]; 2],
}

impl MapArea {
    fn new(corners: Vec<[f32; 2]>) -> Self {
        let mut bounds = [[f32::MAX; 2], [f32::MIN; 2]];
        for corner in &corners {
            for (axis, value) in corner.iter().enumerate() {
                bounds[0][axis] = bounds[0][axis].min(*value);
                bounds[1][axis] = bounds[1][axis].max(*value);
            }
        }
        Self { corners, bounds }
    }

    /// Whether a place is inside.
    #[must_use]
    pub fn contains(&self, x: f32, y: f32) -> bool {
        let [[left, upper], [right, lower]] = self.bounds;
        if x < left || x > right || y < upper || y > lower {
            return false;
        }
        let next = self.corners.iter().cycle().skip(1);
        let crossed = self
            .corners
            .iter()
            .zip(next)
            .filter(|([ax, ay], [bx, by])| {
                // The line from here to the right crosses this edge.
                (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
            });
        crossed.count() % 2 == 1
    }

    /// The pictures of a map that are inside.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] if there are more than [`MOST_IN_AREA`]: a search would read
    /// each of their ids.
    pub fn pictures(&self, map: &PictureMap) -> Result<Vec<PointId>> {
        let inside: Vec<PointId> = map
            .places
            .iter()
            .filter(|place| self.contains(place.x, place.y))
            .map(|place| place.id)
            .collect();
        if inside.len() > MOST_IN_AREA {
            return Err(Error::invalid(format!(
                "the area of the map has {} pictures, and a search takes at most {MOST_IN_AREA}: \
                 choose a smaller area",
                inside.len()
            )));
        }
        Ok(inside)
    }
}

/// Reads corners as text: `x,y x,y x,y`.
impl std::str::FromStr for MapArea {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let count = text.split_whitespace().count();
        if !(3..=MOST_CORNERS).contains(&count) {
            return Err(Error::invalid(format!(
                "the area of a map has {count} corners, but must have 3 to {MOST_CORNERS} corners: \
                 {EXAMPLE}"
            )));
        }
        let corners: Vec<[f32; 2]> = text.split_whitespace().map(corner).collect::<Result<_>>()?;
        Ok(Self::new(corners))
    }
}

/// Reads a corner.
fn corner(pair: &str) -> Result<[f32; 2]> {
    let shown = || shorten(pair, LONGEST_SHOWN);
    let wrong = || {
        Error::invalid(format!(
            "a corner of the area of a map is \"{}\", but must be two numbers with a comma between \
             them: {EXAMPLE}",
            shown()
        ))
    };
    let (x, y) = pair.split_once(',').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<f32>().map_err(|_| wrong());
    let corner = [number(x)?, number(y)?];
    // A number that is too large is read as infinite.
    if corner.iter().all(|value| value.is_finite()) {
        return Ok(corner);
    }
    Err(Error::invalid(format!(
        "a corner of the area of a map is \"{}\", which is not a number, infinite or too large: the \
         map lies between 0,0 and 1,1",
        shown()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_contains_what_is_inside_its_line() {
        // A U: its middle is open at the top.
        let area: MapArea = "0.1,0.1 0.3,0.1 0.3,0.7 0.6,0.7 0.6,0.1 0.8,0.1 0.8,0.9 0.1,0.9"
            .parse()
            .expect("an area");
        for (x, y, inside) in [
            (0.2, 0.5, true),
            (0.45, 0.5, false),
            (0.45, 0.8, true),
            (0.7, 0.2, true),
            (0.9, 0.5, false),
            (0.05, 0.5, false),
            (0.45, 0.95, false),
        ] {
            assert_eq!(area.contains(x, y), inside, "{x} {y}");
        }
    }

    #[test]
    fn an_area_with_too_many_pictures_is_refused() {
        let place = |id: usize| MapPlace {
            id: PointId::Number(id as u64),
            x: if id == 0 { 0.9 } else { 0.5 },
            y: 0.5,
            style: None,
        };
        let map = PictureMap {
            space: MapSpace::Image,
            made: 1,
            places: (0..MOST_IN_AREA + 2).map(place).collect(),
        };
        let area: MapArea = "0.4,0.4 0.6,0.4 0.6,0.6 0.4,0.6".parse().expect("an area");
        let refused = area.pictures(&map).expect_err("too many");
        assert!(refused.message.contains("20001 pictures"), "{refused}");
        let places = map.places[..=MOST_IN_AREA].to_vec();
        let found = area.pictures(&PictureMap { places, ..map });
        assert_eq!(found.expect("as many as possible").len(), MOST_IN_AREA);
    }

    #[test]
    fn what_is_no_area_is_refused() {
        let long = vec!["0,0"; MOST_CORNERS + 1].join(" ");
        for (text, named) in [
            ("", "has 0 corners"),
            ("0,0 1,1", "has 2 corners"),
            (&long, "has 501 corners, but must have 3 to 500"),
            ("0,0 1,1 2", "\"2\", but must be two numbers"),
            ("0,0 a,b 1,1", "\"a,b\", but must be two numbers"),
            ("0,0 1,1 1,2,3", "\"1,2,3\", but must be two numbers"),
            ("0,0 NaN,0 1,1", "\"NaN,0\", which is not a number"),
            (
                "0,0 0,1e308 1,1",
                "\"0,1e308\", which is not a number, infinite or too large",
            ),
        ] {
            let refused = text.parse::<MapArea>().expect_err(text);
            assert!(refused.message.contains(named), "{text}: {refused}");
        }
        assert!("0,0\n1,0\t1,1".parse::<MapArea>().is_ok());
    }
}
