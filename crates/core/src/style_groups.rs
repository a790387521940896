//! The groups of similar styles that a collection has: the note that describes them, and the names
//! by which pictures refer to them.
//!
//! A group has one centroid or, after groups were merged, several. A picture belongs to the nearest
//! of all centroids. Its payload holds the *key* of that centroid, which contains the run that
//! found the groups. A run first adds its own keys to all pictures, beside those of the run before,
//! and then replaces the note. So groups and members change at once, and a run that ends halfway
//! changes nothing that can be seen.

mod centroid;
mod change;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::centroid::Centroid;
pub use self::change::change;
use crate::clustering::nearest;
use crate::gallery::{FacetCount, Gallery, Payload, STYLE_GROUP_FIELD};
use crate::ids::PointId;
use crate::search::product;
use crate::{Error, ErrorCode, Result};

/// The name of the note.
pub const NOTE: &str = "style_groups";
/// The longest name of a group, in characters.
pub const LONGEST_NAME: usize = 80;
/// What to run when there are no groups, as a part of a message.
pub const FIND: &str = "run `clippy styles --find`";
/// Version of the note's form; another one is not read.
const VERSION: u32 = 1;

/// The groups of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleGroups {
    version: u32,
    /// The run that found them. Every key begins with it.
    pub run: String,
    /// The style head whose vectors were compared.
    pub head: String,
    /// The fingerprint of the model.
    pub fingerprint: String,
    /// How many pictures had a style vector.
    pub pictures: u64,
    /// The next id. Ids are never used twice.
    pub next_id: u64,
    /// The groups, the largest first.
    pub groups: Vec<StyleGroup>,
}

/// A group of pictures of similar style.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleGroup {
    /// Its id, which stays when groups are found again.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Whether a person gave it the name.
    #[serde(default)]
    pub is_named: bool,
    /// Its centroids.
    pub centroids: Vec<GroupCentroid>,
    /// How many pictures it had when it was found.
    pub count: u64,
    /// The tags that tell it from other groups, the most telling first.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Typical pictures, the most typical first.
    #[serde(default)]
    pub covers: Vec<PointId>,
}

/// A centroid with the id that its keys contain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCentroid {
    /// Its id. A group has the id of the first centroid that it had.
    pub id: u64,
    /// The direction.
    pub centroid: Centroid,
}

/// Returns the value of [`STYLE_GROUP_FIELD`] for a centroid of a run.
#[must_use]
pub fn key(run: &str, centroid: u64) -> String {
    format!("{run}.{centroid}")
}

/// The keys in a payload.
pub fn keys_of(payload: &Payload) -> impl Iterator<Item = &str> {
    payload
        .get(STYLE_GROUP_FIELD)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

impl StyleGroups {
    /// Makes groups that a run found.
    #[must_use]
    pub fn new(run: String, head: String, fingerprint: String, pictures: u64) -> Self {
        Self {
            version: VERSION,
            run,
            head,
            fingerprint,
            pictures,
            next_id: 1,
            groups: Vec::new(),
        }
    }

    /// Reads the groups of a collection. `None` if none were found, and for those of another style
    /// head: their centroids cannot be compared with new vectors.
    ///
    /// # Errors
    /// What the collection reports.
    pub async fn read(gallery: &dyn Gallery, head: Option<&str>) -> Result<Option<Self>> {
        let Some(head) = head else {
            return Ok(None);
        };
        let note = gallery.note(NOTE).await?;
        let groups = note.and_then(|note| serde_json::from_value::<Self>(note).ok());
        Ok(groups.filter(|groups| groups.version == VERSION && groups.head == head))
    }

    /// Whether the collection has grown or shrunk so much since that groups should be found again.
    #[must_use]
    pub fn is_outgrown(&self, pictures: u64) -> bool {
        pictures.abs_diff(self.pictures) * 5 > self.pictures
    }

    /// All keys of these groups.
    #[must_use]
    pub fn all_keys(&self) -> Vec<String> {
        self.groups
            .iter()
            .flat_map(|group| self.keys_of_group(group))
            .collect()
    }

    /// The keys of one group.
    pub fn keys_of_group<'g>(
        &'g self,
        group: &'g StyleGroup,
    ) -> impl Iterator<Item = String> + use<'g> {
        let centroids = group.centroids.iter();
        centroids.map(|centroid| key(&self.run, centroid.id))
    }

    /// Returns a group.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if there is none with this id.
    pub fn group(&self, id: u64) -> Result<&StyleGroup> {
        let group = self.groups.iter().find(|group| group.id == id);
        group.ok_or_else(|| unknown(id))
    }

    /// The key of the group that a picture with this style vector belongs to.
    #[must_use]
    pub fn key_for(&self, vector: &[f32]) -> Option<String> {
        let centroids: Vec<&GroupCentroid> = self.centroids().collect();
        let directions = centroids.iter().map(|centroid| centroid.centroid.values());
        let (place, _) = nearest(directions, vector)?;
        Some(key(&self.run, centroids[place].id))
    }

    /// All centroids, group by group.
    pub fn centroids(&self) -> impl Iterator<Item = &GroupCentroid> {
        self.groups.iter().flat_map(|group| &group.centroids)
    }

    /// The group that a picture's payload names.
    #[must_use]
    pub fn group_of(&self, payload: &Payload) -> Option<&StyleGroup> {
        keys_of(payload).find_map(|key| self.group_with(key))
    }

    fn group_with(&self, key: &str) -> Option<&StyleGroup> {
        let (run, id) = key.split_once('.')?;
        let id: u64 = id.parse().ok()?;
        (run == self.run).then_some(())?;
        let has = |group: &&StyleGroup| group.centroids.iter().any(|known| known.id == id);
        self.groups.iter().find(has)
    }

    /// Adds up the counts of keys: the groups that have some, with how many, the largest first.
    #[must_use]
    pub fn counts(&self, facets: &[FacetCount]) -> Vec<(&StyleGroup, u64)> {
        let mut counts: Vec<(&StyleGroup, u64)> = Vec::new();
        for facet in facets {
            let Some(group) = self.group_with(&facet.value) else {
                continue;
            };
            match counts.iter_mut().find(|(known, _)| known.id == group.id) {
                Some((_, count)) => *count += facet.count,
                None => counts.push((group, facet.count)),
            }
        }
        counts.sort_by_key(|(group, count)| (std::cmp::Reverse(*count), group.id));
        counts
    }

    /// The direction in the middle of some groups, to search for what is typical of them. It has
    /// unit length.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown id.
    pub fn middle(&self, ids: &[u64]) -> Result<Vec<f32>> {
        let mut sum: Vec<f32> = Vec::new();
        for id in ids {
            for GroupCentroid { centroid, .. } in &self.group(*id)?.centroids {
                sum.resize(centroid.values().len(), 0.0);
                for (sum, value) in sum.iter_mut().zip(centroid.values()) {
                    *sum += value;
                }
            }
        }
        let length = product(&sum, &sum).sqrt().max(1e-9);
        sum.iter_mut().for_each(|value| *value /= length);
        Ok(sum)
    }

    /// Names a group.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for a name that is empty, too long or another group's, and
    /// [`ErrorCode::NotFound`] for an unknown id.
    pub fn rename(&mut self, id: u64, name: &str) -> Result<()> {
        let name = check_name(name)?;
        self.group(id)?;
        let same = |group: &&StyleGroup| {
            group.id != id && group.name.to_lowercase() == name.to_lowercase()
        };
        if let Some(other) = self.groups.iter().find(same) {
            return Err(Error::invalid(format!(
                "style {} has this name already: merge the two, or choose another name",
                other.id
            )));
        }
        for group in self.groups.iter_mut().filter(|group| group.id == id) {
            group.name = name.clone();
            group.is_named = true;
        }
        Ok(())
    }

    /// Merges a group into another one, which keeps its id and its name.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for a group and itself, and [`ErrorCode::NotFound`] for an
    /// unknown id.
    pub fn merge(&mut self, id: u64, into: u64) -> Result<()> {
        self.group(id)?;
        self.group(into)?;
        if id == into {
            return Err(Error::invalid(format!(
                "style {id} cannot be merged with itself"
            )));
        }
        let Some(place) = self.groups.iter().position(|group| group.id == id) else {
            return Err(unknown(id));
        };
        let merged = self.groups.remove(place);
        for group in self.groups.iter_mut().filter(|group| group.id == into) {
            group.centroids.extend(merged.centroids.clone());
            group.count += merged.count;
        }
        self.groups
            .sort_by_key(|group| std::cmp::Reverse(group.count));
        Ok(())
    }

    /// Takes over what persons decided about the centroids that both have: which ones are one
    /// group, its id, and its name.
    pub fn keep_decisions(&mut self, before: &Self) {
        for earlier in &before.groups {
            let has = |centroid: &GroupCentroid| {
                let mut known = earlier.centroids.iter();
                known.any(|known| known.id == centroid.id)
            };
            let (mut same, mut others): (Vec<StyleGroup>, Vec<StyleGroup>) =
                std::mem::take(&mut self.groups)
                    .into_iter()
                    .partition(|group| group.centroids.iter().any(has));
            if !same.is_empty() {
                let mut group = same.remove(0);
                for other in same {
                    group.centroids.extend(other.centroids);
                    group.count += other.count;
                }
                group.id = earlier.id;
                if earlier.is_named || !is_makeshift(&earlier.name) {
                    group.name.clone_from(&earlier.name);
                }
                group.is_named = earlier.is_named;
                others.push(group);
            }
            self.groups = others;
        }
        self.next_id = self.next_id.max(before.next_id);
        self.groups
            .sort_by_key(|group| (std::cmp::Reverse(group.count), group.id));
    }
}

/// Returns the name of a group that nothing better is known about.
#[must_use]
pub fn makeshift_name(id: u64) -> String {
    format!("style {id}")
}

fn is_makeshift(name: &str) -> bool {
    let number = name.strip_prefix("style ");
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}

fn check_name(name: &str) -> Result<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME {
        return Err(Error::invalid(format!(
            "the name of a style has {length} characters, but must have 1..{LONGEST_NAME}"
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "the name of a style must not contain control characters",
        ));
    }
    Ok(name)
}

/// The error for a collection without groups.
#[must_use]
pub fn none_yet() -> Error {
    Error::new(
        ErrorCode::Unsupported,
        format!("the styles of this collection are not known yet: {FIND}"),
    )
}

fn unknown(id: u64) -> Error {
    Error::not_found(format!(
        "there is no style {id}; `clippy styles` lists them"
    ))
}

#[cfg(test)]
mod tests;
