//! Watches one folder: waits until it is there, listens or looks, and reports complete changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_common::run_blocking;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::changes::Changes;
use crate::events::{Broken, Collector};
use crate::pending::Pending;
use crate::place::{self, Identity};
use crate::polling::Snapshot;

/// Polling takes at most one part in this many of the time.
const POLLING_SHARE: u32 = 20;
/// The same while changes are being completed.
const BUSY_POLLING_SHARE: u32 = 4;

/// How to watch a folder.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The time without changes after which the files of a folder count as whole.
    pub quiet: Duration,
    /// The time after which changes are reported although there are further ones.
    pub longest: Duration,
    /// How often to look whether the folder is there, and whether it changed if there are no
    /// events.
    pub look: Duration,
    /// Folders below it that do not count, with links resolved.
    pub leave_out: Vec<PathBuf>,
    /// Whether to look for changes although there are events.
    pub polling: bool,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(2),
            longest: Duration::from_secs(120),
            look: Duration::from_secs(30),
            leave_out: Vec::new(),
            polling: false,
        }
    }
}

/// How a folder is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchState {
    /// By the operating system's events.
    Events,
    /// By looking at it now and then. The text says why.
    Polling(String),
    /// Not at all, since it cannot be read. The text says why.
    Away(String),
}

/// What happened to a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It is watched in another way.
    State(WatchState),
    /// It has changes that are complete.
    Changed(Changes),
}

/// Watches a folder until the receiver of its notices is dropped. The path is absolute, with links
/// resolved as far as it exists.
pub async fn watch(root: PathBuf, options: WatchOptions, notices: mpsc::Sender<Notice>) {
    let watching = Watching {
        root,
        options,
        notices,
    };
    tokio::select! {
        _ = watching.run() => {}
        () = watching.notices.closed() => {}
    }
}

/// The receiver is gone.
struct Closed;

/// Why watching begins again.
enum Ended {
    /// The folder is away, or another folder is in its place.
    Moved,
    /// Listening failed.
    Broken(Broken),
}

struct Watching {
    root: PathBuf,
    options: WatchOptions,
    notices: mpsc::Sender<Notice>,
}

impl Watching {
    async fn run(&self) -> Result<(), Closed> {
        let mut polling = self.options.polling.then(|| "it was asked for".to_owned());
        loop {
            let identity = self.wait_until_there().await?;
            if polling.is_none() {
                polling = self.why_polling().await;
            }
            let ended = match &polling {
                Some(why) => self.poll(identity, why).await?,
                None => self.listen(identity).await?,
            };
            match ended {
                Ended::Moved => {
                    polling = self.options.polling.then(|| "it was asked for".to_owned())
                }
                Ended::Broken(Broken::TooMany(reason)) => {
                    tracing::warn!(
                        "the system cannot report changes of all folders in {} ({reason}), so \
                         Clippy looks for changes every {} seconds. On Linux, raise \
                         fs.inotify.max_user_watches",
                        self.root.display(),
                        self.options.look.as_secs()
                    );
                    polling =
                        Some("the system cannot report changes of so many folders".to_owned());
                }
                Ended::Broken(Broken::Lost(reason)) => {
                    tracing::info!(
                        "changes in {} were not reported ({reason}), so all of it is scanned",
                        self.root.display()
                    );
                    // A fault that returns at once must not keep the processor busy.
                    sleep(self.options.quiet).await;
                }
            }
        }
    }

    /// Waits until the folder is there.
    async fn wait_until_there(&self) -> Result<Identity, Closed> {
        let mut told = None;
        loop {
            match self.find().await {
                Ok(identity) => return Ok(identity),
                Err(reason) => {
                    if told.as_ref() != Some(&reason) {
                        tracing::warn!(
                            "{} is away ({reason}): its pictures stay as they are, and changes are \
                             found when it is back",
                            self.root.display()
                        );
                        self.tell(Notice::State(WatchState::Away(reason.clone())))
                            .await?;
                        told = Some(reason);
                    }
                }
            }
            sleep(self.options.look).await;
        }
    }

    async fn why_polling(&self) -> Option<String> {
        let root = self.root.clone();
        let drive = on_disk(move || place::drive_without_events(&root), None).await?;
        tracing::info!(
            "{} is on a drive that reports no changes ({drive}), so Clippy looks for changes every \
             {} seconds",
            self.root.display(),
            self.options.look.as_secs()
        );
        Some(format!("its drive reports no changes ({drive})"))
    }

    /// Listens for events until the folder is away or listening fails.
    async fn listen(&self, identity: Identity) -> Result<Ended, Closed> {
        let pending = self.pending();
        let leave_out = self.options.leave_out.clone();
        let collector = Arc::new(Collector::new(&self.root, leave_out, pending));
        let listening = {
            let collector = Arc::clone(&collector);
            let stopped = Err(Broken::Lost("listening was interrupted".to_owned()));
            on_disk(move || collector.listen(), stopped).await
        };
        let _listener = match listening {
            Ok(listener) => listener,
            Err(broken) => return Ok(Ended::Broken(broken)),
        };
        self.tell(Notice::State(WatchState::Events)).await?;
        collector.with_pending(|pending| pending.note_everything(Instant::now()));
        loop {
            let now = Instant::now();
            let due = collector.with_pending(|pending| pending.next_look(now));
            let pause = due.map_or(self.options.look, |due| due.saturating_duration_since(now));
            tokio::select! {
                () = collector.wake.notified() => {}
                () = sleep(pause.min(self.options.look)) => {}
            }
            if let Some(broken) = collector.take_broken() {
                return Ok(Ended::Broken(broken));
            }
            let now = Instant::now();
            let is_due = collector
                .with_pending(|pending| pending.next_look(now).is_none_or(|due| due <= now));
            if !is_due {
                continue;
            }
            if self.find().await != Ok(identity) {
                return Ok(Ended::Moved);
            }
            let complete = collector.with_pending(|pending| pending.take_complete(now));
            if let Some(changes) = complete {
                self.tell(Notice::Changed(changes)).await?;
            }
        }
    }

    /// Looks for changes until the folder is away.
    async fn poll(&self, identity: Identity, why: &str) -> Result<Ended, Closed> {
        self.tell(Notice::State(WatchState::Polling(why.to_owned())))
            .await?;
        let mut pending = self.pending();
        let (mut before, mut took) = self.snapshot().await;
        pending.note_everything(Instant::now());
        loop {
            let pause = if pending.is_empty() {
                self.options.look.max(took * POLLING_SHARE)
            } else {
                self.options.quiet.max(took * BUSY_POLLING_SHARE)
            };
            sleep(pause).await;
            if self.find().await != Ok(identity) {
                return Ok(Ended::Moved);
            }
            let (now, taking) = self.snapshot().await;
            took = taking;
            let at = Instant::now();
            for part in now.changes_since(&before, &self.root) {
                pending.note(part, at);
            }
            before = now;
            if let Some(changes) = pending.take_complete(at) {
                self.tell(Notice::Changed(changes)).await?;
            }
        }
    }

    fn pending(&self) -> Pending {
        Pending::new(&self.root, self.options.quiet, self.options.longest)
    }

    async fn find(&self) -> Result<Identity, String> {
        let root = self.root.clone();
        on_disk(
            move || place::find(&root),
            Err("looking at it was interrupted".to_owned()),
        )
        .await
    }

    /// Looks at the whole folder, and returns how long it took.
    async fn snapshot(&self) -> (Snapshot, Duration) {
        let begun = Instant::now();
        let (root, leave_out) = (self.root.clone(), self.options.leave_out.clone());
        let look = move || Snapshot::take(&root, &leave_out);
        let snapshot = on_disk(look, Snapshot::default()).await;
        (snapshot, begun.elapsed())
    }

    async fn tell(&self, notice: Notice) -> Result<(), Closed> {
        self.notices.send(notice).await.map_err(|_| Closed)
    }
}

/// Runs work that waits for the disk. Returns `interrupted` if the runtime stops meanwhile.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    interrupted: T,
) -> T {
    run_blocking(move || Ok(work()), |_| ())
        .await
        .unwrap_or(interrupted)
}

#[cfg(test)]
mod tests;
