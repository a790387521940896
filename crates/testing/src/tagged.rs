//! A gallery of pictures whose tags follow from what they show, for tests of proposed tags.

use clippy_core::gallery::{Payload, Point, TAGS_FIELD, Vectors};
use serde_json::Value;

use crate::search::normalise;

/// What pictures show, in turn.
const SUBJECTS: u64 = 8;
/// The share of a subject's pictures that have its tag. So this share of the proposals of the tag
/// is right.
const OFTEN: f64 = 0.9;

/// A picture, and the tags that are true for it.
#[derive(Debug, Clone)]
pub struct TaggedPicture {
    /// The point, without any tags if they are withheld.
    pub point: Point,
    /// Its true tags.
    pub tags: Vec<String>,
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        let product = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = product.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Makes pictures with the ids `first..first + count`. Their vectors have this dimension, at least
/// 8. With `withheld` they have neither tags nor a text vector.
#[must_use]
pub fn tagged_pictures(
    first: u64,
    count: u64,
    dimension: usize,
    withheld: bool,
) -> Vec<TaggedPicture> {
    (first..first + count)
        .map(|id| picture(id, dimension, withheld))
        .collect()
}

fn picture(id: u64, dimension: usize, withheld: bool) -> TaggedPicture {
    let mut random = Random(id.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    random.next();
    let subject = id % SUBJECTS;
    let mut image: Vec<f32> = (0..dimension)
        .map(|_| (random.next() - 0.5) as f32 * 0.25)
        .collect();
    image[subject as usize] += 1.0;
    normalise(&mut image);
    let mut tags = Vec::new();
    if random.next() < OFTEN {
        tags.push(format!("subject_{subject}"));
    }
    // Every other picture has it, whatever it shows.
    if random.next() < 0.5 {
        tags.push("pretty".to_owned());
    }
    tags.push(format!("group_{}", subject / 4));
    let mut payload = Payload::from_iter([
        ("id".to_owned(), Value::from(id)),
        ("rating".to_owned(), "safe".into()),
    ]);
    let shown = if withheld { &[][..] } else { &tags[..] };
    payload.insert(TAGS_FIELD.to_owned(), shown.into());
    let vectors = Vectors {
        text: (!withheld).then(|| image.clone()),
        image: Some(image),
        edge: None,
        style: None,
    };
    TaggedPicture {
        point: Point {
            id: id.into(),
            vectors,
            payload,
        },
        tags,
    }
}
