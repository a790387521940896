//! Parses a text file beside a picture. It has tags separated by commas or line breaks, as training
//! tools, gallery-dl and Hydrus write them; or tags separated by spaces, as image boards write
//! them; or a sentence.

use super::description::{Description, fill};

/// The maximum number of words of tags on average; a single tag may have twice as many. Longer
/// texts are parts of a sentence.
const MOST_WORDS: usize = 5;
/// The maximum number of words of a line that is a single tag.
const MOST_WORDS_ALONE: usize = 3;

/// Parses the text of such a file into tags or a caption.
pub(super) fn parse(text: &str) -> Description {
    let mut description = Description::default();
    let text = text.trim();
    let pieces: Vec<&str> = text
        .split([',', '\n', ';'])
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .collect();
    let count = |piece: &str| piece.split_whitespace().count();
    match pieces.as_slice() {
        [] => {}
        [one] if is_row_of_tags(one) => {
            one.split_whitespace()
                .for_each(|tag| description.add_namespaced(tag));
        }
        [one] if count(one) <= MOST_WORDS_ALONE && !is_sentence(text) => {
            description.add_namespaced(one);
        }
        [_] => fill(&mut description.caption, text),
        many if is_sentence(text) || many.iter().any(|piece| count(piece) > 2 * MOST_WORDS) => {
            fill(&mut description.caption, text);
        }
        many if average(many.iter().map(|piece| count(piece))) > MOST_WORDS => {
            fill(&mut description.caption, text);
        }
        many => many.iter().for_each(|tag| description.add_namespaced(tag)),
    }
    description
}

/// Whether these are tags as image boards list them: `1girl red_hair smile`.
fn is_row_of_tags(line: &str) -> bool {
    line.split_whitespace().count() > 1 && line.contains('_') && !is_sentence(line)
}

fn is_sentence(text: &str) -> bool {
    text.contains(' ') && text.ends_with(['.', '!', '?', '。'])
}

fn average(numbers: impl ExactSizeIterator<Item = usize>) -> usize {
    let length = numbers.len().max(1);
    numbers.sum::<usize>().div_ceil(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_sentences_are_distinguished() {
        for (text, tags) in [
            (
                "1girl, Red Hair, looking at viewer",
                &["1girl", "red_hair", "looking_at_viewer"][..],
            ),
            (
                "fox\r\nsnow\nanimal ears\n",
                &["fox", "snow", "animal_ears"],
            ),
            ("1girl red_hair smile", &["1girl", "red_hair", "smile"]),
            ("fox", &["fox"]),
            ("red fox", &["red_fox"]),
            ("fox; snow;", &["fox", "snow"]),
            ("creator:wada\nrating:safe", &["wada"]),
            ("", &[]),
        ] {
            let found = parse(text);
            assert_eq!(found.tags, tags, "{text}");
            assert_eq!(found.caption, None, "{text}");
        }
        for text in [
            "A red fox, sitting in the snow, looks at us.",
            "a red fox that sits in the snow",
            "This is a picture of a fox which somebody took in the winter, I think",
        ] {
            let found = parse(text);
            assert_eq!(found.caption.as_deref(), Some(text));
            assert!(found.tags.is_empty(), "{found:?}");
        }
    }
}
