//! The score that the words of a query give to a picture.
//!
//! Words are compared in three ways: with the sentence made from the picture's tags, with the tags
//! themselves (see [`super::lexical`]), and with the picture. The three share the weight of the
//! words. An untagged picture has only the last one, which then counts for all three: missing tags
//! are no evidence against a picture.

use super::lexical::LexicalQuery;
use crate::gallery::{Payload, proposed_words_of, tags_of};

/// The share of the sentence's cosine in the score of a tagged picture.
pub const SENTENCE_SHARE: f32 = 0.45;
/// The share of the match with the tags.
pub const TAGS_SHARE: f32 = 0.45;
/// The share of the picture's own cosine.
pub const PICTURE_SHARE: f32 = 0.1;
/// The share of the picture's own cosine where it is the only one. It is above 1, so that a match
/// with an untagged picture reaches the scores of matches with tags: docs/search.md has the
/// measurements.
pub const UNTAGGED_SHARE: f32 = 2.0;

/// The worth of a match with a proposed tag, as a share of that of a match with a tag. A proposed
/// tag may be wrong, since no person has checked it.
pub const PROPOSED_SHARE: f32 = 0.5;

/// The words of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// What to search for.
    pub wanted: Option<LexicalQuery>,
    /// What to avoid: the part of these words that a picture's tags cover is subtracted.
    pub unwanted: Option<LexicalQuery>,
    /// The fingerprint of the model whose proposed tags count, too.
    pub proposed_by: Option<String>,
}

impl Words {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.is_none() && self.unwanted.is_none()
    }

    /// How much of the wanted words the tags of a picture cover, less what they cover of the
    /// unwanted ones; `None` for a picture without tags.
    pub(super) fn matched(&self, payload: &Payload) -> Option<f32> {
        let proposed = || proposed_words_of(payload, self.proposed_by.as_deref());
        let has_proposed = proposed().next().is_some();
        let covered = |words: &LexicalQuery| {
            let certain = words.score(tags_of(payload));
            if !has_proposed {
                return certain;
            }
            let both = words.score(tags_of(payload).chain(proposed()));
            certain + PROPOSED_SHARE * (both - certain)
        };
        let has_tags = has_proposed || tags_of(payload).next().is_some();
        has_tags.then(|| {
            let wanted = self.wanted.as_ref().map_or(0.0, covered);
            wanted - self.unwanted.as_ref().map_or(0.0, covered)
        })
    }
}

/// One of the comparisons of words with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordsPart {
    /// The sentence made from the tags.
    Sentence,
    /// The tags themselves.
    Tags,
    /// The picture.
    Picture,
}

/// How the parts share the weight of the words, in one query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    sentence: f32,
    tags: f32,
    picture: f32,
    untagged: f32,
}

impl Shares {
    /// Of a query with words.
    pub(super) const WORDS: Self = Self {
        sentence: SENTENCE_SHARE,
        tags: TAGS_SHARE,
        picture: PICTURE_SHARE,
        untagged: UNTAGGED_SHARE,
    };
    /// Of a query that compares sentences without any words: pictures to be like.
    pub(super) const SENTENCE_ONLY: Self = Self {
        sentence: 1.0,
        tags: 0.0,
        picture: 0.0,
        untagged: 0.0,
    };
}

/// What is known about the words and one picture. Cosines are in the unit of the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct WordScores {
    /// The cosine with the sentence.
    pub(super) sentence: Option<f32>,
    /// How much of the words the tags cover; `None` without tags. Proposed tags count by
    /// [`PROPOSED_SHARE`].
    pub(super) tags: Option<f32>,
    /// The cosine with the picture.
    pub(super) picture: Option<f32>,
    /// Whether the picture has tags, or a sentence made from them.
    pub(super) is_tagged: bool,
}

impl WordScores {
    /// The share that the picture's own cosine has.
    pub(super) fn picture_share(&self, shares: &Shares) -> f32 {
        if self.is_tagged {
            shares.picture
        } else {
            shares.untagged
        }
    }

    fn contributions(&self, shares: &Shares) -> [(WordsPart, f32); 3] {
        let picture = self.picture_share(shares);
        [
            (WordsPart::Tags, shares.tags * self.tags.unwrap_or(0.0)),
            (
                WordsPart::Sentence,
                shares.sentence * self.sentence.unwrap_or(0.0),
            ),
            (WordsPart::Picture, picture * self.picture.unwrap_or(0.0)),
        ]
    }

    /// The score.
    pub(super) fn total(&self, shares: &Shares) -> f32 {
        let parts = self.contributions(shares);
        parts.iter().map(|(_, contribution)| contribution).sum()
    }

    /// The part that adds most to the score; `None` when none adds anything.
    pub(super) fn strongest(&self, shares: &Shares) -> Option<WordsPart> {
        let parts = self.contributions(shares);
        let (part, _) = parts
            .into_iter()
            .filter(|(_, contribution)| *contribution > 0.0)
            .max_by(|left, right| left.1.total_cmp(&right.1))?;
        Some(part)
    }
}

/// Upper bounds of the words' score for pictures that are in no list of candidates. They follow
/// from the floors of the lists, in the unit of the ranking.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WordFloors {
    /// Of all points, by the sentence.
    pub(super) sentence: f32,
    /// Of all points, by the picture.
    pub(super) picture: f32,
    /// Of the points without a sentence, by the picture.
    pub(super) untagged: f32,
    /// Of the points with a tag that the words name, by the sentence; `None` when there are no
    /// more.
    pub(super) matching: Option<f32>,
}

impl WordFloors {
    pub(super) fn bound(&self, shares: &Shares) -> f32 {
        // A missing or negative score counts as 0 at the most.
        let positive = |floor: f32| floor.max(0.0);
        let picture = shares.picture * positive(self.picture);
        let tagged = shares.sentence * positive(self.sentence) + picture;
        // An untagged picture may have proposed tags that match.
        let proposed = self.matching.map_or(0.0, |_| PROPOSED_SHARE * shares.tags);
        let untagged = shares.untagged.max(shares.picture) * positive(self.untagged) + proposed;
        let matching = self.matching.map_or(0.0, |floor| {
            shares.sentence * positive(floor) + shares.tags + picture
        });
        tagged.max(untagged).max(matching)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: Shares = Shares::WORDS;

    #[test]
    fn an_untagged_picture_is_judged_by_the_picture_alone() {
        let untagged = WordScores {
            picture: Some(0.2),
            ..WordScores::default()
        };
        assert!((untagged.total(&SHARES) - UNTAGGED_SHARE * 0.2).abs() < 1e-6);
        assert_eq!(untagged.strongest(&SHARES), Some(WordsPart::Picture));
        let wrong_tags = WordScores {
            tags: Some(0.0),
            sentence: Some(0.0),
            is_tagged: true,
            ..untagged
        };
        assert!(wrong_tags.total(&SHARES) < untagged.total(&SHARES));
    }

    #[test]
    fn a_proposed_tag_counts_less_than_a_tag_and_only_for_the_model_that_proposed_it() {
        let words = Words {
            wanted: Some(LexicalQuery::new("cat")),
            unwanted: Some(LexicalQuery::new("ink")),
            proposed_by: Some("new".to_owned()),
        };
        let matched = |tags: &[&str], proposed: &[&str], by: &str| {
            let mut payload = Payload::new();
            payload.insert("tags_all".to_owned(), tags.into());
            payload.insert("proposed_words".to_owned(), proposed.into());
            payload.insert("proposed_by".to_owned(), by.into());
            words.matched(&payload)
        };
        assert_eq!(matched(&["cat"], &[], "new"), Some(1.0));
        assert_eq!(matched(&["cat"], &["cat"], "new"), Some(1.0));
        assert_eq!(matched(&["dog"], &["cat"], "new"), Some(PROPOSED_SHARE));
        assert_eq!(matched(&["dog"], &["cat"], "old"), Some(0.0));
        assert_eq!(matched(&[], &["cat"], "new"), Some(PROPOSED_SHARE));
        assert_eq!(matched(&[], &["cat"], "old"), None);
        assert_eq!(
            matched(&["cat"], &["ink"], "new"),
            Some(1.0 - PROPOSED_SHARE)
        );
    }

    #[test]
    fn the_strongest_part_is_the_one_that_adds_most() {
        let scores = WordScores {
            sentence: Some(0.3),
            tags: Some(0.0),
            picture: Some(0.1),
            is_tagged: true,
        };
        assert_eq!(scores.strongest(&SHARES), Some(WordsPart::Sentence));
        let named = WordScores {
            tags: Some(1.0),
            ..scores
        };
        assert_eq!(named.strongest(&SHARES), Some(WordsPart::Tags));
        assert_eq!(WordScores::default().strongest(&SHARES), None);
    }

    #[test]
    fn the_bound_covers_every_kind_of_unseen_picture() {
        let floors = WordFloors {
            sentence: 0.2,
            picture: 0.15,
            untagged: 0.1,
            matching: None,
        };
        let below = |floor: f32| [None, Some(floor), Some(-0.3)];
        let bound = floors.bound(&SHARES);
        for sentence in below(0.2) {
            for picture in below(0.15) {
                let tagged = WordScores {
                    sentence,
                    tags: Some(0.0),
                    picture: picture.filter(|value| sentence.is_some() || *value <= 0.1),
                    is_tagged: true,
                };
                assert!(tagged.total(&SHARES) <= bound + 1e-6, "{tagged:?}");
            }
        }
        let untagged = WordScores {
            picture: Some(0.1),
            ..WordScores::default()
        };
        assert!(untagged.total(&SHARES) <= bound + 1e-6);
        let proposed = WordScores {
            tags: Some(PROPOSED_SHARE),
            ..untagged
        };
        let more = WordFloors {
            matching: Some(0.3),
            ..floors
        };
        assert!(bound < proposed.total(&SHARES));
        assert!(proposed.total(&SHARES) <= more.bound(&SHARES) + 1e-6);
        let named = WordScores {
            sentence: Some(0.3),
            tags: Some(1.0),
            picture: Some(0.15),
            is_tagged: true,
        };
        assert!(bound < named.total(&SHARES));
        assert!(named.total(&SHARES) <= more.bound(&SHARES) + 1e-6);
    }
}
