use clippy_drawings::{Style, render, subject};
use image::{RgbImage, imageops};
fn main() {
    let names = std::env::args().nth(2).unwrap_or("dog,tree,lamp".into());
    let names: Vec<&str> = names.split(',').collect();
    let mut sheet = RgbImage::new(14 * 150, names.len() as u32 * 450);
    for (row, name) in names.iter().enumerate() {
        for (column, style) in Style::ALL.into_iter().enumerate() {
            let picture = render(subject(name).unwrap(), style).unwrap();
            let (mask, plate, words) = clippy_generate::local::debug_look(&picture);
            println!("{name} {}: {words}", style.tag());
            for (index, image) in [picture, mask, plate].iter().enumerate() {
                let small = imageops::resize(image, 148, 148, imageops::FilterType::Triangle);
                imageops::replace(&mut sheet, &small, column as i64 * 150, row as i64 * 450 + index as i64 * 150);
            }
        }
    }
    sheet.save(std::env::args().nth(1).unwrap()).unwrap();
}
