//! Draws the contact sheet: every subject in every style, small, on one PNG.
//!
//! `cargo run -p clippy-drawings --example contact_sheet -- sheet.png [cell]
//! [subject,subject|all|sketches] [style,style]`

use std::error::Error;

use clippy_drawings::{Style, Subject, render, sketch, subject, subjects};
use image::imageops::{FilterType, replace, resize};
use image::{Rgb, RgbImage};
use rayon::prelude::*;

const GAP: u32 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .unwrap_or_else(|| "contact_sheet.png".into());
    let cell: u32 = arguments.next().map_or(Ok(96), |cell| cell.parse())?;
    let chosen = arguments.next().unwrap_or_else(|| "all".into());
    let sheet = if chosen == "sketches" {
        sketches(cell)?
    } else {
        let all = chosen == "all";
        let rows: Vec<&Subject> = if all {
            subjects().iter().collect()
        } else {
            chosen.split(',').filter_map(subject).collect()
        };
        let styles = arguments.next().unwrap_or_default();
        let wanted =
            |style: &Style| styles.is_empty() || styles.split(',').any(|tag| tag == style.tag());
        pictures(
            &rows,
            &Style::ALL.into_iter().filter(wanted).collect::<Vec<_>>(),
            cell,
        )?
    };
    sheet.save(&path)?;
    println!("{path}: {} by {} pixels", sheet.width(), sheet.height());
    Ok(())
}

fn pictures(
    rows: &[&Subject],
    styles: &[Style],
    cell: u32,
) -> Result<RgbImage, clippy_drawings::Error> {
    let pairs: Vec<(&Subject, Style)> = rows
        .iter()
        .flat_map(|subject| styles.iter().map(move |style| (*subject, *style)))
        .collect();
    let drawn: Vec<RgbImage> = pairs
        .par_iter()
        .map(|(subject, style)| render(subject, *style).map(|picture| shrink(&picture, cell, cell)))
        .collect::<Result<_, _>>()?;
    Ok(lay_out(&drawn, styles.len() as u32, cell, cell))
}

fn sketches(cell: u32) -> Result<RgbImage, clippy_drawings::Error> {
    let pads: Vec<RgbImage> = subjects()
        .par_iter()
        .map(|subject| sketch(subject, 1).map(|pad| shrink(&pad, cell * 3 / 2, cell)))
        .collect::<Result<_, _>>()?;
    Ok(lay_out(&pads, 8, cell * 3 / 2, cell))
}

fn shrink(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        picture.clone()
    } else {
        resize(picture, width, height, FilterType::Triangle)
    }
}

fn lay_out(cells: &[RgbImage], columns: u32, width: u32, height: u32) -> RgbImage {
    let rows = (cells.len() as u32).div_ceil(columns.max(1));
    let sheet = (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP);
    let mut sheet = RgbImage::from_pixel(sheet.0, sheet.1, Rgb([90, 90, 96]));
    for (index, cell) in cells.iter().enumerate() {
        let (column, row) = (index as u32 % columns, index as u32 / columns);
        replace(
            &mut sheet,
            cell,
            i64::from(GAP + column * (width + GAP)),
            i64::from(GAP + row * (height + GAP)),
        );
    }
    sheet
}
