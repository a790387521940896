//! The map of the gallery, and searches within an area of it.

use clippy_core::ids::PointId;
use clippy_core::maps::{MapPlace, MapRequest, MapSpace, Maps as _, PictureMap};
use clippy_jobs::{Envelope, Lane};
use clippy_testing::problem;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{TestServer, json as body};

async fn map(server: &TestServer, query: &str) -> reqwest::Response {
    let answer = server.get(&format!("/api/map{query}")).send().await;
    answer.expect("an answer")
}

/// Stores a map with the gallery's pictures in a row, and one that was deleted since.
async fn with_map(server: &TestServer) -> Vec<PointId> {
    let mut ids: Vec<PointId> = server.gallery.points.lock().keys().copied().collect();
    let last = ids.pop().expect("pictures");
    let count = ids.len() as f32;
    let places = (0..).zip(&ids).map(|(index, id)| MapPlace {
        id: *id,
        x: index as f32 / count,
        y: 0.5,
        style: None,
    });
    let deleted = MapPlace {
        id: 987_654.into(),
        x: 0.1,
        y: 0.5,
        style: Some(1),
    };
    let map = PictureMap {
        space: MapSpace::Image,
        made: 1_790_000_000,
        places: places.chain([deleted]).collect(),
    };
    server.maps.replace(&map).await.expect("stored");
    assert!(!ids.contains(&last));
    ids
}

#[tokio::test]
async fn the_map_lists_the_pictures_that_exist() {
    let server = TestServer::start().await;
    problem(map(&server, "").await, StatusCode::NOT_FOUND, "not_found").await;
    let ids = with_map(&server).await;
    let shown = body(map(&server, "?space=image").await).await;
    assert_eq!(shown["ids"], json!(ids));
    assert_eq!(shown["count"], ids.len());
    assert_eq!(shown["unplaced"], 1);
    assert_eq!(shown["made"], 1_790_000_000);
    for list in ["x", "y", "group"] {
        assert_eq!(shown[list].as_array().expect(list).len(), ids.len());
    }
    problem(
        map(&server, "?space=style").await,
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
    let wrong = map(&server, "?space=edge").await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_job_makes_the_map() {
    let server = TestServer::start().await;
    let sent = json!({"space": "style"});
    let answer = server.post("/api/admin/map").json(&sent).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let job: Value = answer.json().await.expect("JSON");
    assert_eq!(job["kind"], "backfill");
    let id = job["id"].as_str().expect("an id").parse().expect("one");
    let job = server.jobs.get(id).await.expect("a job");
    assert_eq!(job.lane, Lane::Bulk, "it takes no place of those that plan");
    let envelope: Envelope<MapRequest> = Envelope::read(&job.payload).expect("a request");
    assert_eq!(envelope.request.make_map, MapSpace::Style);
    for wrong in [json!({"space": "edge"}), json!({"place": "image"})] {
        let answer = server.post("/api/admin/map").json(&wrong).send().await;
        let status = answer.expect("an answer").status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_search_is_limited_to_an_area_of_the_map() {
    let server = TestServer::start().await;
    let search = |area: &str| {
        let query = json!({"query_text": "a cat", "top": 200, "map_area": area});
        let server = &server;
        async move { server.search(&query).await }
    };
    let left = "0,0 0.5,0 0.5,1 0,1";
    problem(search(left).await, StatusCode::NOT_FOUND, "not_found").await;
    let ids = with_map(&server).await;
    let found = body(search(left).await).await;
    let found: Vec<&Value> = found["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|hit| &hit["id"])
        .collect();
    let inside: Vec<Value> = ids[..ids.len() / 2].iter().map(|id| json!(id)).collect();
    assert!(!found.is_empty());
    assert!(found.iter().all(|id| inside.contains(id)), "{found:?}");
    let none = body(search("0.9,0.9 1,0.9 1,1").await).await;
    assert_eq!(none["results"], json!([]));
    let everything = body(search(" ").await).await;
    assert!(everything["results"].as_array().expect("results").len() > found.len());
    let chosen_at = |made: u64| {
        let query = json!({"query_text": "a cat", "map_area": left, "map_made": made});
        let server = &server;
        async move { server.search(&query).await }
    };
    let made = body(map(&server, "").await).await["made"].as_u64();
    let made = made.expect("a time");
    assert_eq!(chosen_at(made).await.status(), StatusCode::OK);
    problem(chosen_at(made - 1).await, StatusCode::CONFLICT, "conflict").await;
    for wrong in ["0,0 1,1", "a", "0,0 0,inf 1,1"] {
        problem(
            search(wrong).await,
            StatusCode::BAD_REQUEST,
            "invalid_input",
        )
        .await;
    }
}
