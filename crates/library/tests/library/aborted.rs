//! Tests of runs that were killed after they had stored pictures, and of records that are older than
//! the disk. Whatever happened, a picture without a file must be marked or deleted.

use std::fs;

use clippy_library::scan::{confirm, with_file};

use crate::fixture::Fixture;

#[tokio::test]
async fn what_an_aborted_run_stored_is_marked_when_its_file_goes() {
    let mut fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.add().await;
    fixture.picture("a/fox.png", 2);
    let aborted = fixture.scan().await;
    fixture.store_alone(&aborted, &[]).await;
    let fox = aborted.id("fox.png");
    fs::remove_file(fixture.path("a/fox.png")).expect("removed");
    // Even if another part is scanned next.
    fixture.picture("c/owl.png", 3);
    let part = fixture.add_parts(&["c/"]).await;
    assert_eq!(part.summary.missing, 1, "{:?}", part.summary);
    assert!(fixture.is_missing(&fox));
    assert_eq!(fixture.add().await.summary.missing, 1, "it stays missing");
}

#[tokio::test]
async fn what_an_aborted_run_stored_is_found_in_its_new_place() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 2);
    let aborted = fixture.scan().await;
    fixture.store_alone(&aborted, &[]).await;
    let fox = aborted.id("fox.png");
    fs::rename(fixture.path("fox.png"), fixture.path("wolf.png")).expect("moved");
    let next = fixture.add().await;
    assert_eq!(next.id("wolf.png"), fox);
    assert_eq!(next.summary.missing, 0, "{:?}", next.summary);
    assert!(!fixture.is_missing(&fox));
    fs::remove_file(fixture.path("wolf.png")).expect("removed");
    fixture.picture("stays.png", 1);
    fixture.add().await;
    assert!(fixture.is_missing(&fox));
}

#[tokio::test]
async fn what_an_aborted_run_stored_is_deleted_when_its_file_is_overwritten() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    let first = fixture.add().await.id("fox.png");
    // The aborted run stores the second content. The record has the first one still.
    fixture.picture("fox.png", 2);
    let aborted = fixture.scan().await;
    fixture.store_alone(&aborted, &[]).await;
    let second = aborted.id("fox.png");
    assert_eq!(fixture.points(), 2);
    fixture.picture("fox.png", 3);
    fixture.add().await;
    assert!(!fixture.is_stored(&first) && !fixture.is_stored(&second));
    assert_eq!(fixture.points(), 1);
    // The same where nothing was known of the file.
    fixture.picture("owl.png", 4);
    let aborted = fixture.scan().await;
    fixture.store_alone(&aborted, &[]).await;
    fixture.picture("owl.png", 5);
    fixture.add().await;
    assert_eq!(fixture.points(), 2);
    assert_eq!(fixture.add().await.summary.unchanged, 2);
}

#[tokio::test]
async fn a_record_that_is_older_than_the_disk_does_not_keep_a_picture_from_being_marked() {
    let mut fixture = Fixture::new().await;
    fixture.picture("a/fox.png", 1);
    fixture.picture("stays.png", 2);
    let fox = fixture.add().await.id("fox.png");
    // Moved twice: the first scan finds it in a place that it has left when it is to be stored.
    fs::create_dir(fixture.path("b")).expect("made");
    fs::create_dir(fixture.path("c")).expect("made");
    fs::rename(fixture.path("a/fox.png"), fixture.path("b/fox.png")).expect("moved");
    let moved = fixture.scan().await;
    fs::rename(fixture.path("b/fox.png"), fixture.path("c/fox.png")).expect("moved");
    fixture.store(&moved, &["fox.png"]).await;
    assert!(
        fixture.is_missing(&fox),
        "nothing shows yet that it is in c"
    );
    let found = fixture.add_parts(&["c/"]).await;
    assert_eq!(found.id("fox.png"), fox);
    assert!(!fixture.is_missing(&fox));
    fs::remove_file(fixture.path("c/fox.png")).expect("removed");
    fixture.add_parts(&["c/"]).await;
    assert!(fixture.is_missing(&fox));
}

#[tokio::test]
async fn a_crash_before_pictures_are_marked_is_made_up_for() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    fixture.picture("stays.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fs::remove_file(fixture.path("fox.png")).expect("removed");
    let scanned = fixture.scan().await;
    let known = &fixture.library.known;
    known.confirm(scanned.run).await.expect("confirmed");
    assert!(!fixture.is_missing(&fox));
    confirm(&fixture.library, &*fixture.gallery, scanned.run, &[])
        .await
        .expect("confirmed");
    assert!(fixture.is_missing(&fox));
}

#[tokio::test]
async fn a_copy_on_a_drive_that_is_away_and_a_copy_that_was_touched_count() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    fixture.picture("stays.png", 2);
    let fox = fixture.add().await.id("fox.png");
    let drive = fixture.beside("drive");
    fs::create_dir(&drive).expect("made");
    fs::copy(fixture.path("fox.png"), drive.join("copy.png")).expect("copied");
    let scanned = fixture.scan_of(std::slice::from_ref(&drive)).await;
    fixture.store(&scanned, &[]).await;
    let point = fox.parse().expect("an id");
    let is_there = async || {
        let there = with_file(&fixture.library, &[point]).await;
        there.expect("examined").contains(&point)
    };
    fs::rename(&drive, fixture.beside("mounted")).expect("moved");
    fs::remove_file(fixture.path("fox.png")).expect("removed");
    assert!(is_there().await);
    fixture.add().await;
    assert!(!fixture.is_missing(&fox), "its drive is away");
    fs::rename(fixture.beside("mounted"), &drive).expect("moved back");
    let content = fs::read(drive.join("copy.png")).expect("read");
    fs::write(drive.join("copy.png"), &content).expect("written again");
    assert!(is_there().await, "the same content with another time");
    let longer = [content.as_slice(), b" "].concat();
    fs::write(drive.join("copy.png"), longer).expect("overwritten");
    assert!(!is_there().await);
}

#[tokio::test]
async fn a_line_that_fails_after_an_earlier_attempt_stored_it_keeps_its_record() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("a/fox.png", 2);
    fixture.picture("a/owl.png", 3);
    let scanned = fixture.scan().await;
    // The worker is killed after it stored the pictures. Its next attempt finds the files gone.
    fixture.store_alone(&scanned, &["owl.png"]).await;
    let (fox, owl) = (scanned.id("fox.png"), scanned.id("owl.png"));
    let content = fs::read(fixture.path("a/fox.png")).expect("read");
    fs::remove_dir_all(fixture.path("a")).expect("removed");
    let failed = [&fox, &owl].map(|id| id.parse().expect("an id"));
    fixture.confirm(&scanned, &failed).await;
    assert!(fixture.is_missing(&fox));
    assert!(!fixture.is_stored(&owl));
    let next = fixture.add().await;
    assert_eq!(next.summary.missing, 1, "{:?}", next.summary);
    assert!(fixture.is_missing(&fox));
    // The mark goes when the file is back as it was.
    fixture.write("a/fox.png", content);
    assert_eq!(fixture.add().await.id("fox.png"), fox);
    assert!(!fixture.is_missing(&fox));
}

#[tokio::test]
async fn a_run_that_is_confirmed_late_does_not_replace_what_a_later_one_found() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("fox.png", 2);
    let first = fixture.scan().await;
    fixture.store_alone(&first, &[]).await;
    fixture.picture("fox.png", 30);
    let second = fixture.add().await;
    fixture.confirm(&first, &[]).await;
    let (old, new) = (first.id("fox.png"), second.id("fox.png"));
    fs::remove_file(fixture.path("fox.png")).expect("removed");
    fixture.add().await;
    assert!(fixture.is_missing(&new), "its record was kept");
    assert!(!fixture.is_stored(&old), "no file has its content");
}

#[tokio::test]
async fn a_picture_that_is_back_in_its_file_by_the_end_of_a_run_is_still_followed() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("fox.png", 2);
    let first = fixture.add().await.id("fox.png");
    let content = fs::read(fixture.path("fox.png")).expect("read");
    fixture.picture("fox.png", 30);
    let scanned = fixture.scan().await;
    fixture.store_alone(&scanned, &[]).await;
    fixture.write("fox.png", &content);
    fixture.confirm(&scanned, &[]).await;
    assert!(fixture.is_stored(&first), "the file has its content again");
    // Before any scan sees that, the file goes.
    fixture.picture("fox.png", 4);
    fixture.add().await;
    assert!(!fixture.is_stored(&first));
    assert_eq!(fixture.points(), 2);
}

#[tokio::test]
async fn a_picture_that_was_overwritten_by_text_is_marked_although_the_run_was_killed() {
    let fixture = Fixture::new().await;
    fixture.picture("stays.png", 1);
    fixture.picture("fox.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fixture.write("fox.png", "no picture");
    let _killed = fixture.scan().await;
    let next = fixture.add().await;
    assert_eq!(next.summary.missing, 1, "{:?}", next.summary);
    assert!(fixture.is_missing(&fox));
    // A picture that has another place is not missing, and the text is not read each time.
    fixture.picture("owl.png", 3);
    let owl = fixture.add().await.id("owl.png");
    fs::copy(fixture.path("owl.png"), fixture.path("copy.png")).expect("copied");
    fixture.add().await;
    fixture.write("owl.png", "no picture");
    fixture.add().await;
    assert!(!fixture.is_missing(&owl));
    assert_eq!(fixture.add().await.summary.read, 1, "the fox's file alone");
}
