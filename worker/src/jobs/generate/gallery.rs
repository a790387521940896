//! Made pictures as pictures of the gallery.
//!
//! They carry `origin: generated`, by which searches leave them out unless they are asked for.
//! Their ids come of their files' hashes, so that adding a picture again changes nothing.

use std::sync::Arc;

use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::embedding::EmbedInput;
use clippy_core::gallery::{GENERATED, ORIGIN_FIELD, Payload, Point, Space};
use clippy_core::ids::PointId;
use clippy_core::live::Live;
use clippy_core::search::lexical::LexicalQuery;
use clippy_core::sentences::{self, sentence};
use clippy_core::{Error, ErrorCode, Result, blocking, styles};
use clippy_generate::{Output, Outputs};
use clippy_imaging::DecodeLimits;
use serde_json::{Value, json};

use crate::ingest::embed::Order;
use crate::ingest::mark::{Mark, md5_hex};
use crate::ingest::picture::{PreparedPicture, prepare};

/// Puts a kept picture into the collection, and gives its id there.
///
/// # Errors
/// What the model and the collection report, and [`ErrorCode::InvalidPicture`] when the file cannot
/// be embedded.
pub(super) async fn add(live: &Live, outputs: &Outputs, output: &Output) -> Result<PointId> {
    let id = id_of(output)?;
    let file = outputs.read(&output.sha256).await?;
    let model = Arc::clone(live.embedder.info());
    let prepared = blocking("reading a made picture", move || {
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
    let mut order = Order::default();
    let styles = styles::settle(&*live.gallery, live.embedder.info()).await?;
    order.push_picture(0, image, edge, styles);
    if let Some(text) = text {
        order.push(0, Space::Text, EmbedInput::Text(text));
    }
    let made = order.make(&*live.embedder, 1).await?.pop();
    let vectors = made
        .ok_or_else(|| unusable("the model answered nothing"))?
        .map_err(|failure| unusable(failure.reason))?;

    let root = std::path::absolute(outputs.folder()).map_err(|error| {
        Error::internal("the folder of made pictures has no full name").with_source(error)
    })?;
    live.gallery.add_root(&root.to_string_lossy()).await?;
    let mut payload = fields(output, id, &tags, &mark);
    payload.extend([
        ("width".to_owned(), width.into()),
        ("height".to_owned(), height.into()),
    ]);
    payload.insert("phash".to_owned(), format!("{hash:016x}").into());
    payload.extend(mark.to_payload());
    live.gallery
        .upsert(vec![Point {
            id,
            vectors,
            payload,
        }])
        .await?;
    Ok(id)
}

/// The beginning of the file's hash, as a UUID of the kind that is one's own (version 8).
fn id_of(output: &Output) -> Result<PointId> {
    let hash = output
        .sha256
        .get(..32)
        .and_then(|hash| u128::from_str_radix(hash, 16).ok());
    let hash =
        hash.ok_or_else(|| Error::internal(format!("{} is no hash of a picture", output.sha256)))?;
    Ok(PointId::Uuid(
        uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid(),
    ))
}

/// What the artist asked for: the words of the prompt and of the search, then the style tags.
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

/// The payload, with the names that manifests use, and where the picture came from.
fn fields(output: &Output, id: PointId, tags: &[String], mark: &Mark) -> Payload {
    let lineage = &output.lineage;
    let references: Vec<Value> = lineage
        .references
        .iter()
        .filter_map(|used| used.origin.id)
        .map(|id| json!(id))
        .collect();
    let fields = json!({
        "id": id,
        // Relative to the folder of made pictures, which is one of the collection's roots.
        "path": output.path,
        ORIGIN_FIELD: GENERATED,
        "tags_all": tags,
        "matched_tags": lineage.style_tags,
        "md5": mark.md5,
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
        format!("a made picture cannot be put into the gallery: {reason}"),
    )
}
