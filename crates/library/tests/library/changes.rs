//! Tests of what a scan reports when files have changed since the scan before.

use std::fs::{self, File, FileTimes};
use std::path::Path;

use clippy_core::known::NameRange;

use crate::fixture::{Fixture, text};

/// Writes other bytes of the same length into a file and restores its time, so that the change is
/// only visible in the content.
fn change_only_content(path: &Path) {
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
    let fixture = Fixture::new().await;
    for seed in 0..20 {
        fixture.picture(&format!("{}/{seed}.png", seed % 3), seed);
    }
    fixture.write("0/notes.doc", "a text");
    fixture.write("1/1.txt", "fox");
    let first = fixture.add().await;
    assert_eq!((first.summary.new, first.summary.read), (20, 22));
    for entry in ["0/0.png", "0/notes.doc", "1/1.txt"] {
        change_only_content(&fixture.path(entry));
    }
    let second = fixture.scan().await;
    let summary = &second.summary;
    assert_eq!((summary.read, summary.lines), (0, 0), "{summary:?}");
    assert_eq!(summary.unchanged, 20);
    assert_eq!(summary.count_not_pictures(), 1, "as it was");
    assert_eq!((summary.files, summary.folders), (22, 4));
}

#[tokio::test]
async fn pictures_that_the_collection_lacks_are_added_again() {
    let fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    fixture.picture("b.png", 2);
    // This scan is never confirmed, as if the run had crashed before the collection acknowledged
    // anything.
    let crashed = fixture.scan().await;
    assert_eq!(crashed.summary.new, 2);
    let again = fixture.scan().await;
    assert_eq!(again.summary.new, 2, "nothing was confirmed");
    fixture.store(&again, &["b.png"]).await;
    let third = fixture.scan().await;
    assert_eq!(third.summary.unchanged, 1, "{:?}", third.summary);
    assert_eq!(third.pictures().len(), 1, "the picture that was not stored");
    fixture.store(&third, &[]).await;
    // An empty collection of the same name takes the place of this one.
    fixture.gallery.points.lock().clear();
    assert_eq!(fixture.add().await.pictures().len(), 2);
}

#[tokio::test]
async fn a_picture_keeps_its_id_when_it_is_moved_or_renamed() {
    let fixture = Fixture::new().await;
    fixture.picture("old/fox.png", 1);
    fixture.picture("old/stays.png", 2);
    let first = fixture.add().await;
    fs::create_dir(fixture.path("new")).expect("made");
    fs::rename(fixture.path("old/fox.png"), fixture.path("new/wolf.png")).expect("moved");
    let second = fixture.add().await;
    assert_eq!(second.id("wolf.png"), first.id("fox.png"));
    let summary = &second.summary;
    assert_eq!((summary.moved, summary.missing), (1, 0), "{summary:?}");
    let third = fixture.scan().await;
    assert_eq!(third.summary.unchanged, 2);
    assert_eq!((third.summary.moved, third.summary.missing), (0, 0));
    assert_eq!(fixture.points(), 2);
}

#[tokio::test]
async fn two_files_with_the_same_content_are_one_point_and_a_copy_replaces_the_first() {
    let fixture = Fixture::new().await;
    fixture.picture("a/fox.png", 1);
    let first = fixture.add().await;
    fs::create_dir(fixture.path("b")).expect("made");
    fs::copy(fixture.path("a/fox.png"), fixture.path("b/copy.png")).expect("copied");
    let second = fixture.scan().await;
    assert_eq!(second.summary.duplicates, 1, "{:?}", second.summary);
    assert!(second.pictures().is_empty(), "the point stays as it is");
    let noted = &second.summary.duplicate_files[0];
    assert!(noted.path.ends_with("b/copy.png") && noted.duplicate_of.ends_with("a/fox.png"));
    fixture.store(&second, &[]).await;
    assert_eq!(fixture.scan().await.summary.unchanged, 2);

    fs::remove_file(fixture.path("a/fox.png")).expect("removed");
    let third = fixture.scan().await;
    assert_eq!(third.id("copy.png"), first.id("fox.png"));
    assert_eq!(third.summary.missing, 0, "{:?}", third.summary);
    fixture.store(&third, &[]).await;
    let last = fixture.scan().await;
    assert_eq!(
        (last.summary.unchanged, last.summary.lines),
        (1, 0),
        "{:?}",
        last.summary
    );
}

#[tokio::test]
async fn two_new_files_with_the_same_content_have_one_id() {
    let fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    fixture.picture("b.png", 1);
    let first = fixture.add().await;
    assert_eq!(first.id("a.png"), first.id("b.png"));
    assert_eq!(fixture.points(), 1);
    assert_eq!(fixture.scan().await.summary.unchanged, 2);
}

#[tokio::test]
async fn an_overwritten_picture_replaces_the_earlier_one() {
    let fixture = Fixture::new().await;
    fixture.picture("work.png", 1);
    fixture.picture("draft.png", 2);
    fixture.picture("draft copy.png", 2);
    let first = fixture.add().await;
    fixture.picture("work.png", 3);
    fixture.picture("draft.png", 4);
    let second = fixture.scan().await;
    assert_eq!(second.summary.changed, 2, "{:?}", second.summary);
    assert_eq!(fixture.store(&second, &[]).await, 1, "the draft has a copy");
    let ids: Vec<String> = fixture
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
async fn vanished_files_are_reported_and_stay_in_the_collection() {
    let fixture = Fixture::new().await;
    fixture.picture("a/1.png", 1);
    fixture.picture("a/2.png", 2);
    fixture.picture("b/c/3.png", 3);
    fixture.add().await;
    fs::remove_file(fixture.path("a/1.png")).expect("removed");
    fs::remove_dir_all(fixture.path("b")).expect("removed");
    for _ in 0..2 {
        let scanned = fixture.add().await;
        assert_eq!(scanned.summary.missing, 2, "{:?}", scanned.summary);
        assert_eq!(fixture.points(), 3);
        let told = &scanned.summary.missing_files;
        assert!(
            told.iter().any(|path| path.ends_with("b/c/3.png")),
            "{told:?}"
        );
    }
    fixture.picture("a/1.png", 1);
    let back = fixture.add().await;
    assert_eq!(back.summary.missing, 1, "{:?}", back.summary);
}

#[tokio::test]
async fn files_that_are_excluded_later_are_not_missing() {
    let fixture = Fixture::new().await;
    fixture.picture("keep.png", 1);
    fixture.picture("private/secret.png", 2);
    fixture.add().await;
    fixture.write(".clippyignore", "private/\n");
    let scanned = fixture.scan().await;
    assert_eq!(scanned.summary.unchanged, 1);
    assert_eq!(scanned.summary.missing, 0, "{:?}", scanned.summary);
}

#[tokio::test]
async fn large_folders_are_compared_up_to_their_last_file() {
    let fixture = Fixture::new().await;
    // These are more files than two slices hold.
    let name = |index: u32| format!("{index:04}.txt");
    for index in 0..600 {
        fixture.write(&name(index), format!("text {index}"));
    }
    fixture.picture("0255b.png", 1);
    fixture.picture("0256.png", 2);
    fixture.picture("zz.png", 3);
    fixture.add().await;
    for gone in ["0255b.png", "0256.png", "zz.png"] {
        fs::remove_file(fixture.path(gone)).expect("removed");
    }
    let scanned = fixture.scan().await;
    assert_eq!(scanned.summary.missing, 3, "{:?}", scanned.summary);
    assert_eq!(scanned.summary.read, 0);
}

#[tokio::test]
async fn a_dry_run_reports_the_same_and_records_nothing() {
    let mut fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    fixture.write("b.doc", "a text");
    fixture.dry_run = true;
    for _ in 0..2 {
        let scanned = fixture.scan().await;
        assert_eq!((scanned.summary.new, scanned.summary.read), (1, 2));
    }
    let folder = text(&serde_json::json!(fixture.pictures()));
    let known = fixture
        .library
        .known
        .in_folder("pictures", &folder, &NameRange::default())
        .await
        .expect("read");
    assert!(known.is_empty());
}

#[tokio::test]
async fn a_single_file_is_added_alone_and_is_known_to_a_scan_of_its_folder() {
    let fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    fixture.picture("b.png", 2);
    fixture.write("a.txt", "fox");
    let alone = fixture.scan_of(&[fixture.path("a.png")]).await;
    assert_eq!(alone.pictures().len(), 1);
    assert_eq!(crate::fixture::tags(alone.line("a.png")), ["fox"]);
    fixture.store(&alone, &[]).await;
    let all = fixture.add().await;
    assert_eq!((all.summary.unchanged, all.summary.new), (1, 1));
    let again = fixture.scan_of(&[fixture.path("b.png")]).await;
    assert_eq!((again.summary.unchanged, again.summary.missing), (1, 0));
}
