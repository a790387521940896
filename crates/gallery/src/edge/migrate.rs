//! Migrates a collection in this process to the newest schema.

use std::path::Path;

use clippy_core::Result;

use super::generations::shard_folder;
use super::metadata::Metadata;
use super::shard::{Shard, ShardShape};
use crate::schema::{Schema, migrations};

/// Migrates the collection to the newest schema, and returns its shard. Indexes need no work here:
/// opening the shard made them.
///
/// If the schema has new vectors, the points are copied into a new generation. One write of the
/// metadata makes it the live one and records the version. The engine could also add the vectors in
/// place. But if the process were killed meanwhile, some parts of the shard would have them and
/// others not, and the engine does not open such a shard.
pub(super) fn migrate(
    folder: &Path,
    name: &str,
    metadata: &mut Metadata,
    shard: Shard,
    shape: &ShardShape,
) -> Result<Shard> {
    if metadata.identity.schema_version >= Schema::current().version {
        return Ok(shard);
    }
    for migration in migrations()
        .iter()
        .filter(|migration| migration.version > metadata.identity.schema_version)
    {
        tracing::info!(collection = name, version = migration.version, summary = %migration.summary,
        "migrated");
    }
    metadata.identity.schema_version = Schema::current().version;
    if shard.spaces() == shape.spaces {
        metadata.write(folder)?;
        return Ok(shard);
    }
    let generation = metadata.generation + 1;
    let fresh = Shard::create(&shard_folder(folder, generation), shape)?;
    shard.copy_into(&fresh)?;
    fresh.build_graphs()?;
    fresh.flush()?;
    metadata.generation = generation;
    metadata.changed_points = 0;
    metadata.points = fresh.count(None)?;
    metadata.write(folder)?;
    shard.retire();
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use clippy_core::gallery::{Filter, Payload, Point, Space, Vectors};
    use clippy_core::ids::PointId;
    use clippy_gallery_contract::model;

    use super::*;
    use crate::edge::operation::Operation;
    use crate::edge::store::Store;
    use crate::edge::{EdgeGallery, EdgeOptions};
    use clippy_core::gallery::{GalleryReader, GalleryWriter, With};

    /// The last version of the schema with three vectors.
    const THREE_VECTORS: u32 = 3;

    fn options(folder: &Path) -> EdgeOptions {
        EdgeOptions {
            folder: folder.to_owned(),
            name: "drawings".to_owned(),
            model: model(),
            indexing_threshold_kb: None,
        }
    }

    fn point(number: u64) -> Point {
        let direction = |space: f32| {
            let angle = number as f32 * 0.1 + space;
            let mut vector = vec![0.0; model().dimension];
            (vector[0], vector[1]) = (angle.cos(), angle.sin());
            Some(vector)
        };
        Point {
            id: PointId::Number(number),
            vectors: Vectors {
                image: direction(0.0),
                edge: if number.is_multiple_of(3) {
                    None
                } else {
                    direction(1.0)
                },
                text: direction(2.0),
                style: None,
            },
            payload: Payload::from_iter([
                ("rating".to_owned(), "safe".into()),
                ("style".to_owned(), "ink".into()),
            ]),
        }
    }

    /// Writes a collection as version 3 of the schema left it.
    fn write_older(folder: &Path, points: u64) {
        let shape = ShardShape {
            spaces: Schema::spaces_at(THREE_VECTORS),
            dimension: model().dimension,
            graph: Schema::current().graph,
            indexing_threshold_kb: 10,
        };
        let shard = Shard::create(&shard_folder(folder, 1), &shape).expect("made");
        shard
            .apply(Operation::Put((0..points).map(point).collect()))
            .expect("stored");
        shard.build_graphs().expect("built");
        shard.flush().expect("flushed");
        let mut metadata = Metadata::new(&model());
        metadata.identity.schema_version = THREE_VECTORS;
        metadata.roots = vec!["/pictures".to_owned()];
        metadata.write(folder).expect("written");
    }

    #[tokio::test]
    async fn a_collection_of_three_vectors_gets_the_fourth_and_keeps_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        write_older(folder.path(), 700);
        // A migration that was killed leaves such files behind.
        write_older(&folder.path().join("shard-2"), 3);
        for opening in 1..=2 {
            let gallery = EdgeGallery::open(options(folder.path()))
                .await
                .expect("opened");
            let info = gallery.info().await.expect("info");
            assert_eq!(info.points, 700);
            assert_eq!(info.schema_version, Schema::current().version);
            assert_eq!(info.roots, ["/pictures"]);
            let styles = gallery
                .facet("style", &Filter::default(), 5)
                .await
                .expect("indexed");
            assert_eq!((styles[0].value.as_str(), styles[0].count), ("ink", 700));
            for number in [0, 1, 2, 3, 699] {
                let expected = point(number);
                let found = gallery
                    .retrieve(&[expected.id], With::ALL)
                    .await
                    .expect("read");
                assert_eq!(found, [expected], "opening {opening}");
            }
        }
        let gallery = EdgeGallery::open(options(folder.path()))
            .await
            .expect("opened");
        let style = Vectors {
            style: point(5).vectors.image,
            ..Vectors::default()
        };
        let id = PointId::Number(5);
        gallery
            .update_vectors(vec![(id, style.clone())])
            .await
            .expect("stored");
        drop(gallery);
        let gallery = EdgeGallery::open(options(folder.path()))
            .await
            .expect("opened");
        let found = gallery.retrieve(&[id], With::VECTORS).await.expect("read");
        assert_eq!(found[0].vectors.style, style.style);
        assert_eq!(found[0].vectors.text, point(5).vectors.text);
        assert_eq!(Space::ALL.len(), Schema::current().vectors.names.len());
    }

    #[test]
    fn changes_in_the_journal_of_an_older_version_are_not_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        write_older(folder.path(), 20);
        let late = Operation::Put(vec![point(90)]);
        crate::edge::journal::Journal::open(
            &folder.path().join(crate::edge::store::JOURNAL_FILE),
            |_| Ok(()),
        )
        .and_then(|mut journal| journal.append(&late))
        .expect("written");
        let store = Store::open(options(folder.path())).expect("opened");
        let found = store.live().retrieve(&[PointId::Number(90)], With::ALL);
        assert_eq!(found.expect("read"), [point(90)]);
    }
}
