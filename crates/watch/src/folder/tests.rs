use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::*;
use crate::changes::Part;

/// Long enough that a busy machine does not interrupt the writing of a test for as long.
const QUIET: Duration = Duration::from_millis(300);
/// A notice that does not arrive within this time is missing.
const PATIENCE: Duration = Duration::from_secs(30);

struct Watched {
    _base: tempfile::TempDir,
    root: PathBuf,
    notices: mpsc::Receiver<Notice>,
}

impl Watched {
    /// Watches the folder `pictures` of a temporary folder.
    fn start(polling: bool, make: impl FnOnce(&Path)) -> Self {
        let base = tempfile::tempdir().expect("a temporary folder");
        let root = base.path().canonicalize().expect("there").join("pictures");
        fs::create_dir(&root).expect("made");
        make(&root);
        let options = WatchOptions {
            quiet: QUIET,
            look: QUIET,
            leave_out: vec![root.join("data")],
            polling,
            ..WatchOptions::default()
        };
        let (sender, notices) = mpsc::channel(4);
        tokio::spawn(watch(root.clone(), options, sender));
        Self {
            _base: base,
            root,
            notices,
        }
    }

    async fn next(&mut self) -> Notice {
        tokio::time::timeout(PATIENCE, self.notices.recv())
            .await
            .expect("in time")
            .expect("it watches")
    }

    async fn state(&mut self) -> WatchState {
        match self.next().await {
            Notice::State(state) => state,
            changed @ Notice::Changed(_) => panic!("{changed:?}"),
        }
    }

    async fn changes(&mut self) -> Changes {
        match self.next().await {
            Notice::Changed(changes) => changes,
            state @ Notice::State(_) => panic!("{state:?}"),
        }
    }

    /// Expects the notices of the beginning.
    async fn begin(&mut self) -> WatchState {
        let state = self.state().await;
        assert_eq!(self.changes().await, Changes::Everything);
        state
    }

    fn part(&self, name: &str, deep: bool) -> Part {
        Part {
            folder: self.root.join(name),
            deep,
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root.join(name), text).expect("written");
    }
}

#[tokio::test]
async fn created_changed_moved_and_deleted_files_are_reported_once_by_their_folders() {
    for polling in [false, true] {
        let mut watched = Watched::start(polling, |root| {
            fs::create_dir_all(root.join("a/b")).expect("made");
            fs::create_dir_all(root.join("data")).expect("made");
            fs::write(root.join("a/b/one.png"), "1").expect("written");
        });
        let state = watched.begin().await;
        assert_eq!(matches!(state, WatchState::Polling(_)), polling);
        let only = |part: Part| Changes::Parts(vec![part]);

        // Neither the data folder nor hidden files count.
        watched.write("data/journal", "1");
        watched.write(".hidden", "1");
        watched.write("a/two.png", "1");
        assert_eq!(watched.changes().await, only(watched.part("a", false)));
        watched.write("a/b/one.png", "12");
        assert_eq!(watched.changes().await, only(watched.part("a/b", false)));
        fs::rename(
            watched.root.join("a/two.png"),
            watched.root.join("a/b/two.png"),
        )
        .expect("moved");
        let both = vec![watched.part("a", false), watched.part("a/b", false)];
        assert_eq!(watched.changes().await, Changes::Parts(both));
        fs::remove_file(watched.root.join("a/b/one.png")).expect("removed");
        assert_eq!(watched.changes().await, only(watched.part("a/b", false)));
        fs::remove_dir_all(watched.root.join("a/b")).expect("removed");
        let changes = watched.changes().await;
        let Changes::Parts(parts) = &changes else {
            panic!("{changes:?}");
        };
        assert!(parts.contains(&watched.part("a", false)), "{parts:?}");
    }
}

#[tokio::test]
async fn everything_in_a_new_or_moved_folder_is_new_and_it_is_watched() {
    for polling in [false, true] {
        let mut watched = Watched::start(polling, |_| {});
        let elsewhere = tempfile::tempdir_in(watched.root.parent().expect("a folder"))
            .expect("a temporary folder");
        fs::create_dir_all(elsewhere.path().join("new/deep")).expect("made");
        fs::write(elsewhere.path().join("new/deep/one.png"), "1").expect("written");
        watched.begin().await;
        fs::rename(elsewhere.path().join("new"), watched.root.join("new")).expect("moved");
        let changes = watched.changes().await;
        let Changes::Parts(parts) = &changes else {
            panic!("{changes:?}");
        };
        assert!(parts.contains(&watched.part("new", true)), "{parts:?}");
        watched.write("new/deep/two.png", "1");
        let expected = Changes::Parts(vec![watched.part("new/deep", false)]);
        assert_eq!(watched.changes().await, expected);
        watched.write("new/.clippyignore", "*.tif");
        let expected = Changes::Parts(vec![watched.part("new", true)]);
        assert_eq!(watched.changes().await, expected);
    }
}

#[tokio::test]
async fn a_folder_that_is_gone_is_away_and_all_of_it_is_new_when_it_is_back() {
    for polling in [false, true] {
        let mut watched = Watched::start(polling, |_| {});
        let state = watched.begin().await;
        let elsewhere = watched.root.with_file_name("unmounted");
        fs::rename(&watched.root, &elsewhere).expect("moved");
        assert!(matches!(watched.state().await, WatchState::Away(_)));
        fs::write(elsewhere.join("one.png"), "1").expect("written");
        fs::rename(&elsewhere, &watched.root).expect("moved back");
        assert_eq!(watched.begin().await, state);

        // Another folder in the same place, as after a drive was mounted there.
        fs::rename(&watched.root, &elsewhere).expect("moved");
        fs::create_dir(&watched.root).expect("made");
        let mut state_now = watched.state().await;
        if matches!(state_now, WatchState::Away(_)) {
            state_now = watched.state().await;
        }
        assert_eq!(state_now, state);
        assert_eq!(watched.changes().await, Changes::Everything);
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_at_the_start_is_watched_later() {
    let base = tempfile::tempdir().expect("a temporary folder");
    let root = base.path().canonicalize().expect("there").join("drive");
    let (sender, notices) = mpsc::channel(4);
    let options = WatchOptions {
        quiet: QUIET,
        look: QUIET,
        ..WatchOptions::default()
    };
    tokio::spawn(watch(root.clone(), options, sender));
    let mut watched = Watched {
        _base: base,
        root,
        notices,
    };
    assert!(matches!(watched.state().await, WatchState::Away(_)));
    fs::create_dir(&watched.root).expect("made");
    assert_eq!(watched.begin().await, WatchState::Events);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_is_still_written_holds_its_folder_back() {
    let mut watched = Watched::start(false, |root| {
        fs::create_dir(root.join("a")).expect("made");
    });
    watched.begin().await;
    let mut file = fs::File::create(watched.root.join("a/one.png")).expect("made");
    file.write_all(b"half").expect("written");
    // The writer pauses for longer than the quiet time. Meanwhile another folder changes.
    tokio::time::sleep(2 * QUIET).await;
    watched.write("two.png", "1");
    let expected = Changes::Parts(vec![watched.part("", false)]);
    assert_eq!(watched.changes().await, expected);
    file.write_all(b"whole").expect("written");
    drop(file);
    let expected = Changes::Parts(vec![watched.part("a", false)]);
    assert_eq!(watched.changes().await, expected);
}

#[tokio::test]
async fn thousands_of_changes_are_a_few_notices() {
    let mut watched = Watched::start(false, |_| {});
    watched.begin().await;
    for folder in 0..100 {
        let folder = watched.root.join(folder.to_string());
        fs::create_dir(&folder).expect("made");
        for file in 0..50 {
            fs::write(folder.join(file.to_string()), "1").expect("written");
        }
    }
    let mut all = watched.changes().await;
    let mut count = 1;
    // A busy machine may pause between two writes.
    while all != Changes::Everything {
        all = all.with(watched.changes().await);
        count += 1;
    }
    assert!(count < 50, "{count} notices for 5,100 changes");
}

#[tokio::test]
async fn watching_ends_when_nobody_listens() {
    let base = tempfile::tempdir().expect("a temporary folder");
    let root = base.path().canonicalize().expect("there");
    let (sender, notices) = mpsc::channel(1);
    let task = tokio::spawn(watch(root, WatchOptions::default(), sender));
    drop(notices);
    tokio::time::timeout(PATIENCE, task)
        .await
        .expect("in time")
        .expect("no panic");
}
