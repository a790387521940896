//! Downloads from a local server that redirects, breaks off and sends wrong data as each test
//! needs.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clippy_clip::ClipError;
use clippy_clip::download::pull;
use clippy_clip::pretrained::{self, Pretrained};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the server answers one request for the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
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
}

struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

fn content() -> Vec<u8> {
    (0..200_000_u32)
        .map(|number| (number * 7 % 251) as u8)
        .collect()
}

async fn serve(answers: impl IntoIterator<Item = Answer>, announces: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut answers: VecDeque<Answer> = answers.into_iter().collect();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await;
            seen.lock().push(request.clone());
            let is_file = request.contains("/cdn");
            let answer = if is_file {
                answers.pop_front().unwrap_or(Answer::Complete)
            } else {
                Answer::Complete
            };
            respond(&mut stream, &request, is_file, answer, announces).await;
        }
    });
    Server { url, requests }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n")
        && stream.read(&mut byte).await.is_ok_and(|count| count == 1)
    {
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap().to_lowercase()
}

async fn respond(
    stream: &mut TcpStream,
    request: &str,
    is_file: bool,
    answer: Answer,
    announces: bool,
) {
    let content = content();
    if !is_file {
        let hash = hex::encode(Sha256::digest(&content));
        let what = format!(
            "X-Linked-Etag: \"{hash}\"\r\nX-Linked-Size: {}\r\n",
            content.len()
        );
        let what = if announces { what.as_str() } else { "" };
        let head = format!(
            "HTTP/1.1 302 Found\r\nLocation: /cdn\r\n{what}Content-Length: 0\r\nConnection: \
             close\r\n\r\n"
        );
        let _ = stream.write_all(head.as_bytes()).await;
        return;
    }
    let range = request.lines().find_map(|line| {
        line.strip_prefix("range: bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    let from = if answer == Answer::IgnoreRange {
        0
    } else {
        range.unwrap_or(0_usize)
    };
    let (mut body, mut status) = (
        content[from..].to_vec(),
        if from > 0 {
            "206 Partial Content"
        } else {
            "200 OK"
        },
    );
    let length = body.len();
    match answer {
        Answer::Complete | Answer::IgnoreRange => {}
        Answer::BreakAfter(count) => body.truncate(count),
        Answer::Status(503) => status = "503 Service Unavailable",
        Answer::Status(_) => status = "404 Not Found",
        Answer::Damaged => body[0] ^= 1,
    }
    let ranges = if from > 0 {
        format!("Content-Range: bytes {from}-199999/200000\r\n")
    } else {
        String::new()
    };
    let length = if matches!(answer, Answer::Status(_)) {
        0
    } else {
        length
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{ranges}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes()).await;
    if length > 0 && !request.starts_with("head") {
        let _ = stream.write_all(&body).await;
    }
}

fn entry() -> &'static Pretrained {
    pretrained::find("ViT-B-32", "laion2b_s34b_b79k").unwrap()
}

async fn pull_from(server: &Server, models: &Path) -> Result<std::path::PathBuf, ClipError> {
    pull(entry(), models, &server.url, |_, _| ()).await
}

impl Server {
    fn ranges(&self) -> Vec<String> {
        let requests = self.requests.lock();
        let of_file = requests
            .iter()
            .filter(|request| request.starts_with("get /cdn"));
        of_file
            .map(|request| {
                request
                    .lines()
                    .find(|line| line.starts_with("range"))
                    .unwrap_or("")
                    .to_owned()
            })
            .collect()
    }
}

fn parts(models: &Path) -> usize {
    let folder = models.join("ViT-B-32/laion2b_s34b_b79k");
    fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "part")
        .count()
}

#[tokio::test]
async fn a_file_comes_whole_and_is_not_downloaded_twice() {
    let models = tempfile::tempdir().unwrap();
    let server = serve([], true).await;
    let mut last = (0, None);
    let path = pull(entry(), models.path(), &server.url, |there, whole| {
        last = (there, whole)
    })
    .await
    .unwrap();
    assert_eq!(
        path,
        models
            .path()
            .join("ViT-B-32/laion2b_s34b_b79k/open_clip_model.safetensors")
    );
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(last, (200_000, Some(200_000)));
    assert_eq!(parts(models.path()), 0);
    let repository = format!("/{}/resolve/main/", entry().repository).to_lowercase();
    assert!(server.requests.lock()[0].contains(&repository));
    pull_from(&server, models.path()).await.unwrap();
    assert_eq!(server.ranges().len(), 1);
}

#[tokio::test]
async fn a_broken_download_resumes_where_it_stopped() {
    let models = tempfile::tempdir().unwrap();
    let server = serve(
        [
            Answer::BreakAfter(70_000),
            Answer::Status(503),
            Answer::BreakAfter(50_000),
        ],
        true,
    )
    .await;
    let path = pull_from(&server, models.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(
        server.ranges(),
        [
            "",
            "range: bytes=70000-",
            "range: bytes=70000-",
            "range: bytes=120000-"
        ]
    );
}

#[tokio::test]
async fn a_second_run_continues_the_part_of_the_first() {
    let models = tempfile::tempdir().unwrap();
    let first = serve([Answer::BreakAfter(90_000), Answer::Status(404)], true).await;
    let error = pull_from(&first, models.path()).await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    assert_eq!(parts(models.path()), 1);
    let second = serve([], true).await;
    let path = pull_from(&second, models.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(second.ranges(), ["range: bytes=90000-"]);
}

#[tokio::test]
async fn a_server_without_ranges_sends_the_whole_file() {
    let models = tempfile::tempdir().unwrap();
    let server = serve([Answer::BreakAfter(90_000), Answer::IgnoreRange], true).await;
    let path = pull_from(&server, models.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
}

#[tokio::test]
async fn a_damaged_file_is_discarded() {
    let models = tempfile::tempdir().unwrap();
    let server = serve([Answer::Damaged], true).await;
    let error = pull_from(&server, models.path()).await.unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
    assert_eq!(parts(models.path()), 0);
    assert!(
        !models
            .path()
            .join("ViT-B-32/laion2b_s34b_b79k/open_clip_model.safetensors")
            .exists()
    );
    pull_from(&server, models.path()).await.unwrap();
}

#[tokio::test]
async fn without_a_hash_the_size_is_checked() {
    let models = tempfile::tempdir().unwrap();
    let server = serve([Answer::BreakAfter(10), Answer::Complete], false).await;
    let path = pull_from(&server, models.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
}

#[tokio::test]
async fn an_unreachable_server_is_reported() {
    let models = tempfile::tempdir().unwrap();
    let error = pull(entry(), models.path(), "http://127.0.0.1:1", |_, _| ())
        .await
        .unwrap_err();
    assert!(matches!(error, ClipError::Download { .. }), "{error}");
}

#[tokio::test]
async fn the_files_of_a_tokenizer_come_with_the_weights() {
    let models = tempfile::tempdir().unwrap();
    let server = serve([], true).await;
    let entry = pretrained::find("ViT-B-16-SigLIP2", "webli").unwrap();
    let mut last = 0;
    let path = pull(entry, models.path(), &server.url, |there, _| last = there)
        .await
        .unwrap();
    assert_eq!(last, 200_000);
    for name in [
        "open_clip_model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        assert_eq!(fs::read(path.with_file_name(name)).unwrap(), content());
        let asked = format!("/timm/vit-b-16-siglip2/resolve/main/{name} ");
        let requests = server.requests.lock();
        assert!(
            requests.iter().any(|request| request.contains(&asked)),
            "{name}"
        );
    }
    pull(entry, models.path(), &server.url, |_, _| ())
        .await
        .unwrap();
    assert_eq!(server.ranges().len(), 3);
}
