//! The position of a client in the events of several jobs, as one `id`: each job with the last
//! event that was sent. The id contains everything, so that any process of the API can continue
//! from it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clippy_common::shorten;
use clippy_core::{Error, Result};
use clippy_jobs::{EventId, JobId};

/// The version of the format. Every cursor begins with it.
const FORM: &str = "j1.";
/// The highest number of jobs in one cursor.
pub(crate) const MOST_JOBS: usize = 200;
const LONGEST: usize = MOST_JOBS * 50;

/// The jobs of a stream, each with the last event that was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StreamCursor {
    jobs: Vec<(JobId, EventId)>,
}

impl StreamCursor {
    /// Parses the text of [`StreamCursor::to_text`].
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for anything else.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| {
            let shown = shorten(text, 60);
            Error::invalid(format!(
                "\"{shown}\" is not the id of an event of this stream: send one that was received"
            ))
        })
    }

    fn read(text: &str) -> Option<Self> {
        let encoded = text
            .strip_prefix(FORM)
            .filter(|encoded| encoded.len() <= LONGEST)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let mut rest = bytes.as_slice();
        let mut jobs = Vec::new();
        while !rest.is_empty() {
            let (id, after) = rest.split_first_chunk::<16>()?;
            rest = after;
            let id = uuid::Uuid::from_bytes(*id).to_string().parse().ok()?;
            let (major, minor) = (read_number(&mut rest)?, read_number(&mut rest)?);
            jobs.push((id, EventId { major, minor }));
        }
        (jobs.len() <= MOST_JOBS).then_some(Self { jobs })
    }

    /// Writes it as text, with about 30 letters per job.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(self.jobs.len() * 24);
        for (job, event) in &self.jobs {
            // A job's id hides its UUID; its text reveals it.
            let id = uuid::Uuid::parse_str(&job.to_string()).unwrap_or_default();
            bytes.extend_from_slice(id.as_bytes());
            write_number(&mut bytes, event.major);
            write_number(&mut bytes, event.minor);
        }
        format!("{FORM}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the last event of a job that was sent.
    pub(crate) fn after(&self, job: JobId) -> Option<EventId> {
        self.jobs
            .iter()
            .find(|(id, _)| *id == job)
            .map(|(_, event)| *event)
    }

    /// Records the last event of a job that was sent.
    pub(crate) fn set(&mut self, job: JobId, event: EventId) {
        match self.jobs.iter_mut().find(|(id, _)| *id == job) {
            Some((_, last)) => *last = event,
            None => self.jobs.push((job, event)),
        }
    }

    /// Removes a job that is no longer followed.
    pub(crate) fn remove(&mut self, job: JobId) {
        self.jobs.retain(|(id, _)| *id != job);
    }

    /// The jobs.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().map(|(id, _)| *id)
    }
}

/// Writes a number with seven bits per byte, the lowest first. The highest bit marks that more
/// bytes follow.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..10_u32 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f)
            .checked_shl(place * 7)
            .filter(|_| place < 9 || *byte <= 1)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_parsed_from_its_text() {
        let mut cursor = StreamCursor::default();
        assert_eq!(
            StreamCursor::parse(&cursor.to_text()).expect("an empty one"),
            cursor
        );
        for event in [
            (0, 0),
            (127, 128),
            (1_790_000_000_000, 3),
            (u64::MAX, u64::MAX),
        ] {
            cursor.set(
                JobId::generate(),
                EventId {
                    major: event.0,
                    minor: event.1,
                },
            );
        }
        let text = cursor.to_text();
        assert!(text.len() < 200, "{text}");
        assert_eq!(StreamCursor::parse(&text).expect("the same"), cursor);
        let first = cursor.jobs().next().expect("one");
        cursor.set(first, EventId { major: 9, minor: 1 });
        assert_eq!(cursor.after(first), Some(EventId { major: 9, minor: 1 }));
        cursor.remove(first);
        assert_eq!((cursor.after(first), cursor.jobs().count()), (None, 3));
        let many = (0..MOST_JOBS).fold(StreamCursor::default(), |mut cursor, _| {
            cursor.set(
                JobId::generate(),
                EventId {
                    major: u64::MAX,
                    minor: u64::MAX,
                },
            );
            cursor
        });
        assert_eq!(
            StreamCursor::parse(&many.to_text()).expect("the highest number of jobs"),
            many
        );
    }

    #[test]
    fn invalid_text_is_refused() {
        let mut cursor = StreamCursor::default();
        cursor.set(
            JobId::generate(),
            EventId {
                major: 1_790_000_000_000,
                minor: 300,
            },
        );
        let text = cursor.to_text();
        for end in FORM.len() + 1..text.len() {
            assert!(StreamCursor::parse(&text[..end]).is_err(), "{end}");
        }
        let long = format!("{FORM}{}", "A".repeat(LONGEST + 1));
        for wrong in ["", "1-0", "j1", "j2.", "j1.!", "j1.AAAA", long.as_str()] {
            assert!(StreamCursor::parse(wrong).is_err(), "{wrong}");
        }
    }
}
