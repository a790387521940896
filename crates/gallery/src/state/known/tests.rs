//! Tests of known and proposed files.

use clippy_core::known::ProposedFiles as _;
use clippy_core::preferences::PreferenceRule;

use super::*;

const HERE: &str = "pictures";

fn file(folder: &str, name: &str, point: u64) -> KnownFile {
    KnownFile {
        folder: folder.to_owned(),
        name: name.to_owned(),
        stamp: FileStamp {
            size: 7,
            modified_ns: 1_700_000_000_000_000_000,
            inode: u64::MAX - 1,
        },
        context: "alone".to_owned(),
        content: KnownContent::Picture(point.into()),
    }
}

async fn state(folder: &std::path::Path) -> EmbeddedState {
    EmbeddedState::open(&folder.join("clippy.db"), PreferenceRule::default())
        .await
        .expect("made")
}

#[tokio::test]
async fn files_are_found_by_range_folder_and_point_in_their_own_collection() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = state(folder.path()).await;
    let other = KnownFile {
        content: KnownContent::Other("text".to_owned()),
        ..file("/a", "c.txt", 0)
    };
    let files = [file("/a", "a.png", 1), file("/a", "b.png", 2), other];
    state.remember(HERE, &files).await.expect("written");
    state
        .remember(HERE, &[file("/a/b", "a.png", 1), file("/ab", "a.png", 3)])
        .await
        .expect("written");
    let mut all = state
        .in_folder(HERE, "/a", &NameRange::default())
        .await
        .expect("read");
    all.sort_by(|left, right| left.name.cmp(&right.name));
    assert_eq!(all, files, "every bit comes back");
    let range = |after: Option<&str>, upto: Option<&str>| NameRange {
        after: after.map(str::to_owned),
        upto: upto.map(str::to_owned),
    };
    for (range, names) in [
        (range(Some("a.png"), Some("b.png")), &["b.png"][..]),
        (range(None, Some("a.png")), &["a.png"]),
        (range(Some("b.png"), None), &["c.txt"]),
    ] {
        let found = state.in_folder(HERE, "/a", &range).await.expect("read");
        let found: Vec<_> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(found, names, "{range:?}");
    }
    let folders = state.folders(HERE, "/a").await.expect("read");
    assert_eq!(folders, ["/a", "/a/b"], "/ab is beside it");
    assert_eq!(state.folders(HERE, "/").await.expect("read").len(), 3);
    let holders = state.holders(HERE, &[1.into()]).await.expect("read");
    assert_eq!(holders.len(), 2);
    assert!(
        state
            .in_folder("other", "/a", &NameRange::default())
            .await
            .expect("read")
            .is_empty()
    );
    state
        .forget(HERE, &[("/a".to_owned(), "a.png".to_owned())])
        .await
        .expect("written");
    let holders = state.holders(HERE, &[1.into()]).await.expect("read");
    assert_eq!(holders, [file("/a/b", "a.png", 1)]);
}

#[tokio::test]
async fn proposals_count_when_confirmed_and_show_which_points_were_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = state(folder.path()).await;
    let before = [
        file("/a", "only.png", 1),
        file("/a", "copy.png", 2),
        file("/a", "other copy.png", 2),
        file("/a", "swapped.png", 3),
    ];
    state.remember(HERE, &before).await.expect("written");
    let run = Uuid::now_v7();
    let proposed = [
        file("/a", "only.png", 10),
        file("/a", "copy.png", 20),
        file("/a", "swapped.png", 30),
        file("/a", "new name.png", 3),
        file("/a", "broken.png", 40),
    ];
    state.propose(HERE, run, &proposed).await.expect("written");
    assert_eq!(
        state
            .in_folder(HERE, "/a", &NameRange::default())
            .await
            .expect("read")
            .len(),
        before.len(),
        "proposals are not known yet"
    );
    state.withdraw(run, &[40.into()]).await.expect("written");
    assert_eq!(
        state.replaced(run).await.expect("read"),
        [PointId::Number(1)],
        "2 has another copy, 3 was moved"
    );
    state.confirm(run).await.expect("written");
    let after = state
        .in_folder(HERE, "/a", &NameRange::default())
        .await
        .expect("read");
    assert_eq!(after.len(), 5, "{after:?}");
    assert!(after.contains(&file("/a", "only.png", 10)));
    assert!(!after.iter().any(|file| file.name == "broken.png"));
    state
        .propose(HERE, run, &[file("/a", "late.png", 50)])
        .await
        .expect("written");
    state.discard(run).await.expect("written");
    state.confirm(run).await.expect("nothing to do");
    state
        .propose(HERE, run, &[file("/a", "late.png", 50)])
        .await
        .expect("written");
    state.discard_older(Uuid::max()).await.expect("written");
    state.confirm(run).await.expect("nothing to do");
    let holders = state.holders(HERE, &[50.into()]).await.expect("read");
    assert!(holders.is_empty());
}

#[tokio::test]
async fn what_earlier_runs_proposed_is_dropped_one_by_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = state(folder.path()).await;
    let [first, second, run] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    let [stored, kept] = [file("/a", "a.png", 2), file("/a", "a.png", 1)];
    for (earlier, proposed) in [(first, &stored), (second, &kept)] {
        let proposed = std::slice::from_ref(proposed);
        state
            .propose(HERE, earlier, proposed)
            .await
            .expect("written");
    }
    let now = [file("/a", "a.png", 30)];
    state.propose(HERE, run, &now).await.expect("written");
    state.confirm(run).await.expect("written");
    let mut superseded = state.superseded(HERE, run).await.expect("read");
    superseded.sort_by_key(KnownFile::point);
    assert_eq!(superseded, [kept.clone(), stored.clone()]);
    state
        .drop_earlier(HERE, run, &[stored])
        .await
        .expect("written");
    assert_eq!(state.superseded(HERE, run).await.expect("read"), [kept]);
}

#[tokio::test]
async fn a_run_that_moved_files_forgets_their_old_places() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = state(folder.path()).await;
    let numbers = 1..=300;
    let old: Vec<_> = numbers
        .clone()
        .map(|number| file("/old", &format!("{number}.png"), number))
        .collect();
    state.remember(HERE, &old).await.expect("written");
    let run = Uuid::now_v7();
    let new = numbers.map(|number| file("/new", &format!("{number}.png"), number));
    // The last one is gone and was not found anywhere.
    let gone = old.iter().cloned().map(KnownFile::gone);
    let proposed: Vec<_> = new.take(299).chain(gone).collect();
    state.propose(HERE, run, &proposed).await.expect("written");
    state.confirm(run).await.expect("written");
    let everything = NameRange::default();
    let left = state.in_folder(HERE, "/old", &everything).await;
    let left = left.expect("read");
    assert_eq!(left, [old[299].clone().gone()]);
    let there = state.in_folder(HERE, "/new", &everything).await;
    assert_eq!(there.expect("read").len(), 299);
    let gone = state.gone_in(run).await.expect("read");
    assert_eq!(gone, [PointId::Number(300)], "it is marked later");
}
