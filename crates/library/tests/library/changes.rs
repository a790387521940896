//! What changes between two scans.

use std::fs::{self, File, FileTimes};
use std::path::Path;

use clippy_core::known::NameRange;

use crate::house::{House, text};

/// Writes other bytes of the same length into a file, and sets its time back, so that only somebody
/// who opens it notices.
fn change_secretly(path: &Path) {
    let metadata = fs::metadata(path).expect("there");
    let modified = metadata.modified().expect("a time");
    let size = usize::try_from(metadata.len()).expect("small");
    fs::write(path, vec![b'x'; size]).expect("written");
    File::options()
        .write(true)
        .open(path)
        .expect("there")
        .set_times(FileTimes::new().set_modified(modified))
        .expect("set");
}

#[tokio::test]
async fn a_second_scan_of_an_unchanged_tree_opens_no_file_and_writes_no_line() {
    let house = House::new().await;
    for seed in 0..20 {
        house.picture(&format!("{}/{seed}.png", seed % 3), seed);
    }
    house.write("0/notes.doc", "a text");
    house.write("1/1.txt", "fox");
    let first = house.add().await;
    assert_eq!((first.summary.new, first.summary.read), (20, 22));
    for entry in ["0/0.png", "0/notes.doc", "1/1.txt"] {
        change_secretly(&house.path(entry));
    }
    let second = house.scan().await;
    let summary = &second.summary;
    assert_eq!((summary.read, summary.lines), (0, 0), "{summary:?}");
    assert_eq!(summary.unchanged, 20);
    assert_eq!(summary.count_not_pictures(), 1, "as it was");
    assert_eq!((summary.files, summary.folders), (22, 4));
}

#[tokio::test]
async fn what_the_collection_does_not_have_is_added_again() {
    let house = House::new().await;
    house.picture("a.png", 1);
    house.picture("b.png", 2);
    // A crash before the collection acknowledged anything.
    let crashed = house.scan().await;
    assert_eq!(crashed.summary.new, 2);
    let again = house.scan().await;
    assert_eq!(again.summary.new, 2, "nothing was confirmed");
    house.store(&again, &["b.png"]).await;
    let third = house.scan().await;
    assert_eq!(third.summary.unchanged, 1, "{:?}", third.summary);
    assert_eq!(third.pictures().len(), 1, "the one that failed");
    house.store(&third, &[]).await;
    // Another collection of the same name.
    house.gallery.points.lock().clear();
    assert_eq!(house.add().await.pictures().len(), 2);
}

#[tokio::test]
async fn a_picture_keeps_its_id_when_it_is_moved_or_renamed() {
    let house = House::new().await;
    house.picture("old/fox.png", 1);
    house.picture("old/stays.png", 2);
    let first = house.add().await;
    fs::create_dir(house.path("new")).expect("made");
    fs::rename(house.path("old/fox.png"), house.path("new/wolf.png")).expect("moved");
    let second = house.add().await;
    assert_eq!(second.id("wolf.png"), first.id("fox.png"));
    let summary = &second.summary;
    assert_eq!((summary.moved, summary.missing), (1, 0), "{summary:?}");
    let third = house.scan().await;
    assert_eq!(third.summary.unchanged, 2);
    assert_eq!((third.summary.moved, third.summary.missing), (0, 0));
    assert_eq!(house.points(), 2);
}

#[tokio::test]
async fn the_same_content_twice_is_one_point_and_a_copy_takes_over() {
    let house = House::new().await;
    house.picture("a/fox.png", 1);
    let first = house.add().await;
    fs::create_dir(house.path("b")).expect("made");
    fs::copy(house.path("a/fox.png"), house.path("b/copy.png")).expect("copied");
    let second = house.scan().await;
    assert_eq!(second.summary.duplicates, 1, "{:?}", second.summary);
    assert!(second.pictures().is_empty(), "the point stays as it is");
    let noted = &second.summary.duplicate_files[0];
    assert!(noted.path.ends_with("b/copy.png") && noted.duplicate_of.ends_with("a/fox.png"));
    house.store(&second, &[]).await;
    assert_eq!(house.scan().await.summary.unchanged, 2);

    fs::remove_file(house.path("a/fox.png")).expect("removed");
    let third = house.scan().await;
    assert_eq!(third.id("copy.png"), first.id("fox.png"));
    assert_eq!(third.summary.missing, 0, "{:?}", third.summary);
    house.store(&third, &[]).await;
    let last = house.scan().await;
    assert_eq!(
        (last.summary.unchanged, last.summary.lines),
        (1, 0),
        "{:?}",
        last.summary
    );
}

#[tokio::test]
async fn two_new_files_of_the_same_content_have_one_id() {
    let house = House::new().await;
    house.picture("a.png", 1);
    house.picture("b.png", 1);
    let first = house.add().await;
    assert_eq!(first.id("a.png"), first.id("b.png"));
    assert_eq!(house.points(), 1);
    assert_eq!(house.scan().await.summary.unchanged, 2);
}

#[tokio::test]
async fn an_overwritten_picture_replaces_the_one_before() {
    let house = House::new().await;
    house.picture("work.png", 1);
    house.picture("draft.png", 2);
    house.picture("draft copy.png", 2);
    let first = house.add().await;
    house.picture("work.png", 3);
    house.picture("draft.png", 4);
    let second = house.scan().await;
    assert_eq!(second.summary.changed, 2, "{:?}", second.summary);
    assert_eq!(house.store(&second, &[]).await, 1, "the draft has a copy");
    let ids: Vec<String> = house
        .gallery
        .points
        .lock()
        .keys()
        .map(ToString::to_string)
        .collect();
    assert!(!ids.contains(&first.id("work.png")));
    assert!(ids.contains(&first.id("draft copy.png")));
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn vanished_files_are_told_and_left_alone() {
    let house = House::new().await;
    house.picture("a/1.png", 1);
    house.picture("a/2.png", 2);
    house.picture("b/c/3.png", 3);
    house.add().await;
    fs::remove_file(house.path("a/1.png")).expect("removed");
    fs::remove_dir_all(house.path("b")).expect("removed");
    for _ in 0..2 {
        let scanned = house.add().await;
        assert_eq!(scanned.summary.missing, 2, "{:?}", scanned.summary);
        assert_eq!(house.points(), 3);
        let told = &scanned.summary.missing_files;
        assert!(
            told.iter().any(|path| path.ends_with("b/c/3.png")),
            "{told:?}"
        );
    }
    house.picture("a/1.png", 1);
    let back = house.add().await;
    assert_eq!(back.summary.missing, 1, "{:?}", back.summary);
}

#[tokio::test]
async fn what_is_left_out_later_is_not_missing() {
    let house = House::new().await;
    house.picture("keep.png", 1);
    house.picture("private/secret.png", 2);
    house.add().await;
    house.write(".clippyignore", "private/\n");
    let scanned = house.scan().await;
    assert_eq!(scanned.summary.unchanged, 1);
    assert_eq!(scanned.summary.missing, 0, "{:?}", scanned.summary);
}

#[tokio::test]
async fn large_folders_are_compared_to_their_last_file() {
    let house = House::new().await;
    // More than two slices.
    let name = |index: u32| format!("{index:04}.txt");
    for index in 0..600 {
        house.write(&name(index), format!("text {index}"));
    }
    house.picture("0255b.png", 1);
    house.picture("0256.png", 2);
    house.picture("zz.png", 3);
    house.add().await;
    for gone in ["0255b.png", "0256.png", "zz.png"] {
        fs::remove_file(house.path(gone)).expect("removed");
    }
    let scanned = house.scan().await;
    assert_eq!(scanned.summary.missing, 3, "{:?}", scanned.summary);
    assert_eq!(scanned.summary.read, 0);
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_remembers_nothing() {
    let mut house = House::new().await;
    house.picture("a.png", 1);
    house.write("b.doc", "a text");
    house.dry_run = true;
    for _ in 0..2 {
        let scanned = house.scan().await;
        assert_eq!((scanned.summary.new, scanned.summary.read), (1, 2));
    }
    let folder = text(&serde_json::json!(house.pictures()));
    let known = house
        .library
        .known
        .in_folder("pictures", &folder, &NameRange::default())
        .await
        .expect("read");
    assert!(known.is_empty());
}

#[tokio::test]
async fn a_single_file_is_added_alone_and_known_with_its_folder() {
    let house = House::new().await;
    house.picture("a.png", 1);
    house.picture("b.png", 2);
    house.write("a.txt", "fox");
    let alone = house.scan_of(&[house.path("a.png")]).await;
    assert_eq!(alone.pictures().len(), 1);
    assert_eq!(crate::house::tags(alone.line("a.png")), ["fox"]);
    house.store(&alone, &[]).await;
    let all = house.add().await;
    assert_eq!((all.summary.unchanged, all.summary.new), (1, 1));
    let again = house.scan_of(&[house.path("b.png")]).await;
    assert_eq!((again.summary.unchanged, again.summary.missing), (1, 0));
}
