//! Links, hidden files, and what is left out.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use crate::house::House;

#[tokio::test]
async fn circles_of_links_end_and_what_links_lead_to_inside_is_found_once() {
    let house = House::new().await;
    house.picture("a/fox.png", 1);
    symlink(house.pictures(), house.path("a/up")).expect("linked");
    symlink(house.path("a"), house.path("again")).expect("linked");
    symlink("self", house.path("self")).expect("linked");
    symlink(house.path("a/fox.png"), house.path("fox link.png")).expect("linked");
    let scanned = house.scan().await;
    assert_eq!(scanned.pictures().len(), 2, "the file and the link to it");
    assert_eq!(scanned.id("fox link.png"), scanned.id("a/fox.png"));
    let failures = scanned.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("self"), "{failures:?}");
}

#[tokio::test]
async fn links_that_lead_outside_are_told_with_what_to_do() {
    let house = House::new().await;
    house.picture("fox.png", 1);
    fs::create_dir(house.beside("elsewhere")).expect("made");
    fs::copy(house.path("fox.png"), house.beside("elsewhere/wolf.png")).expect("copied");
    symlink(house.beside("elsewhere"), house.path("folder")).expect("linked");
    symlink(house.beside("elsewhere/wolf.png"), house.path("wolf.png")).expect("linked");
    let scanned = house.scan().await;
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
    let both = [house.pictures(), house.beside("elsewhere")];
    let scanned = house.scan_of(&both).await;
    assert!(scanned.failures().is_empty(), "its folder is added, too");
    assert_eq!(scanned.pictures().len(), 3);
}

#[tokio::test]
async fn hidden_files_ignored_ones_and_the_data_folder_are_left_out() {
    let house = House::new().await;
    house.picture("keep.png", 1);
    house.picture(".hidden/secret.png", 2);
    house.picture(".secret.png", 3);
    house.picture("drafts/fox.png", 4);
    house.picture("drafts/keep/fox.png", 5);
    house.picture("sub/draft_1.png", 6);
    house.write(".clippyignore", "drafts/*\n!drafts/keep\n");
    house.write("sub/.clippyignore", "draft_*.png\n");
    house.write(".gitignore", "keep.png\n");
    let scanned = house.scan().await;
    let pictures = scanned.pictures();
    assert_eq!(pictures.len(), 2, "{pictures:?}");
    scanned.line("keep.png");
    scanned.line("drafts/keep/fox.png");

    fs::write(
        house.library.data.join("thumbnail.png"),
        fs::read(house.path("keep.png")).expect("read"),
    )
    .expect("written");
    let above = house.beside("");
    let scanned = house.scan_of(&[above]).await;
    let pictures = scanned.pictures();
    assert!(
        !pictures.keys().any(|path| path.contains("thumbnail")),
        "{pictures:?}"
    );
}
