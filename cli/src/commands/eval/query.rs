//! A query with its answers.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;

/// A query, and the pictures that answer it.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    /// The group of its figures.
    pub(super) kind: String,
    /// A drawing to search for.
    pub(super) drawing: Option<Drawing>,
    /// What shows the wanted style.
    pub(super) style: Option<StyleExample>,
    /// Words to search for.
    pub(super) words: Option<String>,
    /// The pictures that answer the query.
    pub(super) relevant: Vec<Value>,
    /// Pictures that are not counted, such as the query itself.
    pub(super) exclude: Vec<Value>,
    /// The half that the query is in when weights are fitted.
    pub(super) half: Option<Half>,
}

/// A half of the queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// Weights are chosen by these queries.
    Choose,
    /// Chosen weights are checked by these.
    Check,
}

impl Half {
    /// The half of the query at this place of a list: they alternate.
    pub(super) fn at(place: usize) -> Self {
        if place.is_multiple_of(2) {
            Self::Choose
        } else {
            Self::Check
        }
    }
}

/// A drawing.
#[derive(Debug, Clone)]
pub(super) enum Drawing {
    /// In a file.
    File(PathBuf),
    /// In memory, as the bytes of a file.
    Made(Vec<u8>),
}

impl Drawing {
    /// The bytes of its file.
    pub(super) async fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::File(path) => read_picture(path).await,
            Self::Made(bytes) => Ok(bytes.clone()),
        }
    }
}

/// What shows the wanted style.
#[derive(Debug, Clone)]
pub(super) enum StyleExample {
    /// A picture in a file.
    File(PathBuf),
    /// A picture of the gallery, by its id.
    Stored(Value),
}

/// Reads the file of a picture.
pub(super) async fn read_picture(path: &Path) -> Result<Vec<u8>, Failure> {
    tokio::fs::read(path)
        .await
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", path.display())))
}
