//! Texts to tokens: open_clip's `SimpleTokenizer`, and tokenizers that files describe. The same
//! token ids for the same text.

mod bpe;
mod clean;
mod file;
mod html;
mod mojibake;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use bpe::BytePairs;
pub use clean::Cleaning;
pub use file::{FILES, FileTokenizer, TokenizerFiles};

use crate::error::Result;

/// Number of tokens that there are: 512 bytes, 48,894 merges and two marks.
pub const VOCABULARY_SIZE: i64 = 49_408;
/// The mark that begins every text.
pub const START_OF_TEXT: i64 = 49_406;
/// The mark that ends every text, and the largest token: open_clip finds the end of a text by it.
pub const END_OF_TEXT: i64 = 49_407;

/// The words that a text is cut into before byte pairs are merged. Marks that a user writes count
/// as marks, too.
const PATTERN: &str =
    r"(?i)<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// `None` only if the pattern is invalid, which the tests of this file rule out.
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PATTERN).ok());
static BYTE_PAIRS: LazyLock<BytePairs> = LazyLock::new(BytePairs::new);

/// What turns texts into the tokens of one model.
#[derive(Clone)]
pub enum ModelTokenizer {
    /// CLIP's, which is built in.
    Clip(Tokenizer),
    /// The one in the model's folder.
    File(Arc<FileTokenizer>),
}

impl ModelTokenizer {
    /// Returns the tokens of a text.
    ///
    /// # Errors
    /// As [`FileTokenizer::encode`]; CLIP's never fails.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>> {
        match self {
            Self::Clip(tokenizer) => Ok(tokenizer.encode(text)),
            Self::File(tokenizer) => tokenizer.encode(text),
        }
    }

    /// Builds now what the first text would wait for.
    pub fn warm_up(&self) {
        if let Self::Clip(tokenizer) = self {
            tokenizer.warm_up();
        }
    }
}

/// Turns texts into tokens for a CLIP model of one context length.
#[derive(Debug, Clone, Copy)]
pub struct Tokenizer {
    context_length: usize,
}

impl Tokenizer {
    /// Makes a tokenizer that makes at most `context_length` tokens of a text, marks included.
    #[must_use]
    pub fn new(context_length: usize) -> Self {
        // Both marks always fit: a configuration with less is refused.
        Self {
            context_length: context_length.max(2),
        }
    }

    /// Builds the vocabulary now rather than at the first text (some 20 ms).
    pub fn warm_up(&self) {
        LazyLock::force(&WORDS);
        LazyLock::force(&BYTE_PAIRS);
    }

    /// Returns the tokens of a text, from the start mark to the end mark, without the zeros that
    /// open_clip pads with.
    ///
    /// A text that is longer than the context is cut, and the end mark is put in the last place.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<i64> {
        let cleaned = clean::clean(text);
        let mut tokens = vec![START_OF_TEXT];
        let words = WORDS.iter().flat_map(|pattern| pattern.find_iter(&cleaned));
        for word in words {
            match word.as_str() {
                "<start_of_text>" => tokens.push(START_OF_TEXT),
                "<end_of_text>" => tokens.push(END_OF_TEXT),
                word => BYTE_PAIRS.encode(word, &mut tokens),
            }
            // The rest would be cut off anyway.
            if tokens.len() >= self.context_length {
                break;
            }
        }
        tokens.truncate(self.context_length - 1);
        tokens.push(END_OF_TEXT);
        tokens
    }
}

/// Returns the number of every token as CLIP's `vocab.json` has it.
pub(crate) fn vocabulary() -> HashMap<String, u32> {
    let mut symbols = BytePairs::with_symbols().1;
    symbols.insert("<|startoftext|>".to_owned(), START_OF_TEXT as u32);
    symbols.insert("<|endoftext|>".to_owned(), END_OF_TEXT as u32);
    symbols
}

/// Whether these are the merges that are built in, in their order.
pub(crate) fn are_our_merges<'a>(merges: impl Iterator<Item = &'a str>) -> bool {
    merges.eq(bpe::MERGES.lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_enclosed_by_its_marks() {
        // From open_clip.tokenize(["a diagram", ""]).
        let tokenizer = Tokenizer::new(77);
        assert_eq!(tokenizer.encode("a diagram"), [49406, 320, 22697, 49407]);
        assert_eq!(tokenizer.encode(""), [49406, 49407]);
    }

    #[test]
    fn a_long_text_is_cut_and_still_ends() {
        let tokens = Tokenizer::new(8).encode("one two three four five six seven eight nine ten");
        assert_eq!(tokens.len(), 8);
        assert_eq!(tokens.last(), Some(&END_OF_TEXT));
        assert_eq!(
            tokens[..7],
            Tokenizer::new(77).encode("one two three four five six seven eight nine ten")[..7]
        );
    }
}
