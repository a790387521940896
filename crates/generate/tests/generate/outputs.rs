//! Generated pictures are stored under their hash, with their lineage in the file and in the list.

use std::collections::HashMap;
use std::sync::Arc;

use clippy_core::ErrorCode;
use clippy_drawings::Style;
use clippy_generate::{
    Fetcher, GenerateRequest, Lineage, LocalProvider, Outputs, Provider, QueryNote, ReferenceInput,
    ReferencePicture, Resolver, Role, admit,
};

use crate::support::{Gallery, context, drawn, picture, png, sent, styled};

#[tokio::test]
async fn a_picture_is_kept_with_its_lineage_and_found_by_its_reference() {
    let folder = tempfile::tempdir().expect("a folder");
    let known = ReferencePicture {
        bytes: png(&styled("dog", Style::CelShading)).into(),
        source_url: Some("https://posts.test/7".into()),
        licence: Some("CC-BY-4.0".into()),
    };
    let resolver = Resolver::new(
        Arc::new(Gallery(HashMap::from([(7.into(), known)]))),
        Arc::new(Fetcher::default()),
    );
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![ReferenceInput {
            role: "style".into(),
            weight: Some(0.6),
            id: Some(7.into()),
            ..ReferenceInput::default()
        }],
        seed: Some(5),
        query: Some(QueryNote {
            text: Some("cat".into()),
            w_img: Some(0.7),
            w_edge: Some(0.3),
            w_txt: None,
        }),
        ..GenerateRequest::default()
    };
    let receipt = admit(&LocalProvider, &request).expect("admitted");
    let generation = Arc::new(resolver.resolve(&request).await.expect("resolved"));
    let made = LocalProvider
        .generate(generation.clone(), receipt, &context().0)
        .await
        .expect("a picture");
    let lineage = Lineage::of(&generation, &made.meta, &made.images[0], 0, Some("job-1"));

    let outputs = Outputs::open(folder.path().join("outputs")).expect("a folder");
    let kept = outputs.keep(&made.images[0], &lineage).await.expect("kept");
    let file = outputs.read(&kept.sha256).await.expect("there");
    assert_eq!(
        clippy_generate::sha256_hex(&file),
        kept.sha256,
        "named by its content"
    );
    assert_eq!(
        picture(&file),
        picture(&made.images[0].bytes),
        "the pixels are unchanged"
    );
    let read = Lineage::read(&file).expect("in the file");
    assert_eq!(read, lineage);
    assert_eq!(
        (
            read.provider.as_str(),
            read.seed,
            read.sketch_sha256.is_some()
        ),
        ("local", Some(5), true)
    );
    assert_eq!(read.query.and_then(|query| query.w_img), Some(0.7));
    let reference = &read.references[0];
    assert_eq!(
        (reference.role, reference.weight, reference.origin.id),
        (Role::Style, 0.6, Some(7.into()))
    );
    assert_eq!(reference.origin.licence.as_deref(), Some("CC-BY-4.0"));

    assert_eq!(
        outputs.keep(&made.images[0], &lineage).await.expect("kept"),
        kept,
        "the same picture is kept once"
    );
    let other = outputs
        .keep(
            &made.images[0],
            &Lineage {
                job: Some("job-2".into()),
                ..lineage
            },
        )
        .await
        .expect("kept");
    // A truncated line and a missing file do not affect other outputs.
    let list = folder.path().join("outputs/lineage.jsonl");
    let text = std::fs::read_to_string(&list).expect("a list");
    std::fs::write(&list, format!("{text}{{\"sha256\": \"cut o")).expect("written");
    let reopened = Outputs::open(folder.path().join("outputs")).expect("a folder");
    let found: Vec<String> = reopened
        .made_from(7.into(), 0, 10)
        .await
        .expect("found")
        .outputs
        .into_iter()
        .map(|output| output.sha256)
        .collect();
    assert_eq!(
        found,
        [other.sha256.clone(), kept.sha256.clone()],
        "newest first"
    );
    assert!(
        reopened
            .made_from(8.into(), 0, 10)
            .await
            .expect("found")
            .outputs
            .is_empty()
    );
    let after = reopened
        .keep(
            &made.images[0],
            &Lineage {
                job: Some("job-3".into()),
                ..Lineage::read(&file).expect("in the file")
            },
        )
        .await
        .expect("kept");
    let found = reopened.made_from(7.into(), 0, 10).await.expect("found");
    assert_eq!(
        found.outputs.first().map(|output| &output.sha256),
        Some(&after.sha256),
        "a line after a truncated one is found"
    );
    std::fs::remove_file(reopened.path_of(&after)).expect("removed");
    std::fs::remove_file(reopened.path_of(&other)).expect("removed");
    assert_eq!(
        reopened
            .made_from(7.into(), 0, 10)
            .await
            .expect("found")
            .outputs
            .len(),
        1
    );
    let left: Vec<_> = std::fs::read_dir(reopened.path_of(&kept).parent().expect("a folder"))
        .expect("read")
        .collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
}

#[tokio::test]
async fn only_hashes_are_accepted_as_names() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret.png"), "secret").expect("written");
    let outputs = Outputs::open(folder.path().join("outputs")).expect("a folder");
    for name in [
        "",
        "../secret",
        "..",
        &"A".repeat(64),
        &format!("../{}", "a".repeat(61)),
        &"a".repeat(64),
        "é",
    ] {
        assert_eq!(
            outputs.read(name).await.expect_err(name).code,
            ErrorCode::NotFound,
            "{name}"
        );
    }
}
