//! The changes that a collection accepts, and their bytes in the journal.
//!
//! Every operation sets what it names to a constant. So replaying operations over a state that has
//! some of them already ends in the same state. The journal's recovery depends on this.

use clippy_core::gallery::{Payload, Point, Space, Vectors};
use clippy_core::ids::PointId;
use uuid::Uuid;

/// One acknowledged change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operation {
    /// Adds or replaces whole points.
    Put(Vec<Point>),
    /// Replaces the vectors that are given, of points that exist.
    Vectors(Vec<(PointId, Vectors)>),
    /// Sets payload fields of points that exist.
    Fields(Vec<PointId>, Payload),
    /// Deletes points.
    Delete(Vec<PointId>),
}

/// Codes of earlier versions, whose points had three vectors, and whose fields were set point by
/// point. They are read, and not written.
const PUT_OF_THREE: u8 = 1;
const VECTORS_OF_THREE: u8 = 2;
const FIELDS_OF_ONE: u8 = 3;
const DELETE: u8 = 4;
const PUT: u8 = 5;
const VECTORS: u8 = 6;
const FIELDS: u8 = 7;

/// The spaces of a point in a record of the first versions.
const THREE: [Space; 3] = [Space::Image, Space::Edge, Space::Text];

const NONE: u8 = 0;
const VECTOR: u8 = 1;

impl Operation {
    /// Returns how many points it names.
    pub(crate) fn points(&self) -> u64 {
        match self {
            Self::Put(points) => points.len() as u64,
            Self::Vectors(updates) => updates.len() as u64,
            Self::Fields(ids, _) => ids.len() as u64,
            Self::Delete(ids) => ids.len() as u64,
        }
    }

    /// Encodes one journal record.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Put(points) => {
                bytes.push(PUT);
                write_length(&mut bytes, points.len());
                for point in points {
                    write_id(&mut bytes, point.id);
                    write_vectors(&mut bytes, &point.vectors);
                    write_payload(&mut bytes, &point.payload);
                }
            }
            Self::Vectors(updates) => {
                bytes.push(VECTORS);
                write_length(&mut bytes, updates.len());
                for (id, vectors) in updates {
                    write_id(&mut bytes, *id);
                    write_vectors(&mut bytes, vectors);
                }
            }
            Self::Fields(ids, fields) => {
                bytes.push(FIELDS);
                write_ids(&mut bytes, ids);
                write_payload(&mut bytes, fields);
            }
            Self::Delete(ids) => {
                bytes.push(DELETE);
                write_ids(&mut bytes, ids);
            }
        }
        bytes
    }

    /// Reads what [`Operation::encode`] wrote; `None` for other bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes };
        let code = reader.byte()?;
        let spaces = match code {
            PUT_OF_THREE | VECTORS_OF_THREE => &THREE[..],
            _ => &Space::ALL,
        };
        let operation = match code {
            PUT | PUT_OF_THREE => {
                let count = reader.length()?;
                let mut points = Vec::with_capacity(count.min(reader.bytes.len()));
                for _ in 0..count {
                    points.push(Point {
                        id: reader.id()?,
                        vectors: reader.vectors(spaces)?,
                        payload: reader.payload()?,
                    });
                }
                Self::Put(points)
            }
            VECTORS | VECTORS_OF_THREE => {
                let count = reader.length()?;
                let mut updates = Vec::with_capacity(count.min(reader.bytes.len()));
                for _ in 0..count {
                    updates.push((reader.id()?, reader.vectors(spaces)?));
                }
                Self::Vectors(updates)
            }
            FIELDS_OF_ONE => Self::Fields(vec![reader.id()?], reader.payload()?),
            FIELDS => Self::Fields(reader.ids()?, reader.payload()?),
            DELETE => Self::Delete(reader.ids()?),
            _ => return None,
        };
        reader.bytes.is_empty().then_some(operation)
    }
}

fn write_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
}

fn write_id(bytes: &mut Vec<u8>, id: PointId) {
    match id {
        PointId::Number(number) => {
            bytes.push(0);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        PointId::Uuid(uuid) => {
            bytes.push(1);
            bytes.extend_from_slice(uuid.as_bytes());
        }
    }
}

fn write_ids(bytes: &mut Vec<u8>, ids: &[PointId]) {
    write_length(bytes, ids.len());
    for id in ids {
        write_id(bytes, *id);
    }
}

fn write_vectors(bytes: &mut Vec<u8>, vectors: &Vectors) {
    for (_, vector) in vectors.iter() {
        let Some(vector) = vector else {
            bytes.push(NONE);
            continue;
        };
        bytes.push(VECTOR);
        write_length(bytes, vector.len());
        bytes.reserve(vector.len() * 4);
        for value in vector {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
}

fn write_payload(bytes: &mut Vec<u8>, payload: &Payload) {
    let start = bytes.len();
    write_length(bytes, 0);
    // Maps with text keys always become JSON, and a `Vec` takes every byte.
    let written = serde_json::to_writer(&mut *bytes, payload);
    debug_assert!(written.is_ok(), "{written:?}");
    let length = (bytes.len() - start - 8) as u64;
    bytes[start..start + 8].copy_from_slice(&length.to_le_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn id(&mut self) -> Option<PointId> {
        match self.byte()? {
            0 => self.number().map(PointId::Number),
            1 => self
                .take(16)?
                .try_into()
                .ok()
                .map(|bytes| PointId::Uuid(Uuid::from_bytes(bytes))),
            _ => None,
        }
    }

    fn ids(&mut self) -> Option<Vec<PointId>> {
        let count = self.length()?;
        (0..count).map(|_| self.id()).collect()
    }

    fn vectors(&mut self, spaces: &[Space]) -> Option<Vectors> {
        let mut vectors = Vectors::default();
        for &space in spaces {
            match self.byte()? {
                NONE => {}
                VECTOR => {
                    let length = self.length()?;
                    let bytes = self.take(length.checked_mul(4)?)?;
                    let values = bytes
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .map(|value| f32::from_le_bytes(*value));
                    *vectors.get_mut(space) = Some(values.collect());
                }
                _ => return None,
            }
        }
        Some(vectors)
    }

    fn payload(&mut self) -> Option<Payload> {
        let length = self.length()?;
        serde_json::from_slice(self.take(length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Vec<Operation> {
        let mut payload = Payload::new();
        payload.insert("tags_all".to_owned(), vec!["Ä", "b"].into());
        payload.insert("score".to_owned(), 7.into());
        let uuid = PointId::Uuid(Uuid::from_u128(5));
        let vectors = Vectors {
            image: Some(vec![0.25, -1.5e-30, f32::MAX]),
            edge: None,
            text: Some(vec![1.0, 0.0, 0.5]),
            style: Some(vec![0.5]),
        };
        vec![
            Operation::Put(vec![
                Point {
                    id: PointId::Number(u64::MAX),
                    vectors,
                    payload: payload.clone(),
                },
                Point {
                    id: uuid,
                    vectors: Vectors::default(),
                    payload: Payload::new(),
                },
            ]),
            Operation::Vectors(vec![(
                uuid,
                Vectors {
                    image: None,
                    edge: None,
                    text: Some(vec![0.1, 0.2]),
                    style: None,
                },
            )]),
            Operation::Fields(vec![PointId::Number(3), PointId::Number(4)], payload),
            Operation::Delete(vec![PointId::Number(1), uuid]),
        ]
    }

    #[test]
    fn what_is_written_is_read_again() {
        for operation in operations() {
            assert_eq!(
                Operation::decode(&operation.encode()).as_ref(),
                Some(&operation)
            );
        }
    }

    /// Records that an earlier version left behind, as it wrote them.
    #[test]
    fn records_of_three_vectors_are_read() {
        let mut put = vec![PUT_OF_THREE];
        write_length(&mut put, 1);
        write_id(&mut put, PointId::Number(7));
        put.extend_from_slice(&[NONE, VECTOR]);
        write_length(&mut put, 1);
        put.extend_from_slice(&0.5_f32.to_le_bytes());
        put.push(NONE);
        write_payload(&mut put, &Payload::new());
        let vectors = Vectors {
            edge: Some(vec![0.5]),
            ..Vectors::default()
        };
        let point = Point {
            id: PointId::Number(7),
            vectors,
            payload: Payload::new(),
        };
        assert_eq!(Operation::decode(&put), Some(Operation::Put(vec![point])));
    }

    #[test]
    fn a_part_of_an_operation_is_not_decoded() {
        for operation in operations() {
            let bytes = operation.encode();
            for cut in 0..bytes.len() {
                assert_eq!(
                    Operation::decode(&bytes[..cut]),
                    None,
                    "{operation:?} cut at {cut}"
                );
            }
        }
    }
}
