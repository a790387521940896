//! Notices over pub/sub. Each process has one connection for each channel, opened by the first
//! subscriber.
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
/// Sent after a reconnection, since any of these may have been missed.
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
    /// Ends the listener when the store is dropped.
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

    /// Subscribes. `on_connect` is sent whenever the connection is opened (again).
    fn watch(
        &self,
        client: &redis::Client,
        read: fn(&str) -> Option<T>,
        on_connect: &'static [T],
    ) -> broadcast::Receiver<T> {
        let receiver = self.sender.subscribe();
        self.started.call_once(|| {
            let listening = listen(
                client.clone(),
                self.name.clone(),
                self.sender.clone(),
                read,
                on_connect,
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

/// Reads one channel, and passes its notices to all receivers. Reconnects when it is cut off.
async fn listen<T: Copy + Send + Sync>(
    client: redis::Client,
    channel: String,
    sender: broadcast::Sender<T>,
    read: fn(&str) -> Option<T>,
    on_connect: &'static [T],
) {
    let mut away = false;
    loop {
        match subscribe(&client, &channel).await {
            Ok(pubsub) => {
                away = false;
                // Make up for the notices that were missed.
                for notice in on_connect {
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
                        // Sending fails only when there is no subscriber.
                        let _ = sender.send(notice);
                    }
                }
            }
            Err(error) if !away => {
                away = true;
                tracing::warn!(%error, channel,
                "no notices from Redis; polling until the connection is back");
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
