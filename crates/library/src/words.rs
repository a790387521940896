//! The words of file and folder names, so that a picture is found by its name.
//!
//! Numbers, hashes, and the names that cameras, phones and sites give files are not words.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

/// The maximum number of words of one name.
const MOST_WORDS: usize = 24;
/// The longest word, in characters.
const LONGEST_WORD: usize = 40;
/// The shortest sequence of hexadecimal digits that counts as a hash. "cafe" and "facade" are
/// words.
const SHORTEST_HASH: usize = 8;

/// Names that cameras, phones, browsers and sites give files, and words without a subject.
const EMPTY_WORDS: [&str; 62] = [
    "a",
    "an",
    "and",
    "at",
    "by",
    "camera",
    "copy",
    "download",
    "drawn",
    "dsc",
    "dscf",
    "dscn",
    "edit",
    "edited",
    "export",
    "file",
    "final",
    "for",
    "from",
    "full",
    "gif",
    "image",
    "images",
    "img",
    "in",
    "is",
    "it",
    "jpeg",
    "jpg",
    "mvimg",
    "new",
    "of",
    "on",
    "or",
    "orig",
    "original",
    "out",
    "output",
    "photo",
    "pic",
    "pict",
    "picture",
    "pictures",
    "png",
    "pxl",
    "resized",
    "sample",
    "scan",
    "screenshot",
    "small",
    "the",
    "thumb",
    "thumbnail",
    "tif",
    "tiff",
    "to",
    "unnamed",
    "untitled",
    "webp",
    "whatsapp",
    "with",
    "www",
];

/// Returns the words of a name, in lower case and in order, each once.
#[must_use]
pub fn words_of(name: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    if Uuid::try_parse(name.trim()).is_ok() {
        return words;
    }
    // In a decomposed name, as macOS gives it, accents are characters of their own.
    let name: String = name.nfc().collect();
    for part in name.split(|character: char| !character.is_alphanumeric()) {
        if is_noise(part) || is_empty_word(&part.to_lowercase()) {
            continue;
        }
        for word in humps(part) {
            let Some(word) = plain(&word) else { continue };
            if words.len() < MOST_WORDS && seen.insert(word.clone()) {
                words.push(word);
            }
        }
    }
    words
}

/// Returns the words of a sentence that have a subject.
#[must_use]
pub fn subjects_of(sentence: &str) -> Vec<String> {
    words_of(sentence)
}

/// Returns a folder's name as one tag: `Pixel Art` is `pixel_art`. `None` if it has no letter.
#[must_use]
pub fn tag_of_folder(name: &str) -> Option<String> {
    let tag = crate::sidecars::tag(name)?;
    tag.chars().any(char::is_alphabetic).then_some(tag)
}

/// Returns whether a part of a name is not a word: a hash, or an id of random letters and digits.
fn is_noise(part: &str) -> bool {
    let length = part.chars().count();
    let digits = part
        .chars()
        .filter(|character| character.is_numeric())
        .count();
    if digits == length {
        return true;
    }
    if length >= SHORTEST_HASH
        && part.chars().all(|character| character.is_ascii_hexdigit())
        && (digits > 0 || length >= 16)
    {
        return true;
    }
    if is_code(part, digits) {
        return true;
    }
    // An id such as FxY3kZzaIAAqT1p: long, and it changes between letters and digits, or between
    // cases, more often than words do.
    let kinds: Vec<u8> = part
        .chars()
        .map(|character| match character {
            _ if character.is_numeric() => 0,
            _ if character.is_uppercase() => 1,
            _ => 2,
        })
        .collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    length >= SHORTEST_HASH && changes * 2 >= length
        || length >= SHORTEST_HASH && digits >= 2 && changes >= 4
}

/// Returns whether a part with this many digits is a short hexadecimal number, such as the `1fad0`
/// of an emoji. A word with up to two digits after it, such as `cafe2`, is a numbered name.
fn is_code(part: &str, digits: usize) -> bool {
    let is_hexadecimal = part.chars().all(|character| character.is_ascii_hexdigit());
    let word = part.trim_end_matches(|character: char| character.is_ascii_digit());
    let is_numbered = digits <= 2 && word.len() + digits == part.len();
    is_hexadecimal && digits > 0 && !is_numbered
}

/// Splits `RedFox` into `Red` and `Fox`, and separates digits.
fn humps(part: &str) -> Vec<String> {
    let characters: Vec<char> = part.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| characters[before]);
        let begins = before.is_some_and(|before| {
            before.is_lowercase() && character.is_uppercase()
                || before.is_numeric() != character.is_numeric()
        });
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.push(*character);
    }
    words.push(word);
    words
}

/// Returns a word in lower case, or `None` if it has no meaning.
fn plain(word: &str) -> Option<String> {
    let word: String = word.chars().flat_map(char::to_lowercase).collect();
    let length = word.chars().count();
    let letters = word.chars().any(char::is_alphabetic);
    // In many scripts a single character is a word.
    let long_enough = length >= 3 || (length >= 1 && !word.is_ascii()) || is_short_word(&word);
    let without_vowel =
        word.is_ascii() && length >= 4 && !word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    let useful =
        letters && long_enough && !without_vowel && length <= LONGEST_WORD && !is_empty_word(&word);
    useful.then_some(word)
}

fn is_empty_word(word: &str) -> bool {
    EMPTY_WORDS.binary_search(&word).is_ok()
}

/// Returns whether this is one of the few subjects with two letters.
fn is_short_word(word: &str) -> bool {
    matches!(word, "ox" | "tv" | "ufo")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_empty_words_can_be_searched() {
        assert!(EMPTY_WORDS.is_sorted());
    }

    #[test]
    fn names_give_their_words_and_nothing_else() {
        for (name, words) in [
            ("Red Fox (final)", &["red", "fox"][..]),
            ("red_fox-02", &["red", "fox"]),
            ("RedFox2", &["red", "fox"]),
            (
                "__hatsune_miku_vocaloid_drawn_by_wada__3f786850e387550fdab836ed7e6dc881",
                &["hatsune", "miku", "vocaloid", "wada"],
            ),
            ("the_ox_of_cafe", &["ox", "cafe"]),
            ("gestürzter Bäcker", &["gestürzter", "bäcker"]),
            ("gestu\u{308}rzter_Ba\u{308}cker", &["gestürzter", "bäcker"]),
            ("赤い 狐", &["赤い", "狐"]),
            ("100% cotton #3", &["cotton"]),
            ("twemoji-1fad0", &["twemoji"]),
            ("cafe2 bee07", &["cafe", "bee"]),
            ("fox\nfox", &["fox"]),
        ] {
            assert_eq!(words_of(name), words, "{name}");
        }
    }

    #[test]
    fn names_of_cameras_hashes_and_numbers_give_no_words() {
        for name in [
            "IMG_2034",
            "DSC00012",
            "PXL_20240101_120000000",
            "Screenshot 2024-01-01",
            "3f786850e387550fdab836ed7e6dc881",
            "deadbeefdeadbeef",
            "1fad0",
            "1F469-200D-1F9B0",
            "abc1234",
            "1001",
            "FxY3kZzaIAAqT1p",
            "8f14e45f-ceea-467f-a0e6-1b3b6d2d9b8f",
            "WhatsApp Image 2023-01-01",
            "",
        ] {
            assert_eq!(words_of(name), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_folders_name_is_one_tag() {
        assert_eq!(tag_of_folder("Pixel Art").as_deref(), Some("pixel_art"));
        assert_eq!(tag_of_folder(" 2024 "), None);
        assert_eq!(tag_of_folder(""), None);
    }
}
