//! The working folder of a user of Clippy 0.2.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

use clippy_fake_qdrant::{OlderPoint, fill_older_collection, make_older_collection};
use qdrant_client::qdrant::{ScrollPointsBuilder, vector_output, vectors_output};
use serde_json::{Value, json};

use crate::harness::{clippy, gallery, text};
use crate::qdrant::Qdrant;

/// The name that Clippy 0.2's README gives the collection, and the default of its settings.
pub(super) const COLLECTION: &str = "safebooru_union_clip";
/// The first post of the data set.
const FIRST: u64 = 5_000_001;

/// A working folder, with `data/safebooru` in it as the retrieval script leaves it.
pub(super) struct Project {
    folder: tempfile::TempDir,
    pictures: usize,
}

impl Project {
    /// Writes small drawings as WebP files, and their manifest.
    pub(super) fn new(pictures: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let all = folder.path().join("data/safebooru/ALL");
        std::fs::create_dir_all(&all).expect("made");
        let drawn = std::fs::read_to_string(gallery().join("manifest.jsonl"))
            .expect("written by the gallery");
        let mut manifest = String::new();
        for (index, line) in drawn.lines().take(pictures).enumerate() {
            let drawn: Value = serde_json::from_str(line).expect("a manifest line");
            let id = FIRST + index as u64;
            let picture =
                image::open(gallery().join(drawn["local_path"].as_str().expect("a path")))
                    .expect("a picture");
            let (width, height) = (picture.width(), picture.height());
            picture
                .to_rgb8()
                .save(all.join(format!("{id}.webp")))
                .expect("written");
            let mut tags: Vec<Value> = drawn["tags_all"].as_array().expect("a list").clone();
            tags.push(if index % 2 == 0 { "Haruhi" } else { "haruhi" }.into());
            // The fields of the retrieval script, in its order.
            let row = json!({
                "id": id,
                "local_path": format!("./data/safebooru/ALL/{id}.webp"),
                "tags_all": tags,
                "matched_tags": drawn["matched_tags"],
                "rating": "general",
                "score": null,
                "width": width,
                "height": height,
                "md5": null,
                "source_ext": null,
                "source_site": "safebooru.org",
                "source_post_url": format!("https://safebooru.org/index.php?page=post&s=view&id={id}"),
                "mirror_dataset": "deepghs/safebooru-webp-4Mpixel",
                "mirror_license": "other",
                "mirror_updated_at": "see dataset card",
            });
            manifest.push_str(&format!("{row}\n"));
        }
        std::fs::write(
            folder.path().join("data/safebooru/manifest.jsonl"),
            manifest,
        )
        .expect("written");
        Self { folder, pictures }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the `.env` of the README, for a machine without a GPU and the bundled model.
    /// `images_root` is relative to this folder, and absolute in the file; `unset` omits it.
    pub(super) fn write_env(&self, qdrant: &Qdrant, images_root: &str) {
        let settings: HashMap<&str, String> = qdrant.settings().into_iter().collect();
        let images_root = match images_root {
            "unset" => String::new(),
            folder => format!("IMAGES_ROOT={}\n", self.folder().join(folder).display()),
        };
        let text = format!(
            "# Qdrant\n\
             QDRANT_URL={}\n\
             QDRANT_API_KEY={}\n\
             QDRANT_COLLECTION={COLLECTION}\n\
             \n\
             # Embeddings\n\
             DEVICE=cpu            # or cuda\n\
             PRECISION=fp32\n\
             \n\
             # Ingestion\n\
             {images_root}\
             \n\
             # Image Gen\n\
             GOOGLE_GENAI_USE_VERTEXAI=true\n\
             GOOGLE_CLOUD_PROJECT=\n\
             GOOGLE_CLOUD_LOCATION=\n\
             GOOGLE_APPLICATION_CREDENTIALS= #json key for service account\n\
             PROMPT_LOG_LEVEL=DEBUG\n\
             GEMINI_VISION_MODEL=gemini-2.5-flash\n",
            settings["QDRANT_URL"], settings["QDRANT_API_KEY"]
        );
        std::fs::write(self.folder().join(".env"), text).expect("written");
    }

    /// Returns the binary, to run in this folder.
    pub(super) fn command(&self) -> Command {
        clippy(self.folder())
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().expect("it starts")
    }

    pub(super) fn run_json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
    }

    /// Puts the first pictures on the server as Clippy 0.2's scripts would have, with the bundled
    /// model's vectors: paths relative to their working folder, no edges, no index, and no notes.
    pub(super) fn leave_on(&self, qdrant: &Qdrant, pictures: usize) {
        let output = self
            .command()
            .args([
                "ingest",
                "--manifest",
                "data/safebooru/manifest.jsonl",
                "--json",
            ])
            .env("QDRANT_COLLECTION", "elsewhere")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let manifest = std::fs::read_to_string(self.folder().join("data/safebooru/manifest.jsonl"))
            .expect("written above");
        assert_eq!(manifest.lines().count(), self.pictures);
        let client = qdrant.client();
        let all = ScrollPointsBuilder::new("elsewhere")
            .limit(10_000)
            .with_vectors(true)
            .build();
        let stored = qdrant
            .wait(async { client.scroll(all).await })
            .expect("there")
            .result;
        let mut vectors: Vec<HashMap<String, Vec<f32>>> = stored
            .into_iter()
            .map(|point| {
                let Some(vectors_output::VectorsOptions::Vectors(named)) =
                    point.vectors.and_then(|found| found.vectors_options)
                else {
                    panic!("named vectors")
                };
                let dense = |vector: qdrant_client::qdrant::VectorOutput| match vector.into_vector()
                {
                    vector_output::Vector::Dense(dense) => dense.data,
                    other => panic!("not dense: {other:?}"),
                };
                named
                    .vectors
                    .into_iter()
                    .map(|(name, vector)| (name, dense(vector)))
                    .collect()
            })
            .collect();
        let dimension = vectors[0]["image"].len() as u64;
        let points =
            manifest
                .lines()
                .take(pictures)
                .zip(vectors.drain(..))
                .map(|(line, mut vectors)| {
                    vectors.remove("edge");
                    vectors.remove("style");
                    let row: Value = serde_json::from_str(line).expect("a manifest line");
                    let names = [
                        "id",
                        "tags_all",
                        "matched_tags",
                        "rating",
                        "score",
                        "width",
                        "height",
                        "md5",
                        "source_post_url",
                    ];
                    let mut payload: serde_json::Map<String, Value> = names
                        .iter()
                        .map(|name| ((*name).to_owned(), row[*name].clone()))
                        .collect();
                    payload.insert("path".to_owned(), row["local_path"].clone());
                    OlderPoint {
                        id: row["id"].as_u64().expect("a number"),
                        vectors,
                        payload,
                    }
                });
        let points = points.collect();
        qdrant.wait(async {
            make_older_collection(&client, COLLECTION, &["image", "edge", "text"], dimension)
                .await
                .expect("made");
            fill_older_collection(&client, COLLECTION, points)
                .await
                .expect("filled");
            client
                .delete_collection("elsewhere")
                .await
                .expect("dropped");
        });
    }
}
