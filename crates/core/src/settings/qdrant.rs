//! The settings of a Qdrant server, except for the collection's name.

use std::time::Duration;

use super::reader::{Reader, Secret, wrong};
use crate::Result;

/// How a server compresses vectors for finding candidates. Scores are always computed from the
/// uncompressed vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QdrantQuantization {
    /// `off`.
    Off,
    /// `scalar`: one byte per value.
    Scalar,
    /// `binary`: one bit per value.
    Binary,
}

/// How to talk to a Qdrant server, and how it stores the collection.
#[derive(Debug, Clone)]
pub struct QdrantSettings {
    /// `QDRANT_API_KEY`.
    pub api_key: Option<Secret>,
    /// `QDRANT_TIMEOUT_SECS`: the time limit of reads.
    pub timeout: Duration,
    /// `QDRANT_WRITE_TIMEOUT_SECS`: the time limit of writes.
    pub write_timeout: Duration,
    /// `QDRANT_SHARDS`: the number of shards of a new collection.
    pub shards: Option<u32>,
    /// `QDRANT_REPLICATION_FACTOR`: the number of nodes that store each shard.
    pub replication_factor: Option<u32>,
    /// `QDRANT_QUANTIZATION`.
    pub quantization: Option<QdrantQuantization>,
    /// `QDRANT_ON_DISK`: whether a new collection's vectors and graphs are kept on the disk.
    pub on_disk: Option<bool>,
}

pub(super) fn read(reader: &Reader) -> Result<QdrantSettings> {
    let seconds = |name, default| {
        reader.checked(
            name,
            default,
            "a number of seconds above 0 and up to 3600",
            |seconds: &f64| *seconds > 0.0 && *seconds <= 3_600.0,
        )
    };
    let count = |name| match reader.text(&[name]) {
        None => Ok(None),
        Some(_) => reader
            .checked(name, 1_u32, "a whole number from 1 to 1000", |n| {
                (1..=1_000).contains(n)
            })
            .map(Some),
    };
    let quantization = match reader.text(&["QDRANT_QUANTIZATION"]) {
        None => None,
        Some(value) => Some(match value.to_lowercase().as_str() {
            "off" => QdrantQuantization::Off,
            "scalar" => QdrantQuantization::Scalar,
            "binary" => QdrantQuantization::Binary,
            _ => {
                return Err(wrong(
                    "QDRANT_QUANTIZATION",
                    &value,
                    "off, scalar or binary",
                ));
            }
        }),
    };
    let on_disk = match reader.text(&["QDRANT_ON_DISK"]) {
        None => None,
        Some(value) => Some(match value.to_lowercase().as_str() {
            "true" | "1" | "yes" => true,
            "false" | "0" | "no" => false,
            _ => return Err(wrong("QDRANT_ON_DISK", &value, "true or false")),
        }),
    };
    Ok(QdrantSettings {
        api_key: reader.text(&["QDRANT_API_KEY"]).map(Secret::new),
        timeout: Duration::from_secs_f64(seconds("QDRANT_TIMEOUT_SECS", 5.0)?),
        write_timeout: Duration::from_secs_f64(seconds("QDRANT_WRITE_TIMEOUT_SECS", 60.0)?),
        shards: count("QDRANT_SHARDS")?,
        replication_factor: count("QDRANT_REPLICATION_FACTOR")?,
        quantization,
        on_disk,
    })
}
