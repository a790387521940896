//! Notices: one subscribed connection for each channel and process, opened by the first subscriber.
//!
//! Pub/sub loses what is sent while the connection is down, so subscribers poll as well.

use std::sync::Once;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::events::EventNotice;
use crate::record::Lane;
use crate::transport::Control;

const CAPACITY: usize = 4_096;
/// A connection that was away may have missed any of these.
const WAKE_ALL: &[Control] = &[
    Control::Wake(Lane::Interactive),
    Control::Wake(Lane::Bulk),
    Control::Wake(Lane::Control),
];
const RECONNECT: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Notices {
    client: redis::Client,
    events: Channel<EventNotice>,
    control: Channel<Control>,
}

#[derive(Debug)]
struct Channel<T> {
    name: String,
    sender: broadcast::Sender<T>,
    started: Once,
    /// Ends the listener with the store.
    listening: DropGuard,
}

impl<T: Copy + Send + Sync + 'static> Channel<T> {
    fn new(name: String) -> Self {
        Self {
            name,
            sender: broadcast::channel(CAPACITY).0,
            started: Once::new(),
            listening: CancellationToken::new().drop_guard(),
        }
    }

    /// `first` is told whenever the connection is there (again).
    fn watch(
        &self,
        client: &redis::Client,
        read: fn(&str) -> Option<T>,
        first: &'static [T],
    ) -> broadcast::Receiver<T> {
        let receiver = self.sender.subscribe();
        self.started.call_once(|| {
            let listening = listen(
                client.clone(),
                self.name.clone(),
                self.sender.clone(),
                read,
                first,
            );
            let stop = self.listening.token().clone();
            tokio::spawn(async move { stop.run_until_cancelled(listening).await });
        });
        receiver
    }
}

impl Notices {
    pub(super) fn new(client: redis::Client, prefix: &str) -> Self {
        let events = Channel::new(format!("{prefix}:events"));
        let control = Channel::new(format!("{prefix}:control"));
        Self {
            client,
            events,
            control,
        }
    }

    pub(super) fn watch_events(&self) -> broadcast::Receiver<EventNotice> {
        self.events
            .watch(&self.client, |text| text.parse().ok().map(EventNotice), &[])
    }

    pub(super) fn watch_control(&self) -> broadcast::Receiver<Control> {
        self.control.watch(&self.client, read_control, WAKE_ALL)
    }
}

fn read_control(text: &str) -> Option<Control> {
    let (what, whom) = text.split_once(' ')?;
    match what {
        "wake" => whom.parse().ok().map(Control::Wake),
        "cancel" => whom.parse().ok().map(Control::Cancel),
        "lane" => whom.parse().ok().map(Control::Lane),
        _ => None,
    }
}

/// Reads one channel for as long as the store lives; receivers come and go.
async fn listen<T: Copy + Send + Sync>(
    client: redis::Client,
    channel: String,
    sender: broadcast::Sender<T>,
    read: fn(&str) -> Option<T>,
    first: &'static [T],
) {
    let mut away = false;
    loop {
        match subscribe(&client, &channel).await {
            Ok(pubsub) => {
                away = false;
                // Whatever was said while nobody listened is looked for.
                for notice in first {
                    let _ = sender.send(*notice);
                }
                let mut messages = pubsub.into_on_message();
                while let Some(message) = messages.next().await {
                    let notice = message
                        .get_payload::<String>()
                        .ok()
                        .as_deref()
                        .and_then(read);
                    if let Some(notice) = notice {
                        // Nobody watching at the moment is no error.
                        let _ = sender.send(notice);
                    }
                }
            }
            Err(error) if !away => {
                away = true;
                tracing::warn!(%error, channel, "notices from Redis are away; asking now and then until they are back");
            }
            Err(_) => {}
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn subscribe(
    client: &redis::Client,
    channel: &str,
) -> redis::RedisResult<redis::aio::PubSub> {
    let mut pubsub = client.get_async_pubsub().await?;
    pubsub.subscribe(channel).await?;
    Ok(pubsub)
}
