//! Tests of pictures that lie in several places: what stands beside one of the files describes them.

use crate::fixture::{Fixture, tags};

fn has(found: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|tag| found.iter().any(|own| own == tag))
}

#[tokio::test]
async fn the_texts_beside_all_new_copies_describe_the_picture() {
    let fixture = Fixture::new().await;
    fixture.picture("a/pond.png", 1);
    fixture.picture("b/fox.png", 1);
    fixture.write("b/fox.txt", "red fox, forest");
    fixture.picture("c/again.png", 1);
    fixture.write("c/again.txt", "winter, forest");
    let first = fixture.add().await;
    assert_eq!(first.id("pond.png"), first.id("fox.png"));
    let found = tags(first.line("pond.png"));
    assert!(
        has(&found, &["red_fox", "forest", "winter", "pond"]),
        "{found:?}"
    );
    assert!(
        !found.contains(&"again".to_owned()),
        "a word of another name: {found:?}"
    );
}

#[tokio::test]
async fn a_text_beside_a_later_copy_describes_the_picture_and_stays() {
    let fixture = Fixture::new().await;
    fixture.picture("a/first.png", 1);
    fixture.write("a/first.txt", "snow");
    fixture.add().await;
    fixture.picture("b/plain.png", 1);
    let plain = fixture.add().await;
    assert_eq!((plain.summary.duplicates, plain.summary.lines), (1, 0));
    fixture.picture("b/fox.png", 1);
    fixture.write("b/fox.txt", "red fox, forest");
    let second = fixture.add().await;
    assert_eq!(second.summary.duplicates, 1, "{:?}", second.summary);
    let found = tags(second.line("first.png"));
    assert!(has(&found, &["snow", "red_fox", "forest"]), "{found:?}");
    let third = fixture.add().await;
    assert_eq!((third.summary.unchanged, third.summary.lines), (3, 0));
    fixture.write("a/first.txt", "winter");
    let fourth = fixture.add().await;
    let found = tags(fourth.line("first.png"));
    assert!(has(&found, &["winter", "red_fox", "forest"]), "{found:?}");
    assert!(!found.contains(&"snow".to_owned()), "{found:?}");
}
