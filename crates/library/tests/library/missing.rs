//! Tests of pictures whose files are gone, and of folders whose drives are away.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use clippy_library::scan::forget_gone;

use crate::fixture::{Fixture, picture, text};

#[tokio::test]
async fn a_picture_is_marked_while_its_file_is_gone() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("a/fox.png", 2);
    let fox = fixture.add().await.id("fox.png");
    let hidden = fixture.beside("fox.png");
    fs::rename(fixture.path("a/fox.png"), &hidden).expect("moved");
    let gone = fixture.add().await;
    assert_eq!(gone.summary.missing, 1, "{:?}", gone.summary);
    assert!(fixture.is_missing(&fox));
    assert_eq!(fixture.add().await.summary.missing, 1, "it stays missing");
    // The same file, with the same time, in the same place.
    fs::rename(&hidden, fixture.path("a/fox.png")).expect("moved");
    let back = fixture.add().await;
    assert_eq!(back.summary.described_anew, 1, "{:?}", back.summary);
    assert!(!fixture.is_missing(&fox));
    assert_eq!(fixture.add().await.summary.unchanged, 2);

    // Back in another place.
    fs::rename(fixture.path("a/fox.png"), &hidden).expect("moved");
    fixture.add().await;
    fs::rename(&hidden, fixture.path("wolf.png")).expect("moved");
    let elsewhere = fixture.add().await;
    assert_eq!(elsewhere.id("wolf.png"), fox);
    assert!(!fixture.is_missing(&fox));
    let last = fixture.add().await;
    assert_eq!(
        (last.summary.unchanged, last.summary.missing),
        (2, 0),
        "{:?}",
        last.summary
    );
}

#[tokio::test]
async fn a_picture_that_moved_while_it_was_deleted_has_its_new_path_after_it_is_restored() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("a/fox.png", 2);
    let fox = fixture.add().await.id("fox.png");
    let deleted = fixture.delete(&fox);
    fs::create_dir(fixture.path("b")).expect("made");
    fs::rename(fixture.path("a/fox.png"), fixture.path("b/fox.png")).expect("moved");
    // Its line is skipped.
    let skipped = fixture.scan().await;
    fixture.store_alone(&skipped, &["fox.png"]).await;
    fixture.confirm(&skipped, &[]).await;
    fixture.restore(deleted);

    let described = fixture.add().await;
    let path = text(&described.line("fox.png")["local_path"]);
    assert!(path.ends_with("b/fox.png"), "{path}");
    assert!(!fixture.is_missing(&fox));
    let last = fixture.add().await.summary;
    assert_eq!((last.unchanged, last.missing, last.lines), (2, 0, 0));
}

#[tokio::test]
async fn a_picture_whose_file_went_while_it_was_deleted_is_marked_after_it_is_restored() {
    for damaged in [None, Some("a text"), Some("\u{89}PNG")] {
        let fixture = Fixture::new().await;
        fixture.picture("stays.png", 1);
        fixture.picture("fox.png", 2);
        let fox = fixture.add().await.id("fox.png");
        let deleted = fixture.delete(&fox);
        match damaged {
            None => fs::remove_file(fixture.path("fox.png")).expect("removed"),
            Some(content) => fixture.write("fox.png", content),
        }
        assert_eq!(fixture.add().await.summary.missing, 0);
        fixture.restore(deleted);
        assert_eq!(fixture.add().await.summary.missing, 1);
        assert!(fixture.is_missing(&fox), "{damaged:?}");
    }
}

#[tokio::test]
async fn a_dry_run_marks_nothing() {
    let mut fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("fox.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fs::remove_file(fixture.path("fox.png")).expect("removed");
    fixture.dry_run = true;
    assert_eq!(fixture.add().await.summary.missing, 1);
    assert!(!fixture.is_missing(&fox));
}

#[tokio::test]
async fn a_picture_whose_file_is_known_to_another_run_is_not_marked() {
    let fixture = Fixture::new().await;
    fixture.picture("a/fox.png", 1);
    fixture.picture("a/stays.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fs::create_dir(fixture.beside("other")).expect("made");
    fs::rename(fixture.path("a/fox.png"), fixture.beside("other/fox.png")).expect("moved");
    // This scan finds it gone. Before it is confirmed, another one finds it in its new place.
    let first = fixture.scan().await;
    assert_eq!(first.summary.missing, 1);
    let second = fixture.scan_of(&[fixture.beside("other")]).await;
    fixture.store(&first, &[]).await;
    assert!(
        !fixture.is_missing(&fox),
        "the other run is about to store it"
    );
    fixture.store(&second, &[]).await;
    assert!(!fixture.is_missing(&fox));
    assert_eq!(fixture.add().await.summary.missing, 0);
}

#[tokio::test]
async fn pictures_of_a_folder_that_seems_to_be_away_are_not_missing() {
    let fixture = Fixture::new().await;
    fixture.picture("a/fox.png", 1);
    fixture.picture("owl.png", 2);
    let fox = fixture.add().await.id("fox.png");
    // The empty folder that a drive is mounted at.
    let mounted = fixture.beside("mounted");
    fs::rename(fixture.pictures(), &mounted).expect("moved");
    fs::create_dir(fixture.pictures()).expect("made");
    let away = fixture.add().await;
    assert_eq!(away.summary.missing, 0, "{:?}", away.summary);
    assert_eq!(away.summary.away.len(), 1);
    assert!(!fixture.is_missing(&fox));
    // A file that somebody left there changes nothing.
    fixture.write("read me.txt", "mount the drive");
    assert_eq!(fixture.add().await.summary.missing, 0);
    fs::remove_dir_all(fixture.pictures()).expect("removed");
    fs::rename(&mounted, fixture.pictures()).expect("moved");
    assert_eq!(fixture.add().await.summary.unchanged, 2);

    // The same folder without any file: its owner deleted them.
    fs::remove_dir_all(fixture.path("a")).expect("removed");
    fs::remove_file(fixture.path("owl.png")).expect("removed");
    let empty = fixture.add().await;
    assert_eq!(empty.summary.missing, 2, "{:?}", empty.summary);
    assert!(fixture.is_missing(&fox));
}

#[tokio::test]
async fn a_copied_drive_is_recognised_by_its_files() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    fixture.picture("owl.png", 2);
    let fox = fixture.add().await.id("fox.png");
    let mounted = fixture.beside("mounted");
    fs::rename(fixture.pictures(), &mounted).expect("moved");
    fs::create_dir(fixture.pictures()).expect("made");
    fs::copy(mounted.join("owl.png"), fixture.path("owl.png")).expect("copied");
    assert_eq!(fixture.add().await.summary.missing, 1);
    assert!(fixture.is_missing(&fox));
}

#[tokio::test]
async fn a_drive_inside_of_a_folder_is_away_alone() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    fixture.picture("usb/owl.png", 2);
    fixture.picture("usb/bat.png", 3);
    let owl = fixture.add().await.id("owl.png");
    // It was added by its own path, too.
    let usb = fixture.path("usb");
    let scanned = fixture.scan_of(std::slice::from_ref(&usb)).await;
    fixture.store(&scanned, &[]).await;
    fs::rename(&usb, fixture.beside("mounted")).expect("moved");
    fs::create_dir(&usb).expect("made");
    fs::remove_file(fixture.path("fox.png")).expect("removed");
    fixture.picture("new.png", 4);
    let away = fixture.add().await;
    assert_eq!(away.summary.missing, 1, "{:?}", away.summary);
    assert!(!fixture.is_missing(&owl));
}

#[tokio::test]
async fn pictures_that_were_removed_are_not_missing_any_more() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("fox.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fs::remove_file(fixture.path("fox.png")).expect("removed");
    let scanned = fixture.scan().await;
    let gone = fixture.library.known.gone_in(scanned.run).await;
    let gone = gone.expect("read");
    assert_eq!(gone, [fox.parse().expect("an id")]);
    fixture.store(&scanned, &[]).await;
    forget_gone(&fixture.library, &gone)
        .await
        .expect("forgotten");
    assert_eq!(fixture.add().await.summary.missing, 0);
}

#[tokio::test]
async fn a_copy_replaces_a_picture_that_was_overwritten_also_after_a_crash() {
    let fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    let id = fixture.add().await.id("a.png");
    fs::copy(fixture.path("a.png"), fixture.path("copy.png")).expect("copied");
    fixture.add().await;
    fixture.picture("a.png", 2);
    // The first run crashes before anything is stored.
    assert_eq!(fixture.scan().await.id("copy.png"), id);
    assert_eq!(fixture.add().await.id("copy.png"), id);
    // The same with a picture that is gone.
    fs::copy(fixture.path("copy.png"), fixture.path("d.png")).expect("copied");
    fixture.add().await;
    fs::remove_file(fixture.path("copy.png")).expect("removed");
    assert_eq!(fixture.scan().await.id("d.png"), id);
    assert_eq!(fixture.add().await.id("d.png"), id);
    // And with a copy of another picture in its place, which needs no line.
    fs::copy(fixture.path("a.png"), fixture.path("d.png")).expect("copied");
    let last = fixture.scan().await;
    assert_eq!(last.summary.duplicates, 1, "{:?}", last.summary);
    assert_eq!(
        fixture.store(&last, &[]).await,
        1,
        "nothing else has its content"
    );
    assert_eq!(fixture.points(), 1);
}

#[tokio::test]
async fn a_file_that_was_just_written_to_is_left_for_later() {
    let mut fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    fixture.picture("owl.png", 2);
    let set_time = |name: &str, time: SystemTime| {
        let file = File::options().write(true).open(fixture.path(name));
        file.expect("there")
            .set_times(FileTimes::new().set_modified(time))
            .expect("set");
    };
    let hour = Duration::from_secs(3600);
    set_time("owl.png", SystemTime::now() - hour);
    fixture.settled_for = hour / 2;
    let first = fixture.add().await;
    assert_eq!((first.summary.new, first.summary.being_written), (1, 1));
    // A clock that is ahead says nothing.
    let set_time = |name: &str, time: SystemTime| {
        let file = File::options().write(true).open(fixture.path(name));
        file.expect("there")
            .set_times(FileTimes::new().set_modified(time))
            .expect("set");
    };
    set_time("fox.png", SystemTime::now() + hour);
    assert_eq!(fixture.add().await.summary.new, 1);
    // A known picture that is overwritten again is not missing meanwhile.
    fs::write(
        fixture.path("owl.png"),
        &picture(3, clippy_imaging::Encoding::Png)[..40],
    )
    .expect("written");
    let later = fixture.add().await;
    assert_eq!((later.summary.being_written, later.summary.missing), (1, 0));
}

#[tokio::test]
async fn a_picture_that_is_moved_and_gone_before_it_is_stored_again_is_marked() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("fox.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fs::rename(fixture.path("fox.png"), fixture.path("wolf.png")).expect("moved");
    let moved = fixture.scan().await;
    assert_eq!(moved.summary.moved, 1, "{:?}", moved.summary);
    fs::remove_file(fixture.path("wolf.png")).expect("removed");
    fixture.store(&moved, &["wolf.png"]).await;
    let gone = fixture.add().await;
    assert_eq!(gone.summary.missing, 1, "{:?}", gone.summary);
    assert!(fixture.is_missing(&fox));
}
