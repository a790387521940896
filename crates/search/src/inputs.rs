//! The model inputs of a query, and the keys that identify them.

use clippy_core::gallery::ProbeKind;
use clippy_core::search::cursor;
use clippy_core::search::weights::{WeightField, Weights};
use sha2::{Digest, Sha256};

use crate::query::{SearchQuery, non_blank};

/// A model input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// The sketch, trimmed to what is drawn.
    Sketch(View),
    /// The picture.
    Image(View),
    /// The picture whose look is wanted.
    StyleImage,
    /// The words to search for.
    Words,
    /// The words to avoid.
    UnwantedWords,
}

/// The form in which the model gets a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum View {
    /// The picture itself.
    Whole,
    /// Its edge map.
    Edges,
}

impl Input {
    /// Returns the inputs that a query needs for the fields with a weight.
    pub(crate) fn of(query: &SearchQuery, weights: &Weights) -> Vec<Self> {
        let mut inputs = Vec::new();
        for (field, view) in [
            (WeightField::Image, View::Whole),
            (WeightField::Edge, View::Edges),
        ] {
            if weights.get(field) > 0.0 {
                inputs.extend(query.sketch.is_some().then_some(Self::Sketch(view)));
                inputs.extend(query.image.is_some().then_some(Self::Image(view)));
            }
        }
        if weights.get(WeightField::Text) > 0.0 {
            let words = |text: &Option<String>, input| non_blank(text).map(|_| input);
            inputs.extend(words(&query.text, Self::Words));
            inputs.extend(words(&query.negative_text, Self::UnwantedWords));
        }
        if weights.get(WeightField::Style) > 0.0 && query.style_image.is_some() {
            inputs.push(Self::StyleImage);
        }
        inputs
    }

    /// Returns the probes that an input is part of.
    pub(crate) fn probes(self) -> &'static [ProbeKind] {
        match self {
            Self::Sketch(View::Whole) | Self::Image(View::Whole) => &[ProbeKind::Image],
            Self::Sketch(View::Edges) | Self::Image(View::Edges) => &[ProbeKind::Edge],
            Self::StyleImage => &[ProbeKind::Style],
            Self::Words | Self::UnwantedWords => &[ProbeKind::Text, ProbeKind::WordsImage],
        }
    }

    /// Returns whether results should be unlike it.
    pub(crate) fn is_unwanted(self) -> bool {
        self == Self::UnwantedWords
    }
}

/// Identifies an input by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InputKey {
    pub(crate) input: Input,
    digest: [u8; 32],
}

/// SHA-256 of the pictures and words of a query. The hash is cryptographic, so that nobody can make
/// a drawing whose key is that of another person's drawing.
pub(crate) struct Digests {
    sketch: [u8; 32],
    image: [u8; 32],
    style_image: [u8; 32],
    words: [u8; 32],
    unwanted_words: [u8; 32],
}

impl Digests {
    /// Hashes the pictures and words of a query.
    pub(crate) fn of(query: &SearchQuery) -> Self {
        let of = |bytes: Option<&[u8]>| bytes.map_or([0; 32], |bytes| Sha256::digest(bytes).into());
        let words = |text: &Option<String>| of(non_blank(text).map(str::as_bytes));
        Self {
            sketch: of(query.sketch.as_deref()),
            image: of(query.image.as_deref()),
            style_image: of(query.style_image.as_deref()),
            words: words(&query.text),
            unwanted_words: words(&query.negative_text),
        }
    }

    /// Returns the key of an input.
    pub(crate) fn key(&self, input: Input) -> InputKey {
        let digest = match input {
            Input::Sketch(_) => self.sketch,
            Input::Image(_) => self.image,
            Input::StyleImage => self.style_image,
            Input::Words => self.words,
            Input::UnwantedWords => self.unwanted_words,
        };
        InputKey { input, digest }
    }

    /// Returns a fingerprint of everything that decides the order of results: a cursor is valid for
    /// one query only. Fields that only choose what is shown of the results are left out.
    pub(crate) fn fingerprint(&self, query: &SearchQuery) -> String {
        let ordering = SearchQuery {
            sketch: None,
            image: None,
            style_image: None,
            top: 0,
            cursor: None,
            facets: false,
            ..query.clone()
        };
        let ordering = format!("{ordering:?}");
        cursor::fingerprint(&[
            &self.sketch,
            &self.image,
            &self.style_image,
            ordering.as_bytes(),
        ])
    }
}
