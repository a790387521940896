//! What the hub refuses, and who gets the token.

use std::fs;
use std::time::{Duration, Instant};

use clippy_clip::ClipError;
use clippy_clip::hub::Hub;
use clippy_core::settings::{Address, HubSettings, Secret};

use super::server::{Answer, FakeHub, Refusal, header};
use super::{content, pull_entry, pull_repository, tree, warnings};

const WEIGHTS: &str = "open_clip_model.safetensors";
const TOKEN: &str = "hf_topsecret";
const SETTING: &str = "hf-hub:ann/drawings@v2";

async fn error_of(refusal: Refusal, token: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.refuses([refusal]);
    let client = match token {
        Some(token) => hub.client_with(token, folder.path()).await,
        None => hub.client(folder.path()).await,
    };
    let error = pull_repository(&client, SETTING).await.unwrap_err();
    assert!(matches!(error, ClipError::Download { .. }), "{error}");
    assert_eq!(hub.seen().len(), 1, "it is not tried again");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
    error.to_string()
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    const GATED: &str = "X-Error-Code: GatedRepo\r\n";
    const NO_REPOSITORY: &str = "X-Error-Code: RepoNotFound\r\n";
    const NO_REVISION: &str = "X-Error-Code: RevisionNotFound\r\n";
    const BAD_TOKEN: &str = "X-Error-Message: Invalid credentials in Authorization header\r\n";
    const BLOCKED: &str = "X-Error-Message: Blocked by policy of hf_topsecret\r\n";
    let licence = "https://huggingface.co/ann/drawings";
    for (refusal, token, parts) in [
        ((401, GATED), None, [licence, "HF_TOKEN"]),
        ((403, GATED), Some(TOKEN), [licence, "licence"]),
        ((403, ""), Some(TOKEN), ["403 Forbidden. ", "the token"]),
        ((403, ""), None, ["403 Forbidden. ", "HF_TOKEN"]),
        (
            (403, BLOCKED),
            Some(TOKEN),
            [
                "403 Forbidden (\"Blocked by policy of [hidden]\")",
                "a proxy or a firewall",
            ],
        ),
        (
            (401, BAD_TOKEN),
            Some(TOKEN),
            ["does not accept the token", "HF_TOKEN"],
        ),
        (
            (401, NO_REPOSITORY),
            None,
            ["no public repository ann/drawings", "HF_TOKEN"],
        ),
        (
            (401, ""),
            None,
            ["no public repository ann/drawings", "HF_TOKEN"],
        ),
        (
            (404, NO_REPOSITORY),
            Some(TOKEN),
            ["no repository ann/drawings", "token"],
        ),
        (
            (404, NO_REVISION),
            None,
            ["no branch, tag or commit `v2`", licence],
        ),
        ((400, ""), None, ["the server answered 400", WEIGHTS]),
    ] {
        let error = error_of(refusal, token).await;
        for part in parts {
            assert!(error.contains(part), "{refusal:?}: {error}");
        }
        // Only the hub itself knows that a repository is gated.
        let is_gated = refusal.1 == GATED;
        assert_eq!(error.contains("is gated"), is_gated, "{refusal:?}: {error}");
    }
}

#[tokio::test]
async fn a_repository_without_safetensors_says_which_files_are_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([("pytorch_model.bin", content())]).await;
    let client = hub.client(folder.path()).await;
    let error = pull_repository(&client, SETTING)
        .await
        .unwrap_err()
        .to_string();
    for part in [SETTING, WEIGHTS, "model.safetensors.index.json", "Pickled"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_hub_that_asks_to_wait_gets_its_pause() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.refuses([(429, "Retry-After: 2\r\n")]);
    let client = hub.client(folder.path()).await;
    let begun = Instant::now();
    pull_entry(&client, folder.path()).await.unwrap();
    // Without that header the first pause is half a second.
    assert!(begun.elapsed() >= Duration::from_secs(2));

    let folder = tempfile::tempdir().unwrap();
    hub.refuses([(429, "Retry-After: 4000\r\n")]);
    let client = hub.client(folder.path()).await;
    let before = hub.seen().len();
    let error = pull_entry(&client, folder.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("67 minutes") && error.contains("HF_TOKEN"),
        "{error}"
    );
    assert_eq!(hub.seen().len(), before + 1);
}

#[tokio::test]
async fn a_hub_that_fails_for_a_moment_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.refuses([(503, ""), (502, "")]);
    let client = hub.client(folder.path()).await;
    pull_entry(&client, folder.path()).await.unwrap();
}

#[tokio::test]
async fn the_token_goes_to_the_hub_and_not_to_the_storage() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.answers([Answer::BreakAfter(100), Answer::Complete]);
    let client = hub.client_with(TOKEN, folder.path()).await;
    pull_entry(&client, folder.path()).await.unwrap();
    let seen = hub.seen();
    assert_eq!(seen.iter().filter(|seen| seen.is_storage).count(), 2);
    for request in seen {
        let sent = header(&request.head, "authorization");
        if request.is_storage {
            assert_eq!(sent, None, "{}", request.head);
            assert!(!request.head.contains(TOKEN));
        } else {
            assert_eq!(sent.as_deref(), Some("bearer hf_topsecret"));
        }
    }
}

#[tokio::test]
async fn a_renamed_repository_is_followed_on_the_hub_itself() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.renames("laion/CLIP", "laion/OpenCLIP");
    let client = hub.client_with(TOKEN, folder.path()).await;
    let path = pull_entry(&client, folder.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    let seen = hub.seen().into_iter();
    let renamed: Vec<_> = seen
        .filter(|seen| !seen.is_storage && seen.head.contains("laion/openclip"))
        .collect();
    assert!(renamed.len() >= 2, "{renamed:?}");
    for request in renamed {
        assert!(header(&request.head, "authorization").is_some());
    }
}

#[tokio::test]
async fn the_token_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    let token_file = folder.path().join("token");
    fs::write(&token_file, "hf_of_file\n").unwrap();
    let settings = HubSettings {
        token_file,
        ..hub.settings(&folder.path().join("hub"))
    };
    let client = Hub::new(&settings).await.unwrap();
    pull_entry(&client, folder.path()).await.unwrap();
    let sent = header(&hub.seen()[0].head, "authorization");
    assert_eq!(sent.as_deref(), Some("bearer hf_of_file"));

    fs::write(&settings.token_file, "two\nlines").unwrap();
    // Offline no token is needed.
    let offline = HubSettings {
        offline: true,
        ..settings.clone()
    };
    Hub::new(&offline).await.unwrap();
    let error = Hub::new(&settings).await.err().unwrap().to_string();
    assert!(
        error.contains("HF_TOKEN") && !error.contains("lines"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_file_that_cannot_be_read_stops_only_what_needs_a_token() {
    warnings::record();
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    // A folder cannot be read as a file, whoever tries.
    let token_file = folder.path().join("token");
    fs::create_dir(&token_file).unwrap();
    let shown = token_file.display().to_string();
    let settings = HubSettings {
        token_file,
        ..hub.settings(&folder.path().join("hub"))
    };
    let offline = HubSettings {
        offline: true,
        ..settings.clone()
    };
    Hub::new(&offline).await.unwrap();
    assert!(warnings::with(&[shown.as_str()]).is_empty());

    let client = Hub::new(&settings).await.unwrap();
    assert_eq!(
        warnings::with(&[shown.as_str(), "No token is sent"]).len(),
        1
    );
    for status in [401, 403] {
        hub.refuses([(status, "X-Error-Code: GatedRepo\r\n")]);
        let error = pull_entry(&client, folder.path()).await.unwrap_err();
        let error = error.to_string();
        assert!(error.contains(&shown) && error.contains("gated"), "{error}");
    }
    hub.refuses([(400, "")]);
    let error = pull_entry(&client, folder.path()).await.unwrap_err();
    assert!(!error.to_string().contains(&shown), "{error}");
    pull_entry(&client, folder.path()).await.unwrap();
    for request in hub.seen() {
        assert_eq!(header(&request.head, "authorization"), None);
    }
}

#[tokio::test]
async fn a_login_in_the_address_is_sent_alone_and_never_shown() {
    warnings::record();
    for login in ["ann:hunter2", ":hunter2", "hunter2"] {
        let folder = tempfile::tempdir().unwrap();
        let hub = FakeHub::start([(WEIGHTS, content())]).await;
        let address = hub.url.replace("://", &format!("://{login}@"));
        let settings = HubSettings {
            endpoint: Address::new(address),
            token: Some(Secret::new(TOKEN.to_owned())),
            ..hub.settings(folder.path())
        };
        let client = Hub::new(&settings).await.unwrap();
        hub.refuses([(400, "")]);
        let error = pull_entry(&client, folder.path()).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("[hidden]@"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        for request in hub.seen() {
            let sent = request.head.lines();
            let sent: Vec<_> = sent
                .filter(|line| line.starts_with("authorization:"))
                .collect();
            assert_eq!(sent.len(), 1, "{login}: {sent:?}");
            assert!(sent[0].starts_with("authorization: basic "), "{sent:?}");
        }
    }
    assert!(!warnings::with(&["HF_TOKEN is not sent", "HF_ENDPOINT"]).is_empty());
    assert!(warnings::with(&["hunter2"]).is_empty());
}

#[tokio::test]
async fn offline_nothing_is_asked_and_the_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    let settings = HubSettings {
        offline: true,
        ..hub.settings(folder.path())
    };
    let client = Hub::new(&settings).await.unwrap();
    let error = pull_entry(&client, folder.path()).await.unwrap_err();
    assert!(matches!(error, ClipError::Offline { .. }), "{error}");
    let error = error.to_string();
    for part in [
        "HF_HUB_OFFLINE",
        "models--laion--CLIP-ViT-B-32",
        "hf-hub:laion/CLIP",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = pull_repository(&client, SETTING).await.unwrap_err();
    assert!(matches!(error, ClipError::Offline { .. }), "{error}");
    assert!(hub.seen().is_empty());
    assert_eq!(tree(folder.path()), [""; 0]);

    // What is there is enough.
    pull_entry(&hub.client(folder.path()).await, folder.path())
        .await
        .unwrap();
    let asked = hub.seen().len();
    let path = pull_entry(&client, folder.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(hub.seen().len(), asked);
}

#[tokio::test]
async fn a_server_that_is_no_hub_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.refuses([(200, "")]);
    let client = hub.client(folder.path()).await;
    let error = pull_entry(&client, folder.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no hub") && error.contains("HF_ENDPOINT"),
        "{error}"
    );
}
