//! The sections of a template, and the files that its nodes need.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The condition under which a section is added to the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Always.
    Always,
    /// If there is any reference, once.
    Reference,
    /// Once for every style reference.
    Style,
    /// Once for every subject reference.
    Subject,
    /// Once for all style references of the same weight.
    StyleSet,
    /// Once for all subject references of the same weight.
    SubjectSet,
    /// If there is a sketch.
    Sketch,
    /// If there is a base.
    Base,
    /// If there is no base.
    NoBase,
    /// If there is a mask.
    Mask,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Section {
    pub(super) when: Condition,
    /// For sets: the parts that are added for each of their references.
    #[serde(default)]
    pub(super) each: Vec<Part>,
    #[serde(flatten)]
    pub(super) nodes: Nodes,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Nodes {
    pub(super) nodes: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) wires: BTreeMap<String, Value>,
}

/// A part of a set's section.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) turn: SetMembers,
    #[serde(flatten)]
    pub(super) nodes: Nodes,
}

/// The references of a set for which a part is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SetMembers {
    /// All references of the set.
    Every,
    /// Only the first one.
    First,
    /// All except the first one.
    More,
}

impl SetMembers {
    pub(super) fn takes(self, index: usize) -> bool {
        match self {
            Self::Every => true,
            Self::First => index == 0,
            Self::More => index > 0,
        }
    }
}

/// A model file that a node loads although the graph does not name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredFile {
    /// The condition under which the file is needed.
    pub when: Condition,
    /// The node that can list such files.
    pub class: String,
    /// Its input that lists them.
    pub input: String,
    /// The file's usual name.
    pub file: String,
    /// Other names that the node accepts, with `*` for any text and `?` for any character. Case
    /// does not matter.
    #[serde(default)]
    pub like: Vec<String>,
    /// The folder for it, below ComfyUI's own.
    pub folder: String,
}
