//! Settings from `.env` and the environment, read as 0.2 read them, and the messages of a start.

use std::fs;
use std::time::Duration;

use clippy_fake_qdrant::make_older_collection;
use serde_json::{Value, json};

use crate::harness::{Server, clippy, text, wait_for_blocking};
use crate::qdrant::{Qdrant, succeed};

/// Other unreadable lines are skipped. With such a line, the server would start without its keys.
#[test]
fn an_unreadable_line_with_keys_stops_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for lines in [
        &b"API_KEYS=\"hunter2\n"[..],
        b"API_KEYS hunter2\n",
        b"ADMIN_KEYS=hunter2\xe4\n",
        b"MODEL_NAME=\"RN50\nAPI_KEYS=\"hunter2\"\n",
    ] {
        fs::write(folder.path().join(".env"), lines).expect("a temporary folder");
        let output = crate::harness::run(folder.path(), &["serve", "--bind", "127.0.0.1:0"]);
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(
            printed.contains("line 1") && printed.contains("_KEYS"),
            "{printed}"
        );
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

/// One server tests all that `.env` may contain, since each start reads a model.
#[test]
fn a_file_of_settings_is_read_as_clippy_0_2_read_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(".env");
    let lines = "# Clippy\r\nAPI_KEYS=$upersecret, ab$cd-ef\r\nif [ hunter2 ]; then\r\n\
                 GEMINI_API_KEY=\"hunter2\r\nLOG_LEVEL = info # as ever\r\n\
                 GOOGLE_GENAI_USE_VERTEXAI=true\nGOOGLE_CLOUD_PROJECT='p'\nPROMPT_LOG_LEVEL=DEBUG\n";
    fs::write(&path, lines).expect("a temporary folder");
    let server = Server::start_with(
        folder.path(),
        "serve",
        &["--bind", "localhost:0"],
        &[("GOOGLE_APPLICATION_CREDENTIALS", "not-there.json")],
    );
    let api = server.api();
    let refused = api.get("/api/model").status();
    assert_eq!(refused, 401, "API_KEYS=$upersecret sets a key");
    for (key, expected) in [
        ("$upersecret", 200),
        ("ab$cd-ef", 200),
        ("ab-ef", 401),
        ("hunter2", 401),
    ] {
        let answer = api.clone().with_key(key).get("/api/model");
        assert_eq!(answer.status(), expected, "{key}");
    }
    let providers = api.with_key("$upersecret").get_json("/api/providers");
    assert_eq!(
        providers["default"], "gemini",
        "the configuration of Vertex AI is used: {providers}"
    );

    let log = wait_for_blocking("the log to name the file", Duration::from_secs(10), || {
        let log = server.log();
        log.contains("GENERATION_PROVIDER=local").then_some(log)
    });
    let shown = path
        .canonicalize()
        .expect("it is there")
        .display()
        .to_string();
    for part in [shown.as_str(), "line 3", "line 4 (GEMINI_API_KEY)"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(
        !log.contains("hunter2") && !log.contains("upersecret"),
        "{log}"
    );

    // Preferences can be imported while the server runs.
    let store = json!({"users": {"ann": {"tags": {"1girl": 0.135}, "styles": {},
    "edges": {"clicked": [{"image_id": 5, "ts": 1}], "saved": []}}}});
    fs::create_dir_all(folder.path().join("data")).expect("a temporary folder");
    fs::write(folder.path().join("data/kg_store.json"), store.to_string())
        .expect("a temporary folder");
    let imported = clippy(folder.path())
        .args(["import", "data", "--json"])
        .output()
        .expect("it starts");
    let counts: Value = serde_json::from_slice(&imported.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&imported.stderr)));
    assert_eq!(counts, json!({"artists": 1, "tags": 1, "styles": 0}));
    let again = clippy(folder.path())
        .args(["import", "data/kg_store.json", "--json"])
        .output()
        .expect("it starts");
    assert!(
        text(&again.stdout).contains("\"tags\":0"),
        "{}",
        text(&again.stdout)
    );
    let nothing = clippy(folder.path())
        .args(["import", "data/models"])
        .output()
        .expect("it starts");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        text(&nothing.stderr).contains("data/models"),
        "{}",
        text(&nothing.stderr)
    );
    assert!(server.stop().success());
}

#[test]
fn a_key_that_expands_to_nothing_stops_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (line, part) in [
        ("API_KEYS=${NOT_SET_ANYWHERE}", "line 2 (API_KEYS)"),
        ("API_KEYS=,", "API_KEYS"),
    ] {
        fs::write(folder.path().join(".env"), format!("# keys\n{line}\n"))
            .expect("a temporary folder");
        let output = clippy(folder.path())
            .args(["serve", "--bind", "127.0.0.1:0"])
            .output()
            .expect("it starts");
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {printed}");
        assert!(
            printed.contains(part) && printed.lines().count() == 1,
            "{line}: {printed}"
        );
    }
}

#[test]
fn the_nearest_file_is_used_and_the_environment_overrides_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (inner, between) = (folder.path().join("a/b"), folder.path().join("a"));
    fs::create_dir_all(&inner).expect("a temporary folder");
    fs::write(folder.path().join(".env"), "HNSW_EF=far\n").expect("a temporary folder");
    fs::write(between.join(".env"), "\u{feff}HNSW_EF=near\n").expect("a temporary folder");
    let printed = |settings: &[(&str, &str)]| {
        let mut command = clippy(folder.path());
        let output = command
            .current_dir(&inner)
            .args(["models", "list"])
            .envs(settings.iter().copied())
            .output();
        text(&output.expect("it starts").stderr)
    };
    assert!(printed(&[]).contains("near"), "{}", printed(&[]));
    assert!(
        printed(&[("HNSW_EF", "own")]).contains("own"),
        "{}",
        printed(&[("HNSW_EF", "own")])
    );
    assert_eq!(printed(&[("HNSW_EF", "64")]), "");
}

#[test]
fn an_unknown_log_level_does_not_silence_the_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (level, complaint) in [("verbose", true), ("CRITICAL", false), ("NOTSET", false)] {
        let output = clippy(folder.path())
            .args(["models", "list"])
            .envs([("LOG_LEVEL", level), ("IMAGES_ROOT", "not/there")])
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{level}");
        assert_eq!(
            text(&output.stderr).contains("LOG_LEVEL"),
            complaint,
            "{level}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn without_a_collection_of_the_default_name_that_of_clippy_0_2_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let qdrant = Qdrant::start();
    let client = qdrant.client();
    let older = "safebooru_union_clip";
    qdrant
        .wait(make_older_collection(
            &client,
            older,
            &["image", "text"],
            512,
        ))
        .expect("made");
    let plan = |settings: &[(&'static str, String)]| {
        succeed(folder.path(), settings, &["migrate", "--dry-run"])
    };
    let mut settings = qdrant.settings();
    let output = clippy(folder.path())
        .args(["doctor"])
        .envs(settings.iter().map(|(name, value)| (*name, value)))
        .output();
    assert!(
        text(&output.expect("it starts").stdout).contains("its vectors have 512 values"),
        "doctor uses it, too"
    );
    qdrant
        .wait(make_older_collection(
            &client,
            "clippy",
            &["image", "text"],
            224,
        ))
        .expect("made");
    let ours = plan(&settings);
    assert!(
        ours.contains("Collection clippy") && !ours.contains(older),
        "{ours}"
    );
    settings.push(("QDRANT_COLLECTION", "mine".to_owned()));
    assert!(
        plan(&settings).contains("Collection mine: does not exist yet"),
        "a configured name is used"
    );
}

#[test]
fn a_provider_that_is_configured_but_not_the_default_is_named_at_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = [("GEMINI_API_KEY", "hunter2")];
    let server = Server::start_with(folder.path(), "serve", &[], &settings);
    let log = wait_for_blocking("the message", Duration::from_secs(10), || {
        let log = server.log();
        let told = log.contains("gemini is configured") && log.contains("GENERATION_PROVIDER");
        told.then_some(log)
    });
    assert!(!log.contains("hunter2"), "{log}");
    assert!(server.stop().success());
}
