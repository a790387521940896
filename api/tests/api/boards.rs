//! The routes of boards, over a store in memory.

use clippy_api::ApiOptions;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, json as body, problem, secrets};

async fn get(server: &TestServer, path: &str) -> Value {
    body(server.get(path).send().await.expect("an answer")).await
}

/// Makes a board, and returns it.
async fn create(server: &TestServer, sent: &Value) -> Value {
    let answer = server.post("/api/boards").json(sent).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let location = answer.headers()[header::LOCATION].to_str().expect("text");
    let location = location.to_owned();
    let board: Value = answer.json().await.expect("JSON");
    let id = board["id"].as_str().expect("an id");
    assert_eq!(location, format!("/api/boards/{id}"));
    board
}

fn path_of(board: &Value) -> String {
    format!("/api/boards/{}", board["id"].as_str().expect("an id"))
}

/// Changes pictures of a board, and returns it.
async fn change(server: &TestServer, path: &str, operations: Value) -> Value {
    let sent = json!({ "operations": operations });
    let answer = server.post(&format!("{path}/items")).json(&sent).send();
    body(answer.await.expect("an answer")).await
}

/// Expects that a change of pictures is refused.
async fn refused(
    server: &TestServer,
    path: &str,
    operations: Value,
    status: StatusCode,
    code: &str,
) -> String {
    let sent = json!({ "operations": operations });
    let answer = server.post(&format!("{path}/items")).json(&sent).send();
    let problem = problem(answer.await.expect("an answer"), status, code).await;
    problem["detail"].as_str().expect("text").to_owned()
}

fn ids(board: &Value) -> Vec<&Value> {
    let items = board["items"].as_array().expect("a list").iter();
    items.map(|item| &item["id"]).collect()
}

#[tokio::test]
async fn a_board_is_made_filled_ordered_renamed_copied_and_deleted() {
    let server = TestServer::start().await;
    let board = create(&server, &json!({"name": " Poster "})).await;
    assert_eq!(board["name"], "Poster");
    let path = path_of(&board);
    let filled = change(
        &server,
        &path,
        json!([
            {"op": "add", "id": 1, "role": "style", "weight": 0.9, "note": "the sky"},
            {"op": "add", "id": "2"},
            {"op": "add", "id": 3, "first": true, "role": "subject"},
            {"op": "add", "id": "00000000-0000-0000-0000-000000000007", "before": 2},
        ]),
    )
    .await;
    let uuid = json!("00000000-0000-0000-0000-000000000007");
    assert_eq!(ids(&filled), [&json!(3), &json!(1), &uuid, &json!(2)]);
    let moved = change(
        &server,
        &path,
        json!([
            {"op": "move", "id": 2, "before": 3},
            {"op": "change", "id": 1, "weight": 0.25, "note": ""},
            {"op": "remove", "id": 3},
        ]),
    )
    .await;
    assert_eq!(ids(&moved), [&json!(2), &json!(1), &uuid]);

    let read = get(&server, &path).await;
    assert_eq!(read["version"], moved["version"]);
    let item = &read["items"][1];
    assert_eq!(
        (&item["role"], &item["weight"], &item["note"]),
        (&json!("style"), &json!(0.25), &json!(""))
    );
    let payload = &item["payload"];
    assert_eq!(payload["image_url"], "/image/1");
    assert_eq!(payload["path"], "1.png");
    assert!(payload["tags_all"].is_null() && payload["_clippy_hash"].is_null());
    // What a search by this board sends.
    let search = json!({"like": ["2", uuid], "style_like": ["1"]});
    assert_eq!(read["search"], search);
    // The pictures of this server have no style vectors.
    let found = server.search(&json!({"like": search["like"]})).await;
    let status = found.status();
    assert_eq!(status, StatusCode::OK, "{}", body(found).await);
    let short = get(&server, &format!("{path}?payloads=false")).await;
    assert!(short["items"][1]["payload"].is_null());

    let renamed = server.api.request(Method::PATCH, &path);
    let renamed = renamed.json(&json!({"name": "Book"})).send().await;
    assert_eq!(body(renamed.expect("an answer")).await["name"], "Book");
    let copy = json!({"name": "Copy", "copy_of": board["id"]});
    let copy = create(&server, &copy).await;
    assert_eq!(ids(&copy), ids(&moved));
    assert_ne!(copy["id"], board["id"]);
    let list = get(&server, "/api/boards").await;
    let names: Vec<&Value> = list["boards"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|board| &board["name"])
        .collect();
    assert_eq!(names[0], "Saved");
    assert!(names.contains(&&json!("Book")) && names.contains(&&json!("Copy")));
    let cover = &list["boards"][1]["covers"][0];
    assert_eq!(
        cover,
        &json!({"id": 2, "picture": "2", "image_url": "/image/2"})
    );
    assert_eq!(list["boards"][1]["count"], 3);

    let deleted = server.api.request(Method::DELETE, &path).send().await;
    assert_eq!(deleted.expect("an answer").status(), StatusCode::NO_CONTENT);
    let gone = server.get(&path).send().await.expect("an answer");
    problem(gone, StatusCode::NOT_FOUND, "not_found").await;
}

#[tokio::test]
async fn hearts_go_to_saved_which_always_exists_and_stays() {
    let server = TestServer::start().await;
    let saved = "/api/boards/saved";
    assert_eq!(get(&server, saved).await["items"], json!([]));
    let heart = json!([{"op": "add", "id": 5, "first": true}]);
    let once = change(&server, saved, heart.clone()).await;
    let twice = change(&server, saved, heart).await;
    assert_eq!(ids(&twice), [&json!(5)]);
    assert_eq!(once["version"], twice["version"], "nothing changed");
    let out = json!([{"op": "remove", "id": 5}]);
    change(&server, saved, out.clone()).await;
    assert_eq!(ids(&change(&server, saved, out).await).len(), 0);
    for call in [
        server.api.request(Method::DELETE, saved),
        server
            .api
            .request(Method::PATCH, saved)
            .json(&json!({"name": "x"})),
    ] {
        let answer = call.send().await.expect("an answer");
        let told = problem(answer, StatusCode::CONFLICT, "conflict").await;
        assert!(told["detail"].as_str().expect("text").contains("Saved"));
    }
}

#[tokio::test]
async fn a_change_for_an_older_version_is_refused_and_two_tabs_lose_nothing() {
    let server = TestServer::start().await;
    let board = create(&server, &json!({"name": "shared by two tabs"})).await;
    let path = path_of(&board);
    let read = server.get(&path).send().await.expect("an answer");
    let etag = read.headers()[header::ETAG].clone();
    assert_eq!(etag, "\"1\"");
    let send = |operations: Value| {
        let call = server.post(&format!("{path}/items"));
        let call = call.json(&json!({ "operations": operations }));
        call.header(header::IF_MATCH, etag.clone()).send()
    };
    let first = send(json!([{"op": "add", "id": 1}])).await;
    assert_eq!(body(first.expect("an answer")).await["version"], 2);
    let second = send(json!([{"op": "add", "id": 2}])).await;
    let (stale, code) = (StatusCode::PRECONDITION_FAILED, "precondition_failed");
    let told = problem(second.expect("an answer"), stale, code).await;
    assert!(told["detail"].as_str().expect("text").contains("version 2"));
    for method in [Method::PATCH, Method::DELETE] {
        let call = server.api.request(method, &path);
        let call = call.json(&json!({"name": "x"}));
        let answer = call.header(header::IF_MATCH, etag.clone()).send().await;
        problem(answer.expect("an answer"), stale, code).await;
    }
    // Without the header, the changes of all tabs are made.
    let adding = (10..30).map(|id| {
        let server = &server;
        let path = &path;
        async move { change(server, path, json!([{"op": "add", "id": id}])).await }
    });
    futures::future::join_all(adding).await;
    assert_eq!(ids(&get(&server, &path).await).len(), 21);
}

#[tokio::test]
async fn wrong_changes_are_refused_whole_with_the_reason() {
    let server = TestServer::start().await;
    let board = create(&server, &json!({"name": "mine"})).await;
    let path = path_of(&board);
    change(&server, &path, json!([{"op": "add", "id": 1}])).await;
    let add = json!({"op": "add", "id": 2});
    for (wrong, status, code, said) in [
        (
            json!({"op": "add", "id": 999}),
            404,
            "not_found",
            "picture 999",
        ),
        (
            json!({"op": "move", "id": 3}),
            404,
            "not_found",
            "picture 3",
        ),
        (
            json!({"op": "change", "id": 3, "note": "x"}),
            404,
            "not_found",
            "another tab",
        ),
        (
            json!({"op": "add", "id": 4, "weight": 1.5}),
            400,
            "invalid_input",
            "weight",
        ),
        (
            json!({"op": "add", "id": 4, "note": "x".repeat(1001)}),
            400,
            "invalid_input",
            "note",
        ),
        (
            json!({"op": "add", "id": 4, "before": 1, "first": true}),
            400,
            "invalid_input",
            "first",
        ),
        (
            json!({"op": "remove", "id": 1, "note": "x"}),
            400,
            "invalid_input",
            "remove",
        ),
        (
            json!({"op": "change", "id": 1, "first": true}),
            400,
            "invalid_input",
            "move",
        ),
        (
            json!({"op": "add", "id": 4, "wieght": 1}),
            422,
            "unsupported",
            "wieght",
        ),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let told = refused(&server, &path, json!([add, wrong]), status, code).await;
        assert!(told.contains(said), "{told}");
    }
    let (unprocessable, code) = (StatusCode::UNPROCESSABLE_ENTITY, "invalid_input");
    let many = vec![add; 257];
    let told = refused(&server, &path, json!(many), unprocessable, code).await;
    assert!(told.contains("256"), "{told}");
    let bad = StatusCode::BAD_REQUEST;
    refused(&server, &path, json!([]), bad, code).await;
    assert_eq!(
        get(&server, &path).await["version"],
        2,
        "nothing was changed"
    );
    for name in ["", "  ", "a\nb", &"x".repeat(121)] {
        let answer = server.post("/api/boards").json(&json!({ "name": name }));
        problem(answer.send().await.expect("an answer"), bad, code).await;
    }
    let call = server.get(&path).header(header::IF_MATCH, "x");
    assert_eq!(
        call.send().await.expect("an answer").status(),
        StatusCode::OK
    );
    let call = server.post(&format!("{path}/items")).json(&json!({
        "operations": [{"op": "remove", "id": 1}]
    }));
    let answer = call.header(header::IF_MATCH, "3").send().await;
    problem(answer.expect("an answer"), bad, code).await;
    for unknown in [
        "/api/boards/7",
        "/api/boards/00000000-0000-0000-0000-000000000000",
    ] {
        let answer = server.get(unknown).send().await.expect("an answer");
        problem(answer, StatusCode::NOT_FOUND, "not_found").await;
    }
}

#[tokio::test]
async fn a_picture_that_is_deleted_stays_on_its_board_and_is_back_with_it() {
    let server = TestServer::start().await;
    let board = create(&server, &json!({"name": "mine"})).await;
    let path = path_of(&board);
    change(
        &server,
        &path,
        json!([{"op": "add", "id": 1, "note": "keep"}]),
    )
    .await;
    let deleted = server.api.request(Method::DELETE, "/api/pictures/1");
    body(deleted.send().await.expect("an answer")).await;
    let item = get(&server, &path).await["items"][0].clone();
    assert!(
        item["payload"].is_null() && item["note"] == "keep",
        "{item}"
    );
    let list = get(&server, "/api/boards").await;
    assert_eq!(
        list["boards"][1]["covers"],
        json!([{"id": 1, "picture": "1"}])
    );
}

#[tokio::test]
async fn each_key_has_its_own_boards() {
    let server = TestServer::with(Setup {
        options: ApiOptions {
            api_keys: secrets(&["ann", "bob"]),
            admin_keys: secrets(&["root"]),
            ..ApiOptions::default()
        },
        ..Setup::default()
    })
    .await;
    let post = server.post("/api/boards").json(&json!({"name": "Ann's"}));
    let made = post.bearer_auth("ann").send().await.expect("an answer");
    let board: Value = made.json().await.expect("JSON");
    let path = path_of(&board);
    for (key, sees) in [("ann", true), ("bob", false), ("root", false)] {
        let answer = server.get(&path).bearer_auth(key).send().await;
        let answer = answer.expect("an answer");
        if sees {
            assert_eq!(answer.status(), StatusCode::OK);
        } else {
            problem(answer, StatusCode::NOT_FOUND, "not_found").await;
        }
    }
}
