//! Checks the collection, its roots, and whether one of its pictures can be served.

use std::path::Path;
use std::sync::Arc;

use clippy_core::Error;
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{CollectionInfo, Filter, Gallery, PATH_FIELD, Point, With};
use clippy_core::pictures::Pictures;
use clippy_core::settings::Settings;
use clippy_gallery::schema::Schema;
use clippy_gallery::{
    EdgeCollections, GalleryPictures, PictureFiles, PictureOptions, QdrantCollections, StoreLock,
    holder,
};

use super::Findings;
use crate::local_services::open_collections;
use crate::{model_choice, qdrant};

pub(super) async fn check(
    settings: &Settings,
    model: Option<&Arc<ModelInfo>>,
    findings: &mut Findings,
) {
    let name = &settings.collection.name;
    let server = qdrant::server(settings);
    let found = match &server {
        Some(server) => QdrantCollections::inspect(server, name).await,
        None => EdgeCollections::inspect(&settings.collection.data_dir, name),
    };
    let counted = if server.is_some() {
        "on Qdrant"
    } else {
        "at the last checkpoint"
    };
    let found = match found {
        Err(error) => return findings.fault("collection", error.message),
        Ok(None) => {
            return findings.ok(
                "collection",
                "none yet; `clippy migrate`, `clippy ingest` or `clippy demo` creates one",
            );
        }
        Ok(Some(found)) => found,
    };
    let fits = fits(&found, model.map(AsRef::as_ref), counted);
    let usable = fits.is_ok();
    findings.add("collection", fits);
    for root in &found.roots {
        if Path::new(root).is_dir() {
            findings.ok("pictures", root);
        } else {
            findings.fault(
                "pictures",
                format!("{root} does not exist any more: ingest again with --images-root"),
            );
        }
    }
    if let Some(model) = model.filter(|_| usable && found.points > 0) {
        check_one_picture(settings, &found, model, findings).await;
    }
}

/// Checks that the model is the one that filled the collection.
fn fits(
    found: &CollectionInfo,
    model: Option<&ModelInfo>,
    counted: &str,
) -> Result<String, String> {
    match model {
        Some(info) if found.dimension != info.dimension => Err(format!(
            "its vectors have {} values, but those of the model {} {} have {}: set MODEL_NAME and \
             PRETRAINED to the model that filled it, or name another QDRANT_COLLECTION",
            found.dimension, info.name, info.pretrained, info.dimension
        )),
        _ if found.schema_version == 0 => Ok(format!(
            "{}, {} pictures {counted}, of Clippy 0.2: it can be searched, and `clippy migrate` \
             adds what is missing",
            found.name, found.points
        )),
        Some(info) if found.fingerprint != info.fingerprint => Err(format!(
            "it was filled by {} {}, but the model is {} {}: set MODEL_NAME and PRETRAINED back \
             (or unset them after a re-index, since the data folder has its model recorded), run \
             `clippy reindex`, or use another DATA_DIR",
            found.model, found.pretrained, info.name, info.pretrained
        )),
        _ => Ok(format!(
            "{}, {} pictures {counted}, filled by {} {}",
            found.name, found.points, found.model, found.pretrained
        )),
    }
}

/// Opens the file of the collection's first picture, in the same way as a request for it.
async fn check_one_picture(
    settings: &Settings,
    found: &CollectionInfo,
    model: &ModelInfo,
    findings: &mut Findings,
) {
    let data = &settings.collection.data_dir;
    // An embedded collection belongs to one process, and opening one of an older version upgrades
    // it.
    let embedded = settings.collection.qdrant_url.is_none();
    if embedded && (holder(data).is_some() || found.schema_version != Schema::current().version) {
        return;
    }
    let lock = if embedded {
        StoreLock::acquire(data, None).map(Some)
    } else {
        Ok(None)
    };
    let opened = async {
        let _lock = lock?;
        let source = model_choice::initial(settings)
            .await
            .map_err(|failure| Error::internal(failure.to_string()))?;
        let opened = open_collections(settings, source, model).await?;
        let gallery = opened.live;
        let page = gallery
            .scroll(&Filter::default(), None, 1, With::PAYLOAD)
            .await?;
        match page.points.into_iter().next() {
            None => Ok(None),
            Some(point) => check_picture(settings, gallery, &point).await.map(Some),
        }
    };
    match opened.await {
        Ok(None) => {}
        Ok(Some(outcome)) => findings.add("one picture", outcome),
        Err(error) => findings.fault("one picture", error.message),
    }
}

async fn check_picture(
    settings: &Settings,
    gallery: Arc<dyn Gallery>,
    point: &Point,
) -> clippy_core::Result<Result<String, String>> {
    let path = point.payload.get(PATH_FIELD);
    let Some(path) = path.and_then(|path| path.as_str()) else {
        return Ok(Err(format!(
            "picture {} has no path: ingest it again",
            point.id
        )));
    };
    let files = PictureFiles::new(PictureOptions {
        images_root: settings.collection.images_root.clone(),
        ..PictureOptions::new(settings.collection.data_dir.join("thumbnails"))
    })?;
    Ok(
        match GalleryPictures::new(gallery, files).open(path, None).await {
            Ok(_) => Ok(format!("{} ({path}) can be shown", point.id)),
            Err(error) => Err(format!(
                "{} ({path}) cannot be shown: {}. Set IMAGES_ROOT to the folder that this path is \
                 in, or ingest again with --images-root",
                point.id, error.message
            )),
        },
    )
}
