use std::path::Path;

use clippy_imaging::{DecodeLimits, GrayImage, decode_file, edge_map};

/// `../fixtures/make_fixtures.py` made both with `cv2.Canny(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY),
/// 100, 200)`.
#[test]
fn edge_maps_are_opencvs_pixel_for_pixel() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it"))
        .join("tests/fixtures/canny");
    let read = |path: &Path| {
        decode_file(path, &DecodeLimits::default()).unwrap_or_else(|error| panic!("{error}"))
    };
    let (mut count, mut edge_pixels) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".edges.png") {
            continue;
        }
        let expected = read(&path.with_extension("edges.png"));
        let found: GrayImage = edge_map(&read(&path));
        assert_eq!(found.dimensions(), expected.dimensions(), "{name}");
        let wrong = found
            .pixels()
            .zip(expected.pixels())
            .filter(|(one, other)| [one.0[0]; 3] != other.0)
            .count();
        assert_eq!(wrong, 0, "{name}: {wrong} pixels differ");
        count += 1;
        edge_pixels += found.pixels().filter(|pixel| pixel.0 == [255]).count();
    }
    assert_eq!(count, 20);
    assert!(edge_pixels > 10_000, "{edge_pixels}");
}
