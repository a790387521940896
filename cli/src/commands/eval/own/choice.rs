//! Chooses the queries. The choice depends only on ids and names, so every run makes the same
//! queries.

use super::gallery::{Gallery, hash};

/// Most queries by words.
const MOST_NAMES: usize = 200;
/// The most pictures that may have the name of a query, since a more common name says too little.
/// It is less than the number of results that count.
const MOST_NAMED: usize = 100;
/// The same limit as a share of the gallery: one picture in this many may have the name.
const MOST_COMMON_SHARE: usize = 5;
/// Most queries by style.
const MOST_STYLES: usize = 60;
/// Most queries by a subject and a style: they take the longest.
const MOST_PAIRS: usize = 40;

/// Returns names that at least two pictures have, but not too many, each with the places of these
/// pictures.
pub(super) fn names(gallery: &Gallery) -> Vec<(&str, &[usize])> {
    let most = (gallery.pictures.len() / MOST_COMMON_SHARE).clamp(2, MOST_NAMED);
    let mut names: Vec<(&str, &[usize])> = gallery
        .named
        .iter()
        .map(|(name, places)| (name.as_str(), places.as_slice()))
        .filter(|(_, places)| (2..=most).contains(&places.len()))
        .filter(|(_, places)| places.len() < gallery.pictures.len())
        .collect();
    names.sort_by_cached_key(|(name, _)| hash(name));
    names.truncate(MOST_NAMES);
    names
}

/// Returns a name of the picture that other pictures have, too, as people type one beside a
/// drawing.
pub(super) fn shared_name(gallery: &Gallery, place: usize) -> Option<&str> {
    let names = gallery.pictures[place].names.iter();
    let most = (gallery.pictures.len() / 2).max(2);
    names
        .filter(|name| {
            let named = gallery.named.get(*name).map_or(0, Vec::len);
            (2..=most).contains(&named)
        })
        .min_by_key(|name| hash(name))
        .map(String::as_str)
}

/// A picture whose style is asked for.
#[derive(Debug, PartialEq)]
pub(super) struct StyleChoice {
    pub(super) example: usize,
    /// Other pictures of its group, of other subjects.
    pub(super) relevant: Vec<usize>,
    /// The picture and others of its subject, in any style.
    pub(super) same_subject: Vec<usize>,
}

/// Chooses pictures whose style other pictures have, too.
pub(super) fn styles(gallery: &Gallery) -> Vec<StyleChoice> {
    let choices = grouped(gallery).filter_map(|(example, members)| {
        let mut same_subject = gallery.same_subject(example);
        same_subject.push(example);
        let others = members.iter().copied();
        let relevant: Vec<usize> = others
            .filter(|member| !same_subject.contains(member))
            .collect();
        (!relevant.is_empty()).then_some(StyleChoice {
            example,
            relevant,
            same_subject,
        })
    });
    choices.take(MOST_STYLES).collect()
}

/// A subject that is asked for in a style.
#[derive(Debug, PartialEq)]
pub(super) struct Pair {
    /// A picture of the subject in another style, to be drawn.
    pub(super) drawn: usize,
    /// A picture of the style with another subject.
    pub(super) example: usize,
    /// The pictures of the subject in the style.
    pub(super) relevant: Vec<usize>,
}

/// Subjects that the gallery has in several styles.
pub(super) fn pairs(gallery: &Gallery) -> Vec<Pair> {
    let pairs = grouped(gallery).filter_map(|(wanted, members)| {
        let group = gallery.pictures[wanted].group;
        let same = gallery.same_subject(wanted);
        let (mut relevant, elsewhere): (Vec<usize>, Vec<usize>) = same
            .into_iter()
            .filter(|place| gallery.pictures[*place].group.is_some())
            .partition(|place| gallery.pictures[*place].group == group);
        relevant.insert(0, wanted);
        let start = members.iter().position(|member| *member == wanted)? + 1;
        let example = members[start..].iter().chain(&members[..start]);
        Some(Pair {
            drawn: *elsewhere.get(wanted % elsewhere.len().max(1))?,
            example: *example
                .into_iter()
                .find(|member| !relevant.contains(member))?,
            relevant,
        })
    });
    pairs.take(MOST_PAIRS).collect()
}

/// The pictures that have a group, with the members of the group.
fn grouped(gallery: &Gallery) -> impl Iterator<Item = (usize, &[usize])> {
    let pictures = gallery.pictures.iter().enumerate();
    pictures.filter_map(|(place, picture)| {
        let members = gallery.groups.get(&picture.group?)?;
        Some((place, members.as_slice()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::gallery::Stored;
    use super::*;

    fn gallery(pictures: impl IntoIterator<Item = (Vec<String>, Option<u64>)>) -> Gallery {
        let pictures = pictures.into_iter().enumerate();
        let stored = pictures.map(|(id, (names, group))| Stored {
            id: id.into(),
            names: names.into_iter().collect(),
            group,
        });
        Gallery::of(stored.collect(), true)
    }

    /// Makes a gallery of subjects, each in each style. All pictures share one further name, and
    /// each picture has one name of its own.
    fn drawn(subjects: usize, styles: u64) -> Gallery {
        let all = (0..subjects).flat_map(|subject| (0..styles).map(move |style| (subject, style)));
        gallery(all.map(|(subject, style)| {
            let mut names: Vec<String> = (0..6).map(|word| format!("s{subject}_{word}")).collect();
            names.extend(["everywhere".to_owned(), format!("only {subject} {style}")]);
            (names, Some(style))
        }))
    }

    #[test]
    fn names_are_neither_unique_nor_everywhere_and_the_choice_repeats() {
        let gallery = drawn(60, 3);
        let chosen = names(&gallery);
        assert_eq!(chosen.len(), MOST_NAMES, "of 360");
        for (name, places) in &chosen {
            assert!(
                name.starts_with('s') && places.len() == 3,
                "{name}: {places:?}"
            );
        }
        assert_eq!(chosen, names(&drawn(60, 3)));
        let few = drawn(1, 2);
        assert!(
            names(&few).is_empty(),
            "every picture has every shared name"
        );
        assert!(names(&Gallery::default()).is_empty());
    }

    #[test]
    fn a_typed_word_is_shared_but_not_by_most() {
        let gallery = drawn(4, 3);
        for place in 0..gallery.pictures.len() {
            let name = shared_name(&gallery, place).expect("six are shared");
            assert!(name.starts_with('s'), "{name}");
        }
        assert_eq!(shared_name(&drawn(1, 1), 0), None);
    }

    #[test]
    fn a_style_is_answered_by_other_subjects_of_its_group() {
        let gallery = drawn(5, 3);
        let chosen = styles(&gallery);
        assert_eq!(chosen.len(), 15);
        for choice in &chosen {
            assert_eq!((choice.relevant.len(), choice.same_subject.len()), (4, 3));
            let group = gallery.pictures[choice.example].group;
            for place in &choice.relevant {
                assert_eq!(gallery.pictures[*place].group, group);
            }
        }
        assert!(styles(&drawn(1, 3)).is_empty(), "one subject only");
        assert!(styles(&super::super::gallery::Gallery::default()).is_empty());
    }

    #[test]
    fn a_subject_in_a_style_is_drawn_from_another_style() {
        let gallery = drawn(5, 3);
        let chosen = pairs(&gallery);
        assert_eq!(chosen.len(), 15);
        for pair in &chosen {
            let of = |place: usize| &gallery.pictures[place];
            let wanted = pair.relevant[0];
            assert_eq!(pair.relevant.len(), 1);
            assert_ne!(of(pair.drawn).group, of(wanted).group);
            assert_eq!(of(pair.example).group, of(wanted).group);
            assert!(gallery.same_subject(wanted).contains(&pair.drawn));
            assert!(!gallery.same_subject(wanted).contains(&pair.example));
        }
        assert!(pairs(&drawn(5, 1)).is_empty(), "one style only");
        assert!(pairs(&drawn(1, 3)).is_empty(), "one subject only");
    }
}
