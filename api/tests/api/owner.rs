//! Access control: keys, calls from this machine, foreign pages, tickets, and the owners of
//! preferences.

use clippy_api::ApiOptions;
use clippy_testing::ApiRequest;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Setup, TestServer, drawing, json as body, problem, secrets};

async fn with_options(options: ApiOptions) -> TestServer {
    TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await
}

async fn start_with_keys(api: &[&str], admin: &[&str]) -> TestServer {
    with_options(ApiOptions {
        api_keys: secrets(api),
        admin_keys: secrets(admin),
        ..ApiOptions::default()
    })
    .await
}

async fn status(request: ApiRequest) -> StatusCode {
    request.send().await.expect("an answer").status()
}

/// A generation that every provider can make.
fn asked() -> Value {
    json!({"sketch": format!("data:image/png;base64,{}", STANDARD.encode(drawing()))})
}

/// Routes of every group, each with a call that works.
fn calls(server: &TestServer) -> Vec<(&'static str, ApiRequest)> {
    let post = |path: &str, body: Value| server.post(path).json(&body);
    vec![
        (
            "search",
            post("/api/search/hybrid", json!({"query_text": "apple"})),
        ),
        (
            "older search",
            post("/search/hybrid", json!({"query_text": "apple"})),
        ),
        (
            "suggest",
            post("/api/references/suggest", json!({"query_text": "apple"})),
        ),
        ("facets", server.get("/api/facets")),
        ("tags", server.get("/api/tags?prefix=a")),
        ("pictures", server.get("/api/pictures?ids=1")),
        ("model", server.get("/api/model")),
        (
            "feedback",
            post(
                "/api/feedback",
                json!({"user_id": "ann", "image_id": 1, "action": "click"}),
            ),
        ),
        ("profile", server.get("/api/profile?user_id=ann")),
        ("boards", server.get("/api/boards")),
        ("board", server.get("/api/boards/saved")),
        ("archive", server.get("/api/boards/saved/export")),
        ("links", server.get("/api/boards/saved/shares")),
        (
            "edited profile",
            server
                .api
                .request(Method::PATCH, "/api/profile")
                .json(&json!({"user_id": "ann", "tags": {"cat": 0.5}})),
        ),
        (
            "reset profile",
            server
                .api
                .request(Method::DELETE, "/api/profile?user_id=ann"),
        ),
        ("new board", post("/api/boards", json!({"name": "mine"}))),
        (
            "board items",
            post(
                "/api/boards/saved/items",
                json!({"operations": [{"op": "add", "id": 1}]}),
            ),
        ),
        ("generate", post("/api/images/generate", asked())),
        ("older generate", post("/images/generate", asked())),
        ("estimate", post("/api/images/estimate", asked())),
        ("lineage", server.get("/api/lineage?ref=1")),
        ("history", server.get("/api/history")),
        ("providers", server.get("/api/providers")),
        ("jobs", server.get("/api/jobs")),
        ("events", server.get("/api/jobs/events?mine")),
        ("ticket", post("/api/tickets", Value::Null)),
    ]
}

/// Routes for admins.
fn admin_calls(server: &TestServer) -> Vec<(&'static str, ApiRequest)> {
    vec![
        ("collection", server.get("/api/admin/collection")),
        ("queues", server.get("/api/admin/queues")),
        ("pause", server.post("/api/admin/queues/bulk/pause")),
        ("resume", server.post("/api/admin/queues/bulk/resume")),
    ]
}

const OPEN: [&str; 8] = [
    "/",
    "/plain",
    "/livez",
    "/healthz",
    "/metrics",
    "/api/openapi.json",
    "/docs/",
    "/page/app.js",
];

#[tokio::test]
async fn any_key_of_either_kind_closes_everything_but_pages_documents_and_probes() {
    for (api, admin) in [
        (&["one"][..], &[][..]),
        (&[], &["root"]),
        (&["one"], &["root"]),
    ] {
        let server = start_with_keys(api, admin).await;
        let key = api.iter().chain(admin).next().expect("a key");
        for (name, call) in calls(&server) {
            let keyless = call
                .try_clone()
                .expect("a body in memory")
                .send()
                .await
                .expect("an answer");
            problem(keyless, StatusCode::UNAUTHORIZED, "unauthorized").await;
            let with_key = status(call.bearer_auth(key)).await;
            assert!(with_key.is_success(), "{name} with {key}: {with_key}");
        }
        for path in ["/api/image/7", "/image/7"] {
            problem(
                server.get(path).send().await.expect("an answer"),
                StatusCode::UNAUTHORIZED,
                "unauthorized",
            )
            .await;
        }
        for path in OPEN {
            assert_eq!(status(server.get(path)).await, StatusCode::OK, "{path}");
        }
    }
}

#[tokio::test]
async fn with_only_api_keys_there_is_no_admin_and_the_answer_says_what_to_set() {
    let server = start_with_keys(&["one"], &[]).await;
    for (_, call) in admin_calls(&server) {
        // From loopback, as through a local proxy that adds no header about its client.
        for request in [
            call.try_clone().expect("a body in memory"),
            call.bearer_auth("one"),
        ] {
            let told = problem(
                request.send().await.expect("an answer"),
                StatusCode::FORBIDDEN,
                "forbidden",
            )
            .await;
            assert!(
                told["detail"]
                    .as_str()
                    .expect("text")
                    .contains("set ADMIN_KEYS"),
                "{told}"
            );
        }
    }
    let wrong = server
        .get("/api/admin/queues")
        .bearer_auth("two")
        .send()
        .await
        .expect("an answer");
    problem(wrong, StatusCode::UNAUTHORIZED, "unauthorized").await;
    // A key does not show jobs of other keys, even from this machine.
    let made = server
        .post("/api/images/generate")
        .bearer_auth("one")
        .json(&asked());
    assert_eq!(status(made).await, StatusCode::ACCEPTED);
    let id = clippy_jobs::NewJob::new(
        clippy_jobs::JobKind::Generate,
        clippy_jobs::Lane::Interactive,
        json!({}),
    );
    let id = server
        .jobs
        .create(&id.owner("key-somebody"))
        .await
        .expect("made")
        .job
        .id;
    let other = server
        .get(&format!("/api/jobs/{id}"))
        .bearer_auth("one")
        .send()
        .await
        .expect("an answer");
    problem(other, StatusCode::NOT_FOUND, "not_found").await;
}

#[tokio::test]
async fn without_keys_only_this_machine_is_admin() {
    let server = TestServer::start().await;
    for (name, call) in admin_calls(&server) {
        assert_eq!(
            status(call.try_clone().expect("no body")).await,
            StatusCode::OK,
            "{name}"
        );
        for header in [
            "x-forwarded-for",
            "forwarded",
            "x-real-ip",
            "via",
            "x-forwarded-host",
            "x-forwarded-proto",
        ] {
            let passed_on = call
                .try_clone()
                .expect("no body")
                .header(header, "for=203.0.113.9");
            let told = passed_on.send().await.expect("an answer");
            let told = problem(told, StatusCode::FORBIDDEN, "forbidden").await;
            assert!(
                told["detail"]
                    .as_str()
                    .expect("text")
                    .contains("ADMIN_KEYS"),
                "{told}"
            );
        }
    }
}

#[tokio::test]
async fn without_keys_calls_to_a_foreign_host_name_are_refused() {
    let options = ApiOptions {
        allowed_hosts: vec!["Draw.example".to_owned()],
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    let all = calls(&server).into_iter().chain(admin_calls(&server));
    let open = OPEN.iter().map(|path| (*path, server.get(path)));
    let pictures = ["/api/image/7", "/nowhere"].map(|path| (path, server.get(path)));
    for (name, call) in all.chain(open).chain(pictures) {
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:8000",
            "localhost.evil.example",
            "192.168.7.7",
        ] {
            let request = call
                .try_clone()
                .expect("a body in memory")
                .header("host", host);
            let told = problem(
                request.send().await.expect(name),
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected",
            )
            .await;
            assert!(
                told["detail"]
                    .as_str()
                    .expect("text")
                    .contains("ALLOWED_HOSTS"),
                "{told}"
            );
        }
    }
    for host in [
        "localhost",
        "localhost:1",
        "127.0.0.9:8000",
        "[::1]:8000",
        "draw.example:8080",
        "a.localhost",
    ] {
        assert_eq!(
            status(server.get("/api/facets").header("host", host)).await,
            StatusCode::OK,
            "{host}"
        );
    }
    // A call by an allowed name does not count as local, so it is not an admin call.
    let named = server
        .get("/api/admin/queues")
        .header("host", "draw.example")
        .send()
        .await
        .expect("an answer");
    problem(named, StatusCode::FORBIDDEN, "forbidden").await;
    assert!(
        server
            .jobs
            .list(&clippy_jobs::JobFilter::default())
            .await
            .expect("jobs")
            .jobs
            .is_empty()
    );

    // With keys any host name is accepted, since every call needs a key.
    let closed = start_with_keys(&["one"], &[]).await;
    let by_name = closed
        .get("/api/facets")
        .header("host", "draw.example")
        .bearer_auth("one");
    assert_eq!(status(by_name).await, StatusCode::OK);
}

#[tokio::test]
async fn without_keys_foreign_pages_can_only_show_pictures() {
    let server = TestServer::start().await;
    let foreign: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[
            ("origin", "http://localhost:5173"),
            ("sec-fetch-site", "same-site"),
        ],
    ];
    let with = |request: ApiRequest, headers: &[(&'static str, &'static str)]| {
        headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
    };
    for headers in foreign {
        for (name, call) in calls(&server).into_iter().chain(admin_calls(&server)) {
            let told = problem(
                with(call, headers).send().await.expect(name),
                StatusCode::FORBIDDEN,
                "forbidden",
            )
            .await;
            assert!(
                told["detail"]
                    .as_str()
                    .expect("text")
                    .contains("ALLOWED_ORIGINS"),
                "{name}: {told}"
            );
        }
        for path in ["/api/image/7", "/image/7?w=64", "/", "/healthz"] {
            assert_eq!(
                status(with(server.get(path), headers)).await,
                StatusCode::OK,
                "{path} {headers:?}"
            );
        }
    }
    assert!(
        server
            .jobs
            .list(&clippy_jobs::JobFilter::default())
            .await
            .expect("jobs")
            .jobs
            .is_empty()
    );
    // The server's own page, and calls that are not from a page.
    let own = format!("http://{}", server.address);
    let own: [&[(&str, &str)]; 3] = [
        &[],
        &[("sec-fetch-site", "none")],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
    ];
    for headers in own {
        for (name, call) in calls(&server).into_iter().chain(admin_calls(&server)) {
            let call = headers
                .iter()
                .fold(call, |call, (header, value)| call.header(*header, *value));
            let given = status(call).await;
            assert!(given.is_success(), "{name} {headers:?}: {given}");
        }
    }
}

#[tokio::test]
async fn allowed_origins_may_call_and_a_wildcard_allows_only_reading() {
    // Clippy 0.2's client while it is developed: the default of ALLOWED_ORIGINS.
    let listed = ApiOptions {
        allowed_origins: vec!["http://localhost:5173".to_owned()],
        ..ApiOptions::default()
    };
    let server = with_options(listed).await;
    for (name, call) in calls(&server) {
        let from_client = call
            .header("origin", "http://localhost:5173")
            .header("sec-fetch-site", "same-site");
        let given = status(from_client).await;
        assert!(given.is_success(), "{name}: {given}");
    }
    for (_, call) in admin_calls(&server) {
        // Any other program may run at that port one day: it is no admin. A proxy of the client's
        // own is.
        let direct = call
            .try_clone()
            .expect("no body")
            .header("origin", "http://localhost:5173");
        let direct = direct
            .header("sec-fetch-site", "same-site")
            .send()
            .await
            .expect("an answer");
        problem(direct, StatusCode::FORBIDDEN, "forbidden").await;
        let proxied = call
            .header("origin", "http://localhost:5173")
            .header("sec-fetch-site", "same-origin");
        assert_eq!(status(proxied).await, StatusCode::OK);
    }

    let any = with_options(ApiOptions {
        allowed_origins: vec!["*".to_owned()],
        ..ApiOptions::default()
    })
    .await;
    let looks = [
        "search",
        "older search",
        "suggest",
        "facets",
        "tags",
        "pictures",
        "model",
    ];
    for (name, call) in calls(&any).into_iter().chain(admin_calls(&any)) {
        let answer = call
            .header("origin", "https://any.example")
            .send()
            .await
            .expect("an answer");
        if looks.contains(&name) {
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
        } else {
            problem(answer, StatusCode::FORBIDDEN, "forbidden").await;
        }
    }
    // With keys only the key matters, and `*` lets any page send one.
    let options = ApiOptions {
        allowed_origins: vec!["*".to_owned()],
        api_keys: secrets(&["one"]),
        ..ApiOptions::default()
    };
    let closed = with_options(options).await;
    for (name, call) in calls(&closed) {
        let given = status(
            call.bearer_auth("one")
                .header("origin", "https://any.example"),
        )
        .await;
        assert!(given.is_success(), "{name}: {given}");
    }
}

async fn ticket(server: &TestServer, key: &str) -> String {
    let answer = server
        .post("/api/tickets")
        .bearer_auth(key)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let answer = body(answer).await;
    assert_eq!(answer["expires_in"], 600);
    let ends = answer["expires_at"].as_str().expect("a time");
    assert!(ends.ends_with('Z') && ends.contains('T'), "{ends}");
    answer["ticket"].as_str().expect("a ticket").to_owned()
}

#[tokio::test]
async fn a_ticket_is_accepted_only_for_pictures_and_streams_in_every_process() {
    let server = start_with_keys(&["ann", "bob"], &["root"]).await;
    let other_process = start_with_keys(&["bob", "ann"], &["root"]).await;
    let new = clippy_jobs::NewJob::new(
        clippy_jobs::JobKind::Generate,
        clippy_jobs::Lane::Interactive,
        json!({}),
    );
    let listed = server
        .post("/api/images/generate")
        .bearer_auth("ann")
        .json(&asked());
    let job: Value = listed
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let anns = job["id"].as_str().expect("an id").to_owned();
    let nobodys = server
        .jobs
        .create(&new.owner("key-somebody"))
        .await
        .expect("made")
        .job
        .id;
    let (ann, root) = (ticket(&server, "ann").await, ticket(&server, "root").await);
    for (ticket, foreign) in [(&ann, StatusCode::NOT_FOUND), (&root, StatusCode::OK)] {
        assert!(
            !ticket.contains("ann") && !ticket.contains("root"),
            "{ticket}"
        );
        for at in [&server, &other_process] {
            for path in ["/api/image/7?w=64&ticket=", "/image/7?ticket="] {
                assert_eq!(
                    status(at.get(&format!("{path}{ticket}"))).await,
                    StatusCode::OK,
                    "{path}"
                );
            }
        }
        // It has the rights of its key.
        assert_eq!(
            status(server.get(&format!("/api/jobs/{anns}/events?ticket={ticket}"))).await,
            StatusCode::OK
        );
        assert_eq!(
            status(server.get(&format!("/api/jobs/events?ids={anns}&ticket={ticket}"))).await,
            StatusCode::OK
        );
        assert_eq!(
            status(server.get(&format!("/api/jobs/{nobodys}/events?ticket={ticket}"))).await,
            foreign
        );
        let no_picture = server
            .get(&format!("/api/jobs/{anns}/images/0?ticket={ticket}"))
            .send()
            .await;
        problem(
            no_picture.expect("an answer"),
            StatusCode::NOT_FOUND,
            "not_found",
        )
        .await;
        for path in [
            "/api/jobs",
            "/api/facets",
            "/api/model",
            "/api/profile?user_id=a",
            "/api/admin/queues",
        ] {
            let joined = format!(
                "{path}{}ticket={ticket}",
                if path.contains('?') { '&' } else { '?' }
            );
            problem(
                server.get(&joined).send().await.expect("an answer"),
                StatusCode::UNAUTHORIZED,
                "unauthorized",
            )
            .await;
        }
        let longer = server
            .post(&format!("/api/tickets?ticket={ticket}"))
            .send()
            .await
            .expect("an answer");
        problem(longer, StatusCode::UNAUTHORIZED, "unauthorized").await;
    }
    let strangers = start_with_keys(&["eve"], &[]).await;
    for wrong in [
        ticket(&strangers, "eve").await,
        format!("{ann}x"),
        "t1.0.key.x".to_owned(),
        String::new(),
    ] {
        let refused = server
            .get(&format!("/api/image/7?ticket={wrong}"))
            .send()
            .await
            .expect("an answer");
        problem(refused, StatusCode::UNAUTHORIZED, "unauthorized").await;
    }
    // Without keys no ticket is needed, and one that is sent is ignored.
    let open = TestServer::start().await;
    let given = body(open.post("/api/tickets").send().await.expect("an answer")).await;
    let given = given["ticket"].as_str().expect("a ticket").to_owned();
    assert_eq!(
        status(open.get(&format!("/api/image/7?ticket={given}"))).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_admin_key_in_a_url_is_refused() {
    let server = start_with_keys(&["one"], &["root"]).await;
    assert_eq!(
        status(server.get("/api/image/7?key=one")).await,
        StatusCode::OK,
        "older clients send API keys so"
    );
    for path in [
        "/api/image/7?key=root",
        "/image/7?key=root",
        "/api/jobs/events?mine&key=root",
    ] {
        let refused = server.get(path).send().await.expect("an answer");
        let told = problem(refused, StatusCode::UNAUTHORIZED, "unauthorized").await;
        assert!(
            told["detail"]
                .as_str()
                .expect("text")
                .contains("/api/tickets"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_profile_belongs_to_the_key_that_wrote_it() {
    let server = start_with_keys(&["ann", "bob"], &["root"]).await;
    let call =
        |method: Method, path: &str, key: &str| server.api.request(method, path).bearer_auth(key);
    let save = json!({"user_id": "demo", "image_id": 0, "action": "save", "tags": ["apple"]});
    for _ in 0..5 {
        assert_eq!(
            status(call(Method::POST, "/api/feedback", "ann").json(&save)).await,
            StatusCode::OK
        );
    }
    let tags = async |key: &str| {
        let answer = call(Method::GET, "/api/profile?user_id=demo", key)
            .send()
            .await
            .expect("an answer");
        let answer = body(answer).await;
        assert_eq!(answer["user_id"], "demo");
        answer["tags"].as_object().expect("tags").len()
    };
    assert_eq!(
        (tags("ann").await, tags("bob").await, tags("root").await),
        (1, 0, 0)
    );
    let priors = async |path: &str, key: &str| {
        let search = json!({"query_text": "apple", "user_id": "demo", "personalize": true});
        let answer = call(Method::POST, path, key)
            .json(&search)
            .send()
            .await
            .expect("an answer");
        body(answer).await["priors_size"].as_u64()
    };
    assert_eq!(priors("/api/search/hybrid", "ann").await, Some(1));
    for key in ["bob", "root"] {
        assert_eq!(
            priors("/search/hybrid", key).await,
            Some(0),
            "{key} is ranked by nobody's taste but its own"
        );
    }
}

/// Rows that a server without keys wrote are what it goes on with, and what its admin sees once
/// keys are set.
#[tokio::test]
async fn profiles_from_before_keys_are_read_without_keys_and_by_admin_keys() {
    use clippy_core::ids::PointId;
    use clippy_core::preferences::{Action, Feedback};

    let written = Feedback {
        user_id: "demo".to_owned(),
        image_id: PointId::Number(0),
        action: Action::Save,
        tags: vec!["apple".to_owned()],
        style: None,
    };
    for (server, key, seen) in [
        (TestServer::start().await, None, 1),
        (start_with_keys(&["ann"], &["root"]).await, Some("root"), 1),
        (start_with_keys(&["ann"], &["root"]).await, Some("ann"), 0),
    ] {
        server
            .state
            .preferences()
            .record(written.clone())
            .await
            .expect("written");
        let mut call = server.get("/api/profile?user_id=demo");
        if let Some(key) = key {
            call = call.bearer_auth(key);
        }
        let profile = body(call.send().await.expect("an answer")).await;
        assert_eq!(
            profile["tags"].as_object().map(serde_json::Map::len),
            Some(seen),
            "{key:?}"
        );
    }
}
