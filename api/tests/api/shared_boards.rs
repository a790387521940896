//! Links to boards, archives of boards, and corrected preferences.

use std::collections::BTreeMap;

use clippy_api::ApiOptions;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{FakePictures, Setup, TestServer, json as body, problem, secrets};

async fn get(server: &TestServer, path: &str) -> Value {
    body(server.get(path).send().await.expect("an answer")).await
}

/// A server whose callers need a key, with a board of Ann's that has pictures 1 and 2.
async fn with_board() -> (TestServer, String) {
    let server = TestServer::with(Setup {
        options: ApiOptions {
            api_keys: secrets(&["ann", "bob"]),
            ..ApiOptions::default()
        },
        ..Setup::default()
    })
    .await;
    let made = post(&server, "/api/boards", &json!({"name": "To show"})).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let board: Value = made.json().await.expect("JSON");
    let path = format!("/api/boards/{}", board["id"].as_str().expect("an id"));
    let added = json!({"operations": [
        {"op": "add", "id": 1, "note": "the door"}, {"op": "add", "id": 2, "role": "style"}
    ]});
    let filled = post(&server, &format!("{path}/items"), &added).await;
    assert_eq!(filled.status(), StatusCode::OK);
    (server, path)
}

/// A call by Ann.
async fn post(server: &TestServer, path: &str, sent: &Value) -> reqwest::Response {
    let call = server.post(path).json(sent).bearer_auth("ann");
    call.send().await.expect("an answer")
}

async fn share(server: &TestServer, path: &str, seconds: u64) -> Value {
    let sent = json!({ "expires_in": seconds });
    let made = post(server, &format!("{path}/shares"), &sent).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.headers()[header::CACHE_CONTROL], "no-store");
    made.json().await.expect("JSON")
}

async fn is_closed(server: &TestServer, path: &str) {
    let answer = server.get(path).send().await.expect("an answer");
    problem(answer, StatusCode::NOT_FOUND, "not_found").await;
}

#[tokio::test]
async fn a_link_shows_one_board_without_a_key_until_it_is_revoked() {
    let (server, path) = with_board().await;
    let link = share(&server, &path, 3600).await;
    let token = link["token"].as_str().expect("text");
    assert_eq!(link["url"], format!("/#/shared/{token}"));
    let shared = format!("/api/shared?share={token}");
    let shown = get(&server, &shared).await;
    assert_eq!(shown["name"], "To show");
    let item = &shown["items"][0];
    assert_eq!(
        (&item["picture"], &item["note"]),
        (&json!("1"), &json!("the door"))
    );
    assert_eq!(item["payload"]["image_url"], "/api/shared/image/1");
    assert!(shown["items"][1]["payload"]["tags_all"].is_null());
    // Its pictures, and no others.
    let picture = server.get(&format!("/api/shared/image/1?share={token}&w=64"));
    let picture = picture.send().await.expect("an answer");
    assert_eq!(picture.status(), StatusCode::OK);
    is_closed(&server, &format!("/api/shared/image/3?share={token}")).await;
    is_closed(&server, "/api/shared/image/1?share=guess").await;
    // Nothing else is open with it.
    let keyless = server.get(&path).send().await.expect("an answer");
    problem(keyless, StatusCode::UNAUTHORIZED, "unauthorized").await;
    let with_token = server.get(&path).bearer_auth(token).send().await;
    let with_token = with_token.expect("an answer");
    problem(with_token, StatusCode::UNAUTHORIZED, "unauthorized").await;

    let listed = server.get(&format!("{path}/shares")).bearer_auth("ann");
    let listed = body(listed.send().await.expect("an answer")).await;
    assert_eq!(listed["shares"][0]["id"], link["id"]);
    assert!(listed["shares"][0]["token"].is_null());
    let id = link["id"].as_str().expect("an id");
    let revoke = |key: &'static str| {
        let call = server
            .api
            .request(Method::DELETE, &format!("{path}/shares/{id}"));
        call.bearer_auth(key).send()
    };
    let other = revoke("bob").await.expect("an answer");
    problem(other, StatusCode::NOT_FOUND, "not_found").await;
    let own = revoke("ann").await.expect("an answer");
    assert_eq!(own.status(), StatusCode::NO_CONTENT);
    is_closed(&server, &shared).await;
    let again = revoke("ann").await.expect("an answer");
    problem(again, StatusCode::NOT_FOUND, "not_found").await;
}

#[tokio::test]
async fn links_end_with_their_board_and_have_limits() {
    let (server, path) = with_board().await;
    let link = share(&server, &path, 60).await;
    let shared = format!(
        "/api/shared?share={}",
        link["token"].as_str().expect("text")
    );
    get(&server, &shared).await;
    let shares = format!("{path}/shares");
    for wrong in [0, 59, 367 * 86_400] {
        let answer = post(&server, &shares, &json!({ "expires_in": wrong })).await;
        problem(answer, StatusCode::BAD_REQUEST, "invalid_input").await;
    }
    for _ in 1..32 {
        share(&server, &path, 60).await;
    }
    let many = post(&server, &shares, &json!({})).await;
    problem(many, StatusCode::CONFLICT, "conflict").await;
    let deleted = server.api.request(Method::DELETE, &path);
    let deleted = deleted.bearer_auth("ann").send().await.expect("an answer");
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    is_closed(&server, &shared).await;
    is_closed(&server, &format!("/api/shared?share={}", "x".repeat(5_000))).await;
}

/// The files of an archive, unpacked with Python's library, which checks them.
fn unpack(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, to) = (folder.path().join("a.zip"), folder.path().join("unpacked"));
    std::fs::write(&file, bytes).expect("written");
    let mut python = std::process::Command::new("python3");
    let python = python.args(["-m", "zipfile", "-e"]).arg(&file).arg(&to);
    let output = python.output().expect("python3");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let entries = std::fs::read_dir(&to).expect("there").flatten();
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, std::fs::read(entry.path()).expect("whole"))
    };
    entries.map(read).collect()
}

#[tokio::test]
async fn an_archive_has_the_pictures_their_sources_and_the_board() {
    let server = TestServer::with(Setup {
        pictures: FakePictures::of_names(),
        ..Setup::default()
    })
    .await;
    let operations = json!({"operations": [
        {"op": "add", "id": 3, "role": "subject", "weight": 0.25, "note": "left"},
        {"op": "add", "id": 1}, {"op": "add", "id": 2},
    ]});
    let filled = server
        .post("/api/boards/saved/items")
        .json(&operations)
        .send();
    body(filled.await.expect("an answer")).await;
    let gone = server.api.request(Method::DELETE, "/api/pictures/1").send();
    body(gone.await.expect("an answer")).await;

    let answer = server.get("/api/boards/saved/export").send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/zip");
    let disposition = &answer.headers()[header::CONTENT_DISPOSITION];
    let named = "attachment; filename=\"saved.zip\"; filename*=UTF-8''saved.zip";
    assert_eq!(disposition, named);
    let files = unpack(&answer.bytes().await.expect("whole"));
    let described: Value = serde_json::from_slice(&files["board.json"]).expect("JSON");
    let items = described["items"].as_array().expect("a list");
    assert_eq!(items.len(), 3);
    assert_eq!(
        (&items[0]["note"], &items[0]["weight"]),
        (&json!("left"), &json!(0.25))
    );
    assert!(items[1]["file"].is_null());
    let text = String::from_utf8(files["ATTRIBUTION.md"].clone()).expect("text");
    assert!(text.contains("Picture 1 is not in this archive"), "{text}");
    for item in [&items[0], &items[2]] {
        let name = item["file"].as_str().expect("a file");
        let id = item["id"].to_string();
        let shown = server.get(&format!("/api/image/{id}")).send().await;
        let shown = shown.expect("an answer").bytes().await.expect("whole");
        assert!(files[name] == shown, "{name} is the file of picture {id}");
        let line = format!("- `{name}`");
        assert!(
            text.contains(&line) && text.contains("https://example.org/1"),
            "{text}"
        );
    }
    assert_eq!(files.len(), 4);
}

#[tokio::test]
async fn an_archive_is_downloaded_with_a_ticket_by_its_owner_only() {
    let (server, path) = with_board().await;
    let archive = format!("{path}/export");
    let keyless = server.get(&archive).send().await.expect("an answer");
    problem(keyless, StatusCode::UNAUTHORIZED, "unauthorized").await;
    for (key, status) in [("ann", StatusCode::OK), ("bob", StatusCode::NOT_FOUND)] {
        let ticket = server.post("/api/tickets").bearer_auth(key).send().await;
        let ticket = body(ticket.expect("an answer")).await;
        let ticket = ticket["ticket"].as_str().expect("text");
        let answer = server.get(&format!("{archive}?ticket={ticket}")).send();
        assert_eq!(answer.await.expect("an answer").status(), status, "{key}");
    }
}

#[tokio::test]
async fn preferences_are_corrected_and_forgotten() {
    let server = TestServer::start().await;
    let save = json!({"user_id": "ann", "image_id": 4, "action": "save"});
    let saved = server.post("/api/feedback").json(&save).send().await;
    body(saved.expect("an answer")).await;
    let edit = |sent: Value| {
        let call = server.api.request(Method::PATCH, "/api/profile");
        call.json(&sent).send()
    };
    let change = json!({
        "user_id": "ann", "tags": {"Apple": 0.9, "line_art": null}, "styles": {"ink": 0.5}
    });
    let edited = body(edit(change).await.expect("an answer")).await;
    assert_eq!(edited["tags"], json!({"apple": 0.9}));
    assert_eq!(edited["styles"]["ink"], 0.5);
    assert_eq!(get(&server, "/api/profile?user_id=ann").await, edited);
    for (wrong, status, code) in [
        (
            json!({"user_id": "ann", "tags": {"a": 1.5}}),
            400,
            "invalid_input",
        ),
        (
            json!({"user_id": "ann", "tags": {" ": 0.5}}),
            400,
            "invalid_input",
        ),
        (
            json!({"user_id": " ", "tags": {"a": 0.5}}),
            400,
            "invalid_input",
        ),
        (json!({"user_id": "ann", "tgas": {}}), 422, "unsupported"),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        problem(edit(wrong).await.expect("an answer"), status, code).await;
    }
    let many: BTreeMap<String, f64> = (0..257).map(|tag| (format!("t{tag}"), 0.5)).collect();
    let answer = edit(json!({"user_id": "ann", "tags": many})).await;
    problem(
        answer.expect("an answer"),
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
    let reset = server
        .api
        .request(Method::DELETE, "/api/profile?user_id=ann");
    let reset = body(reset.send().await.expect("an answer")).await;
    assert_eq!((&reset["tags"], &reset["styles"]), (&json!({}), &json!({})));
}
