//! Points with their vectors, as bytes: the shards of an export, and the pages that a server sends
//! and receives.
//!
//! They are safetensors files, which most languages have a library for. `ids` is text, one id a line
//! (unsigned bytes). Each space has two tensors: `image` has the vectors (32-bit floats, vectors x
//! dimension), and `image.rows` the number of the point of each (unsigned 32-bit, from 0), since a
//! point need not have a vector. A page also has `payloads`, one JSON object a line.

use std::collections::HashMap;

use clippy_core::gallery::{Payload, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

/// The most points of a page that a server accepts.
pub(crate) const MOST_POINTS: usize = 4_096;

const IDS: &str = "ids";
const PAYLOADS: &str = "payloads";
const FINGERPRINT: &str = "fingerprint";
const NEXT: &str = "next";

/// A page of points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointPage {
    /// The points, with payloads and vectors.
    pub points: Vec<Point>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PointId>,
    /// The fingerprint of the model that made the vectors.
    pub fingerprint: String,
}

/// The bytes of a tensor before it is written.
struct Plain {
    name: String,
    kind: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Encodes ids and vectors.
///
/// # Errors
/// `InvalidInput` when the vectors of a space differ in length.
pub(crate) fn encode_vectors(points: &[(PointId, Vectors)]) -> Result<Vec<u8>> {
    let ids = points.iter().map(|(id, _)| *id);
    let vectors: Vec<&Vectors> = points.iter().map(|(_, vectors)| vectors).collect();
    let mut tensors = space_tensors(&vectors)?;
    tensors.push(lines(IDS, ids.map(|id| id.to_string())));
    serialize(&tensors, HashMap::new())
}

/// Decodes what [`encode_vectors`] wrote.
///
/// # Errors
/// `InvalidInput`, which names the invalid part.
pub(crate) fn decode_vectors(bytes: &[u8]) -> Result<Vec<(PointId, Vectors)>> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| not_safetensors(&error))?;
    read_vectors(&tensors)
}

/// Encodes a page.
///
/// # Errors
/// As [`encode_vectors`].
pub fn encode_page(page: &PointPage) -> Result<Vec<u8>> {
    let vectors: Vec<&Vectors> = page.points.iter().map(|point| &point.vectors).collect();
    let mut tensors = space_tensors(&vectors)?;
    let ids = page.points.iter().map(|point| point.id.to_string());
    tensors.push(lines(IDS, ids));
    let payloads: Result<Vec<String>> = page.points.iter().map(payload_line).collect();
    tensors.push(lines(PAYLOADS, payloads?.into_iter()));
    let mut texts = HashMap::from([(FINGERPRINT.to_owned(), page.fingerprint.clone())]);
    if let Some(next) = page.next {
        texts.insert(NEXT.to_owned(), next.to_string());
    }
    serialize(&tensors, texts)
}

/// Decodes a page.
///
/// # Errors
/// `InvalidInput`, which names the invalid part.
pub fn decode_page(bytes: &[u8]) -> Result<PointPage> {
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| not_safetensors(&error))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| not_safetensors(&error))?;
    let vectors = read_vectors(&tensors)?;
    if vectors.len() > MOST_POINTS {
        return Err(Error::invalid(format!(
            "{} pictures are more than the {MOST_POINTS} of one page",
            vectors.len()
        )));
    }
    let payloads = text(&tensors, PAYLOADS)?;
    let payloads: Vec<&str> = payloads.lines().collect();
    if payloads.len() != vectors.len() {
        return Err(Error::invalid(format!(
            "there are {} payloads for {} ids",
            payloads.len(),
            vectors.len()
        )));
    }
    let points = vectors
        .into_iter()
        .zip(payloads)
        .map(|((id, vectors), line)| {
            let payload: Payload = serde_json::from_str(line).map_err(|error| {
                Error::invalid(format!(
                    "the payload of picture {id} is not a JSON object: {error}"
                ))
            })?;
            Ok(Point {
                id,
                vectors,
                payload,
            })
        });
    let texts = metadata.metadata().as_ref();
    let text_of = |name: &str| texts.and_then(|texts| texts.get(name));
    Ok(PointPage {
        points: points.collect::<Result<_>>()?,
        next: text_of(NEXT).map(|next| next.parse()).transpose()?,
        fingerprint: text_of(FINGERPRINT).cloned().unwrap_or_default(),
    })
}

fn payload_line(point: &Point) -> Result<String> {
    serde_json::to_string(&point.payload).map_err(|error| {
        let id = point.id;
        Error::internal(format!("the payload of {id} cannot be written as JSON")).with_source(error)
    })
}

/// The tensors of all spaces in which any of the points has a vector.
fn space_tensors(points: &[&Vectors]) -> Result<Vec<Plain>> {
    let mut tensors = Vec::new();
    for space in Space::ALL {
        let (mut values, mut rows) = (Vec::new(), Vec::new());
        let (mut count, mut dimension) = (0, 0);
        for (row, vectors) in points.iter().enumerate() {
            let Some(vector) = vectors.get(space) else {
                continue;
            };
            if count == 0 {
                dimension = vector.len();
            }
            if vector.len() != dimension {
                return Err(Error::invalid(format!(
                    "the {} vectors have different lengths: {dimension} and {}",
                    space.name(),
                    vector.len()
                )));
            }
            let row = u32::try_from(row)
                .map_err(|_| Error::invalid("there are too many pictures for one file"))?;
            rows.extend(row.to_le_bytes());
            values.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            count += 1;
        }
        if count > 0 {
            tensors.push(Plain {
                name: space.name().to_owned(),
                kind: Dtype::F32,
                shape: vec![count, dimension],
                bytes: values,
            });
            tensors.push(Plain {
                name: rows_of(space),
                kind: Dtype::U32,
                shape: vec![count],
                bytes: rows,
            });
        }
    }
    Ok(tensors)
}

fn rows_of(space: Space) -> String {
    format!("{}.rows", space.name())
}

fn lines(name: &str, lines: impl Iterator<Item = String>) -> Plain {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend(line.as_bytes());
        bytes.push(b'\n');
    }
    Plain {
        name: name.to_owned(),
        kind: Dtype::U8,
        shape: vec![bytes.len()],
        bytes,
    }
}

fn serialize(tensors: &[Plain], texts: HashMap<String, String>) -> Result<Vec<u8>> {
    let failed = |error: SafeTensorError| {
        Error::internal("the vectors cannot be encoded").with_source(error)
    };
    let views: Result<Vec<(&str, TensorView<'_>)>> = tensors
        .iter()
        .map(|plain| {
            let view = TensorView::new(plain.kind, plain.shape.clone(), &plain.bytes);
            Ok((plain.name.as_str(), view.map_err(failed)?))
        })
        .collect();
    safetensors::serialize(views?, Some(texts)).map_err(failed)
}

fn read_vectors(tensors: &SafeTensors<'_>) -> Result<Vec<(PointId, Vectors)>> {
    let ids = text(tensors, IDS)?;
    let mut points: Vec<(PointId, Vectors)> = ids
        .lines()
        .map(|id| Ok((id.parse()?, Vectors::default())))
        .collect::<Result<_>>()?;
    for space in Space::ALL {
        let name = space.name();
        let Ok(values) = tensors.tensor(name) else {
            continue;
        };
        let rows = tensors
            .tensor(&rows_of(space))
            .map_err(|_| Error::invalid(format!("the tensor {name}.rows is missing")))?;
        let (&[count, dimension], &[listed]) = (values.shape(), rows.shape()) else {
            return Err(wrong_shape(name));
        };
        if values.dtype() != Dtype::F32
            || rows.dtype() != Dtype::U32
            || count != listed
            || dimension == 0
        {
            return Err(wrong_shape(name));
        }
        let vectors = values.data().chunks_exact(dimension * 4);
        let rows = rows.data().as_chunks::<4>().0;
        let mut least = 0;
        for (row, vector) in rows.iter().zip(vectors) {
            let row = u32::from_le_bytes(*row) as usize;
            let point = points.get_mut(row).filter(|_| row >= least);
            let (_, of_point) = point.ok_or_else(|| wrong_shape(name))?;
            least = row + 1;
            let vector = vector.as_chunks::<4>().0.iter();
            let vector = vector.map(|value| f32::from_le_bytes(*value)).collect();
            *of_point.get_mut(space) = Some(vector);
        }
    }
    Ok(points)
}

fn text<'a>(tensors: &SafeTensors<'a>, name: &str) -> Result<&'a str> {
    let tensor = tensors
        .tensor(name)
        .map_err(|_| Error::invalid(format!("the tensor {name} is missing")))?;
    if tensor.dtype() != Dtype::U8 || tensor.shape().len() != 1 {
        return Err(wrong_shape(name));
    }
    std::str::from_utf8(tensor.data())
        .map_err(|_| Error::invalid(format!("the tensor {name} is not UTF-8 text")))
}

fn wrong_shape(name: &str) -> Error {
    Error::invalid(format!(
        "the tensor {name} has another shape or type than an export has, or rows that do not fit"
    ))
}

fn not_safetensors(error: &SafeTensorError) -> Error {
    Error::invalid(format!("the vectors are not a safetensors file: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn points() -> Vec<Point> {
        let vector = |value: f32| Some(vec![value, -0.0, f32::MIN_POSITIVE]);
        let payload = |value| match value {
            serde_json::Value::Object(payload) => payload,
            _ => Payload::new(),
        };
        vec![
            Point {
                id: PointId::Number(7),
                vectors: Vectors {
                    image: vector(0.1),
                    style: vector(0.3),
                    ..Vectors::default()
                },
                payload: payload(json!({"id": 7, "tags_all": ["a\nb", "ä"]})),
            },
            Point {
                id: PointId::Uuid("00000000-0000-8000-8000-00000000000a".parse().expect("one")),
                vectors: Vectors {
                    style: vector(0.4),
                    ..Vectors::default()
                },
                payload: Payload::new(),
            },
        ]
    }

    #[test]
    fn a_page_is_read_back_bit_for_bit() {
        for page in [
            PointPage {
                points: points(),
                next: Some(PointId::Number(u64::MAX)),
                fingerprint: "f".to_owned(),
            },
            PointPage::default(),
        ] {
            let bytes = encode_page(&page).expect("encoded");
            assert_eq!(decode_page(&bytes).expect("decoded"), page);
        }
    }

    #[test]
    fn every_cut_and_wrong_parts_are_refused() {
        let page = PointPage {
            points: points(),
            ..PointPage::default()
        };
        let bytes = encode_page(&page).expect("encoded");
        for length in 0..bytes.len() {
            assert!(decode_page(&bytes[..length]).is_err(), "{length}");
        }
        let tensors = |wrong: Plain| {
            let mut all = space_tensors(&[&points()[0].vectors]).expect("encoded");
            all.push(lines(IDS, ["7".to_owned()].into_iter()));
            all.push(lines(PAYLOADS, ["{}".to_owned()].into_iter()));
            all.retain(|plain| plain.name != wrong.name);
            all.push(wrong);
            serialize(&all, HashMap::new()).expect("encoded")
        };
        let plain = |name: &str, kind, shape, bytes| Plain {
            name: name.to_owned(),
            kind,
            shape,
            bytes,
        };
        for (wrong, named) in [
            (lines(PAYLOADS, std::iter::empty()), "0 payloads"),
            (
                lines(PAYLOADS, ["[]".to_owned()].into_iter()),
                "JSON object",
            ),
            (lines(IDS, ["x".to_owned()].into_iter()), "whole numbers"),
            (plain(IDS, Dtype::U8, vec![1], vec![0xff]), "UTF-8"),
            (
                plain("image.rows", Dtype::U32, vec![1], vec![1, 0, 0, 0]),
                "image",
            ),
            (
                plain("image.rows", Dtype::U32, vec![2], vec![0; 8]),
                "image",
            ),
            (plain("image", Dtype::F32, vec![1, 0], Vec::new()), "image"),
            (plain("image", Dtype::U32, vec![1, 3], vec![0; 12]), "image"),
        ] {
            let error = decode_page(&tensors(wrong)).expect_err(named);
            assert!(error.message.contains(named), "{named}: {error}");
        }
    }

    #[test]
    fn vectors_of_different_lengths_are_refused() {
        let vectors = |length: usize| Vectors {
            image: Some(vec![1.0; length]),
            ..Vectors::default()
        };
        let points = [
            (PointId::Number(1), vectors(2)),
            (PointId::Number(2), vectors(3)),
        ];
        assert!(encode_vectors(&points).is_err());
    }
}
