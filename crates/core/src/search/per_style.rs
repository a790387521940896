//! Orders hits by style: the best few hits of each style come first. So a page shows the same thing
//! in several styles.

use super::fusion::Hit;
use crate::gallery::{Payload, STYLE_FIELD, style_tags_of};

/// How many of the best hits are grouped. The number does not depend on the page, so that pages do
/// not overlap.
pub const POOL: usize = 200;
/// How many hits of one style come first, at most.
pub const OF_EACH: usize = 3;

/// A style among the grouped hits, with its best ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StyleGroup {
    /// The style's name; `None` for the pictures that have none.
    pub style: Option<String>,
    /// How many of the grouped hits are of this style.
    pub count: usize,
    /// The indexes of its best hits, at most [`OF_EACH`], best first.
    pub best: Vec<usize>,
}

/// Returns the style that was found for a picture, from its payload.
pub type FoundStyle<'f> = &'f dyn Fn(&Payload) -> Option<String>;

/// Groups the first [`POOL`] of these sorted hits by style. The style of the best hit comes first,
/// and the pictures without a style come last. The hits must have their payloads. The style of a
/// picture is the group of similar styles that was found for it, or else what its manifest says.
#[must_use]
pub fn groups(hits: &[Hit], found: FoundStyle<'_>) -> Vec<StyleGroup> {
    let mut groups: Vec<StyleGroup> = Vec::new();
    for (index, hit) in hits.iter().take(POOL).enumerate() {
        let style = found(&hit.payload).or_else(|| style_of(&hit.payload).map(str::to_owned));
        let known = groups.iter().position(|group| group.style == style);
        let place = known.unwrap_or_else(|| {
            groups.push(StyleGroup {
                style,
                count: 0,
                best: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.count += 1;
        if group.best.len() < OF_EACH {
            group.best.push(index);
        }
    }
    // The sort is stable: the other groups stay in the order of their best hits.
    groups.sort_by_key(|group| group.style.is_none());
    groups
}

/// Returns the order in which to show these sorted hits: the best of each group, group by group,
/// and then all others as they are ranked.
#[must_use]
pub fn order(hits: &[Hit], found: FoundStyle<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = groups(hits, found)
        .into_iter()
        .flat_map(|group| group.best)
        .collect();
    let mut is_shown = vec![false; hits.len()];
    for index in &order {
        is_shown[*index] = true;
    }
    order.extend((0..hits.len()).filter(|index| !is_shown[*index]));
    order
}

/// Returns the style of a picture: the one that its manifest names, or else its first style tag.
#[must_use]
pub fn style_of(payload: &Payload) -> Option<&str> {
    let named = payload.get(STYLE_FIELD).and_then(serde_json::Value::as_str);
    named
        .filter(|style| !style.trim().is_empty())
        .or_else(|| style_tags_of(payload).next())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::PointId;

    fn hit(score: f32, payload: &serde_json::Value) -> Hit {
        Hit {
            payload: payload.as_object().cloned().expect("an object"),
            ..Hit::bare(PointId::Number(0), score)
        }
    }

    #[test]
    fn the_best_few_of_each_style_come_first_and_no_hit_is_lost() {
        let ink = || json!({ "style": "ink", "matched_tags": ["line_art"] });
        let hits = [
            hit(0.9, &ink()),
            hit(0.8, &json!({})),
            hit(0.7, &ink()),
            hit(0.6, &ink()),
            hit(0.5, &ink()),
            hit(0.4, &json!({ "matched_tags": ["oil", "texture"] })),
            hit(0.3, &json!({ "style": " ", "matched_tags": ["oil"] })),
        ];
        assert_eq!(order(&hits, &|_| None), [0, 2, 3, 5, 6, 1, 4]);
        let groups = groups(&hits, &|_| None);
        let counts: Vec<_> = groups
            .iter()
            .map(|group| (group.style.as_deref(), group.count))
            .collect();
        assert_eq!(counts, [(Some("ink"), 4), (Some("oil"), 2), (None, 1)]);
    }

    #[test]
    fn the_style_that_was_found_comes_before_the_one_that_the_manifest_names() {
        let hits = [hit(0.9, &json!({ "style": "ink" })), hit(0.8, &json!({}))];
        let found = |payload: &Payload| payload.is_empty().then(|| "drawn".to_owned());
        let names: Vec<_> = groups(&hits, &found)
            .into_iter()
            .map(|group| group.style)
            .collect();
        assert_eq!(names, [Some("ink".to_owned()), Some("drawn".to_owned())]);
    }
}
