//! The routes that correct and delete pictures, over a gallery and a trash in memory.

use clippy_api::ApiOptions;
use clippy_core::changes::ChangeJob;
use clippy_core::gallery::words_of;
use clippy_core::ids::PointId;
use clippy_core::trash::{KeptFilter, Trash as _};
use clippy_jobs::Envelope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, json as body, secrets};

const BULK: &str = "/api/pictures/bulk";

async fn call(server: &TestServer, method: Method, path: &str, sent: &Value) -> (u16, Value) {
    let answer = server.api.request(method, path).json(sent).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

async fn dry_run(server: &TestServer, sent: &Value) -> Value {
    let mut sent = sent.clone();
    sent["dry_run"] = true.into();
    let answer = server.post(BULK).json(&sent).send().await;
    body(answer.expect("an answer")).await
}

#[tokio::test]
async fn a_picture_is_edited_deleted_and_found_in_the_trash() {
    let server = TestServer::start().await;
    let (before, path) = (server.gallery.point(2), "/api/pictures/2");
    let (status, shown) = call(&server, Method::GET, path, &json!({})).await;
    assert_eq!((status, &shown["state"]), (200, &json!("in_gallery")));
    assert_eq!(shown["payload"]["_clippy_hash"], Value::Null);

    let edit = json!({"add_tags": ["Sound asleep"], "remove_tags": ["CAT"], "rating": "g"});
    let (status, edited) = call(&server, Method::PATCH, path, &edit).await;
    assert_eq!(status, 200, "{edited}");
    let after = server.gallery.point(2);
    let tags: Vec<&str> = words_of(&after.payload, "tags_all").collect();
    assert_eq!(tags, ["line_art", "sound_asleep"]);
    assert_eq!(edited["payload"]["tags_all"], json!(tags));
    assert_eq!(edited["payload"]["rating"], "g");
    assert_ne!(after.vectors.text, before.vectors.text);
    assert_eq!(after.vectors.edge, before.vectors.edge);
    let (_, again) = call(&server, Method::PATCH, path, &edit).await;
    assert_eq!(again.get("change"), None, "nothing changed");

    let (status, deleted) = call(&server, Method::DELETE, path, &json!({})).await;
    assert_eq!((status, &deleted["state"]), (200, &json!("deleted")));
    let until = deleted["restorable_until"].as_u64().expect("a time");
    let month = 30 * 86_400;
    assert!(until > clippy_core::trash::now() + month - 60);
    let (status, repeated) = call(&server, Method::DELETE, path, &json!({})).await;
    assert_eq!((status, &repeated), (200, &deleted));
    let (_, shown) = call(&server, Method::GET, path, &json!({})).await;
    assert_eq!(shown, deleted);
    let stones = server.trash.tombstones(&[2.into()]).await.expect("read");
    assert_eq!(stones.len(), 1);

    let answer = server.get("/api/admin/changes").send().await;
    let journal = body(answer.expect("an answer")).await;
    let actions: Vec<&Value> = journal["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| &line["action"])
        .collect();
    assert_eq!(json!(actions), json!(["delete", "edit"]));
    assert_eq!(journal["next_cursor"], Value::Null);
}

#[tokio::test]
async fn changes_are_listed_in_pages() {
    let server = TestServer::start().await;
    for tag in ["a", "b", "c"] {
        let edit = json!({"add_tags": [tag]});
        let (status, _) = call(&server, Method::PATCH, "/api/pictures/2", &edit).await;
        assert_eq!(status, 200);
    }
    let (mut path, mut tags) = ("/api/admin/changes?limit=2".to_owned(), Vec::new());
    for more in [true, false] {
        let answer = server.get(&path).send().await.expect("an answer");
        let page = body(answer).await;
        for line in page["changes"].as_array().expect("a list") {
            tags.push(line["detail"]["edit"]["add_tags"][0].clone());
        }
        let cursor = page["next_cursor"].as_str();
        assert_eq!(cursor.is_some(), more, "{page}");
        path = format!("{path}&cursor={}", cursor.unwrap_or_default());
    }
    assert_eq!(json!(tags), json!(["c", "b", "a"]));
    let answer = server.get("/api/admin/changes?cursor=next").send().await;
    assert_eq!(answer.expect("an answer").status(), 400);
}

#[tokio::test]
async fn a_change_of_which_nothing_is_kept_cannot_be_undone() {
    let server = TestServer::start().await;
    for dry_run in [true, false] {
        let undo = json!({
            "action": "restore", "filter": {"change": "no such change"}, "dry_run": dry_run,
        });
        let (status, said) = call(&server, Method::POST, "/api/pictures/bulk", &undo).await;
        assert_eq!(status, 404, "{said}");
        let detail = said["detail"].as_str().expect("a reason");
        assert!(detail.contains("no such change"), "{detail}");
    }
}

#[tokio::test]
async fn edits_that_cannot_work_say_why_and_change_nothing() {
    let server = TestServer::start().await;
    let before = server.gallery.point(2);
    for (path, sent, expected) in [
        ("2", json!({}), 400),
        ("2", json!({"add_tags": [" "]}), 400),
        ("2", json!({"add_tags": ["_"]}), 400),
        (
            "2",
            json!({"add_tags": ["a"], "text_template": "a picture"}),
            400,
        ),
        ("2", json!({"tag": ["a"]}), 422),
        ("2", json!({"path": "/etc/passwd"}), 422),
        ("nine", json!({"add_tags": ["a"]}), 400),
        ("999", json!({"add_tags": ["a"]}), 404),
    ] {
        let path = format!("/api/pictures/{path}");
        let (status, said) = call(&server, Method::PATCH, &path, &sent).await;
        assert_eq!(status, expected, "{path} {sent}: {said}");
    }
    for method in [Method::GET, Method::DELETE] {
        let (status, _) = call(&server, method, "/api/pictures/999", &json!({})).await;
        assert_eq!(status, 404);
    }
    assert_eq!(server.gallery.point(2), before);
}

#[tokio::test]
async fn a_dry_run_counts_shows_samples_and_changes_nothing() {
    let server = TestServer::start().await;
    let before = server.gallery.points.lock().clone();
    let cats = json!({"action": "delete", "filter": {"tags": ["cat"]}});
    let found = dry_run(&server, &cats).await;
    assert_eq!(
        (&found["dry_run"], &found["count"]),
        (&json!(true), &json!(10))
    );
    assert_eq!(found["samples"].as_array().map(Vec::len), Some(10));
    assert_eq!(
        found["samples"][0],
        json!({"id": 2, "image_url": "/image/2"})
    );
    for (sent, count) in [
        (json!({"action": "hide", "filter": {"ids": [1, 2, 777]}}), 2),
        (
            json!({"action": "delete", "filter": {"rating": "questionable"}}),
            9,
        ),
        (
            json!({"action": "delete", "filter": {"source": "example.org", "tags": ["moon"]}}),
            10,
        ),
        (
            json!({"action": "delete", "filter": {"artist": "nobody"}}),
            0,
        ),
        (
            json!({"action": "delete", "filter": {"folder": "elsewhere"}}),
            0,
        ),
        (
            json!({"action": "add_tags", "tags": ["pet"], "filter": {"tags": ["cat"]}}),
            10,
        ),
        (
            json!({"action": "add_tags", "tags": ["line_art"], "filter": {"tags": ["moon"]}}),
            10,
        ),
        (
            json!({"action": "remove_tags", "tags": ["cat", "moon"]}),
            20,
        ),
        (
            json!({"action": "rename_tag", "from": "cat", "to": "kitten"}),
            10,
        ),
        (json!({"action": "restore", "filter": {"tags": ["cat"]}}), 0),
    ] {
        assert_eq!(dry_run(&server, &sent).await["count"], count, "{sent}");
    }
    assert!(*server.gallery.points.lock() == before);
    let kept = server.trash.list(&KeptFilter::default(), 0, 9).await;
    assert!(kept.expect("read").is_empty());
}

#[tokio::test]
async fn a_bulk_change_is_a_job_and_senseless_ones_are_refused() {
    let server = TestServer::start().await;
    for (sent, expected) in [
        (json!({"action": "delete"}), 400),
        (json!({"action": "delete", "filter": {}}), 400),
        (json!({"action": "delete", "filter": {"ids": []}}), 400),
        (json!({"action": "delete", "filter": {"folder": ""}}), 400),
        (json!({"action": "delete", "filter": {"folders": "a"}}), 422),
        (json!({"action": "delete", "filter": {"change": "a"}}), 400),
        (
            json!({"action": "add_tags", "filter": {"tags": ["cat"]}}),
            400,
        ),
        (json!({"action": "rename_tag", "from": "cat"}), 400),
        (
            json!({"action": "rename_tag", "from": "cat", "to": "cat"}),
            400,
        ),
        (json!({"action": "burn", "filter": {"tags": ["cat"]}}), 422),
    ] {
        let (status, said) = call(&server, Method::POST, BULK, &sent).await;
        assert_eq!(status, expected, "{sent}: {said}");
    }
    let sent = json!({"action": "delete", "filter": {"ids": [1, 2]}});
    let (status, job) = call(&server, Method::POST, BULK, &sent).await;
    assert_eq!((status, &job["kind"]), (202, &json!("backfill")), "{job}");
    let id = job["id"].as_str().expect("an id").parse().expect("an id");
    let stored = server.jobs.get(id).await.expect("there");
    let read = Envelope::<ChangeJob>::read(&stored.payload).expect("a change");
    let ids = read.request.change_pictures.filter.ids;
    assert_eq!(ids, Some(vec![PointId::from(1), PointId::from(2)]));
}

#[tokio::test]
async fn changes_need_an_admin_and_reading_a_key() {
    let keyed = TestServer::with(Setup {
        options: ApiOptions {
            api_keys: secrets(&["key"]),
            admin_keys: secrets(&["admin"]),
            ..ApiOptions::default()
        },
        ..Setup::default()
    })
    .await;
    let edit = json!({"add_tags": ["a"]});
    for (method, path, sent) in [
        (Method::PATCH, "/api/pictures/1", &edit),
        (Method::DELETE, "/api/pictures/1", &json!({})),
        (
            Method::POST,
            BULK,
            &json!({"action": "delete", "filter": {"ids": [1]}}),
        ),
        (Method::GET, "/api/admin/changes", &json!({})),
    ] {
        for (key, expected) in [
            ("key", StatusCode::FORBIDDEN),
            ("wrong", StatusCode::UNAUTHORIZED),
        ] {
            let request = keyed.api.request(method.clone(), path).bearer_auth(key);
            let answer = request.json(sent).send().await.expect("an answer");
            assert_eq!(answer.status(), expected, "{method} {path}");
        }
    }
    let one = || keyed.get("/api/pictures/1");
    let answer = one().send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = one().bearer_auth("key").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let request = keyed.api.request(Method::PATCH, "/api/pictures/1");
    let answer = request.bearer_auth("admin").json(&edit).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_bulk_change_with_parameters_in_its_address_changes_nothing() {
    let server = TestServer::start().await;
    let delete = json!({"action": "delete", "filter": {"tags": ["cat"]}});
    let asked = format!("{BULK}?dry_run=true");
    let (status, refused) = call(&server, Method::POST, &asked, &delete).await;
    assert_eq!(status, 400, "{refused}");
    let said = refused["detail"].as_str().expect("a reason");
    assert!(said.contains("\"dry_run\": true"), "{said}");
}
