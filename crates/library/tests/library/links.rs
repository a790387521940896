//! Links, hidden files, and what is left out.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use crate::fixture::Fixture;

#[tokio::test]
async fn circles_of_links_end_and_targets_inside_are_found_once() {
    let fixture = Fixture::new().await;
    fixture.picture("a/fox.png", 1);
    symlink(fixture.pictures(), fixture.path("a/up")).expect("linked");
    symlink(fixture.path("a"), fixture.path("again")).expect("linked");
    symlink("self", fixture.path("self")).expect("linked");
    symlink(fixture.path("a/fox.png"), fixture.path("fox link.png")).expect("linked");
    let scanned = fixture.scan().await;
    assert_eq!(scanned.pictures().len(), 2, "the file and the link to it");
    assert_eq!(scanned.id("fox link.png"), scanned.id("a/fox.png"));
    let failures = scanned.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("self"), "{failures:?}");
}

#[tokio::test]
async fn links_that_lead_outside_are_reported_with_advice() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    fs::create_dir(fixture.beside("elsewhere")).expect("made");
    fs::copy(
        fixture.path("fox.png"),
        fixture.beside("elsewhere/wolf.png"),
    )
    .expect("copied");
    symlink(fixture.beside("elsewhere"), fixture.path("folder")).expect("linked");
    symlink(
        fixture.beside("elsewhere/wolf.png"),
        fixture.path("wolf.png"),
    )
    .expect("linked");
    let scanned = fixture.scan().await;
    assert_eq!(scanned.pictures().len(), 1);
    let failures = scanned.failures();
    assert!(
        failures.len() == 1 && failures[0].contains("elsewhere/wolf.png"),
        "{failures:?}"
    );
    let remarks: Vec<&String> = scanned.summary.remarks.keys().collect();
    assert!(
        remarks.len() == 1 && remarks[0].contains("add") && remarks[0].contains("elsewhere"),
        "{remarks:?}"
    );
    let both = [fixture.pictures(), fixture.beside("elsewhere")];
    let scanned = fixture.scan_of(&both).await;
    assert!(scanned.failures().is_empty(), "its folder is added, too");
    assert_eq!(scanned.pictures().len(), 3);
}

#[tokio::test]
async fn a_link_to_a_device_is_left_out_without_the_advice_to_add_it() {
    let fixture = Fixture::new().await;
    fixture.picture("fox.png", 1);
    symlink("/dev/zero", fixture.path("zero.png")).expect("linked");
    let scanned = fixture.scan().await;
    assert_eq!(scanned.pictures().len(), 1);
    assert!(scanned.failures().is_empty(), "{:?}", scanned.failures());
    let remarks: Vec<&String> = scanned.summary.remarks.keys().collect();
    assert!(
        remarks.len() == 1
            && remarks[0].contains("no ordinary file")
            && !remarks[0].contains("itself"),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn hidden_and_ignored_files_and_the_data_folder_are_left_out() {
    let fixture = Fixture::new().await;
    fixture.picture("keep.png", 1);
    fixture.picture(".hidden/secret.png", 2);
    fixture.picture(".secret.png", 3);
    fixture.picture("drafts/fox.png", 4);
    fixture.picture("drafts/keep/fox.png", 5);
    fixture.picture("sub/draft_1.png", 6);
    fixture.write(".clippyignore", "drafts/*\n!drafts/keep\n");
    fixture.write("sub/.clippyignore", "draft_*.png\n");
    fixture.write(".gitignore", "keep.png\n");
    let scanned = fixture.scan().await;
    let pictures = scanned.pictures();
    assert_eq!(pictures.len(), 2, "{pictures:?}");
    scanned.line("keep.png");
    scanned.line("drafts/keep/fox.png");

    fs::write(
        fixture.library.data.join("thumbnail.png"),
        fs::read(fixture.path("keep.png")).expect("read"),
    )
    .expect("written");
    let above = fixture.beside("");
    let scanned = fixture.scan_of(&[above]).await;
    let pictures = scanned.pictures();
    assert!(
        !pictures.keys().any(|path| path.contains("thumbnail")),
        "{pictures:?}"
    );
}
