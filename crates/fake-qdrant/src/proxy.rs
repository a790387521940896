//! A TCP proxy that breaks connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// No limit.
const UNLIMITED: u64 = u64::MAX;

/// Forwards connections to a server until it is told to break them.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    /// How many more bytes may go to the server before all connections are cut.
    allowance: AtomicU64,
    /// Bytes that went to the server.
    passed: AtomicU64,
    /// Cancelling it cuts all connections. A new one replaces it for later connections.
    cut: parking_lot::Mutex<CancellationToken>,
    refusing: std::sync::atomic::AtomicBool,
}

impl Proxy {
    /// Listens on a free port of loopback, and forwards to `target`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            allowance: AtomicU64::new(UNLIMITED),
            passed: AtomicU64::new(0),
            cut: parking_lot::Mutex::new(CancellationToken::new()),
            refusing: std::sync::atomic::AtomicBool::new(false),
        });
        let stop = CancellationToken::new();
        tokio::spawn({
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            async move {
                loop {
                    let accepted = tokio::select! {
                        accepted = listener.accept() => accepted,
                        () = stop.cancelled() => return,
                    };
                    let Ok((client, _)) = accepted else { continue };
                    if shared.refusing.load(Ordering::SeqCst) {
                        continue;
                    }
                    let cut = shared.cut.lock().clone();
                    tokio::spawn(pass(client, target, Arc::clone(&shared), cut));
                }
            }
        });
        Ok(Self {
            address,
            shared,
            stop,
        })
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for the client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns how many bytes went to the server so far.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::SeqCst)
    }

    /// After this many more bytes to the server, cuts all connections and refuses new ones.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.allowance.store(bytes, Ordering::SeqCst);
    }

    /// Cuts all connections and refuses new ones.
    pub fn cut(&self) {
        self.shared.cut_all();
    }

    /// Forwards everything again.
    pub fn restore(&self) {
        self.shared.allowance.store(UNLIMITED, Ordering::SeqCst);
        *self.shared.cut.lock() = CancellationToken::new();
        self.shared.refusing.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
        self.shared.cut_all();
    }
}

impl Shared {
    fn cut_all(&self) {
        self.refusing.store(true, Ordering::SeqCst);
        self.cut.lock().cancel();
    }

    /// Takes bytes from the allowance, and returns how many may pass.
    fn take(&self, bytes: u64) -> u64 {
        let before = self
            .allowance
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                Some(if left == UNLIMITED {
                    UNLIMITED
                } else {
                    left.saturating_sub(bytes)
                })
            })
            .unwrap_or(0);
        bytes.min(before)
    }
}

async fn pass(client: TcpStream, target: SocketAddr, shared: Arc<Shared>, cut: CancellationToken) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut buffer = vec![0_u8; 16 * 1024];
        while let Ok(read) = from_client.read(&mut buffer).await {
            let allowed = shared.take(read as u64);
            let Ok(allowed_here) = usize::try_from(allowed) else {
                break;
            };
            if read == 0 || to_server.write_all(&buffer[..allowed_here]).await.is_err() {
                break;
            }
            shared.passed.fetch_add(allowed, Ordering::SeqCst);
            if allowed < read as u64 {
                shared.cut_all();
                break;
            }
        }
    };
    let back = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        () = cut.cancelled() => {}
    }
}
