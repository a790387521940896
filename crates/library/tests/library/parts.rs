//! Tests of scans of parts of a folder.

use std::fs;

use crate::fixture::Fixture;

#[tokio::test]
async fn only_the_given_parts_are_scanned() {
    let mut fixture = Fixture::new().await;
    for (seed, name) in ["top.png", "a/one.png", "a/b/two.png", "c/three.png"]
        .into_iter()
        .enumerate()
    {
        fixture.picture(name, u8::try_from(seed + 1).expect("few"));
    }
    let shallow = fixture.add_parts(&["a"]).await;
    assert_eq!(shallow.pictures().len(), 1);
    shallow.line("a/one.png");
    let deep = fixture.add_parts(&["a/"]).await;
    assert_eq!((deep.summary.new, deep.summary.unchanged), (1, 1));
    deep.line("a/b/two.png");
    let two = fixture.add_parts(&["", "c/"]).await;
    assert_eq!(two.pictures().len(), 2, "{:?}", two.lines);
    // Nothing is described again by a scan of everything.
    let all = fixture.add().await;
    assert_eq!((all.summary.unchanged, all.summary.lines), (4, 0));
}

#[tokio::test]
async fn what_a_folder_above_leaves_out_is_left_out_of_its_parts() {
    let mut fixture = Fixture::new().await;
    fixture.write(".clippyignore", "drafts/\n*.tif\n");
    fixture.picture("a/drafts/one.png", 1);
    fixture.picture("a/two.tif", 2);
    fixture.picture("a/three.png", 3);
    let part = fixture.add_parts(&["a/", "a/drafts/"]).await;
    assert_eq!(part.pictures().len(), 1, "{:?}", part.lines);
    part.line("a/three.png");
}

#[tokio::test]
async fn only_files_of_the_parts_can_be_missing() {
    let mut fixture = Fixture::new().await;
    fixture.picture("a/one.png", 1);
    fixture.picture("a/b/two.png", 2);
    fixture.picture("c/three.png", 3);
    fixture.picture("c/four.png", 4);
    let first = fixture.add().await;
    let id = |name: &str| first.id(name);
    fs::remove_file(fixture.path("a/one.png")).expect("removed");
    fs::remove_dir_all(fixture.path("a/b")).expect("removed");
    fs::remove_file(fixture.path("c/three.png")).expect("removed");
    // A folder that is gone belongs to the part that it was in.
    let part = fixture.add_parts(&["a"]).await;
    assert_eq!(part.summary.missing, 2, "{:?}", part.summary);
    assert!(fixture.is_missing(&id("one.png")) && fixture.is_missing(&id("two.png")));
    assert!(!fixture.is_missing(&id("three.png")));
    fixture.add_parts(&["c"]).await;
    assert!(fixture.is_missing(&id("three.png")));
}

#[tokio::test]
async fn a_picture_that_moved_from_one_part_to_another_is_not_missing() {
    let mut fixture = Fixture::new().await;
    fixture.picture("b/fox.png", 1);
    fixture.picture("b/owl.png", 2);
    let fox = fixture.add().await.id("fox.png");
    fixture.picture("a/bat.png", 3);
    fs::create_dir(fixture.path("z")).expect("made");
    fs::rename(fixture.path("b/fox.png"), fixture.path("z/fox.png")).expect("moved");
    let moved = fixture.add_parts(&["b", "z/"]).await;
    assert_eq!((moved.summary.moved, moved.summary.missing), (1, 0));
    assert_eq!(moved.id("z/fox.png"), fox);
    // The same with two folders that are added by themselves.
    fs::rename(fixture.path("z/fox.png"), fixture.path("a/fox.png")).expect("moved");
    let targets = [fixture.path("z"), fixture.path("a")];
    let scanned = fixture.scan_of(&targets).await;
    assert_eq!(scanned.summary.missing, 0, "{:?}", scanned.summary);
}
