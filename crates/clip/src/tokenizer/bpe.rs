//! Byte-level byte-pair encoding with OpenAI's merges.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The merges, most important first: two symbols a line, in OpenAI's spelling of bytes as
/// characters.
pub const MERGES: &str = include_str!("../../data/bpe_merges.txt");

/// Number of byte symbols; as many again stand for bytes that end a word.
const BYTES: u32 = 256;

/// The vocabulary: symbols 0..256 are bytes, 256..512 bytes that end a word, then one symbol a
/// merge.
pub struct BytePairs {
    /// The symbol that two neighbouring symbols are merged into. Pairs with a lower new symbol are
    /// merged earlier.
    merges: HashMap<(u32, u32), u32>,
    /// The symbol of each byte.
    bytes: [u32; 256],
}

impl BytePairs {
    /// Builds the vocabulary from the embedded merges.
    pub fn new() -> Self {
        Self::with_symbols().0
    }

    /// As [`BytePairs::new`], with the number of each symbol as it is written.
    pub fn with_symbols() -> (Self, HashMap<String, u32>) {
        let (characters, bytes) = byte_symbols();
        let mut symbols: HashMap<String, u32> = HashMap::with_capacity(50_000);
        for (symbol, character) in (0..).zip(characters) {
            symbols.insert(character.to_string(), symbol);
            symbols.insert(format!("{character}</w>"), symbol + BYTES);
        }
        let mut merges = HashMap::with_capacity(50_000);
        for (new, line) in (2 * BYTES..).zip(MERGES.lines()) {
            let Some((left, right)) = line.split_once(' ') else {
                continue;
            };
            let (Some(&first), Some(&second)) = (symbols.get(left), symbols.get(right)) else {
                continue;
            };
            merges.insert((first, second), new);
            symbols.insert(format!("{left}{right}"), new);
        }
        (Self { merges, bytes }, symbols)
    }

    /// Appends the symbols of one word (a stretch that the tokenizer's pattern found).
    ///
    /// The original merges the most important pair everywhere, then searches again, in time that
    /// grows with the square of the word's length. A heap of pairs gives the same: a merge only
    /// makes pairs that are less important than itself.
    pub fn encode(&self, word: &str, output: &mut Vec<i64>) {
        let mut symbols: Vec<u32> = word
            .bytes()
            .map(|byte| self.bytes[usize::from(byte)])
            .collect();
        let Some(last) = symbols.last_mut() else {
            return;
        };
        *last += BYTES;

        // A linked list of symbols. One that was merged into the symbol before it is marked by
        // `GONE`.
        const GONE: u32 = u32::MAX;
        let count = symbols.len();
        let mut next: Vec<usize> = (1..=count).collect();
        let mut previous: Vec<usize> = (0..count).map(|at| at.wrapping_sub(1)).collect();
        let mut pairs = BinaryHeap::new();
        let merged = |left: u32, right: u32| self.merges.get(&(left, right)).copied();
        for at in 1..count {
            if let Some(new) = merged(symbols[at - 1], symbols[at]) {
                pairs.push(Reverse((new, at - 1)));
            }
        }
        while let Some(Reverse((new, at))) = pairs.pop() {
            let right = next[at];
            // The pair may have changed since it was added to the heap.
            if right >= count
                || symbols[at] == GONE
                || merged(symbols[at], symbols[right]) != Some(new)
            {
                continue;
            }
            symbols[at] = new;
            symbols[right] = GONE;
            next[at] = next[right];
            if next[at] < count {
                previous[next[at]] = at;
                if let Some(new) = merged(symbols[at], symbols[next[at]]) {
                    pairs.push(Reverse((new, at)));
                }
            }
            if let Some(&before) = symbols.get(previous[at])
                && let Some(new) = merged(before, symbols[at])
            {
                pairs.push(Reverse((new, previous[at])));
            }
        }
        output.extend(
            symbols
                .into_iter()
                .filter(|&symbol| symbol != GONE)
                .map(i64::from),
        );
    }
}

/// Does the same as OpenAI's `bytes_to_unicode`: returns the character that each symbol is written
/// with, and the symbol of each byte.
///
/// Printable bytes come first and stand for themselves; the others follow, written with characters
/// from U+0100 on.
fn byte_symbols() -> (Vec<char>, [u32; 256]) {
    let is_printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut characters = Vec::with_capacity(256);
    let mut bytes = [0; 256];
    for byte in (0..=255).filter(|&byte| is_printable(byte)) {
        bytes[usize::from(byte)] = characters.len() as u32;
        characters.push(char::from(byte));
    }
    for (written, byte) in ('\u{100}'..).zip((0..=255).filter(|&byte| !is_printable(byte))) {
        bytes[usize::from(byte)] = characters.len() as u32;
        characters.push(written);
    }
    (characters, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_vocabulary_is_there() {
        assert_eq!(BytePairs::new().merges.len(), 48_894);
    }

    #[test]
    fn a_very_long_word_is_encoded_in_reasonable_time() {
        let pairs = BytePairs::new();
        let word = "ab".repeat(500_000);
        let mut output = Vec::new();
        let started = std::time::Instant::now();
        pairs.encode(&word, &mut output);
        assert!(output.len() < word.len());
        // The quadratic algorithm takes hours.
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
