//! The values that fill a template.

use std::collections::BTreeMap;

use serde_json::Value;

use super::section::Condition;

/// The names of all slots.
pub const SLOTS: [&str; 22] = [
    "prompt",
    "sentences",
    "negative",
    "seed",
    "steps",
    "cfg",
    "denoise",
    "width",
    "height",
    "checkpoint",
    "controlnet",
    "sketch",
    "base",
    "mask",
    "control_strength",
    "control_end",
    "image",
    "weight",
    "style_type",
    "subject_type",
    "style_image",
    "subject_image",
];

/// The slot values of a reference.
#[derive(Debug, Clone, Default)]
pub struct ReferenceSlots {
    /// The uploaded file's name.
    pub image: String,
    /// The adapter's weight.
    pub weight: f64,
}

/// The slot values of a graph.
#[derive(Debug, Clone, Default)]
pub struct SlotValues {
    /// Values of all slots but those of references.
    pub values: BTreeMap<&'static str, Value>,
    /// Style references.
    pub styles: Vec<ReferenceSlots>,
    /// Subject references.
    pub subjects: Vec<ReferenceSlots>,
}

impl SlotValues {
    /// How often a section with this condition is added.
    pub(super) fn times(&self, when: Condition) -> usize {
        let one = |given: bool| usize::from(given);
        match when {
            Condition::Always => 1,
            Condition::Reference => one(!self.styles.is_empty() || !self.subjects.is_empty()),
            Condition::Style => self.styles.len(),
            Condition::Subject => self.subjects.len(),
            Condition::StyleSet => sets(&self.styles).len(),
            Condition::SubjectSet => sets(&self.subjects).len(),
            Condition::Sketch => one(self.values.contains_key("sketch")),
            Condition::Base => one(self.values.contains_key("base")),
            Condition::NoBase => one(!self.values.contains_key("base")),
            Condition::Mask => one(self.values.contains_key("mask")),
        }
    }
}

/// Groups references by weight, in the order of each group's first reference.
pub(super) fn sets(references: &[ReferenceSlots]) -> Vec<Vec<&ReferenceSlots>> {
    let mut sets: Vec<Vec<&ReferenceSlots>> = Vec::new();
    for reference in references {
        match sets
            .iter_mut()
            .find(|set| set.iter().all(|other| other.weight == reference.weight))
        {
            Some(set) => set.push(reference),
            None => sets.push(vec![reference]),
        }
    }
    sets
}
