//! The history of generated pictures, over real workers with the local provider.

use clippy_core::history::History as _;
use clippy_history::HistoryKeeper;

use super::*;

async fn make(server: &Studio, request: &Value) -> String {
    let request = small(request);
    let job = expect_accepted(post(server, "/api/images/generate", &request).await).await;
    let id = job["id"].as_str().expect("an id").to_owned();
    let job = wait_for_job(server, &id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    id
}

async fn listed(server: &TestServer, query: &str) -> Vec<String> {
    let answer = body(get(server, &format!("/api/history{query}")).await).await;
    let entries = answer["entries"].as_array().expect("entries");
    let ids = entries.iter().map(|entry| entry["id"].as_str());
    ids.map(|id| id.expect("an id").to_owned()).collect()
}

fn edges() -> (String, String) {
    let picture = |make: &dyn Fn(u32) -> [u8; 3]| {
        let picture = RgbImage::from_fn(96, 96, |x, _| make(x).into());
        data_url(
            "image/png",
            &encode(&picture, Encoding::Png).expect("a picture"),
        )
    };
    let base = picture(&|x| [x as u8 * 2, 90, 77]);
    let mask = picture(&|x| if x < 48 { [255; 3] } else { [0; 3] });
    (base, mask)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_everything_that_its_pictures_were_made_from() {
    let server = studio(ApiOptions::default()).await;
    let (base, mask) = edges();
    let drawing = json!({"strokes": [1, 2, 3]}).to_string();
    let request = json!({
        "prompt": "a red apple", "negative_prompt": "worms", "count": 2, "sketch": sketch(),
        "sketch_weight": 0.5, "base": base, "mask": mask, "drawing": drawing, "seed": 7,
        "refs": [{"role": "style", "weight": 0.8, "id": 3},
                 {"role": "subject", "image_b64": STANDARD.encode(painting(200))}],
        "style_tags": ["pixel_art"], "query": {"text": "fruit", "w_img": 0.7},
        "provider": "local",
    });
    let id = make(&server, &request).await;
    let answer = body(get(&server, "/api/history").await).await;
    let entry = &answer["entries"][0];
    assert_eq!(entry["id"], id.as_str());
    assert_eq!(
        entry["words"], "a red apple",
        "the artist's words, not those that were sent"
    );
    assert_eq!(entry["searched_words"], "fruit");
    assert_eq!(entry["references"], json!(["3"]));
    assert_eq!(entry["styles"], json!(["pixel_art"]));
    assert_eq!(entry["chain"], json!({"id": id, "entries": 1}));
    assert_eq!(entry["pictures"].as_array().map(Vec::len), Some(2));
    assert_eq!(entry["pictures"][1]["seed"], 8);
    let usage = &answer["usage"];
    assert_eq!(
        (&usage["pictures"], &usage["keep_days"], &usage["styles"]),
        (
            &json!(2),
            &Value::Null,
            &json!([{"style": "pixel_art", "entries": 1}])
        )
    );
    let sizes = entry["pictures"].as_array().expect("pictures").iter();
    let bytes: u64 = sizes.filter_map(|one| one["size"].as_u64()).sum();
    assert_eq!(usage["picture_bytes"], bytes);

    let shown = body(get(&server, &format!("/api/history/{id}")).await).await;
    let settings = &shown["settings"];
    for (field, value) in [
        ("prompt", json!("a red apple")),
        ("negative_prompt", json!("worms")),
        ("count", json!(2)),
        ("sketch_weight", json!(0.5)),
        ("seed", json!(7)),
        ("style_tags", json!(["pixel_art"])),
        ("provider", json!("local")),
    ] {
        assert_eq!(settings[field], value, "{field}");
    }
    assert_eq!(settings["refs"][0]["id"], "3");
    assert_eq!(settings["refs"][0]["weight"], 0.8_f32);
    assert_eq!(
        (&shown["missing"], &shown["complete"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(shown["receipt"]["provider"], "local");
    for (path, sent, media_type) in [
        (&settings["sketch"], sketch(), "image/png"),
        (&settings["base"], edges().0, "image/png"),
        (&settings["mask"], edges().1, "image/png"),
        (
            &settings["refs"][1]["url"],
            data_url("image/png", &painting(200)),
            "image/png",
        ),
    ] {
        let answer = get(&server, path.as_str().expect("a path")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], media_type);
        let file = answer.bytes().await.expect("a file");
        assert_eq!(data_url("image/png", &file), sent);
    }
    let kept = get(&server, settings["drawing"].as_str().expect("a path")).await;
    assert_eq!(kept.headers()["content-type"], "application/json");
    assert_eq!(kept.text().await.expect("text"), drawing);
    let picture = entry["pictures"][1]["url"].as_str().expect("a path");
    let answer = get(&server, picture).await;
    let etag = answer.headers()["etag"].clone();
    let file = answer.bytes().await.expect("a file");
    assert_eq!(Lineage::read(&file).expect("in the file").index, 1);
    let again = server
        .get(picture)
        .header("if-none-match", etag)
        .send()
        .await;
    assert_eq!(again.expect("an answer").status(), StatusCode::NOT_MODIFIED);
    for missing in [
        "pictures/2",
        "pictures/x",
        "inputs/aa",
        "inputs/..%2f..%2fjobs.db",
    ] {
        let path = format!("/api/history/{id}/{missing}");
        problem(
            get(&server, &path).await,
            StatusCode::NOT_FOUND,
            "not_found",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_and_a_chain_of_edits_is_listed_once() {
    let server = studio(ApiOptions::default()).await;
    let apple = json!({"prompt": "a red apple", "refs": [{"role": "style", "id": 3}], "seed": 1});
    let apple = make(&server, &apple).await;
    let edit = json!({
        "prompt": "now in the fog", "refs": [{"role": "style", "id": 5}], "sketch": sketch(),
        "parent": {"id": apple, "index": 0}, "style_tags": ["pixel_art"],
    });
    let edit = make(&server, &edit).await;
    let boat = json!({"prompt": "a blue boat", "refs": [{"role": "subject", "id": 3}]});
    let boat = make(&server, &boat).await;

    assert_eq!(listed(&server, "").await, [&*boat, &*edit]);
    let chain = format!("?chain={apple}");
    assert_eq!(listed(&server, &chain).await, [&*edit, &*apple]);
    let entry = body(get(&server, &format!("/api/history/{edit}")).await).await;
    assert_eq!(entry["chain"], json!({"id": apple, "entries": 2}));
    assert_eq!(entry["parent"], json!({"id": apple, "index": 0}));
    for (query, expected) in [
        ("?q=Apple%20red", vec![&*apple]),
        ("?q=boat%20apple", vec![]),
        ("?q=%25", vec![]),
        ("?q=_", vec![]),
        ("?q=*%20-", vec![]),
        ("?q=boat%20-", vec![&*boat]),
        ("?q=%20", vec![&*boat, &*edit]),
        ("?from=9999-12-31", vec![]),
        ("?to=9999-12-31", vec![&*boat, &*edit]),
        ("?ref=3", vec![&*boat, &*apple]),
        ("?ref=5", vec![&*edit]),
        ("?style=pixel_art", vec![&*edit]),
        ("?to=2020-01-01", vec![]),
        ("?from=2020-01-01", vec![&*boat, &*edit]),
        ("?favourite=true", vec![]),
        ("?limit=1", vec![&*boat]),
    ] {
        assert_eq!(listed(&server, query).await, expected, "{query}");
    }
    let first = body(get(&server, "/api/history?limit=1").await).await;
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next = body(get(&server, &format!("/api/history?limit=1&cursor={cursor}")).await).await;
    assert_eq!(
        (&next["entries"][0]["id"], &next["usage"]),
        (&json!(edit), &Value::Null)
    );
    for wrong in [
        "limit=0",
        "limit=101",
        "ref=x",
        "from=soon",
        "cursor=1",
        "to=2026-13-01",
    ] {
        let answer = get(&server, &format!("/api/history?{wrong}")).await;
        problem(answer, StatusCode::BAD_REQUEST, "invalid_input").await;
    }

    // Without a seed, each run draws another one, which the entry has.
    let seed = async |id: &str| {
        let entry = body(get(&server, &format!("/api/history/{id}")).await).await;
        assert_eq!(entry["settings"]["seed"], Value::Null);
        entry["pictures"][0]["seed"].as_u64().expect("a seed")
    };
    assert_ne!(seed(&edit).await, seed(&boat).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn favourites_are_marked_and_deleted_entries_leave_no_files() {
    let server = studio(ApiOptions::default()).await;
    let shared = STANDARD.encode(painting(200));
    let request = |sketch: Option<String>| {
        let refs = json!([{"role": "style", "image_b64": shared}]);
        json!({"prompt": "a tree", "count": 2, "sketch": sketch, "refs": refs})
    };
    let one = make(&server, &request(Some(sketch()))).await;
    let two = make(&server, &request(None)).await;
    let path = format!("/api/history/{one}");
    let change = async |body: Value| {
        let call = server.client.patch(server.url(&path)).json(&body);
        call.send().await.expect("an answer")
    };
    let marked = body(change(json!({"favourite": true, "picture": 1})).await).await;
    assert_eq!(marked["pictures"][1]["favourite"], true);
    assert_eq!(marked["pictures"][0]["favourite"], false);
    assert_eq!(listed(&server, "?favourite=true").await, [&*one]);
    let unknown = change(json!({"favourite": true, "picture": 2})).await;
    problem(unknown, StatusCode::NOT_FOUND, "not_found").await;

    let outputs = server.generation.outputs.folder().to_owned();
    let pictures = |entry: &Value| -> Vec<String> {
        let pictures = entry["pictures"].as_array().expect("pictures").iter();
        let hashes = pictures.map(|one| one["sha256"].as_str().expect("a hash").to_owned());
        hashes.collect()
    };
    let hashes = pictures(&marked);
    let exists = |sha256: &str| {
        outputs
            .join(&sha256[..2])
            .join(format!("{sha256}.png"))
            .exists()
    };
    let delete = async |path: &str| {
        let call = server.client.delete(server.url(path)).send();
        call.await.expect("an answer").status()
    };
    assert_eq!(
        delete(&format!("{path}?picture=0")).await,
        StatusCode::NO_CONTENT
    );
    assert!(!exists(&hashes[0]) && exists(&hashes[1]));
    let rest = body(get(&server, &path).await).await;
    assert_eq!(pictures(&rest), hashes[1..]);
    assert_eq!(
        delete(&format!("{path}?picture=0")).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(delete(&path).await, StatusCode::NO_CONTENT);
    assert!(!exists(&hashes[1]));
    problem(
        get(&server, &path).await,
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
    let list = std::fs::read_to_string(outputs.join("lineage.jsonl")).expect("the list");
    assert!(!hashes.iter().any(|sha256| list.contains(sha256)), "{list}");

    // The sketch was sent just now: a request may be about to use it. The reference is needed by
    // the other entry.
    let inputs = || {
        let folder = server.data.path().join("inputs");
        let folders = std::fs::read_dir(folder).expect("a folder");
        let files = folders.map(|one| std::fs::read_dir(one.expect("one").path()));
        files
            .map(|files| files.expect("a folder").count())
            .sum::<usize>()
    };
    assert_eq!(inputs(), 2);
    let keeper = HistoryKeeper {
        history: Arc::clone(&server.history) as _,
        outputs: server.generation.outputs.clone(),
        intake: server.generation.intake.clone(),
        jobs: Arc::clone(&server.jobs) as _,
        gallery: Arc::clone(&server.gallery) as _,
        in_flight: Duration::ZERO,
    };
    assert_eq!(keeper.sweep().await.expect("swept"), 1);
    assert_eq!(inputs(), 1);
    assert_eq!(listed(&server, "").await, [&*two]);
    assert_eq!(
        delete(&format!("/api/history/{two}")).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(keeper.sweep().await.expect("swept"), 1);
    assert_eq!(inputs(), 0);
    let leftovers = server.history.leftovers(10).await.expect("listed");
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_outlives_its_jobs_and_belongs_to_their_owner() {
    let options = ApiOptions {
        api_keys: secrets(&["one", "two"]),
        admin_keys: secrets(&["root"]),
        ..ApiOptions::default()
    };
    let server = studio(options).await;
    let request = json!({"sketch": sketch(), "refs": [{"role": "style", "id": 3}]});
    let call = server.post("/api/images/generate").bearer_auth("one");
    let answer = call.json(&request).send().await.expect("an answer");
    let job = expect_accepted(answer).await;
    let id = job["id"].as_str().expect("an id").to_owned();
    let ask = async |path: &str, key: &str| {
        let call = server.get(path).bearer_auth(key).send();
        call.await.expect("an answer")
    };
    let path = format!("/api/history/{id}");
    wait_until("the entry", || async {
        ask(&path, "one").await.status() == StatusCode::OK
    })
    .await;
    let entry = body(ask(&path, "one").await).await;
    let picture = entry["pictures"][0]["url"].as_str().expect("a path");
    let sketch = entry["settings"]["sketch"].as_str().expect("a path");
    for path in [&*path, picture, sketch] {
        for (key, status) in [
            ("one", StatusCode::OK),
            ("root", StatusCode::OK),
            ("two", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(ask(path, key).await.status(), status, "{path} for {key}");
        }
    }
    // As an `<img>` asks for it.
    let shown = get(&server, &format!("{picture}?key=one")).await;
    assert_eq!(shown.status(), StatusCode::OK);
    for (key, entries) in [("one", 1), ("root", 1), ("two", 0)] {
        let answer = body(ask("/api/history", key).await).await;
        assert_eq!(answer["entries"].as_array().map(Vec::len), Some(entries));
        assert_eq!(answer["usage"]["entries"], entries, "{key}");
    }
    let foreign = server.client.delete(server.url(&path)).bearer_auth("two");
    let answer = foreign.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);

    // The same when the job is gone.
    let (gone, other) = (JobId::generate().to_string(), id.clone());
    let listed = server
        .history
        .get(&other)
        .await
        .expect("read")
        .expect("there");
    let mut moved = listed.entry;
    moved.id.clone_from(&gone);
    server.history.record(&moved).await.expect("recorded");
    let made = body(ask("/api/lineage?ref=3", "one").await).await;
    assert_eq!(made["images"].as_array().map(Vec::len), Some(1));
    let kept = ask(&format!("/api/history/{gone}/pictures/0"), "one").await;
    assert_eq!(kept.status(), StatusCode::OK);
}
