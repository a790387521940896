//! The queries whose answers have the worst ranks, with small pictures for the report.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clippy_imaging::{DecodeLimits, Encoding, decode, encode, scaled_to};
use serde_json::Value;

use super::measuring::Outcome;
use super::query::{Query, StyleExample, read_picture};
use crate::client::{Client, id_text};
use crate::failure::Failure;

/// Most misses of each kind.
const MOST: usize = 8;
/// Most misses of all kinds together, since a queries file may have many kinds.
const MOST_TOGETHER: usize = 80;
/// Longest side of a small picture, in pixels. This limits the size of the report.
const SIDE: u32 = 128;
/// The quality of the small pictures, as JPEG.
const QUALITY: u8 = 78;

/// The worst misses of one kind.
#[derive(Debug)]
pub(super) struct KindMisses {
    pub(super) kind: String,
    pub(super) queries: usize,
    /// Queries whose answer is not the first result.
    pub(super) missed: usize,
    /// The worst of them.
    pub(super) worst: Vec<Miss>,
}

/// A query whose answer is not the first result.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) words: Option<String>,
    pub(super) drawing: Option<Shown>,
    pub(super) style: Option<Shown>,
    pub(super) rank: Option<usize>,
    pub(super) wanted: Option<Shown>,
    pub(super) found: Vec<Shown>,
}

/// A small picture.
#[derive(Debug)]
pub(super) struct Shown {
    /// A text that describes it, for readers who cannot see it.
    pub(super) label: String,
    /// Its data URI; none if there is no file that can be read.
    pub(super) address: Option<String>,
}

/// The worst misses of each kind, in the order of the kinds' names.
pub(super) async fn worst(
    client: &Client,
    queries: &[Query],
    outcomes: &[Outcome],
) -> Result<Vec<KindMisses>, Failure> {
    let mut kinds: Vec<&str> = outcomes.iter().map(|outcome| &*outcome.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut left = MOST_TOGETHER;
    let mut all = Vec::new();
    for kind in kinds {
        let of_kind = || {
            let both = outcomes.iter().zip(queries);
            both.filter(|(outcome, _)| outcome.kind == kind)
        };
        let mut missed: Vec<(&Outcome, &Query)> = of_kind()
            .filter(|(outcome, _)| outcome.ranks.best() != Some(1))
            .collect();
        missed.sort_by_key(|(outcome, _)| Reverse(outcome.ranks.best().unwrap_or(usize::MAX)));
        let mut worst = Vec::new();
        for (outcome, query) in missed.iter().take(MOST.min(left)) {
            worst.push(show(client, outcome, query).await?);
        }
        left -= worst.len();
        all.push(KindMisses {
            kind: kind.to_owned(),
            queries: of_kind().count(),
            missed: missed.len(),
            worst,
        });
    }
    Ok(all)
}

async fn show(client: &Client, outcome: &Outcome, query: &Query) -> Result<Miss, Failure> {
    let drawing = match &query.drawing {
        Some(drawing) => Some(Shown {
            label: "the drawing".to_owned(),
            address: small(drawing.bytes().await?).await,
        }),
        None => None,
    };
    let style = match &query.style {
        Some(StyleExample::Stored(id)) => Some(stored(client, id).await?),
        Some(StyleExample::File(path)) => Some(Shown {
            label: "the style".to_owned(),
            address: small(read_picture(path).await?).await,
        }),
        None => None,
    };
    let wanted = match &outcome.wanted {
        Some(id) => Some(stored(client, id).await?),
        None => None,
    };
    let mut found = Vec::with_capacity(outcome.first.len());
    for id in &outcome.first {
        found.push(stored(client, id).await?);
    }
    Ok(Miss {
        words: query.words.clone(),
        rank: outcome.ranks.best(),
        drawing,
        style,
        wanted,
        found,
    })
}

async fn stored(client: &Client, id: &Value) -> Result<Shown, Failure> {
    let address = match client.image(id, SIDE).await? {
        Some(bytes) => small(bytes).await,
        None => None,
    };
    Ok(Shown {
        label: format!("picture {}", id_text(id)),
        address,
    })
}

/// The data URI of a small copy. Every file is decoded and encoded again, so that a report contains
/// only small JPEGs.
async fn small(bytes: Vec<u8>) -> Option<String> {
    let copy = tokio::task::spawn_blocking(move || {
        let picture = decode(&bytes, &DecodeLimits::default()).ok()?;
        encode(&scaled_to(&picture, SIDE), Encoding::Jpeg(QUALITY)).ok()
    });
    let copy = copy.await.ok().flatten()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(copy)))
}

#[cfg(test)]
mod tests {
    use clippy_imaging::RgbImage;

    use super::*;

    #[tokio::test]
    async fn small_pictures_are_bounded_jpegs_and_other_files_are_none() {
        let mut noise = RgbImage::new(900, 500);
        for (place, value) in noise.iter_mut().enumerate() {
            *value = (place.wrapping_mul(2_654_435_761) >> 16) as u8;
        }
        let png = encode(&noise, Encoding::Png).expect("encoded");
        let address = small(png).await.expect("a picture");
        assert!(
            address.starts_with("data:image/jpeg;base64,/9j/"),
            "{address}"
        );
        assert!(address.len() < 32_000, "{}", address.len());
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
        assert_eq!(small(svg.to_vec()).await, None);
    }
}
