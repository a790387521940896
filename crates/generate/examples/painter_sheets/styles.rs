//! A row for each sketch, and a column for each style reference.

use clippy_drawings::{Style, render, sketch, subject};
use clippy_generate::GenerateRequest;

use crate::sheet::Sheet;
use crate::{Outcome, Painter, reference, run_of, sent};

const SKETCHES: [&str; 6] = ["cat", "apple", "sailboat", "house", "mushroom", "owl"];
/// A reference never shows the subject of a sketch.
const REFERENCES: [(Style, &str); 6] = [
    (Style::CelShading, "dog"),
    (Style::Impressionism, "tree"),
    (Style::NeonLights, "guitar"),
    (Style::ArtDeco, "lamp"),
    (Style::SoftShading, "fish"),
    (Style::Vaporwave, "planet"),
];

/// The references in the first row, the sketches in the first column. All are drawings of the demo
/// gallery.
pub async fn styles(painter: &Painter, cell: u32) -> Outcome<Sheet> {
    let mut sheet = Sheet::new(REFERENCES.len() + 1, SKETCHES.len() + 1, cell);
    for (row, name) in SKETCHES.iter().enumerate() {
        let drawn = sketch(subject(name).ok_or("no such subject")?, 1)?;
        sheet.put(0, row + 1, &drawn);
        for (column, (style, shown)) in REFERENCES.iter().enumerate() {
            let picture = render(subject(shown).ok_or("no such subject")?, *style)?;
            if row == 0 {
                sheet.put(column + 1, 0, &picture);
            }
            let request = GenerateRequest {
                sketch: Some(sent(&drawn)?),
                refs: vec![reference("style", 0.85, &picture)?],
                aspect_ratio: Some("1:1".to_owned()),
                ..run_of(1)
            };
            let what = format!("{name} in the style of {} {shown}", style.tag());
            let made = painter.paint(&what, request).await?;
            sheet.put(column + 1, row + 1, &made[0]);
        }
    }
    Ok(sheet)
}
