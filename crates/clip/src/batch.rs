//! Chooses the inputs that the model computes next: a pure function from the waiting requests to
//! one batch. It has three rules:
//!
//! 1. **Pictures with pictures, texts with texts**, from any number of requests. A batch takes what
//!    is waiting, up to the limit. It never waits to become fuller, so a single client is not
//!    delayed.
//! 2. **The smallest request goes first**, counted from when it was last served: a request is due
//!    when as many inputs have been computed since then as it still has. So a query of two inputs
//!    overtakes a call of a hundred; but before its next batch, that call is overtaken by at most
//!    as many inputs as it has itself.
//! 3. **Texts of like length**: a batch costs its longest text for every text in it, so a batch
//!    holds texts of one [`length_class`] only, and less than half of it is padding (but for the
//!    very short ones).

/// The limits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pictures.
    pub images: usize,
    /// Most texts.
    pub texts: usize,
}

/// What a request still needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How many inputs the model had computed when this request arrived or was last served.
    pub since: u64,
    /// Places of its pictures among its inputs.
    pub images: Vec<usize>,
    /// Places of its texts among its inputs, each with its number of tokens.
    pub texts: Vec<(usize, usize)>,
}

impl Waiting {
    /// Returns the number of inputs still to be computed.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.images.len() + self.texts.len()
    }

    /// Returns the value of the count behind `since` at which this request is due.
    fn due(&self) -> u64 {
        self.since.saturating_add(self.remaining() as u64)
    }

    /// Removes the inputs that a batch contains. `computed` includes the batch itself.
    pub fn remove_taken(&mut self, kind: Kind, places: &[usize], computed: u64) {
        match kind {
            Kind::Images => self.images.retain(|place| !places.contains(place)),
            Kind::Texts => self.texts.retain(|(place, _)| !places.contains(place)),
        }
        self.since = computed;
    }
}

/// What a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Images,
    /// Texts.
    Texts,
}

/// Why a batch is not larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// No more inputs of its kind (and length) are waiting.
    NothingMore,
    /// The limit is reached.
    Full,
}

/// The inputs of one pass through the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What it holds.
    pub kind: Kind,
    /// For each input: the position of its request in `waiting`, and its place among that
    /// request's inputs.
    pub items: Vec<(usize, usize)>,
    /// Why it is not larger.
    pub stopped: StopReason,
}

/// Texts of one class may share a batch: up to 16 tokens, up to 32, up to 64, and so on.
#[must_use]
pub fn length_class(tokens: usize) -> usize {
    tokens.max(16).next_power_of_two()
}

/// Chooses the next batch; `None` when nothing is waiting. Cancelled requests must not be in
/// `waiting`.
///
/// The request that is due first decides the kind: its pictures before its texts, its short texts
/// before its long ones. The others then join in the order in which they are due.
#[must_use]
pub fn next_batch(waiting: &[Waiting], limits: Limits) -> Option<Batch> {
    let mut order: Vec<usize> = (0..waiting.len())
        .filter(|&at| waiting[at].remaining() > 0)
        .collect();
    // Stable: among requests due at once, the one that came first.
    order.sort_by_key(|&at| waiting[at].due());
    let first = &waiting[*order.first()?];

    let shortest = first
        .texts
        .iter()
        .map(|&(_, tokens)| length_class(tokens))
        .min();
    let (kind, limit) = match (first.images.is_empty(), shortest) {
        (true, Some(_)) => (Kind::Texts, limits.texts.max(1)),
        _ => (Kind::Images, limits.images.max(1)),
    };
    let fitting = order.iter().flat_map(|&at| {
        let request = &waiting[at];
        let images = (kind == Kind::Images)
            .then_some(&request.images)
            .into_iter()
            .flatten()
            .copied();
        let texts = (kind == Kind::Texts)
            .then_some(&request.texts)
            .into_iter()
            .flatten();
        let texts = texts
            .filter(|&&(_, tokens)| Some(length_class(tokens)) == shortest)
            .map(|&(place, _)| place);
        images.chain(texts).map(move |place| (at, place))
    });
    // One more than allowed shows whether something is left.
    let mut items: Vec<(usize, usize)> = fitting.take(limit + 1).collect();
    let stopped = if items.len() > limit {
        StopReason::Full
    } else {
        StopReason::NothingMore
    };
    items.truncate(limit);
    Some(Batch {
        kind,
        items,
        stopped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        images: 8,
        texts: 4,
    };

    fn images(since: u64, count: usize) -> Waiting {
        Waiting {
            since,
            images: (0..count).collect(),
            texts: Vec::new(),
        }
    }

    fn texts(since: u64, lengths: &[usize]) -> Waiting {
        Waiting {
            since,
            images: Vec::new(),
            texts: lengths.iter().copied().enumerate().collect(),
        }
    }

    /// Computes everything; gives, for each batch, which requests were in it.
    fn run(waiting: &mut [Waiting], limits: Limits) -> Vec<Batch> {
        let mut computed = waiting
            .iter()
            .map(|request| request.since)
            .max()
            .unwrap_or(0);
        let mut batches = Vec::new();
        while let Some(batch) = next_batch(waiting, limits) {
            computed += batch.items.len() as u64;
            for (at, request) in waiting.iter_mut().enumerate() {
                let places: Vec<usize> = batch
                    .items
                    .iter()
                    .filter(|item| item.0 == at)
                    .map(|item| item.1)
                    .collect();
                if !places.is_empty() {
                    request.remove_taken(batch.kind, &places, computed);
                }
            }
            batches.push(batch);
        }
        batches
    }

    #[test]
    fn nothing_waiting_is_no_batch() {
        assert_eq!(next_batch(&[], LIMITS), None);
        assert_eq!(next_batch(&[Waiting::default()], LIMITS), None);
    }

    #[test]
    fn one_alone_goes_at_once() {
        let batch = next_batch(&[images(0, 1)], LIMITS).unwrap();
        assert_eq!(
            batch,
            Batch {
                kind: Kind::Images,
                items: vec![(0, 0)],
                stopped: StopReason::NothingMore
            }
        );
    }

    #[test]
    fn concurrent_requests_share_a_batch_up_to_the_limit() {
        let waiting = [images(0, 3), images(0, 3), images(0, 3)];
        let batch = next_batch(&waiting, LIMITS).unwrap();
        assert_eq!(
            batch.items,
            [
                (0, 0),
                (0, 1),
                (0, 2),
                (1, 0),
                (1, 1),
                (1, 2),
                (2, 0),
                (2, 1)
            ]
        );
        assert_eq!(batch.stopped, StopReason::Full);
        let exactly = next_batch(&[images(0, 8)], LIMITS).unwrap();
        assert_eq!(
            (exactly.items.len(), exactly.stopped),
            (8, StopReason::NothingMore)
        );
    }

    #[test]
    fn pictures_and_texts_never_mix() {
        let mut waiting = [
            Waiting {
                since: 0,
                images: vec![0, 2],
                texts: vec![(1, 5)],
            },
            Waiting {
                since: 0,
                images: vec![1],
                texts: vec![(0, 6), (2, 6)],
            },
        ];
        let batches = run(&mut waiting, LIMITS);
        assert_eq!(batches.len(), 2, "{batches:?}");
        assert_eq!(
            (batches[0].kind, &batches[0].items),
            (Kind::Images, &vec![(0, 0), (0, 2), (1, 1)])
        );
        assert_eq!(
            (batches[1].kind, &batches[1].items),
            (Kind::Texts, &vec![(0, 1), (1, 0), (1, 2)])
        );
    }

    #[test]
    fn a_small_request_passes_a_large_one_that_came_before() {
        let waiting = [images(0, 100), images(50, 2)];
        assert_eq!(
            next_batch(&waiting, LIMITS).unwrap().items[..2],
            [(1, 0), (1, 1)]
        );
        // The rest of the batch is the large one's.
        assert_eq!(next_batch(&waiting, LIMITS).unwrap().items.len(), 8);
    }

    #[test]
    fn a_large_request_is_passed_by_no_more_than_it_has_itself() {
        // A stream of queries that fills every batch by itself.
        let mut waiting = vec![images(0, 20)];
        let mut computed = 0;
        let mut passed = 0;
        loop {
            waiting.extend((0..4).map(|_| images(computed, 2)));
            let batch = next_batch(&waiting, LIMITS).unwrap();
            computed += batch.items.len() as u64;
            if batch.items.iter().any(|&(at, _)| at == 0) {
                break;
            }
            passed += batch.items.len();
            waiting.truncate(1);
        }
        assert!(passed > 8 && passed <= 20 + LIMITS.images, "{passed}");
    }

    #[test]
    fn texts_share_a_batch_with_their_like() {
        let mut waiting = [texts(0, &[77, 5]), texts(0, &[6, 40, 16])];
        let batches = run(&mut waiting, LIMITS);
        let items: Vec<_> = batches.iter().map(|batch| batch.items.clone()).collect();
        assert_eq!(
            items,
            [vec![(0, 1), (1, 0), (1, 2)], vec![(0, 0)], vec![(1, 1)]]
        );
    }

    #[test]
    fn padding_is_less_than_half_of_a_batch() {
        for tokens in 17..200_usize {
            assert!(length_class(tokens) < 2 * tokens, "{tokens}");
            assert!(length_class(tokens) >= tokens);
        }
        assert_eq!(
            (length_class(2), length_class(16), length_class(17)),
            (16, 16, 32)
        );
    }

    #[test]
    fn everything_is_computed_once_whatever_the_limits() {
        let mixed = |since, number: usize| Waiting {
            since,
            images: (0..number % 7).collect(),
            texts: (number % 7..number % 7 + number % 5)
                .map(|place| (place, 3 + place * number % 90))
                .collect(),
        };
        for limits in [(0, 0), (1, 1), (1, 5), (3, 2), (64, 64)] {
            let limits = Limits {
                images: limits.0,
                texts: limits.1,
            };
            let mut waiting: Vec<Waiting> =
                (0..40).map(|number| mixed(number as u64, number)).collect();
            let total: usize = waiting.iter().map(Waiting::remaining).sum();
            let mut items: Vec<_> = Vec::new();
            for batch in run(&mut waiting, limits) {
                let most = if batch.kind == Kind::Images {
                    limits.images
                } else {
                    limits.texts
                };
                assert!(batch.items.len() <= most.max(1), "{batch:?}");
                items.extend(batch.items);
            }
            items.sort_unstable();
            items.dedup();
            assert_eq!(items.len(), total, "{limits:?}");
        }
    }
}
