//! Adds generated pictures to the gallery.
//!
//! Their payload has `origin: generated`, so that searches can leave them out. Their ids are made
//! from the hashes of their files, so that adding a picture again changes nothing.

use std::sync::Arc;

use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::embedding::EmbedInput;
use clippy_core::gallery::{
    ADDED_FIELD, GENERATED, HASH_FIELD, HEIGHT_FIELD, ID_FIELD, MD5_FIELD, ORIGIN_FIELD,
    PATH_FIELD, Payload, Point, STYLE_TAGS_FIELD, Space, TAGS_FIELD, WIDTH_FIELD, With, added_now,
};
use clippy_core::ids::PointId;
use clippy_core::live::Live;
use clippy_core::search::lexical::LexicalQuery;
use clippy_core::sentences::{self, sentence};
use clippy_core::{Error, ErrorCode, Result, blocking, styles};
use clippy_generate::{Output, Outputs, gallery_id};
use clippy_imaging::DecodeLimits;
use serde_json::{Value, json};

use crate::ingest::embed::EmbedRequests;
use crate::ingest::mark::{Mark, md5_hex};
use crate::ingest::picture::{PreparedPicture, prepare};
use crate::style_groups::CurrentGroups;

/// Adds a stored output to the collection, and returns its id there.
///
/// # Errors
/// The errors of the model and the collection, and [`ErrorCode::InvalidPicture`] when the file
/// cannot be embedded.
pub(super) async fn add(live: &Live, outputs: &Outputs, output: &Output) -> Result<PointId> {
    let id = gallery_id(&output.sha256)?;
    let file = outputs.read(&output.sha256).await?;
    let model = Arc::clone(live.embedder.info());
    let prepared = blocking("reading a generated picture", move || {
        let mark = Mark::new(&file, None, &model.fingerprint);
        prepare(&file, mark, &model.transform, &DecodeLimits::bulk())
            .map_err(|failure| unusable(failure.reason))
    })
    .await?;
    let PreparedPicture {
        mut mark,
        width,
        height,
        hash,
        image,
        edge,
    } = prepared;
    let tags = tags_of(output);
    let text = sentence(
        &tags.iter().map(String::as_str).collect::<Vec<_>>(),
        TEXT_TEMPLATE,
        sentences::record_form(&*live.gallery).await?,
    );
    mark.text = text.as_ref().map(|text| md5_hex(text.as_bytes()));
    let mut requests = EmbedRequests::default();
    let styles = styles::settle(&*live.gallery, live.embedder.info()).await?;
    requests.push_picture(0, image, edge, &styles);
    if let Some(text) = text {
        requests.push(0, Space::Text, EmbedInput::Text(text));
    }
    let made = requests.embed(&*live.embedder, 1).await?.pop();
    let vectors = made
        .ok_or_else(|| unusable("the model returned nothing"))?
        .map_err(|failure| unusable(failure.reason))?;

    let root = std::path::absolute(outputs.folder()).map_err(|error| {
        Error::internal("the folder of generated pictures has no absolute path").with_source(error)
    })?;
    live.gallery.add_root(&root.to_string_lossy()).await?;
    let mut payload = fields(output, id, &tags, &mark);
    payload.extend([
        (WIDTH_FIELD.to_owned(), width.into()),
        (HEIGHT_FIELD.to_owned(), height.into()),
    ]);
    let stored = live.gallery.retrieve(&[id], With::PAYLOAD).await?.pop();
    let added = stored.map_or_else(
        || Some(added_now()),
        |mut stored| stored.payload.remove(ADDED_FIELD),
    );
    payload.extend(added.map(|added| (ADDED_FIELD.to_owned(), added)));
    payload.insert(HASH_FIELD.to_owned(), format!("{hash:016x}").into());
    payload.extend(mark.to_payload());
    let groups = CurrentGroups::read(&*live.gallery, live.embedder.info()).await?;
    groups.add_to(&mut payload, &vectors);
    live.gallery
        .upsert(vec![Point {
            id,
            vectors,
            payload,
        }])
        .await?;
    Ok(id)
}

/// Returns the tags of a generated picture: the words of the search and of the prompt, then the
/// style tags.
fn tags_of(output: &Output) -> Vec<String> {
    let lineage = &output.lineage;
    let searched = lineage
        .query
        .as_ref()
        .and_then(|query| query.text.as_deref())
        .unwrap_or_default();
    let mut tags: Vec<String> = Vec::new();
    let words = [searched, &lineage.prompt].map(LexicalQuery::new);
    for tag in words
        .iter()
        .flat_map(LexicalQuery::subjects)
        .chain(lineage.style_tags.iter().map(String::as_str))
    {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// Returns the payload: fields with the names that manifests use, and the picture's lineage.
fn fields(output: &Output, id: PointId, tags: &[String], mark: &Mark) -> Payload {
    let lineage = &output.lineage;
    // A picture may be the reference for the style and for the subject.
    let mut references: Vec<PointId> = Vec::new();
    for id in lineage.references.iter().filter_map(|used| used.origin.id) {
        if !references.contains(&id) {
            references.push(id);
        }
    }
    let fields = json!({
        ID_FIELD: id,
        // Relative to the folder of generated pictures, which is one of the collection's roots.
        PATH_FIELD: output.path,
        ORIGIN_FIELD: GENERATED,
        TAGS_FIELD: tags,
        STYLE_TAGS_FIELD: lineage.style_tags,
        MD5_FIELD: mark.md5,
        "sha256": output.sha256,
        "source_site": "clippy",
        "prompt": lineage.prompt,
        "provider": lineage.provider,
        "model": lineage.model,
        "seed": lineage.seed,
        "job": lineage.job,
        "references": references,
    });
    let Value::Object(mut fields) = fields else {
        return Payload::new();
    };
    fields.retain(|_, value| !value.is_null());
    fields
}

fn unusable(reason: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::InvalidPicture,
        format!("a generated picture cannot be added to the gallery: {reason}"),
    )
}
