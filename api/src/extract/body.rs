//! Reads bodies within limits of size and speed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Extensions, HeaderMap, header};
use bytes::Bytes;
use clippy_core::{Error, ErrorCode};
use futures::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use crate::admission::{BodyRoom, CallerId, HeldBody, Slot};
use crate::options::ApiOptions;
use crate::problem::Problem;
use crate::state::AppState;

/// How much of a refused body is read and discarded, in bytes, for at most [`LONGEST_DRAIN`]. Many
/// callers read an answer only after they have sent the whole body; if the connection is closed
/// earlier, the caller's system may drop the answer.
const MOST_DRAINED: u64 = 256 << 20;
const LONGEST_DRAIN: Duration = Duration::from_secs(10);
/// The buffer of a body grows by at least this many bytes.
const STEP: usize = 64 << 10;

/// A body is refused when its parser was given this many bytes without a result.
const MOST_UNPARSED: usize = 16 << 10;

/// The counted bytes of a body; they are freed with the last clone.
pub(crate) type Held = Arc<Mutex<HeldBody>>;

/// Limits the size of a body, and how slowly it may arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// The highest number of bytes.
    pub bytes: usize,
    /// The bytes that must arrive in each window, except in the last one.
    pub least: usize,
    /// The window that `least` is measured over.
    pub window: Duration,
    /// The time limit for the whole body.
    pub time: Duration,
}

impl BodyLimits {
    /// Returns the limits of a body of at most this many bytes, at the server's lowest rate.
    pub(crate) fn new(bytes: usize, options: &ApiOptions) -> Self {
        let seconds = usize::try_from(options.body_window.as_secs())
            .unwrap_or(usize::MAX)
            .max(1);
        Self {
            bytes,
            least: options.least_rate.saturating_mul(seconds),
            window: options.body_window,
            time: options.request_timeout,
        }
    }
}

/// Returns the length in the `Content-Length` header.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// A body that is being read. Bytes are counted when they arrive; an announced length reserves no
/// memory.
pub(crate) struct IncomingBody {
    stream: BodyDataStream,
    limits: BodyLimits,
    held: Held,
    came: usize,
    begun: Instant,
    window: (Instant, usize),
    /// The announced length.
    announced: Option<u64>,
    /// Whether the caller waits for `100 Continue`. Then it has not sent the body yet, and does not
    /// send it if it is refused.
    asked_first: bool,
}

impl IncomingBody {
    /// Starts reading.
    ///
    /// # Errors
    /// 413 when the announced length is over the limit.
    pub(crate) async fn new(
        headers: &HeaderMap,
        body: Body,
        limits: BodyLimits,
        room: &BodyRoom,
        who: CallerId,
    ) -> Result<Self, Problem> {
        let now = Instant::now();
        let mut coming = Self {
            stream: body.into_data_stream(),
            limits,
            held: Arc::new(Mutex::new(room.hold(who))),
            came: 0,
            begun: now,
            window: (now + limits.window, 0),
            announced: announced(headers),
            asked_first: headers.contains_key(header::EXPECT),
        };
        match coming.announced {
            Some(length) if length > limits.bytes as u64 => Err(coming
                .too_large(&format!("the body has {length} bytes, more"))
                .await),
            _ => Ok(coming),
        }
    }

    /// Reads the next bytes; `None` at the end.
    ///
    /// # Errors
    /// 408 when the body arrives too slowly, 413 when it is too long, 503 when there is no room for
    /// it, 400 when it is incomplete.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Problem>> {
        let last = self.begun + self.limits.time;
        loop {
            match timeout_at(self.window.0.min(last), self.stream.next()).await {
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    return Some(Err(Error::invalid("the body is incomplete")
                        .with_source(error)
                        .into()));
                }
                Ok(Some(Ok(bytes))) => {
                    self.came += bytes.len();
                    self.window.1 += bytes.len();
                    if self.came > self.limits.bytes {
                        return Some(Err(self.too_large("the body is longer").await));
                    }
                    let grown = self.held.lock().grow(bytes.len());
                    if let Err(full) = grown {
                        self.drain().await;
                        return Some(Err(full));
                    }
                    if bytes.is_empty() {
                        continue;
                    }
                    return Some(Ok(bytes));
                }
                Err(_) if Instant::now() >= last || self.window.1 < self.limits.least => {
                    return Some(Err(self.too_slow()));
                }
                Err(_) => self.window = (Instant::now() + self.limits.window, 0),
            }
        }
    }

    /// Reads the whole body. Also returns its counted bytes.
    ///
    /// # Errors
    /// As [`IncomingBody::next`].
    pub(crate) async fn whole(mut self) -> Result<(Bytes, Held), Problem> {
        let mut whole: Vec<u8> = Vec::new();
        while let Some(bytes) = self.next().await {
            let bytes = bytes?;
            let needed = whole.len() + bytes.len();
            if needed > whole.capacity() {
                whole.reserve_exact(self.reserved(needed) - whole.len());
            }
            whole.extend_from_slice(&bytes);
        }
        Ok((whole.into(), self.held))
    }

    /// Returns the capacity to reserve for this many bytes. When a quarter of the announced length
    /// has arrived, the whole length is reserved, so that there is no further copying. Before that,
    /// an announcement costs no memory.
    fn reserved(&self, needed: usize) -> usize {
        let announced = self
            .announced
            .and_then(|length| usize::try_from(length).ok());
        match announced {
            Some(announced) if needed >= announced / 4 => announced.max(needed),
            announced => (needed + needed / 2 + STEP)
                .min(announced.unwrap_or(self.limits.bytes))
                .max(needed),
        }
    }

    /// Splits it into a stream of bytes, the reason for which the stream may fail, and the counted
    /// bytes.
    pub(crate) fn parts(
        self,
    ) -> (
        impl Stream<Item = Result<Bytes, std::io::Error>> + Send,
        Refusal,
        Held,
    ) {
        let (refusal, held) = (Refusal::default(), Arc::clone(&self.held));
        let kept = refusal.clone();
        let stream = stream::unfold(Some(self), move |body| {
            let kept = kept.clone();
            async move {
                let mut body = body?;
                match body.next_to_parse(&kept.unparsed).await? {
                    Ok(bytes) => Some((Ok(bytes), Some(body))),
                    Err(problem) => {
                        kept.keep(problem);
                        Some((Err(std::io::Error::other("the body was refused")), None))
                    }
                }
            }
        });
        (stream, refusal, held)
    }

    /// Reads the next bytes for a parser. The parser is given time to process the earlier ones
    /// first.
    async fn next_to_parse(&mut self, unparsed: &Unparsed) -> Option<Result<Bytes, Problem>> {
        if unparsed.is_full() {
            // The parser reads all bytes that are ready before it processes any.
            tokio::task::yield_now().await;
        }
        if unparsed.is_full() {
            self.drain().await;
            return Some(Err(Error::invalid(format!(
                "the form has more than {} KiB before a part or in the head of a part",
                MOST_UNPARSED >> 10
            ))
            .into()));
        }
        let bytes = self.next().await?;
        if let Ok(bytes) = &bytes {
            unparsed.add(bytes.len());
        }
        Some(bytes)
    }

    fn too_slow(&self) -> Problem {
        Problem::request_timeout(format!(
            "{} bytes of the body arrived in {} s: at least {} bytes must arrive in each {} s, and \
             the whole body within {} s",
            self.came,
            self.begun.elapsed().as_secs(),
            self.limits.least,
            self.limits.window.as_secs(),
            self.limits.time.as_secs(),
        ))
    }

    async fn too_large(&mut self, what: &str) -> Problem {
        self.drain().await;
        let limit = self.limits.bytes;
        let message =
            format!("{what} than the {limit} bytes that this route accepts: send less at once");
        Error::new(ErrorCode::TooLarge, message).into()
    }

    async fn drain(&mut self) {
        if self.asked_first || self.announced.is_some_and(|length| length > MOST_DRAINED) {
            return;
        }
        let mut left = MOST_DRAINED;
        let drain = async {
            while let Some(Ok(bytes)) = self.stream.next().await {
                left = left.saturating_sub(bytes.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        let _ = timeout(LONGEST_DRAIN, drain).await;
    }
}

/// Why a streamed body was refused. It is passed beside the stream, since readers of streams keep
/// only the text of an error.
#[derive(Clone, Default)]
pub(crate) struct Refusal {
    reason: Arc<Mutex<Option<Problem>>>,
    unparsed: Unparsed,
}

impl Refusal {
    fn keep(&self, problem: Problem) {
        *self.reason.lock() = Some(problem);
    }

    /// Takes the reason out.
    pub(crate) fn take(&self) -> Option<Problem> {
        self.reason.lock().take()
    }

    /// The count that the parser of the stream has to reset.
    pub(crate) fn unparsed(&self) -> &Unparsed {
        &self.unparsed
    }
}

/// Counts the bytes that a parser was given since its last result. A parser that waits for the end
/// of a head scans all of these bytes again whenever more arrive.
#[derive(Clone, Default)]
pub(crate) struct Unparsed(Arc<AtomicUsize>);

impl Unparsed {
    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= MOST_UNPARSED
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Resets the count, since the parser returned a result.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The place of a request, and the counted bytes of its body. They are freed with the last clone.
#[derive(Clone, Default)]
pub(crate) struct Admitted {
    _held: Option<Held>,
    _slot: Option<Slot>,
}

impl Admitted {
    /// Takes the place of a request whose body was read.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) fn new(held: Held, extensions: &Extensions) -> Result<Self, Problem> {
        let slot = extensions.get::<Slot>().cloned();
        if let Some(slot) = &slot {
            slot.fill()?;
        }
        Ok(Self {
            _held: Some(held),
            _slot: slot,
        })
    }
}

/// Reads the whole body of a request and takes its place.
///
/// # Errors
/// As [`IncomingBody::next`] and [`Admitted::new`].
pub(crate) async fn read_whole(
    request: axum::extract::Request,
    most: usize,
    state: &AppState,
) -> Result<(Bytes, Admitted), Problem> {
    let (parts, body) = request.into_parts();
    let limits = BodyLimits::new(most, state.options());
    let who = CallerId::of(&parts.extensions);
    let coming = IncomingBody::new(
        &parts.headers,
        body,
        limits,
        state.admission().bodies(),
        who,
    )
    .await?;
    let (bytes, held) = coming.whole().await?;
    let admitted = Admitted::new(held, &parts.extensions)?;
    Ok((bytes, admitted))
}
