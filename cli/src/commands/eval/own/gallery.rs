//! The gallery that queries are made from: its pictures with their names and styles.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use clippy_core::search::cursor::DEEPEST;
use clippy_core::search::subjects;
use serde_json::Value;

use super::super::measuring::DEPTH;
use crate::arguments::WeightArguments;
use crate::client::{Client, Picture, SearchForm, id_text};
use crate::failure::Failure;

/// Once this many pictures are known, no further style is fetched.
const MOST: usize = 20_000;
/// Shorter words of a file's name are ignored, since they have no meaning.
const SHORTEST_WORD: usize = 3;

/// A picture of the gallery.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: Value,
    /// What it shows: its tags without those of the style, or else the words of its file's name.
    pub(super) names: BTreeSet<String>,
    /// Its group of similar styles.
    pub(super) group: Option<u64>,
}

impl Stored {
    pub(super) fn of(picture: Picture) -> Self {
        let payload = picture.payload;
        let styles: HashSet<&String> = payload.matched_tags.iter().collect();
        let tags = payload.tags_all.iter().filter(|tag| !styles.contains(tag));
        let mut names: BTreeSet<String> = tags.cloned().collect();
        if names.is_empty() {
            names = words_of_name(payload.path.as_deref().unwrap_or_default());
        }
        names.retain(|name| name.chars().any(char::is_alphabetic));
        Self {
            id: picture.id,
            names,
            group: picture.style_group,
        }
    }
}

/// The words of a file's name. Numbers and hexadecimal digits are not words, so names that cameras,
/// programs and image boards give have few words.
fn words_of_name(path: &str) -> BTreeSet<String> {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    let stem = stem.to_string_lossy().to_lowercase();
    stem.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
        .filter(|word| word.chars().all(char::is_alphabetic))
        .map(str::to_owned)
        .collect()
}

/// The pictures of the gallery, in an order that depends on their ids only.
#[derive(Debug, Default)]
pub(super) struct Gallery {
    pub(super) pictures: Vec<Stored>,
    /// Whether these are all pictures.
    pub(super) is_whole: bool,
    /// The places of the pictures with each name.
    pub(super) named: BTreeMap<String, Vec<usize>>,
    /// The places of the pictures in each group of similar styles.
    pub(super) groups: BTreeMap<u64, Vec<usize>>,
}

impl Gallery {
    pub(super) fn of(pictures: Vec<Stored>, is_whole: bool) -> Self {
        let mut gallery = Self {
            pictures,
            is_whole,
            ..Self::default()
        };
        gallery
            .pictures
            .sort_by_cached_key(|picture| (hash(&id_text(&picture.id)), id_text(&picture.id)));
        for (place, picture) in gallery.pictures.iter().enumerate() {
            for name in &picture.names {
                gallery.named.entry(name.clone()).or_default().push(place);
            }
            if let Some(group) = picture.group {
                gallery.groups.entry(group).or_default().push(place);
            }
        }
        gallery
    }

    /// Fetches the gallery: the results of a search that matches all pictures. If the gallery has
    /// more pictures than a search returns, the pictures of each style are fetched, too.
    pub(super) async fn fetch(client: &Client, weights: &WeightArguments) -> Result<Self, Failure> {
        let (mut ids, is_whole) = walk(client, weights, None).await?;
        let mut cut_groups: HashSet<u64> = HashSet::new();
        if !is_whole {
            let mut known: HashSet<String> = ids.iter().map(id_text).collect();
            let styles = client.get("/api/styles", &[]).await?;
            let styles = styles["styles"].as_array().into_iter().flatten();
            for group in styles.filter_map(|style| style["id"].as_u64()) {
                let (of_group, is_complete) = if ids.len() < MOST {
                    walk(client, weights, Some(group)).await?
                } else {
                    (Vec::new(), false)
                };
                if !is_complete {
                    cut_groups.insert(group);
                }
                ids.extend(of_group.into_iter().filter(|id| known.insert(id_text(id))));
            }
        }
        let pictures = client.pictures(&ids).await?;
        let pictures = pictures.into_iter().map(|picture| {
            let mut stored = Stored::of(picture);
            // Of such a style, not all pictures are known, and the unknown ones would count as
            // wrong.
            stored.group = stored.group.filter(|group| !cut_groups.contains(group));
            stored
        });
        Ok(Self::of(pictures.collect(), is_whole))
    }

    /// Finds the places of the other pictures with the same subject: those that share most of their
    /// names.
    pub(super) fn same_subject(&self, place: usize) -> Vec<usize> {
        let names = &self.pictures[place].names;
        let mut common: HashMap<usize, usize> = HashMap::new();
        for name in names {
            for other in self.named.get(name).into_iter().flatten() {
                *common.entry(*other).or_default() += 1;
            }
        }
        let mut same: Vec<usize> = common
            .into_iter()
            .filter(|(other, _)| *other != place)
            .filter(|(other, common)| {
                let all = names.len() + self.pictures[*other].names.len() - common;
                *common as f32 >= subjects::SAME * all as f32
            })
            .map(|(other, _)| other)
            .collect();
        same.sort_unstable();
        same
    }

    /// The ids of the pictures at these places.
    pub(super) fn ids(&self, places: &[usize]) -> Vec<Value> {
        let ids = places.iter().map(|place| self.pictures[*place].id.clone());
        ids.collect()
    }
}

/// Fetches the ids of the pictures of the gallery or of a style, page by page. Also returns whether
/// these are all.
async fn walk(
    client: &Client,
    weights: &WeightArguments,
    group: Option<u64>,
) -> Result<(Vec<Value>, bool), Failure> {
    let weights = WeightArguments {
        w_txt: 1.0,
        ..*weights
    };
    let mut ids: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut form = SearchForm::new(&weights, DEPTH)
            .field("query_text", "picture".to_owned())
            .field("calibrated", "false".to_owned())
            .field("collapse", "false".to_owned())
            .field("personalize", "false".to_owned());
        if let Some(group) = group {
            form = form.field("style_groups", group.to_string());
        }
        if let Some(cursor) = cursor {
            form = form.field("cursor", cursor);
        }
        let answer = client.search(form).await?;
        ids.extend(Client::results(&answer)?.into_iter().map(|hit| hit.id));
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            let is_complete = ids.len() < DEEPEST;
            return Ok((ids, is_complete));
        }
    }
}

/// A hash that is the same on every machine (FNV-1a, with its bits mixed): choices by it look
/// random, but are the same in every run.
pub(super) fn hash(text: &str) -> u64 {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Payload;

    fn picture(tags: &[&str], styles: &[&str], path: &str) -> Stored {
        let list = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        Stored::of(Picture {
            id: 1.into(),
            style_group: None,
            payload: Payload {
                tags_all: list(tags),
                matched_tags: list(styles),
                path: Some(path.to_owned()),
                style: None,
            },
        })
    }

    #[test]
    fn a_picture_is_named_by_its_tags_or_else_by_its_file() {
        let names = |stored: Stored| stored.names.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(
            names(picture(&["red_fox", "ink", "2024"], &["ink"], "cat.png")),
            "red_fox"
        );
        assert_eq!(
            names(picture(&["ink"], &["ink"], "/a/Red fox_at-0042 5f3a.jpg")),
            "fox red"
        );
        assert_eq!(names(picture(&[], &[], "")), "");
    }

    #[test]
    fn pictures_whose_names_agree_are_of_one_subject() {
        let mut pictures = vec![
            picture(&["fox", "animal", "ink"], &["ink"], ""),
            picture(&["fox", "animal"], &[], ""),
            picture(&["dog", "animal"], &[], ""),
            picture(&[], &[], ""),
        ];
        for (id, picture) in pictures.iter_mut().enumerate() {
            picture.id = id.into();
        }
        let gallery = Gallery::of(pictures, true);
        let place = |id: usize| {
            let mut pictures = gallery.pictures.iter();
            pictures
                .position(|picture| picture.id == id)
                .expect("there")
        };
        assert_eq!(gallery.same_subject(place(0)), [place(1)]);
        assert!(gallery.same_subject(place(2)).is_empty());
        assert!(gallery.same_subject(place(3)).is_empty());
    }
}
