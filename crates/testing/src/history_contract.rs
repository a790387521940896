//! The contract of histories. It begins with an empty one.

use clippy_core::history::{
    History, HistoryEntry, HistoryFilter, HistoryInput, HistoryParent, HistoryPicture, Leftover,
    LeftoverKind,
};
use serde_json::json;

/// An entry with two pictures and an upload of its own.
#[must_use]
pub fn made_entry(id: &str, at: i64) -> HistoryEntry {
    let picture = |index: u32| HistoryPicture {
        index,
        sha256: format!("{id}-{index}"),
        media_type: "image/png".to_owned(),
        width: 8,
        height: 6,
        size: 100,
        seed: Some(u64::MAX - u64::from(index)),
        favourite: false,
    };
    HistoryEntry {
        id: id.to_owned(),
        owner: Some("ann".to_owned()),
        at,
        parent: None,
        words: "A red Äpple".to_owned(),
        further_words: "fruit".to_owned(),
        styles: vec!["pixel_art".to_owned()],
        references: vec![7.into(), 7.into(), 8.into()],
        inputs: vec![
            HistoryInput {
                sha256: format!("{id}-sketch"),
                size: 10,
            },
            HistoryInput {
                sha256: "shared".to_owned(),
                size: 5,
            },
        ],
        facts: json!({"provider": "local", "seed": 3}),
        pictures: vec![picture(0), picture(1)],
    }
}

/// Checks everything that a history promises.
///
/// # Panics
/// If a promise is broken.
pub async fn check_history(history: &dyn History) {
    check_recording(history).await;
    check_lists(history).await;
    check_removing(history).await;
    check_imports(history).await;
}

fn all() -> HistoryFilter {
    HistoryFilter {
        limit: 100,
        ..HistoryFilter::default()
    }
}

async fn ids(history: &dyn History, filter: HistoryFilter) -> Vec<String> {
    let listed = history.list(&filter).await.expect("listed");
    listed.into_iter().map(|one| one.entry.id).collect()
}

async fn check_recording(history: &dyn History) {
    let entry = made_entry("a", 1_000);
    history.record(&entry).await.expect("recorded");
    let kept = history.get("a").await.expect("read").expect("there");
    assert_eq!(kept.entry, entry);
    assert_eq!((kept.chain.as_str(), kept.steps), ("a", 1));
    assert!(history.get("b").await.expect("read").is_none());

    assert!(
        history
            .set_favourite("a", Some(1), true)
            .await
            .expect("set")
    );
    assert!(
        !history
            .set_favourite("a", Some(9), true)
            .await
            .expect("set")
    );
    let changed = HistoryEntry {
        words: "a green apple".to_owned(),
        ..entry
    };
    history.record(&changed).await.expect("recorded again");
    let again = history.get("a").await.expect("read").expect("there");
    assert_eq!(again.entry.words, "a green apple");
    assert_eq!(again.place, kept.place);
    let favourites: Vec<bool> = again
        .entry
        .pictures
        .iter()
        .map(|one| one.favourite)
        .collect();
    assert_eq!(favourites, [false, true], "a favourite stays one");
    let found = history.find_picture("a-1").await.expect("looked up");
    let parent = HistoryParent {
        id: "a".to_owned(),
        index: 1,
    };
    assert_eq!(found, Some((parent, Some("ann".to_owned()))));
}

async fn check_lists(history: &dyn History) {
    let edit = |id: &str, at: i64, parent: &str, owner: &str| HistoryEntry {
        parent: Some(HistoryParent {
            id: parent.to_owned(),
            index: 0,
        }),
        owner: Some(owner.to_owned()),
        words: format!("edit {id}"),
        references: Vec::new(),
        styles: Vec::new(),
        ..made_entry(id, at)
    };
    for entry in [
        made_entry("b", 2_000),
        edit("c", 3_000, "a", "ann"),
        edit("d", 4_000, "c", "ann"),
        edit("e", 5_000, "a", "bob"),
        edit("f", 6_000, "nobody", "ann"),
    ] {
        history.record(&entry).await.expect("recorded");
    }
    assert_eq!(
        ids(history, all()).await,
        ["f", "e", "d", "b"],
        "a chain once"
    );
    let step = history.get("d").await.expect("read").expect("there");
    assert_eq!((step.chain.as_str(), step.steps), ("a", 3));
    let foreign = history.get("e").await.expect("read").expect("there");
    assert_eq!(foreign.chain, "e", "nobody joins the chain of another");
    let chain = HistoryFilter {
        chain: Some("a".to_owned()),
        ..all()
    };
    assert_eq!(ids(history, chain).await, ["d", "c", "a"]);

    let words = |text: &str| HistoryFilter {
        words: HistoryFilter::words_of(text),
        ..all()
    };
    assert_eq!(ids(history, words("äpple Red")).await, ["b"]);
    assert_eq!(ids(history, words("pixel_art fruit")).await, ["b", "a"]);
    assert_eq!(ids(history, words("edit c")).await, ["c"], "an older step");
    assert!(ids(history, words("100% of _")).await.is_empty());
    let part = |change: &dyn Fn(&mut HistoryFilter)| {
        let mut filter = all();
        change(&mut filter);
        filter
    };
    let cases: [(HistoryFilter, &[&str]); 6] = [
        (part(&|one| one.owner = Some("bob".to_owned())), &["e"]),
        (part(&|one| one.reference = Some(8.into())), &["b", "a"]),
        (
            part(&|one| one.style = Some("pixel_art".to_owned())),
            &["b", "a"],
        ),
        (part(&|one| one.favourite = true), &["a"]),
        (
            part(&|one| (one.from, one.to) = (Some(2_000), Some(5_000))),
            &["d", "b"],
        ),
        (part(&|one| one.to = Some(2_000)), &["a"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(history, filter.clone()).await, expected, "{filter:?}");
    }
    let page = HistoryFilter { limit: 2, ..all() };
    let first = history.list(&page).await.expect("listed");
    let next = HistoryFilter {
        after: first.last().map(|one| one.place),
        ..page
    };
    assert_eq!(ids(history, next).await, ["d", "b"]);

    let usage = history.usage(Some("bob")).await.expect("counted");
    assert_eq!((usage.entries, usage.pictures), (1, 2));
    assert_eq!((usage.picture_bytes, usage.input_bytes), (200, 15));
    let usage = history.usage(None).await.expect("counted");
    assert_eq!((usage.entries, usage.pictures), (6, 12));
    assert_eq!(usage.input_bytes, 6 * 10 + 5, "each upload once");
    assert_eq!(usage.styles, [("pixel_art".to_owned(), 2)]);
}

async fn check_removing(history: &dyn History) {
    let left = |kind, sha256: &str| Leftover {
        kind,
        sha256: sha256.to_owned(),
    };
    assert!(history.remove("b", Some(1)).await.expect("removed"));
    assert!(!history.remove("b", Some(1)).await.expect("again"));
    assert!(history.get("b").await.expect("read").is_some());
    assert!(history.remove("b", None).await.expect("removed"));
    assert!(history.get("b").await.expect("read").is_none());
    let leftovers = history.leftovers(10).await.expect("listed");
    let pictures = ["b-1", "b-0"].map(|one| left(LeftoverKind::Picture, one));
    let inputs = ["b-sketch", "shared"].map(|one| left(LeftoverKind::Input, one));
    for file in pictures.iter().chain(&inputs) {
        assert!(leftovers.contains(file), "{file:?} in {leftovers:?}");
        let needed = history.needs(file).await.expect("looked up");
        assert_eq!(needed, file.sha256 == "shared", "{file:?}");
    }
    assert_eq!(leftovers.len(), 4);

    // The pictures of the oldest entry are a favourite and another one.
    assert_eq!(history.remove_older(3_500, 1).await.expect("removed"), 1);
    assert_eq!(history.remove_older(3_500, 100).await.expect("removed"), 2);
    assert_eq!(history.remove_older(3_500, 100).await.expect("removed"), 0);
    let oldest = history
        .get("a")
        .await
        .expect("read")
        .expect("a favourite stays");
    assert_eq!(oldest.entry.pictures.len(), 1);
    assert!(history.get("c").await.expect("read").is_none());

    let leftovers = history.leftovers(100).await.expect("listed");
    history.settle(&leftovers[1..]).await.expect("settled");
    let rest = history.leftovers(100).await.expect("listed");
    assert_eq!(rest, leftovers[..1]);
}

async fn check_imports(history: &dyn History) {
    assert_eq!(history.imported().await.expect("read"), 0);
    let known = history.get("d").await.expect("read").expect("there").entry;
    let other = HistoryEntry {
        words: "imported".to_owned(),
        ..known.clone()
    };
    // The only leftover is a picture of an entry that was removed.
    let removed = made_entry("b", 2_000);
    let new = made_entry("g", 500);
    history
        .import(&[other, removed, new.clone()], 77)
        .await
        .expect("imported");
    assert_eq!(history.imported().await.expect("read"), 77);
    let unchanged = history.get("d").await.expect("read").expect("there").entry;
    assert_eq!(unchanged, known);
    let back = history.get("g").await.expect("read").expect("there").entry;
    assert_eq!(back, new);
    let some = history
        .get("b")
        .await
        .expect("read")
        .expect("the other one");
    let indexes: Vec<u32> = some.entry.pictures.iter().map(|one| one.index).collect();
    assert_eq!(indexes, [0], "a leftover stays removed");
    history.record(&new).await.expect("recorded");
    history.import(&[], 90).await.expect("imported");
    assert_eq!(history.imported().await.expect("read"), 90);
}
