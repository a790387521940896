//! More than a hundred hostile URLs: none of them reaches a forbidden address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clippy_core::ErrorCode;
use clippy_generate::fetch::{Resolve, refusal};
use clippy_generate::{FetchPolicy, Fetcher};
use clippy_testing::wait_until;
use tokio::net::TcpListener;

use crate::support::{flat, png};

/// The hostile URLs. `{p}` is the port of a listener that counts connections.
const URLS: &[&str] = &[
    // This machine, in every spelling.
    "http://127.0.0.1:{p}/a.png",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://2130706433:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7f.0.0.1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://017700000001:{p}/",
    "http://127.000.000.001:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://127.255.255.254:{p}/",
    "http://0:{p}/",
    "http://0.0.0.0:{p}/",
    "http://0x0:{p}/",
    "http://0.1.2.3:{p}/",
    "http://[::1]:{p}/",
    "http://[::]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[::ffff:0:127.0.0.1]:{p}/",
    "http://[64:ff9b::127.0.0.1]:{p}/",
    "http://[64:ff9b:1::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[2001:0:7f00:1::]:{p}/",
    "https://127.0.0.1:{p}/",
    "HTTP://127.0.0.1:{p}/",
    "http://127.0.0.1:{p}?x=https://public.test/",
    "http://127.0.0.1:{p}#@public.test/",
    "http://①②⑦.⓪.⓪.①:{p}/",
    "http://127。0。0。1:{p}/",
    "http://１２７.0.0.1:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "http:/127.0.0.1:{p}/",
    "http:///127.0.0.1:{p}/",
    "http:\\\\127.0.0.1:{p}\\",
    "  http://127.0.0.1:{p}/  ",
    "http://127.0.0.1\t:{p}/",
    "http://12\n7.0.0.1:{p}/",
    // With a name that hides the host.
    "http://public.test@127.0.0.1:{p}/",
    "http://public.test:443@127.0.0.1:{p}/",
    "http://public.test%2f@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}\\@public.test/",
    "http://user:secret@[::1]:{p}/",
    "http://@127.0.0.1:{p}/",
    // Private networks, link-local, metadata, multicast, reserved.
    "http://10.0.0.1:{p}/",
    "http://10.255.255.255:{p}/",
    "http://172.16.0.1:{p}/",
    "http://172.31.255.255:{p}/",
    "http://192.168.0.1:{p}/",
    "http://192.168.255.255:{p}/",
    "http://0xc0a80001:{p}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::a9fe:a9fe]/",
    "http://[fe80::1]:{p}/",
    "http://100.64.0.1:{p}/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://192.0.0.192/",
    "http://192.0.0.8/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://239.255.255.250:{p}/",
    "http://240.0.0.1/",
    "http://255.255.255.255:{p}/",
    "http://[fc00::1]:{p}/",
    "http://[fdff:ffff::1]:{p}/",
    "http://[fec0::1]:{p}/",
    "http://[ff02::1]:{p}/",
    "http://[ff0e::1]/",
    "http://[2001:db8::1]/",
    "http://[2001:10::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://[64:ff9b::a00:1]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[::a9fe:a9fe]/",
    // Names that lead there.
    "http://localhost:{p}/",
    "http://LOCALHOST.:{p}/",
    "http://sub.localhost:{p}/",
    "http://loopback4.test:{p}/",
    "http://loopback6.test:{p}/",
    "http://mapped.test:{p}/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://private.test:{p}/",
    "http://mixed.test:{p}/",
    "http://unique-local.test:{p}/",
    "http://link-local.test:{p}/",
    "http://carrier.test:{p}/",
    "http://nowhere.test:{p}/",
    // Other schemes and ports.
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "ftp://127.0.0.1:{p}/",
    "gopher://127.0.0.1:{p}/_x",
    "dict://127.0.0.1:{p}/d",
    "ws://127.0.0.1:{p}/",
    "ldap://127.0.0.1:{p}/",
    "javascript:alert(1)",
    "blob:http://127.0.0.1:{p}/x",
    "jar:http://127.0.0.1:{p}!/",
    "//127.0.0.1:{p}/",
    "127.0.0.1:{p}",
    "unix:/var/run/docker.sock",
    "http+unix://%2fvar%2frun/x",
    "",
    "http://",
    "https://?",
    "http://[::1",
    "http://public.test:22/",
    "http://public.test:6379/",
    "https://public.test:8443/",
    "http://public.test:0/",
    "http://public.test:99999/",
];

/// Resolves names to the addresses that an attacker would choose.
#[derive(Clone)]
struct HostileResolver {
    asked: Arc<AtomicUsize>,
    friend: SocketAddr,
}

#[async_trait::async_trait]
impl Resolve for HostileResolver {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let addresses: &[&str] = match host.trim_end_matches('.') {
            "localhost" | "sub.localhost" | "loopback4.test" => &["127.0.0.1"],
            "loopback6.test" => &["::1"],
            "mapped.test" => &["::ffff:127.0.0.1"],
            "metadata.google.internal" => &["169.254.169.254"],
            "private.test" => &["192.168.1.1"],
            // A good address does not make up for a bad one.
            "mixed.test" => &["8.8.8.8", "127.0.0.1"],
            "unique-local.test" => &["fd12::1"],
            "link-local.test" => &["fe80::1%0"],
            "carrier.test" => &["100.64.1.1"],
            "friend.test" => return Ok(vec![self.friend]),
            // Good for the first look-up, and bad from then on.
            "rebinding.test" if asked == 0 => return Ok(vec![self.friend]),
            "rebinding.test" => &["127.0.0.1"],
            _ => &[],
        };
        Ok(addresses
            .iter()
            .filter_map(|text| text.split('%').next()?.parse::<IpAddr>().ok())
            .map(|ip| SocketAddr::new(ip, port))
            .collect())
    }
}

/// Counts connections to all addresses of this machine.
async fn victim() -> (u16, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("[::]:0")
        .await
        .or(TcpListener::bind("0.0.0.0:0").await)
        .expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let counter = visits.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, visits)
}

/// An allowed server with a picture, and with redirects to `targets[n]` at `/to/n`.
async fn friend(targets: Vec<String>) -> SocketAddr {
    async fn redirect(
        State(targets): State<Arc<Vec<String>>>,
        Path(index): Path<usize>,
    ) -> Response {
        (StatusCode::FOUND, [("location", targets[index].clone())]).into_response()
    }
    async fn chain(Path(left): Path<u32>) -> Response {
        if left == 0 {
            return png(&flat(8, 8, [1, 2, 3])).into_response();
        }
        (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", format!("/chain/{}", left - 1))],
        )
            .into_response()
    }
    let app = Router::new()
        .route("/to/{index}", get(redirect))
        .route("/chain/{left}", get(chain))
        .with_state(Arc::new(targets));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Allows every port of the test, so that only the address can be the reason for a refusal.
fn fetcher(friend: SocketAddr, victim: u16) -> (Fetcher, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let allowed = [
        ("http", 80),
        ("https", 443),
        ("http", victim),
        ("https", victim),
        ("http", friend.port()),
    ];
    let policy = FetchPolicy {
        allowed: allowed
            .map(|(scheme, port)| (scheme.to_owned(), port))
            .to_vec(),
        time: Duration::from_secs(5),
        exempt: vec![friend],
        ..FetchPolicy::default()
    };
    (
        Fetcher::new(
            policy,
            HostileResolver {
                asked: asked.clone(),
                friend,
            },
        ),
        asked,
    )
}

fn hostile(port: u16) -> Vec<String> {
    URLS.iter()
        .map(|url| url.replace("{p}", &port.to_string()))
        .collect()
}

#[tokio::test]
async fn no_hostile_url_reaches_the_listener() {
    assert!(URLS.len() >= 100, "only {}", URLS.len());
    let (port, visits) = victim().await;
    let urls = hostile(port);
    let (fetcher, _) = fetcher(friend(Vec::new()).await, port);
    for url in &urls {
        let error = fetcher
            .fetch(url)
            .await
            .err()
            .unwrap_or_else(|| panic!("{url:?} was fetched"));
        assert!(
            matches!(error.code, ErrorCode::InvalidInput | ErrorCode::Unavailable),
            "{url:?}: {:?}",
            error.code
        );
        assert_eq!(
            visits.load(Ordering::SeqCst),
            0,
            "{url:?} reached the listener"
        );
    }
    // Check that the listener does count.
    tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("open");
    wait_until("the visit is counted", || async {
        visits.load(Ordering::SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn no_redirect_reaches_the_listener() {
    let (port, visits) = victim().await;
    let targets: Vec<String> = hostile(port)
        .into_iter()
        .filter(|url| !url.trim().is_empty() && url.is_ascii() && !url.contains(['\t', '\n']))
        .collect();
    let friend = friend(targets.clone()).await;
    let (fetcher, _) = fetcher(friend, port);
    for (index, target) in targets.iter().enumerate() {
        let fetched = fetcher
            .fetch(&format!("http://friend.test:{}/to/{index}", friend.port()))
            .await;
        assert!(fetched.is_err(), "a redirect to {target} was followed");
        assert_eq!(
            visits.load(Ordering::SeqCst),
            0,
            "a redirect to {target} reached the listener"
        );
    }
}

#[tokio::test]
async fn at_most_three_redirects_are_followed() {
    let friend = friend(Vec::new()).await;
    let (fetcher, _) = fetcher(friend, 1);
    let at = |left| format!("http://friend.test:{}/chain/{left}", friend.port());
    for left in 0..=3 {
        fetcher
            .fetch(&at(left))
            .await
            .unwrap_or_else(|error| panic!("{left} redirects: {error}"));
    }
    let error = fetcher.fetch(&at(4)).await.expect_err("four redirects");
    assert!(error.message.contains("more than 3"), "{}", error.message);
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_checked_address_is_used() {
    let friend = friend(Vec::new()).await;
    let (port, visits) = victim().await;
    let (fetcher, asked) = fetcher(friend, port);
    fetcher
        .fetch(&format!("http://rebinding.test:{}/chain/0", friend.port()))
        .await
        .expect("the first answer holds");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(
        fetcher
            .fetch(&format!("http://rebinding.test:{port}/"))
            .await
            .is_err()
    );
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn only_https_on_its_own_port_is_fetched_by_default() {
    let fetcher = Fetcher::default();
    for url in [
        "http://example.org/a.png",
        "https://example.org:8443/a.png",
        "ftp://example.org/a.png",
    ] {
        let error = fetcher.fetch(url).await.expect_err(url);
        assert!(
            error.code == ErrorCode::InvalidInput
                && error.message.contains("only https on port 443"),
            "{}",
            error.message
        );
    }
}

#[test]
fn public_addresses_are_not_refused() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "169.253.1.1",
        "2606:4700::1111",
        "2a00:1450::1",
    ] {
        assert_eq!(
            refusal(address.parse().expect("an address")),
            None,
            "{address}"
        );
    }
}
