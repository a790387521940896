//! Lists the points that were added last.

use std::collections::HashSet;

use clippy_core::gallery::ADDED_FIELD;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;

use super::Inner;
use super::convert::{id_out, with_payload, with_vectors};
use super::shape::Shape;

/// Ids that are listed in one call, so that they fit a message.
const LISTED_AT_ONCE: usize = 10_000;

impl Inner {
    /// Returns the ids of up to `most` points with a time of adding, the newest first.
    ///
    /// The server continues at a value, not after a point. So each page begins with points of the
    /// last value again, and if all points of a page have that value, the next one is longer.
    pub(super) async fn newest(
        &self,
        shape: &Shape,
        filter: Option<wire::Filter>,
        most: usize,
    ) -> Result<Vec<PointId>> {
        let (mut ids, mut seen) = (Vec::new(), HashSet::new());
        let (mut from, mut limit) = (None, LISTED_AT_ONCE.min(most));
        while ids.len() < most {
            let page = self.newest_from(shape, filter.clone(), from, limit).await?;
            let is_full = page.len() >= limit;
            let before = ids.len();
            let last = page.last().map(|(_, value)| *value);
            ids.extend(
                page.into_iter()
                    .map(|(id, _)| id)
                    .filter(|id| seen.insert(*id)),
            );
            if !is_full {
                break;
            }
            if ids.len() == before {
                limit = limit.saturating_mul(2);
            }
            from = last;
        }
        ids.truncate(most);
        Ok(ids)
    }

    /// Returns a page of points, the newest first, with their times of adding.
    async fn newest_from(
        &self,
        shape: &Shape,
        filter: Option<wire::Filter>,
        from: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(PointId, i64)>> {
        let start_from = from.map(|value| wire::StartFrom {
            value: Some(wire::start_from::Value::Integer(value)),
        });
        let request = wire::ScrollPoints {
            collection_name: shape.physical.clone(),
            filter,
            limit: Some(u32::try_from(limit).unwrap_or(u32::MAX)),
            with_payload: with_payload(false),
            with_vectors: with_vectors(&[]),
            order_by: Some(wire::OrderBy {
                key: ADDED_FIELD.to_owned(),
                direction: Some(wire::Direction::Desc.into()),
                start_from,
            }),
            ..wire::ScrollPoints::default()
        };
        let answer = self
            .connection
            .read("list the newest points", |client| {
                let request = request.clone();
                async move { client.scroll(request).await }
            })
            .await?;
        let dated = answer.result.into_iter().map(|point| {
            let value = point.order_value.and_then(|value| value.variant);
            match value {
                Some(wire::order_value::Variant::Int(value)) => Ok((id_out(point.id)?, value)),
                _ => Err(Error::internal(
                    "Qdrant listed points by a whole number, but returned none with them",
                )),
            }
        });
        dated.collect()
    }
}
