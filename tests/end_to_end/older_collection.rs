//! A collection that Clippy 0.2 filled on a Qdrant server: it is searched as it is, filled where
//! vectors are missing, and re-indexed for another model. What it stores stays the same, bit for
//! bit.

use std::collections::{BTreeMap, HashMap};

use clippy_fake_qdrant::{OlderPoint, fill_older_collection, make_older_collection};
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{ScrollPointsBuilder, vector_output, vectors_output};
use serde_json::{Map, Value, json};

use crate::harness::{Server, gallery, short_manifest};
use crate::qdrant::{Qdrant, ids, run_json, succeed};
use crate::reindex::{search_a_thousand_times_during_a_reindex, start_job, wait_for_job};

const PICTURES: usize = 300;

/// The vectors of each point of a collection, by name.
pub(crate) type Stored = BTreeMap<u64, HashMap<String, Vec<f32>>>;

/// Returns all that a collection on the server stores, read by the server's own client.
pub(crate) fn stored(
    qdrant: &Qdrant,
    collection: &str,
) -> (Stored, BTreeMap<u64, Map<String, Value>>) {
    let request = ScrollPointsBuilder::new(collection)
        .limit(10_000)
        .with_vectors(true)
        .with_payload(true)
        .build();
    let answer = qdrant
        .wait(async { qdrant.client().scroll(request).await })
        .expect("there");
    let (mut vectors, mut payloads) = (Stored::new(), BTreeMap::new());
    for point in answer.result {
        let Some(PointIdOptions::Num(id)) = point.id.and_then(|id| id.point_id_options) else {
            panic!("a number")
        };
        let Some(vectors_output::VectorsOptions::Vectors(named)) =
            point.vectors.and_then(|found| found.vectors_options)
        else {
            panic!("named vectors")
        };
        let dense = |vector: qdrant_client::qdrant::VectorOutput| match vector.into_vector() {
            vector_output::Vector::Dense(dense) => dense.data,
            other => panic!("not dense: {other:?}"),
        };
        vectors.insert(
            id,
            named
                .vectors
                .into_iter()
                .map(|(name, vector)| (name, dense(vector)))
                .collect(),
        );
        payloads.insert(
            id,
            point
                .payload
                .into_iter()
                .map(|(name, value)| (name, value.into_json()))
                .collect(),
        );
    }
    (vectors, payloads)
}

fn bits(of: &Stored, name: &str) -> BTreeMap<u64, Option<Vec<u32>>> {
    let bits = |vector: &Vec<f32>| vector.iter().map(|value| value.to_bits()).collect();
    of.iter()
        .map(|(id, vectors)| (*id, vectors.get(name).map(bits)))
        .collect()
}

/// Puts a collection on the server as Clippy 0.2 would have left it, with the bundled model's
/// vectors: no edges, paths relative to its working folder, null for unknown values, and no notes.
fn make_collection_of_0_2(qdrant: &Qdrant, folder: &std::path::Path, manifest: &str) {
    let mut elsewhere = qdrant.settings();
    elsewhere.push(("QDRANT_COLLECTION", "elsewhere".to_owned()));
    let root = gallery().display().to_string();
    run_json(
        folder,
        &elsewhere,
        &[
            "ingest",
            "--manifest",
            manifest,
            "--images-root",
            &root,
            "--json",
        ],
    );
    let (vectors, payloads) = stored(qdrant, "elsewhere");
    let dimension = vectors.values().next().expect("a point")["image"].len() as u64;
    let points = vectors.into_iter().map(|(id, mut vectors)| {
        vectors.remove("edge");
        vectors.remove("style");
        let made = &payloads[&id];
        let payload = json!({
            "id": id, "path": made["path"], "tags_all": made["tags_all"],
            "matched_tags": made["matched_tags"],
            "rating": made["rating"], "score": null, "md5": null, "source": null,
        });
        let Value::Object(payload) = payload else {
            panic!("no object")
        };
        OlderPoint {
            id,
            vectors,
            payload,
        }
    });
    let points = points.collect();
    let client = qdrant.client();
    qdrant.wait(async {
        make_older_collection(&client, "clippy", &["image", "text"], dimension)
            .await
            .expect("made");
        fill_older_collection(&client, "clippy", points)
            .await
            .expect("filled");
        client
            .delete_collection("elsewhere")
            .await
            .expect("dropped");
    });
}

#[test]
fn searching_filling_and_reindexing_a_collection_of_clippy_0_2_keeps_its_vectors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let qdrant = Qdrant::start();
    std::fs::create_dir_all(folder.path().join("data")).expect("made");
    let manifest = short_manifest(&folder.path().join("data"), PICTURES)
        .display()
        .to_string();
    make_collection_of_0_2(&qdrant, folder.path(), &manifest);
    let (original, payloads) = stored(&qdrant, "clippy");
    assert_eq!(original.len(), PICTURES);
    assert!(
        original
            .values()
            .all(|vectors| vectors.len() == 2 && !vectors.contains_key("edge"))
    );

    let mut settings = qdrant.settings();
    settings.push(("IMAGES_ROOT", gallery().display().to_string()));
    let given: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let found = run_json(
        folder.path(),
        &settings,
        &["search", "--text", "apple", "--top", "10", "--json"],
    );
    assert_eq!(ids(&found).len(), 10, "{found}");
    assert_eq!(
        stored(&qdrant, "clippy"),
        (original.clone(), payloads.clone()),
        "a search changes nothing"
    );

    let server = Server::start_with(folder.path(), "serve", &[], &given);
    let id = start_job(
        &server,
        "backfill",
        &json!({"manifest": "manifest.jsonl", "which": "edge"}),
    );
    assert_eq!(wait_for_job(&server, &id)["totals"]["embedded"], PICTURES);
    let (filled, noted) = stored(&qdrant, "clippy");
    assert!(
        filled.values().all(|vectors| vectors.len() == 3),
        "every picture has an edge vector"
    );
    for space in ["image", "text"] {
        assert_eq!(bits(&filled, space), bits(&original, space), "{space}");
    }
    assert_eq!(noted, payloads, "the payloads are unchanged");

    let result = search_a_thousand_times_during_a_reindex(&server);
    let new = result["live"].as_str().expect("a name").to_owned();
    let (rebuilt, _) = stored(&qdrant, &new);
    assert_eq!(
        rebuilt.keys().collect::<Vec<_>>(),
        original.keys().collect::<Vec<_>>()
    );
    assert!(
        rebuilt
            .values()
            .all(|vectors| vectors.len() == 4 && vectors.values().all(|vector| vector.len() == 24)),
        "the new model makes styles, too"
    );
    let (kept, _) = stored(&qdrant, "clippy");
    for space in ["image", "edge", "text"] {
        assert_eq!(
            bits(&kept, space),
            bits(&filled, space),
            "{space}: the old collection is unchanged"
        );
    }

    // The rollback returns to the very same vectors.
    let back = wait_for_job(
        &server,
        &start_job(&server, "reindex", &json!({"rollback": true})),
    );
    assert_eq!(
        (&back["live"], &back["previous"]),
        (&json!("clippy"), &json!(new)),
        "{back}"
    );
    let collection = server.api().get_json("/api/admin/collection");
    assert_eq!(collection["points"], PICTURES);
    assert!(server.stop().success());
    let again = run_json(
        folder.path(),
        &settings,
        &["search", "--text", "apple", "--top", "10", "--json"],
    );
    assert_eq!(
        (ids(&again), &again["collection"]),
        (ids(&found), &json!("clippy"))
    );
    let (kept, _) = stored(&qdrant, "clippy");
    assert_eq!(bits(&kept, "image"), bits(&original, "image"));
    assert!(succeed(folder.path(), &settings, &["reindex", "--drop-old"]).contains(&new));
}
