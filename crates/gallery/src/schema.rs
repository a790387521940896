//! The collection's schema as data: each version of `migrations/collection/*.json`, and their sum.
//!
//! Only these files define a collection's vectors, indexes and graph parameters; the engines read
//! them. A released version is never edited: a change is a new file.

use std::sync::LazyLock;

use clippy_core::gallery::Space;
use serde::Deserialize;

/// The migrations, in order; version `n` is the `n`-th file.
const FILES: [&str; 7] = [
    include_str!("../../../migrations/collection/0001_collection.json"),
    include_str!("../../../migrations/collection/0002_style.json"),
    include_str!("../../../migrations/collection/0003_origin.json"),
    include_str!("../../../migrations/collection/0004_style_vector.json"),
    include_str!("../../../migrations/collection/0005_proposed_tags.json"),
    include_str!("../../../migrations/collection/0006_style_groups.json"),
    include_str!("../../../migrations/collection/0007_added.json"),
];

/// The kind of a payload field's values, as far as its index needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Words that are compared as a whole.
    Keyword,
    /// Whole numbers.
    Integer,
}

impl FieldKind {
    /// Returns the name in the migration files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Integer => "integer",
        }
    }
}

/// A payload field that is indexed, so that filters and facets by it are fast.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldIndex {
    /// The payload field.
    pub field: String,
    /// The kind of its values.
    pub kind: FieldKind,
}

/// How vectors are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// The cosine of the angle between two vectors.
    Cosine,
}

/// The named vectors of a point.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorSchema {
    /// One vector for each space; any may be missing on a point.
    pub names: Vec<Space>,
    /// How they are compared.
    pub distance: Distance,
}

/// Parameters of the search graph (HNSW).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphSchema {
    /// The number of edges of each node.
    pub m: usize,
    /// Size of the beam while the graph is built.
    pub ef_construct: usize,
    /// Kilobytes of vectors below which all of them are compared instead of walking the graph.
    pub full_scan_threshold_kb: usize,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The version that the collection has afterwards.
    pub version: u32,
    /// What it does, for a person.
    pub summary: String,
    /// Vectors that are added.
    pub vectors: Option<VectorSchema>,
    /// The graph's parameters, when they change.
    pub hnsw: Option<GraphSchema>,
    /// Kilobytes of vectors above which a segment of the collection gets a graph, when that
    /// changes.
    pub indexing_threshold_kb: Option<usize>,
    /// Indexes that are added.
    #[serde(default)]
    pub payload_indexes: Vec<FieldIndex>,
}

impl Migration {
    /// Returns the steps of this migration, one line each.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        if let Some(vectors) = &self.vectors {
            let names: Vec<_> = vectors.names.iter().map(|space| space.name()).collect();
            steps.push(format!("vectors {} (cosine)", names.join(", ")));
        }
        if let Some(graph) = &self.hnsw {
            steps.push(format!(
                "search graph with m={}, ef_construct={}",
                graph.m, graph.ef_construct
            ));
        }
        if let Some(threshold) = self.indexing_threshold_kb {
            steps.push(format!("graphs for segments of {threshold} KB and more"));
        }
        steps.extend(
            self.payload_indexes
                .iter()
                .map(|index| format!("{} index of {}", index.kind.name(), index.field)),
        );
        steps
    }
}

/// The sum of all migrations: the shape of a collection of the newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The newest version.
    pub version: u32,
    /// The vectors of a point.
    pub vectors: VectorSchema,
    /// The graph's parameters.
    pub graph: GraphSchema,
    /// Kilobytes of vectors above which a segment of the collection gets a graph.
    pub indexing_threshold_kb: usize,
    /// All indexes.
    pub payload_indexes: Vec<FieldIndex>,
}

impl Schema {
    /// Returns the schema that this program uses.
    #[must_use]
    pub fn current() -> &'static Self {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| sum(migrations()));
        &SCHEMA
    }

    /// The spaces of a collection of this version.
    #[must_use]
    pub fn spaces_at(version: u32) -> Vec<Space> {
        sum(migrations()
            .iter()
            .filter(|migration| migration.version <= version))
        .vectors
        .names
    }

    /// Returns whether a field has a keyword index.
    #[must_use]
    pub fn is_keyword(&self, field: &str) -> bool {
        self.payload_indexes
            .iter()
            .any(|index| index.field == field && index.kind == FieldKind::Keyword)
    }
}

/// Returns all migrations, oldest first.
#[must_use]
pub fn migrations() -> &'static [Migration] {
    // The files are compiled into the program, and a test parses them, so this cannot fail.
    static MIGRATIONS: LazyLock<Vec<Migration>> = LazyLock::new(|| {
        FILES
            .iter()
            .map(|file| {
                serde_json::from_str(file).expect("migrations/collection is checked by a test")
            })
            .collect()
    });
    &MIGRATIONS
}

fn sum<'m>(migrations: impl IntoIterator<Item = &'m Migration>) -> Schema {
    let mut schema = Schema {
        version: 0,
        vectors: VectorSchema {
            names: Vec::new(),
            distance: Distance::Cosine,
        },
        graph: GraphSchema {
            m: 16,
            ef_construct: 100,
            full_scan_threshold_kb: 10_000,
        },
        indexing_threshold_kb: 10_000,
        payload_indexes: Vec::new(),
    };
    for migration in migrations {
        schema.version = migration.version;
        if let Some(vectors) = &migration.vectors {
            schema.vectors.names.extend(&vectors.names);
            schema.vectors.distance = vectors.distance;
        }
        if let Some(graph) = migration.hnsw {
            schema.graph = graph;
        }
        if let Some(threshold) = migration.indexing_threshold_kb {
            schema.indexing_threshold_kb = threshold;
        }
        schema
            .payload_indexes
            .extend(migration.payload_indexes.iter().cloned());
    }
    schema
}

#[cfg(test)]
mod tests {
    use clippy_core::gallery::{
        ADDED_FIELD, ORIGIN_FIELD, ORIGIN_SCHEMA_VERSION, PROPOSED_BY_FIELD,
        PROPOSED_SCHEMA_VERSION, PROPOSED_WORDS_FIELD, STYLE_GROUP_FIELD,
        STYLE_GROUPS_SCHEMA_VERSION,
    };

    use super::*;

    #[test]
    fn versions_count_up_without_gaps_and_no_field_is_indexed_twice() {
        let versions: Vec<u32> = migrations()
            .iter()
            .map(|migration| migration.version)
            .collect();
        let expected: Vec<u32> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected);
        let schema = Schema::current();
        assert_eq!(schema.version, versions.len() as u32);
        let mut fields: Vec<_> = schema
            .payload_indexes
            .iter()
            .map(|index| &index.field)
            .collect();
        fields.sort();
        let all = fields.len();
        fields.dedup();
        assert_eq!(fields.len(), all);
        assert_eq!(schema.vectors.names, Space::ALL);
        assert_eq!(
            Schema::spaces_at(3),
            [Space::Image, Space::Edge, Space::Text]
        );
        assert_eq!(Schema::spaces_at(schema.version), Space::ALL);
    }

    #[test]
    fn the_contract_fields_are_indexed() {
        let schema = Schema::current();
        for field in [
            "tags_all",
            "matched_tags",
            "rating",
            "style",
            ORIGIN_FIELD,
            STYLE_GROUP_FIELD,
        ] {
            assert!(schema.is_keyword(field), "{field}");
        }
        assert!(schema.version >= ORIGIN_SCHEMA_VERSION);
        for field in [PROPOSED_WORDS_FIELD, PROPOSED_BY_FIELD] {
            assert!(schema.is_keyword(field), "{field}");
        }
        assert!(schema.version >= PROPOSED_SCHEMA_VERSION);
        assert!(schema.version >= STYLE_GROUPS_SCHEMA_VERSION);
        for field in ["score", "width", "height", ADDED_FIELD] {
            assert!(
                schema
                    .payload_indexes
                    .iter()
                    .any(|index| index.field == field && index.kind == FieldKind::Integer)
            );
        }
    }
}
