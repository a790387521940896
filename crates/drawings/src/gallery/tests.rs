use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::SystemTime;

use image::RgbImage;
use serde_json::Value;

use super::*;

/// The gallery takes seconds to draw, so one test writes it and checks everything.
#[test]
fn the_gallery_is_complete_repeatable_and_varied() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_gallery(folder.path()).unwrap();
    assert_eq!(first.pictures, subjects().len() * Style::ALL.len());
    assert_eq!((first.written, first.unchanged), (first.pictures, 0));
    let lines = manifest(&first.manifest);
    check_lines(folder.path(), &lines);
    check_variety(folder.path());

    // One picture damaged, one removed: only these are written again.
    let times = times(folder.path(), &lines);
    fs::write(folder.path().join("line_art/apple.png"), b"damaged").unwrap();
    fs::remove_file(folder.path().join("pop_art/house.png")).unwrap();
    let second = write_gallery(folder.path()).unwrap();
    assert_eq!((second.written, second.unchanged), (2, first.pictures - 2));
    assert_eq!(manifest(&second.manifest).len(), lines.len());
    check_lines(folder.path(), &lines);
    let touched: Vec<String> = self::times(folder.path(), &lines)
        .into_iter()
        .filter(|(path, time)| times[path] != *time)
        .map(|(path, _)| path)
        .collect();
    assert_eq!(touched, ["line_art/apple.png", "pop_art/house.png"]);

    // The manifest is used, and nothing is drawn again, only if the same sources wrote it.
    replace_with_another_picture(folder.path(), "line_art/apple.png");
    assert_eq!(write_gallery(folder.path()).unwrap().written, 0);
    fs::write(folder.path().join(DRAWN_BY), "older sources").unwrap();
    assert_eq!(write_gallery(folder.path()).unwrap().written, 1);
    check_lines(folder.path(), &lines);
}

/// Replaces a picture by another one, in its file and in the manifest.
fn replace_with_another_picture(folder: &Path, path: &str) {
    let file = folder.join(path);
    let own = hex_md5(&fs::read(&file).unwrap());
    fs::copy(folder.join("pop_art/house.png"), &file).unwrap();
    let manifest = folder.join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    let other = hex_md5(&fs::read(&file).unwrap());
    fs::write(&manifest, text.replace(&own, &other)).unwrap();
}

#[test]
fn drawing_stops_on_request_and_the_manifest_names_no_missing_picture() {
    let folder = tempfile::tempdir().unwrap();
    let most = std::sync::atomic::AtomicUsize::new(0);
    let stopped = write_gallery_watched(folder.path(), |done, total| {
        assert_eq!(total, gallery_size());
        most.fetch_max(done, std::sync::atomic::Ordering::Relaxed);
        done < 3
    });
    assert!(matches!(stopped, Err(Error::Stopped)));
    assert!(most.into_inner() >= 3);
    assert!(
        !folder.path().join("manifest.jsonl").exists(),
        "the manifest comes last"
    );
}

#[test]
fn ids_are_stable_and_fit_javascript() {
    let apple = crate::subject("apple").unwrap();
    // A change here would orphan the points of every demo collection.
    assert_eq!(picture_id(apple, Style::LineArt), 2_018_178_416_666_284);
    let ids: BTreeSet<u64> = subjects()
        .iter()
        .flat_map(|subject| Style::ALL.map(|style| picture_id(subject, style)))
        .collect();
    assert_eq!(ids.len(), subjects().len() * Style::ALL.len());
    assert!(ids.iter().all(|id| *id > 0 && *id < 1 << 53));
}

#[test]
fn names_and_tags_are_written_as_tags() {
    let mut names = BTreeSet::new();
    for subject in subjects() {
        assert!(
            names.insert(subject.name),
            "{} is there twice",
            subject.name
        );
        for tag in tags(subject, Style::PopArt) {
            assert!(
                !tag.is_empty()
                    && tag
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{tag}"
            );
        }
    }
    assert!(names.len() >= 36 && names.contains("apple") && names.contains("house"));
}

#[test]
fn an_error_names_the_folder_that_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, b"a file").unwrap();
    let fault = write_gallery(&taken).unwrap_err().to_string();
    assert!(fault.contains("taken"), "{fault}");
}

fn manifest(path: &Path) -> Vec<Value> {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn times(folder: &Path, lines: &[Value]) -> BTreeMap<String, SystemTime> {
    let paths = lines
        .iter()
        .map(|line| line["local_path"].as_str().unwrap().to_owned());
    paths
        .map(|path| {
            (
                path.clone(),
                fs::metadata(folder.join(path)).unwrap().modified().unwrap(),
            )
        })
        .collect()
}

fn check_lines(folder: &Path, lines: &[Value]) {
    let styles: BTreeSet<&str> = Style::ALL.map(Style::tag).into();
    let mut ids = BTreeSet::new();
    for line in lines {
        assert!(ids.insert(line["id"].as_u64().unwrap()), "{line}");
        let bytes = fs::read(folder.join(line["local_path"].as_str().unwrap())).unwrap();
        let md5 = hex::encode(Md5::digest(&bytes));
        assert_eq!(line["md5"], md5, "{line}");
        let tags = line["tags_all"].as_array().unwrap();
        assert_eq!(tags[0], line["subject"]);
        assert_eq!(tags[tags.len() - 1], line["style"]);
        let matched = line["matched_tags"].as_array().unwrap();
        assert!(
            matched
                .iter()
                .all(|tag| styles.contains(tag.as_str().unwrap())),
            "{line}"
        );
        assert_eq!(line["rating"], "safe");
        assert_eq!(
            (&line["width"], &line["height"]),
            (&Value::from(PICTURE_SIDE), &Value::from(PICTURE_SIDE))
        );
        assert!(line["source_post_url"].is_null() && line["license"].is_string());
    }
}

/// Checks that no picture is empty, and that no two of a subject or of a style look the same.
fn check_variety(folder: &Path) {
    let small: Vec<Vec<RgbImage>> = subjects()
        .par_iter()
        .map(|subject| {
            Style::ALL
                .map(|style| {
                    thumbnail(
                        &folder
                            .join(style.tag())
                            .join(format!("{}.png", subject.name)),
                    )
                })
                .into()
        })
        .collect();
    let mut faults = Vec::new();
    for (row, subject) in small.iter().zip(subjects()) {
        for (column, style) in Style::ALL.into_iter().enumerate() {
            let own = &row[column];
            let name = format!("{} in {style:?}", subject.name);
            let light = || own.pixels().map(|pixel| pixel[1]);
            let spread = light().max().unwrap() - light().min().unwrap();
            if spread < 30 {
                faults.push(format!("{name} shows nothing: {spread}"));
            }
            for (other, other_style) in Style::ALL.into_iter().enumerate().skip(column + 1) {
                let apart = difference(own, &row[other]);
                if apart < 12.0 {
                    faults.push(format!("{name} looks as in {other_style:?}: {apart}"));
                }
            }
            for (other, other_subject) in small
                .iter()
                .zip(subjects())
                .filter(|(_, other)| other.name > subject.name)
            {
                let apart = difference(own, &other[column]);
                if apart < 2.0 {
                    faults.push(format!("{name} looks as {}: {apart}", other_subject.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn thumbnail(path: &Path) -> RgbImage {
    let picture = image::open(path).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (PICTURE_SIDE, PICTURE_SIDE));
    image::imageops::thumbnail(&picture, 32, 32)
}

/// Returns the mean difference of the channels, 0 to 255.
fn difference(one: &RgbImage, other: &RgbImage) -> f32 {
    let sum: u64 = one
        .as_raw()
        .iter()
        .zip(other.as_raw())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f32 / one.as_raw().len() as f32
}
