//! The gallery without a search: pages, filters and counts.

use clippy_core::gallery::{ADDED_FIELD, GalleryWriter, Payload};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, json as body, problem, secrets};

/// Gives each of these pictures the time at which it was added.
async fn added(server: &TestServer, times: &[(u64, u64)]) {
    for (id, time) in times {
        let fields = Payload::from_iter([(ADDED_FIELD.to_owned(), Value::from(*time))]);
        let set = server.gallery.set_payload((*id).into(), fields).await;
        set.expect("stored");
    }
}

async fn get(server: &TestServer, path: &str) -> Value {
    body(server.get(path).send().await.expect("an answer")).await
}

fn ids(page: &Value) -> Vec<Value> {
    let pictures = page["pictures"].as_array().expect("a list");
    pictures
        .iter()
        .map(|picture| picture["id"].clone())
        .collect()
}

/// The values and counts of a list.
fn counts(list: &Value) -> Vec<(&str, u64)> {
    let values = list.as_array().expect("a list").iter();
    let pair = |value: &Value| value["count"].as_u64().expect("a number");
    values
        .map(|value| (value["value"].as_str().expect("a name"), pair(value)))
        .collect()
}

#[tokio::test]
async fn the_newest_pictures_come_first_then_those_without_a_time() {
    let server = TestServer::start().await;
    added(&server, &[(3, 2_000), (11, 3_000), (4, 1_000)]).await;
    let page = get(&server, "/api/gallery?limit=6").await;
    assert_eq!(page["total"], 41);
    let uuid = "00000000-0000-0000-0000-000000000007";
    let expected = [
        json!(11),
        json!(3),
        json!(4),
        json!(uuid),
        json!(39),
        json!(38),
    ];
    assert_eq!(ids(&page), expected);
    let first = &page["pictures"][0];
    assert_eq!(first["added_at"], "1970-01-01T00:00:03.000Z");
    assert_eq!(first["payload"]["path"], "11.png");
    assert!(first["payload"].get(ADDED_FIELD).is_none(), "{first}");
    assert!(page["pictures"][3].get("added_at").is_none());

    let by_id = get(&server, "/api/gallery?order=id&limit=3").await;
    assert_eq!(ids(&by_id), [json!(0), json!(1), json!(2)]);
}

#[tokio::test]
async fn a_deleted_picture_leaves_the_list_at_once() {
    let server = TestServer::start().await;
    let before = get(&server, "/api/gallery?limit=200").await;
    let id = ids(&before)[0].clone();
    let path = format!(
        "/api/pictures/{}",
        id.as_str().map_or(id.to_string(), str::to_owned)
    );
    let deleted = server.api.request(Method::DELETE, &path).send().await;
    assert_eq!(deleted.expect("an answer").status(), StatusCode::OK);
    let after = get(&server, "/api/gallery?limit=200").await;
    assert_eq!(after["total"], 40);
    assert!(!ids(&after).contains(&id));
}

#[tokio::test]
async fn pages_follow_each_other_and_any_place_can_be_jumped_to() {
    let server = TestServer::start().await;
    let all = get(&server, "/api/gallery?limit=200").await;
    assert_eq!(all["next_cursor"], Value::Null);
    let all = ids(&all);
    assert_eq!(all.len(), 41);
    let (mut walked, mut path) = (Vec::new(), "/api/gallery?limit=7".to_owned());
    loop {
        let page = get(&server, &path).await;
        assert_eq!(page["at"], walked.len());
        walked.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/gallery?limit=7&cursor={cursor}");
    }
    assert_eq!(walked, all);
    for (at, expected) in [
        (0, &all[..5]),
        (20, &all[20..25]),
        (39, &all[39..]),
        (99, &[]),
    ] {
        let page = get(&server, &format!("/api/gallery?limit=5&at={at}")).await;
        assert_eq!(
            (ids(&page), &page["total"]),
            (expected.to_vec(), &json!(41))
        );
    }
}

#[tokio::test]
async fn a_page_continues_after_the_last_one_though_pictures_were_deleted() {
    let server = TestServer::start().await;
    let first = get(&server, "/api/gallery?order=id&limit=5").await;
    server.gallery.remove(2);
    server.gallery.remove(6);
    // With another filter that selects the same pictures, the list is read again.
    let cursor = first["next_cursor"].as_str().expect("more");
    let path = format!("/api/gallery?order=id&limit=3&exclude_tags=fox&cursor={cursor}");
    let next = get(&server, &path).await;
    assert_eq!(ids(&next), [json!(5), json!(7), json!(8)]);
    assert_eq!((&next["at"], &next["total"]), (&json!(4), &json!(39)));
}

#[tokio::test]
async fn any_of_the_styles_and_all_of_the_tags_are_needed() {
    let server = TestServer::start().await;
    // Even numbers are line art; a number's rest by four is its subject.
    for (query, expected) in [
        ("styles=line_art,pixel_art", 41),
        ("styles=line_art", 21),
        ("styles=LINE_ART&tags=apple", 11),
        ("styles=line_art,pixel_art&tags=apple", 11),
        ("styles=line_art&tags=house", 0),
        ("tags=apple,line_art", 11),
        ("tags=apple,house", 0),
        ("tags=apple,house&tag_mode=any", 21),
        ("styles=pixel_art&tags=apple,house&tag_mode=any", 10),
        ("exclude_tags=apple", 30),
        ("rating=questionable&styles=line_art", 5),
        ("origin=generated", 0),
    ] {
        let page = get(&server, &format!("/api/gallery?limit=200&{query}")).await;
        assert_eq!(page["total"], expected, "{query}");
        assert_eq!(ids(&page).len() as u64, expected, "{query}");
        let counted = get(&server, &format!("/api/gallery/counts?{query}")).await;
        assert_eq!(counted["total"], expected, "{query}");
    }
}

#[tokio::test]
async fn counts_tell_what_a_further_choice_would_show() {
    let server = TestServer::start().await;
    let all = get(&server, "/api/gallery/counts").await;
    assert_eq!(
        counts(&all["styles"]),
        [("line_art", 21), ("pixel_art", 20)]
    );
    let tags = [("apple", 11), ("cat", 10), ("house", 10), ("moon", 10)];
    assert_eq!(counts(&all["tags"]), tags);
    assert_eq!(counts(&all["chosen_tags"]), []);
    assert_eq!(all["style_groups"], json!([]), "none were found yet");

    let path = "/api/gallery/counts?styles=line_art&tags=apple";
    let chosen = get(&server, path).await;
    assert_eq!(chosen["total"], 11);
    // A second style would add nothing: apples are line art here.
    assert_eq!(counts(&chosen["styles"]), [("line_art", 11)]);
    assert_eq!(counts(&chosen["tags"]), []);
    assert_eq!(counts(&chosen["chosen_tags"]), [("apple", 11)]);
    let two = get(&server, "/api/gallery/counts?tags=apple,house").await;
    assert_eq!(two["total"], 0);
    let each = [("apple", 11), ("house", 10)];
    assert_eq!(counts(&two["chosen_tags"]), each);
}

#[tokio::test]
async fn a_search_takes_any_of_the_styles_and_the_tags() {
    let server = TestServer::start().await;
    for (fields, expected) in [
        (
            json!({"style_tags": ["line_art", "pixel_art"], "tag_filters": ["apple"]}),
            11,
        ),
        (
            json!({"style_tags": "line_art", "tag_filters": "apple,house"}),
            11,
        ),
        (
            json!({"style_tags": "pixel_art", "tag_filters": "apple"}),
            0,
        ),
    ] {
        let mut query = json!({"query_text": "moon", "top": 200, "collapse": false});
        query
            .as_object_mut()
            .expect("fields")
            .extend(fields.as_object().expect("fields").clone());
        let answer = server.post("/api/search/hybrid").json(&query).send().await;
        let found = body(answer.expect("an answer")).await;
        let results = found["results"].as_array().expect("a list").len();
        assert_eq!(results, expected, "{fields}");
    }
}

#[tokio::test]
async fn bad_requests_say_why() {
    let server = TestServer::start().await;
    let many = vec!["a"; 33].join(",");
    for (query, status, part) in [
        ("limit=0".to_owned(), 400, "1..200"),
        ("limit=201".to_owned(), 400, "1..200"),
        ("cursor=7".to_owned(), 400, "next_cursor"),
        ("cursor=99999999.7".to_owned(), 400, "next_cursor"),
        ("cursor=1.7&at=3".to_owned(), 400, "not both"),
        (format!("tags={many}"), 400, "33 names"),
        (format!("styles={}", "a".repeat(5_000)), 400, "4000 bytes"),
        ("order=best".to_owned(), 400, "newest"),
        ("style_groups=1".to_owned(), 422, "not known yet"),
    ] {
        let answer = server.get(&format!("/api/gallery?{query}")).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{query}");
        let said: Value = answer.json().await.expect("a problem");
        let detail = said["detail"].as_str().expect("a reason");
        assert!(detail.contains(part), "{query}: {detail}");
    }
}

#[tokio::test]
async fn the_gallery_needs_a_key_if_one_is_set() {
    let mut setup = Setup::default();
    setup.options.api_keys = secrets(&["k"]);
    let server = TestServer::with(setup).await;
    for path in ["/api/gallery", "/api/gallery/counts"] {
        let answer = server.get(path).send().await.expect("an answer");
        problem(answer, StatusCode::UNAUTHORIZED, "unauthorized").await;
        let answer = server.get(path).bearer_auth("k").send().await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    }
}
