//! A hub on this machine: small files come from it, and large ones from a storage that it
//! redirects to, on another port.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use clippy_clip::hub::Hub;
use clippy_core::settings::{Address, HubSettings, Secret};
use parking_lot::Mutex;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The first commit of a repository.
pub const COMMIT: &str = "1111111111111111111111111111111111111111";

/// How the storage answers one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// All of it, from where the client asks.
    Complete,
    /// So many bytes from there, then the connection is closed.
    BreakAfter(usize),
    /// All of it from the start, whatever range is asked for.
    IgnoreRange,
    /// A status without a body.
    Status(u16),
    /// The right length with other bytes.
    Damaged,
    /// So many bytes, and the rest when the test calls [`FakeHub::release`].
    HoldAfter(usize),
    /// So many bytes from there without a length, then the connection is closed as if these were
    /// all.
    WithoutLength(usize),
}

/// A refusal of the hub: a status, and headers.
pub type Refusal = (u16, &'static str);

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub is_storage: bool,
    /// The first line and the headers, in lower case.
    pub head: String,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    commit: String,
    /// The commits that the next announcements name instead.
    commits: VecDeque<String>,
    /// The size that is announced instead of the real one.
    size: Option<u64>,
    /// The hash that is announced instead of the real one.
    hash: Option<String>,
    /// Whether no size is announced.
    is_without_size: bool,
    redirect: Option<(String, String)>,
    refusals: VecDeque<Refusal>,
    answers: VecDeque<Answer>,
    seen: Vec<Seen>,
}

/// The server. Every repository has the same files.
pub struct FakeHub {
    pub url: String,
    state: Arc<Mutex<State>>,
    released: Arc<Notify>,
}

impl FakeHub {
    /// Starts a hub with these files. Those with the ending `.safetensors` are in the storage.
    pub async fn start<'a>(files: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let files = files.into_iter();
        let state = Arc::new(Mutex::new(State {
            files: files
                .map(|(name, content)| (name.to_owned(), content))
                .collect(),
            commit: COMMIT.to_owned(),
            ..State::default()
        }));
        let released = Arc::default();
        let [hub, storage] = [listen().await, listen().await];
        let [url, storage_url] =
            [&hub, &storage].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
        accept(hub, false, &state, &released, storage_url.clone());
        accept(storage, true, &state, &released, storage_url);
        Self {
            url,
            state,
            released,
        }
    }

    /// The next answers of the storage; after them it answers completely.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) -> &Self {
        self.state.lock().answers.extend(answers);
        self
    }

    /// The next answers of the hub itself.
    pub fn refuses(&self, refusals: impl IntoIterator<Item = Refusal>) -> &Self {
        self.state.lock().refusals.extend(refusals);
        self
    }

    /// Makes a commit that adds or replaces files.
    pub fn commit<'a>(
        &self,
        commit: &str,
        files: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
    ) -> &Self {
        let mut state = self.state.lock();
        commit.clone_into(&mut state.commit);
        for (name, content) in files {
            state.files.insert(name.to_owned(), content);
        }
        drop(state);
        self
    }

    /// Announces another size for files in the storage.
    pub fn announces(&self, size: u64) -> &Self {
        self.state.lock().size = Some(size);
        self
    }

    /// The commits that the next announcements name, whatever they are asked for.
    pub fn names_commits<'a>(&self, commits: impl IntoIterator<Item = &'a str>) -> &Self {
        let commits = commits.into_iter().map(str::to_owned);
        self.state.lock().commits.extend(commits);
        self
    }

    /// Announces another hash for files in the storage.
    pub fn announces_hash(&self, hash: &str) -> &Self {
        self.state.lock().hash = Some(hash.to_owned());
        self
    }

    /// Announces no size for files in the storage.
    pub fn announces_no_size(&self) -> &Self {
        self.state.lock().is_without_size = true;
        self
    }

    /// Redirects paths with this part to the same ones with another, as for a renamed repository.
    pub fn renames(&self, from: &str, to: &str) -> &Self {
        self.state.lock().redirect = Some((from.to_owned(), to.to_owned()));
        self
    }

    /// Lets held answers go on.
    pub fn release(&self) {
        self.released.notify_waiters();
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().seen.clone()
    }

    /// The ranges of the requests to the storage.
    pub fn ranges(&self) -> Vec<String> {
        let seen = self.seen().into_iter().filter(|seen| seen.is_storage);
        seen.map(|seen| header(&seen.head, "range").unwrap_or_default())
            .collect()
    }

    /// A client with this cache.
    pub async fn client(&self, cache: &std::path::Path) -> Hub {
        Hub::new(&self.settings(cache)).await.unwrap()
    }

    /// The settings of a client without a token.
    pub fn settings(&self, cache: &std::path::Path) -> HubSettings {
        HubSettings {
            endpoint: Address::new(&self.url),
            cache: cache.to_owned(),
            token: None,
            token_file: cache.join("no-token"),
            offline: false,
        }
    }

    /// A client with a token.
    pub async fn client_with(&self, token: &str, cache: &std::path::Path) -> Hub {
        let settings = HubSettings {
            token: Some(Secret::new(token.to_owned())),
            ..self.settings(cache)
        };
        Hub::new(&settings).await.unwrap()
    }
}

/// The value of a header in a head.
pub fn header(head: &str, name: &str) -> Option<String> {
    let value = head
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    value.map(str::to_owned)
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn accept(
    listener: TcpListener,
    is_storage: bool,
    state: &Arc<Mutex<State>>,
    released: &Arc<Notify>,
    storage: String,
) {
    let (state, released) = (Arc::clone(state), Arc::clone(released));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (state, released) = (Arc::clone(&state), Arc::clone(&released));
            let storage = storage.clone();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                let seen = Seen {
                    is_storage,
                    head: head.to_lowercase(),
                };
                state.lock().seen.push(seen);
                if is_storage {
                    from_storage(&mut stream, &head, &state, &released).await;
                } else {
                    let answer = from_hub(&head, &state, &storage);
                    let _ = stream.write_all(&answer).await;
                }
            });
        }
    });
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n")
        && stream.read(&mut byte).await.is_ok_and(|count| count == 1)
    {
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = if headers.contains("Content-Length") {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let head = format!("HTTP/1.1 {status}\r\n{headers}{length}Connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn from_hub(head: &str, state: &Mutex<State>, storage: &str) -> Vec<u8> {
    let mut state = state.lock();
    if let Some((status, headers)) = state.refusals.pop_front() {
        return answer(&format!("{status} Refused"), headers, b"");
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some((from, to)) = &state.redirect
        && path.contains(from)
    {
        let location = format!("Location: {}\r\n", path.replace(from, to));
        return answer("307 Moved", &location, b"");
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_head = head.starts_with("HEAD");
    let named = is_head.then(|| state.commits.pop_front()).flatten();
    let commit = named.unwrap_or_else(|| state.commit.clone());
    let commit = format!("X-Repo-Commit: {commit}\r\n");
    let Some(content) = state.files.get(name) else {
        let headers = format!("{commit}X-Error-Code: EntryNotFound\r\n");
        return answer("404 Not Found", &headers, b"");
    };
    if name.ends_with(".safetensors") {
        let hash = hex::encode(Sha256::digest(content));
        let hash = state.hash.as_ref().unwrap_or(&hash);
        let size = state.size.unwrap_or(content.len() as u64);
        let size = if state.is_without_size {
            String::new()
        } else {
            format!("X-Linked-Size: {size}\r\n")
        };
        let headers = format!(
            "{commit}ETag: \"of-the-redirect\"\r\nX-Linked-Etag: \"{hash}\"\r\n{size}Location: \
             {storage}/{name}?signature=hunter2\r\n"
        );
        return answer("302 Found", &headers, b"");
    }
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(content);
    let hash = hex::encode(hash.finalize());
    let headers = format!(
        "{commit}ETag: \"{hash}\"\r\nContent-Length: {}\r\n",
        content.len()
    );
    answer("200 OK", &headers, if is_head { b"" } else { content })
}

async fn from_storage(stream: &mut TcpStream, head: &str, state: &Mutex<State>, released: &Notify) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let name = path.trim_start_matches('/').split('?').next();
    let (content, how) = {
        let mut state = state.lock();
        let content = state.files[name.unwrap_or_default()].clone();
        (
            content,
            state.answers.pop_front().unwrap_or(Answer::Complete),
        )
    };
    let range = header(&head.to_lowercase(), "range");
    let range = range.and_then(|range| {
        let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        from.parse::<usize>().ok()
    });
    let from = match how {
        Answer::IgnoreRange => 0,
        _ => range.unwrap_or(0),
    };
    if let Answer::Status(status) = how {
        let _ = stream
            .write_all(&answer(&format!("{status} Refused"), "", b""))
            .await;
        return;
    }
    let whole = content.len();
    let mut body = content[from..].to_vec();
    let mut headers = format!("Content-Length: {}\r\n", body.len());
    if let Answer::WithoutLength(count) = how {
        headers.clear();
        body.truncate(count);
    }
    let status = if from > 0 {
        headers += &format!("Content-Range: bytes {from}-{}/{whole}\r\n", whole - 1);
        "206 Partial Content"
    } else {
        "200 OK"
    };
    let mut rest = Vec::new();
    match how {
        Answer::BreakAfter(count) => body.truncate(count),
        Answer::Damaged => body[0] ^= 1,
        Answer::HoldAfter(count) => rest = body.split_off(count),
        _ => {}
    }
    let go_on = released.notified();
    let sent = if matches!(how, Answer::WithoutLength(_)) {
        let head = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
        [head.as_bytes(), &body].concat()
    } else {
        answer(status, &headers, &body)
    };
    let _ = stream.write_all(&sent).await;
    if matches!(how, Answer::HoldAfter(_)) {
        go_on.await;
        let _ = stream.write_all(&rest).await;
    }
}
