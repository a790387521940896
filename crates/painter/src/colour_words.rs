//! Words of a prompt that name a colour, and what they belong to.

use crate::plane::Lab;

/// A word and the colour that it stands for.
#[derive(Debug, PartialEq)]
pub struct NamedColour {
    /// The word, in lower case.
    pub name: &'static str,
    /// The colour.
    pub(crate) colour: Lab,
}

const fn named(name: &'static str, colour: Lab) -> NamedColour {
    NamedColour { name, colour }
}

/// Names of colours.
const NAMES: &[NamedColour] = &[
    named("red", [0.60, 0.20, 0.11]),
    named("crimson", [0.50, 0.18, 0.07]),
    named("orange", [0.74, 0.10, 0.14]),
    named("gold", [0.82, 0.02, 0.15]),
    named("golden", [0.82, 0.02, 0.15]),
    named("yellow", [0.90, -0.03, 0.16]),
    named("green", [0.66, -0.14, 0.10]),
    named("teal", [0.63, -0.10, -0.03]),
    named("turquoise", [0.78, -0.12, -0.03]),
    named("cyan", [0.83, -0.11, -0.06]),
    named("blue", [0.56, -0.03, -0.17]),
    named("purple", [0.50, 0.12, -0.14]),
    named("violet", [0.60, 0.12, -0.14]),
    named("magenta", [0.62, 0.22, -0.10]),
    named("pink", [0.80, 0.12, 0.01]),
    named("brown", [0.45, 0.05, 0.06]),
    named("beige", [0.88, 0.01, 0.04]),
    named("black", [0.18, 0.0, 0.0]),
    named("grey", [0.60, 0.0, 0.0]),
    named("gray", [0.60, 0.0, 0.0]),
    named("silver", [0.80, 0.0, -0.005]),
    named("white", [0.97, 0.0, 0.0]),
];

/// Words for surroundings that stand for a colour, too.
const SURROUNDINGS: &[NamedColour] = &[
    named("sky", [0.80, -0.04, -0.08]),
    named("sea", [0.58, -0.07, -0.08]),
    named("forest", [0.46, -0.09, 0.06]),
    named("night", [0.25, 0.01, -0.07]),
    named("sunset", [0.72, 0.13, 0.08]),
    named("snow", [0.95, -0.01, -0.02]),
    named("sand", [0.84, 0.02, 0.06]),
];

/// Parts of a landscape whose colour is the sky's.
const SKY: &[&str] = &["clouds", "horizon", "night", "sky", "sunrise", "sunset"];
/// Parts of a landscape whose colour is the ground's.
const GROUND: &[&str] = &[
    "field",
    "fields",
    "forest",
    "ground",
    "hill",
    "hills",
    "land",
    "mountain",
    "mountains",
    "sand",
    "sea",
    "snow",
    "water",
];

/// Words after which a prompt speaks of something else than its subject.
const ELSEWHERE: &[&str] = &[
    "above", "against", "and", "at", "before", "behind", "beside", "by", "eating", "for", "from",
    "has", "having", "holding", "in", "inside", "near", "next", "not", "of", "on", "over", "to",
    "under", "wearing", "with", "without",
];

/// The words of a prompt, in lower case.
fn words(prompt: &str) -> Vec<String> {
    prompt
        .to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn look_up(list: &'static [NamedColour], word: &str) -> Option<&'static NamedColour> {
    list.iter().find(|known| known.name == word)
}

fn colour_of(word: &str) -> Option<Lab> {
    let known = look_up(NAMES, word).or_else(|| look_up(SURROUNDINGS, word));
    known.map(|known| known.colour)
}

/// Whether this word, in lower case, names a colour that the painter knows.
#[must_use]
pub fn names_colour(word: &str) -> bool {
    colour_of(word).is_some()
}

/// Whether a prompt has this word.
pub(crate) fn has_word(prompt: &str, word: &str) -> bool {
    words(prompt).iter().any(|own| own == word)
}

/// The colour in which a prompt wants what is under a mask: the first one that is only a colour.
/// "Make the sky red" wants red.
#[must_use]
pub fn mask_colour(prompt: &str) -> Option<&'static NamedColour> {
    words(prompt).iter().find_map(|word| look_up(NAMES, word))
}

/// The colours that a prompt names, in its order.
#[must_use]
pub fn named_colours(prompt: &str) -> Vec<Lab> {
    let words = words(prompt);
    words.iter().filter_map(|word| colour_of(word)).collect()
}

/// The colours that a prompt names for a landscape.
#[derive(Debug, Default, PartialEq)]
pub struct LandscapeColours {
    /// The colour of the sky.
    pub sky: Option<Lab>,
    /// The colours of the ground, then those that belong to neither.
    pub ground: Vec<Lab>,
}

impl LandscapeColours {
    /// Finds the colours of a prompt: "green hills under a yellow sky", "a red sunset". Colours
    /// without such a word are first the sky's, if nothing names one, then the ground's.
    #[must_use]
    pub fn of(prompt: &str) -> Self {
        let words = words(prompt);
        let (mut sky, mut ground, mut others) = (None, Vec::new(), Vec::new());
        let mut named = None;
        for word in &words {
            let name = word.as_str();
            if let Some(known) = look_up(NAMES, name) {
                others.extend(named.replace(known.colour));
                continue;
            }
            let own = || look_up(SURROUNDINGS, name).map(|known| known.colour);
            if SKY.contains(&name) {
                if let Some(colour) = named.take().or_else(own) {
                    sky.get_or_insert(colour);
                }
            } else if GROUND.contains(&name) {
                ground.extend(named.take().or_else(own));
            }
        }
        others.extend(named);
        if sky.is_none() && ground.is_empty() && !others.is_empty() {
            sky = Some(others.remove(0));
        }
        ground.append(&mut others);
        Self { sky, ground }
    }
}

/// Whether a prompt speaks of something else than its subject after this word, in lower case.
#[must_use]
pub fn leads_elsewhere(word: &str) -> bool {
    ELSEWHERE.contains(&word)
}

/// The colour that a prompt gives to its subject: "a red apple" and "an apple in red" name one, "a
/// cat with a red hat" and "a house under a blue sky" name none.
#[must_use]
pub fn subject_colour(prompt: &str) -> Option<&'static NamedColour> {
    let words = words(prompt);
    let is_elsewhere = |word: &String| leads_elsewhere(word);
    let end = words.iter().position(is_elsewhere).unwrap_or(words.len());
    let before = words[..end].iter().find_map(|word| look_up(NAMES, word));
    before.or_else(|| match &words[end..] {
        // "An apple in red": nothing follows that the colour could belong to.
        [preposition, name, rest @ ..] if preposition == "in" => {
            look_up(NAMES, name).filter(|_| rest.first().is_none_or(is_elsewhere))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_of_the_subject_is_told_from_those_of_other_things() {
        for (prompt, colour) in [
            ("a red apple", Some("red")),
            ("A small, GREEN car on a yellow field", Some("green")),
            ("red and white balloon", Some("red")),
            ("an apple in red", Some("red")),
            ("the hat in blue, on a table", Some("blue")),
            ("gray cat", Some("gray")),
            ("a cat with a red hat", None),
            ("a house under a blue sky", None),
            ("a rocket at night", None),
            ("a fish in blue water", None),
            ("a house in the snow", None),
            ("a sea lion", None),
            ("a cat and a red dog", None),
            ("an apple, not red", None),
            ("an apple in", None),
            ("", None),
        ] {
            let found = subject_colour(prompt).map(|found| found.name);
            assert_eq!(found, colour, "{prompt:?}");
        }
    }

    #[test]
    fn colours_of_a_landscape_belong_to_its_sky_or_to_its_ground() {
        let colours = |names: &[&str]| -> Vec<Lab> {
            names.iter().filter_map(|name| colour_of(name)).collect()
        };
        for (prompt, sky, ground) in [
            (
                "a red sunset over blue hills",
                Some("red"),
                &["blue"] as &[&str],
            ),
            ("brown hills under a yellow sky", Some("yellow"), &["brown"]),
            ("green hills", None, &["green"]),
            ("golden fields with a white sun", None, &["golden", "white"]),
            ("a teal sea of hills at sunrise", None, &["teal"]),
            ("hills at night", Some("night"), &[]),
            ("snow and a grey sky", Some("grey"), &["snow"]),
            ("orange and pink layers", Some("orange"), &["pink"]),
            ("abstract", None, &[]),
        ] {
            let found = LandscapeColours::of(prompt);
            assert_eq!(found.sky, sky.and_then(colour_of), "the sky of {prompt:?}");
            assert_eq!(found.ground, colours(ground), "the ground of {prompt:?}");
        }
    }

    #[test]
    fn under_a_mask_only_names_of_colours_count() {
        for (prompt, colour) in [
            ("make the sky red", Some("red")),
            ("Paint the sea GREEN, not blue", Some("green")),
            ("a hat in the forest", None),
        ] {
            let found = mask_colour(prompt).map(|found| found.name);
            assert_eq!(found, colour, "{prompt:?}");
        }
    }

    #[test]
    fn colours_are_named_in_the_order_of_the_prompt() {
        let [blue, red] = ["blue", "red"].map(|name| colour_of(name).expect("a colour"));
        assert_eq!(named_colours("Blue, then RED; redder"), [blue, red]);
        assert!(names_colour("sunset") && !names_colour("apple"));
    }
}
