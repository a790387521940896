//! How many inputs a batch may have: fewer after the device's memory was full, and more again once
//! batches fit.

use crate::batch::{Kind, Limits};

/// Full batches in sequence that fit, after which a limit is raised.
const FIRST_PATIENCE: u32 = 16;
/// The most of them. Each raise that fails doubles the number, since something else holds the
/// memory. Once as many batches have fitted at the first limit, the number begins anew.
const LONGEST_PATIENCE: u32 = 1 << 12;

/// The limits of batches at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    most: Limits,
    images: Limit,
    texts: Limit,
}

/// The limit of one kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    now: usize,
    /// Full batches that fitted since the last change.
    fitted: u32,
    patience: u32,
    /// Whether the last change was a raise.
    is_raised: bool,
}

impl Limit {
    fn new(most: usize) -> Self {
        Self {
            now: most,
            fitted: 0,
            patience: FIRST_PATIENCE,
            is_raised: false,
        }
    }

    fn lower(&mut self, inputs: usize) {
        self.now = (inputs / 2).max(1);
        self.fitted = 0;
        if self.is_raised {
            self.patience = self.patience.saturating_mul(2).min(LONGEST_PATIENCE);
        }
        self.is_raised = false;
    }

    fn note_success(&mut self, inputs: usize, most: usize) {
        if inputs < self.now {
            return;
        }
        self.fitted = self.fitted.saturating_add(1);
        if self.fitted < self.patience {
            return;
        }
        self.fitted = 0;
        if self.now < most {
            self.now = self.now.saturating_mul(2).min(most);
            self.is_raised = true;
        } else {
            self.patience = FIRST_PATIENCE;
            self.is_raised = false;
        }
    }
}

impl Allowance {
    /// Begins with these limits, which are never exceeded.
    #[must_use]
    pub fn new(most: Limits) -> Self {
        Self {
            most,
            images: Limit::new(most.images),
            texts: Limit::new(most.texts),
        }
    }

    /// The limits of the next batch.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            images: self.images.now,
            texts: self.texts.now,
        }
    }

    /// Halves the limit after a batch of this size did not fit. Returns the new one, or `None` if
    /// the batch was a single input, which cannot be made smaller.
    pub fn note_full_memory(&mut self, kind: Kind, inputs: usize) -> Option<usize> {
        if inputs <= 1 {
            return None;
        }
        let limit = self.of(kind);
        limit.lower(inputs);
        Some(limit.now)
    }

    /// Notes a batch of this size that fitted. After many in sequence the limit is doubled.
    pub fn note_success(&mut self, kind: Kind, inputs: usize) {
        let most = match kind {
            Kind::Images => self.most.images,
            Kind::Texts => self.most.texts,
        };
        self.of(kind).note_success(inputs, most);
    }

    fn of(&mut self, kind: Kind) -> &mut Limit {
        match kind {
            Kind::Images => &mut self.images,
            Kind::Texts => &mut self.texts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance() -> Allowance {
        Allowance::new(Limits {
            images: 64,
            texts: 8,
        })
    }

    /// Notes full batches until the limit changes, and returns their number.
    fn until_raised(allowance: &mut Allowance) -> u32 {
        let before = allowance.limits().images;
        for count in 1..100_000 {
            allowance.note_success(Kind::Images, before);
            if allowance.limits().images != before {
                return count;
            }
        }
        panic!("it was never raised")
    }

    #[test]
    fn a_batch_that_does_not_fit_is_halved_down_to_one_and_texts_keep_their_limit() {
        let mut allowance = allowance();
        // Fewer inputs than the limit were waiting.
        let mut inputs = 48;
        let mut limits = Vec::new();
        while let Some(limit) = allowance.note_full_memory(Kind::Images, inputs) {
            limits.push(limit);
            inputs = limit;
        }
        assert_eq!(limits, [24, 12, 6, 3, 1]);
        // One shortage, however deep, does not delay the way back.
        assert_eq!(until_raised(&mut { allowance }), FIRST_PATIENCE);
        assert_eq!(
            allowance.limits(),
            Limits {
                images: 1,
                texts: 8
            }
        );
    }

    #[test]
    fn a_limit_is_raised_by_full_batches_only_and_never_above_the_first() {
        let mut allowance = allowance();
        allowance.note_full_memory(Kind::Images, 64);
        for _ in 0..1000 {
            allowance.note_success(Kind::Images, 31);
            allowance.note_success(Kind::Texts, 8);
        }
        assert_eq!(allowance.limits().images, 32);
        assert_eq!(until_raised(&mut allowance), FIRST_PATIENCE);
        assert_eq!(allowance.limits().images, 64);
        allowance.note_success(Kind::Images, 64);
        assert_eq!(allowance.limits().images, 64);
    }

    #[test]
    fn a_raise_that_fails_is_tried_again_later_each_time() {
        let mut allowance = allowance();
        let mut waited = Vec::new();
        for _ in 0..12 {
            allowance.note_full_memory(Kind::Images, 64);
            waited.push(until_raised(&mut allowance));
        }
        assert!(waited.is_sorted() && waited[0] < waited[3], "{waited:?}");
        assert_eq!(waited[11], LONGEST_PATIENCE);
        // It was another program's memory, and is free again.
        for _ in 0..LONGEST_PATIENCE {
            allowance.note_success(Kind::Images, 64);
        }
        allowance.note_full_memory(Kind::Images, 64);
        assert_eq!(until_raised(&mut allowance), FIRST_PATIENCE);
    }
}
