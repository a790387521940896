//! Plain grounds: one colour around a figure, as in icons, drawings on paper and cut-outs.

use crate::plane::{Lab, Plane, distance2};

/// How far colours of a plain ground are apart at most.
const PLAIN: f32 = 0.05;
/// The share of the picture's edge that a plain ground has.
const MOSTLY: f32 = 0.85;

/// The colour of a plain ground: the one that most of the picture's edge has, if it does.
#[must_use]
pub fn plain_ground(plane: &Plane) -> Option<Lab> {
    let edge: Vec<Lab> = edge_of(plane).map(|index| plane.pixels[index]).collect();
    let median: Lab = std::array::from_fn(|part| {
        let mut values: Vec<f32> = edge.iter().map(|colour| colour[part]).collect();
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    });
    let alike = edge.iter().filter(|own| is_ground(**own, median)).count();
    (alike as f32 >= MOSTLY * edge.len() as f32).then_some(median)
}

fn is_ground(colour: Lab, ground: Lab) -> bool {
    distance2(colour, ground) < PLAIN * PLAIN
}

/// The pixels at the edge of a picture.
fn edge_of(plane: &Plane) -> impl Iterator<Item = usize> {
    let (width, height) = (plane.width, plane.height);
    (0..width * height).filter(move |index| {
        let (x, y) = (index % width, index / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    })
}

/// For every pixel whether it is ground that reaches the edge of the picture. What it encloses, such
/// as the inside of a drawing in lines, is not.
#[must_use]
pub fn connected_with_edge(plane: &Plane, ground: Lab) -> Vec<bool> {
    let (width, height) = (plane.width, plane.height);
    let mut open = vec![false; plane.pixels.len()];
    let mut next: Vec<usize> = edge_of(plane).collect();
    while let Some(index) = next.pop() {
        if open[index] || !is_ground(plane.pixels[index], ground) {
            continue;
        }
        open[index] = true;
        let (x, y) = (index % width, index / width);
        next.extend((x > 0).then(|| index - 1));
        next.extend((x + 1 < width).then(|| index + 1));
        next.extend((y > 0).then(|| index - width));
        next.extend((y + 1 < height).then(|| index + width));
    }
    open
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::appearance::Appearance;
    use crate::cutout::Cutout;

    fn picture(paint: impl Fn(f32, f32) -> [u8; 3]) -> RgbImage {
        RgbImage::from_fn(120, 120, |x, y| Rgb(paint(x as f32, y as f32)))
    }

    /// A circle in a dark line on paper.
    fn circle() -> RgbImage {
        picture(|x, y| {
            let away = (x - 50.0).hypot(y - 60.0);
            [if (28.0..32.0).contains(&away) {
                10
            } else {
                250
            }; 3]
        })
    }

    #[test]
    fn the_inside_of_a_drawing_in_lines_is_figure() {
        let look = Appearance::of(&circle(), 120, 120);
        assert!(look.ground.is_some());
        assert!(look.figure[60 * 120 + 50] > 0.9, "its middle");
        assert!(look.figure[5 * 120 + 5] < 0.5, "the paper");
        let cut = Cutout::of(&look);
        assert!(cut.is_clear);
        let [left, top, right, bottom] = cut.bounds.map(|part| part * 120.0);
        assert!(
            (left - 18.0).abs() < 3.0 && (right - 83.0).abs() < 3.0,
            "{left} {right}"
        );
        assert!(
            (top - 28.0).abs() < 3.0 && (bottom - 93.0).abs() < 3.0,
            "{top} {bottom}"
        );
    }

    #[test]
    fn nothing_of_a_figure_that_is_cropped_stays_in_its_ground() {
        // Half as high: the circle is cut above and below.
        let look = Appearance::of(&circle(), 120, 56);
        let paper = look.ground.expect("a plain ground");
        for pixel in &look.plate.pixels {
            assert!(distance2(*pixel, paper) < PLAIN * PLAIN, "{pixel:?}");
        }
    }

    #[test]
    fn a_ground_that_changes_is_not_plain() {
        let changing = picture(|x, y| [(2.0 * x) as u8, 120, (2.0 * y) as u8]);
        assert!(Appearance::of(&changing, 120, 120).ground.is_none());
    }
}
