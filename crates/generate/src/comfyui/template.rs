//! A graph with named slots.
//!
//! Two forms are read. Clippy's own has sections, so that references can be chained: each is put in
//! where its `when` holds, once for every reference where it says `style` or `subject`; `@model` in
//! it is the latest output that a section called `model`. A section of `style_set` or `subject_set`
//! is put in once for all references of one weight, after its parts in `each`, which are put in
//! once for each of them. The other is a graph as ComfyUI exports it ("Save (API format)") with
//! `{{slots}}` written into its inputs: it is one section that always holds.

use std::collections::{BTreeMap, BTreeSet};

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::filling::{Filling, slots_of, texts};
use super::preset::{Preset, PresetNumbers};
use crate::request::Role;

/// The graph that comes with Clippy.
const BUILT_IN: &str = include_str!("templates/sdxl.json");

/// Everything that may stand in a slot.
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

/// When a section is part of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// In every graph.
    Always,
    /// With any reference, once.
    Reference,
    /// Once for every style reference.
    Style,
    /// Once for every subject reference.
    Subject,
    /// Once for all style references of one weight.
    StyleSet,
    /// Once for all subject references of one weight.
    SubjectSet,
    /// With a sketch.
    Sketch,
    /// With a picture to start from.
    Base,
    /// Without one.
    NoBase,
    /// With a mask.
    Mask,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Section {
    when: When,
    /// For sets: what is put in for each of their references.
    #[serde(default)]
    each: Vec<Part>,
    #[serde(flatten)]
    nodes: Nodes,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nodes {
    nodes: BTreeMap<String, Value>,
    #[serde(default)]
    wires: BTreeMap<String, Value>,
}

/// A part of a set's section.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    turn: Turn,
    #[serde(flatten)]
    nodes: Nodes,
}

/// For which references of a set a part is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    /// For all of them.
    Every,
    /// For the first.
    First,
    /// For all but the first.
    More,
}

impl Turn {
    fn takes(self, index: usize) -> bool {
        match self {
            Self::Every => true,
            Self::First => index == 0,
            Self::More => index > 0,
        }
    }
}

/// A model file that a node loads by itself, so that the graph does not name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// When it is needed.
    pub when: When,
    /// The node that can list such files.
    pub class: String,
    /// Its input that lists them.
    pub input: String,
    /// The file's usual name.
    pub file: String,
    /// Other names that the node finds, with `*` for anything and `?` for any one letter; capitals
    /// do not matter.
    #[serde(default)]
    pub like: Vec<String>,
    /// Where it belongs, below ComfyUI's folder.
    pub folder: String,
}

/// A graph with named slots.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Template {
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    presets: BTreeMap<Preset, PresetNumbers>,
    sections: Vec<Section>,
}

/// A reference's values.
#[derive(Debug, Clone, Default)]
pub struct ReferenceSlots {
    /// The uploaded file's name.
    pub image: String,
    /// The adapter's weight.
    pub weight: f64,
}

/// Everything that fills a template.
#[derive(Debug, Clone, Default)]
pub struct Fill {
    /// Values of slots that are not a reference's.
    pub values: BTreeMap<&'static str, Value>,
    /// Style references.
    pub styles: Vec<ReferenceSlots>,
    /// Subject references.
    pub subjects: Vec<ReferenceSlots>,
}

impl Fill {
    fn times(&self, when: When) -> usize {
        let one = |given: bool| usize::from(given);
        match when {
            When::Always => 1,
            When::Reference => one(!self.styles.is_empty() || !self.subjects.is_empty()),
            When::Style => self.styles.len(),
            When::Subject => self.subjects.len(),
            When::StyleSet => sets(&self.styles).len(),
            When::SubjectSet => sets(&self.subjects).len(),
            When::Sketch => one(self.values.contains_key("sketch")),
            When::Base => one(self.values.contains_key("base")),
            When::NoBase => one(!self.values.contains_key("base")),
            When::Mask => one(self.values.contains_key("mask")),
        }
    }
}

/// References of one weight belong together; sets stand in the order of their first references.
fn sets(references: &[ReferenceSlots]) -> Vec<Vec<&ReferenceSlots>> {
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

impl Template {
    /// The graph that comes with Clippy.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`]: never, as a test reads it.
    pub fn built_in() -> Result<Self> {
        Self::parse(BUILT_IN)
            .map_err(|error| Error::internal(format!("the built-in template: {}", error.message)))
    }

    /// Reads either form.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            Error::invalid(format!("the ComfyUI template is not JSON: {error}"))
        })?;
        let template = if value.get("sections").is_some() {
            serde_json::from_value::<Self>(value).map_err(|error| {
                Error::invalid(format!("the ComfyUI template cannot be read: {error}"))
            })?
        } else {
            let nodes: BTreeMap<String, Value> =
                serde_json::from_value(value).map_err(|error| {
                    Error::invalid(format!("the ComfyUI template is no graph: {error}"))
                })?;
            let nodes = Nodes {
                nodes,
                wires: BTreeMap::new(),
            };
            let section = Section {
                when: When::Always,
                each: Vec::new(),
                nodes,
            };
            Self {
                needs: Vec::new(),
                presets: BTreeMap::new(),
                sections: vec![section],
            }
        };
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<()> {
        for (id, node) in self.nodes() {
            if node["class_type"].as_str().is_none() || !node["inputs"].is_object() {
                let message = format!(
                    "node \"{id}\" of the ComfyUI template has no class_type or no inputs: export \
                     the graph with \"Save (API format)\""
                );
                return Err(Error::invalid(message));
            }
            for slot in texts(&node["inputs"])
                .iter()
                .flat_map(|text| slots_of(text))
            {
                if !SLOTS.contains(&slot.as_str()) {
                    let message = format!(
                        "node \"{id}\" of the ComfyUI template names the slot {{{{{slot}}}}}, \
                         which does not exist; these do: {}",
                        SLOTS.join(", ")
                    );
                    return Err(Error::invalid(message));
                }
            }
        }
        Ok(())
    }

    /// The numbers of a preset: the template's own, else the built-in ones.
    ///
    /// # Errors
    /// As [`Template::built_in`].
    pub fn numbers(&self, preset: Preset) -> Result<PresetNumbers> {
        if let Some(numbers) = self.presets.get(&preset) {
            return Ok(numbers.clone());
        }
        let built_in = Self::built_in()?;
        let numbers = built_in.presets.get(&preset).cloned();
        numbers.ok_or_else(|| {
            Error::internal(format!(
                "the built-in template has no preset {}",
                preset.as_str()
            ))
        })
    }

    /// The files that nodes of the graph load by themselves.
    pub fn needs<'a>(&'a self, fill: &'a Fill) -> impl Iterator<Item = &'a Need> {
        self.needs.iter().filter(|need| fill.times(need.when) > 0)
    }

    fn nodes(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.sections.iter().flat_map(|section| {
            let parts = section.each.iter().flat_map(|part| &part.nodes.nodes);
            section.nodes.nodes.iter().chain(parts)
        })
    }

    /// Whether the graph has this slot.
    #[must_use]
    pub fn uses(&self, slot: &str) -> bool {
        self.nodes().any(|(_, node)| {
            texts(&node["inputs"])
                .iter()
                .any(|text| slots_of(text).any(|name| name == slot))
        })
    }

    /// Whether the graph has a section for this.
    fn has(&self, whens: &[When]) -> bool {
        self.sections
            .iter()
            .any(|section| whens.contains(&section.when))
    }

    /// Whether the graph is put together of sections that may be left out.
    #[must_use]
    pub fn has_sections(&self) -> bool {
        self.sections.len() > 1
            || self
                .sections
                .iter()
                .any(|section| section.when != When::Always)
    }

    /// Whether references of one weight share an adapter.
    #[must_use]
    pub fn has_sets(&self) -> bool {
        self.has(&[When::StyleSet, When::SubjectSet])
    }

    /// How many references of a role the graph has a place for: none, one, or any number.
    #[must_use]
    pub fn room(&self, role: Role) -> usize {
        let (whens, slot) = match role {
            Role::Style => ([When::Style, When::StyleSet], "style_image"),
            Role::Subject => ([When::Subject, When::SubjectSet], "subject_image"),
        };
        if self.has(&whens) {
            usize::MAX
        } else {
            usize::from(self.uses(slot))
        }
    }

    /// Whether the graph has a place for this kind of input.
    #[must_use]
    pub fn takes(&self, when: When) -> bool {
        match when {
            When::Always | When::Reference | When::NoBase => true,
            When::Style | When::StyleSet => self.room(Role::Style) > 0,
            When::Subject | When::SubjectSet => self.room(Role::Subject) > 0,
            When::Sketch => self.has(&[when]) || self.uses("sketch"),
            When::Base => self.has(&[when]) || self.uses("base"),
            When::Mask => self.has(&[when]) || self.uses("mask"),
        }
    }

    /// The checkpoint that the graph names by itself, where it has no slot for one.
    #[must_use]
    pub fn own_checkpoint(&self) -> Option<&str> {
        self.nodes().find_map(|(_, node)| {
            ["ckpt_name", "unet_name"]
                .iter()
                .find_map(|input| node["inputs"][input].as_str())
        })
    }

    /// The graph as ComfyUI takes it.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the template asks for a wire or a value that
    /// there is not.
    pub fn graph(&self, fill: &Fill) -> Result<Value> {
        let mut build = Build {
            fill,
            graph: Map::new(),
            wires: BTreeMap::new(),
        };
        for section in &self.sections {
            match section.when {
                When::StyleSet => build.sets(section, &fill.styles)?,
                When::SubjectSet => build.sets(section, &fill.subjects)?,
                When::Style => build.chain(section, &fill.styles)?,
                When::Subject => build.chain(section, &fill.subjects)?,
                when if fill.times(when) > 0 => build.put(&section.nodes, 0, None)?,
                _ => {}
            }
        }
        Ok(Value::Object(build.graph))
    }
}

/// A graph while it is put together.
struct Build<'a> {
    fill: &'a Fill,
    graph: Map<String, Value>,
    wires: BTreeMap<String, Value>,
}

impl Build<'_> {
    fn chain(&mut self, section: &Section, references: &[ReferenceSlots]) -> Result<()> {
        references
            .iter()
            .enumerate()
            .try_for_each(|(round, one)| self.put(&section.nodes, round, Some(one)))
    }

    fn sets(&mut self, section: &Section, references: &[ReferenceSlots]) -> Result<()> {
        let mut round = 0;
        for (number, set) in sets(references).into_iter().enumerate() {
            for (index, reference) in set.iter().enumerate() {
                for part in section.each.iter().filter(|part| part.turn.takes(index)) {
                    self.put(&part.nodes, round, Some(reference))?;
                }
                round += 1;
            }
            self.put(&section.nodes, number, set.first().copied())?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        section: &Nodes,
        round: usize,
        reference: Option<&ReferenceSlots>,
    ) -> Result<()> {
        // The first keeps its name, so that a graph with one reference reads as the template does.
        let name = |id: &str| {
            if round == 0 {
                id.to_owned()
            } else {
                format!("{id}_{}", round + 1)
            }
        };
        let own: BTreeSet<&str> = section.nodes.keys().map(String::as_str).collect();
        let put = Filling {
            fill: self.fill,
            reference,
            wires: &self.wires,
            own: &own,
            name: &name,
        };
        for (id, node) in &section.nodes {
            let mut node = node.clone();
            node["inputs"] = put.value(&node["inputs"])?;
            self.graph.insert(name(id), node);
        }
        let given = section
            .wires
            .iter()
            .map(|(wire, output)| Ok((wire.clone(), put.value(output)?)));
        let given: Vec<(String, Value)> = given.collect::<Result<_>>()?;
        self.wires.extend(given);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill() -> Fill {
        let mut fill = Fill::default();
        for (slot, value) in [
            ("prompt", json!("a cat")),
            ("sentences", json!("Make a picture: a cat.")),
            ("negative", json!("text")),
            ("seed", json!(7)),
            ("steps", json!(28)),
            ("cfg", json!(5.0)),
            ("denoise", json!(1.0)),
            ("width", json!(1024)),
            ("height", json!(1024)),
            ("checkpoint", json!("sd_xl_base_1.0.safetensors")),
            ("controlnet", json!("scribble.safetensors")),
            ("control_strength", json!(0.7)),
            ("control_end", json!(0.9)),
            ("style_type", json!("style transfer")),
            ("subject_type", json!("linear")),
        ] {
            fill.values.insert(slot, value);
        }
        fill
    }

    #[test]
    fn words_alone_make_the_smallest_graph() {
        let graph = Template::built_in()
            .expect("built in")
            .graph(&fill())
            .expect("a graph");
        let classes: Vec<&str> = graph
            .as_object()
            .expect("nodes")
            .values()
            .filter_map(|n| n["class_type"].as_str())
            .collect();
        assert!(classes.contains(&"EmptyLatentImage"), "{classes:?}");
        assert!(
            !classes
                .iter()
                .any(|class| class.contains("IPAdapter") || class.contains("ControlNet")),
            "{classes:?}"
        );
        assert_eq!(graph["3"]["inputs"]["model"], json!(["4", 0]));
        assert_eq!(graph["3"]["inputs"]["seed"], json!(7));
    }

    #[test]
    fn references_are_chained_in_order() {
        let reference = |image: &str, weight| ReferenceSlots {
            image: image.into(),
            weight,
        };
        let fill = Fill {
            styles: vec![reference("a.png", 0.8), reference("b.png", 0.2)],
            subjects: vec![reference("c.png", 0.5)],
            ..fill()
        };
        let graph = Template::built_in()
            .expect("built in")
            .graph(&fill)
            .expect("a graph");
        assert_eq!(graph["26"]["inputs"]["model"], json!(["20", 0]));
        assert_eq!(graph["23"]["inputs"]["model"], json!(["26", 0]));
        assert_eq!(graph["23_2"]["inputs"]["model"], json!(["23", 0]));
        assert_eq!(graph["23_2"]["inputs"]["image"], json!(["22_2", 0]));
        assert_eq!(graph["21_2"]["inputs"]["image"], "b.png");
        assert_eq!(graph["23_2"]["inputs"]["weight"], 0.2);
        assert_eq!(graph["3"]["inputs"]["model"], json!(["23_2", 0]));
    }

    #[test]
    fn references_of_one_weight_share_one_adapter() {
        let reference = |image: &str, weight| ReferenceSlots {
            image: image.into(),
            weight,
        };
        let styles = vec![
            reference("a.png", 0.7),
            reference("b.png", 0.4),
            reference("c.png", 0.7),
            reference("d.png", 0.7),
        ];
        let graph = Template::built_in()
            .expect("built in")
            .graph(&Fill { styles, ..fill() })
            .expect("a graph");
        let of = |class: &str| {
            graph
                .as_object()
                .expect("nodes")
                .values()
                .filter(|node| node["class_type"] == class)
                .count()
        };
        assert_eq!(
            (
                of("IPAdapterUnifiedLoader"),
                of("IPAdapterAdvanced"),
                of("LoadImage")
            ),
            (1, 2, 4)
        );
        // a, c and d become one batch.
        assert_eq!(graph["23"]["inputs"]["image"], json!(["27_3", 0]));
        assert_eq!(
            graph["27_3"]["inputs"],
            json!({"image1": ["27_2", 0], "image2": ["22_3", 0]})
        );
        assert_eq!(
            graph["27_2"]["inputs"],
            json!({"image1": ["22", 0], "image2": ["22_2", 0]})
        );
        assert_eq!(graph["21_2"]["inputs"]["image"], "c.png");
        assert_eq!(
            (
                &graph["23"]["inputs"]["weight"],
                &graph["23_2"]["inputs"]["weight"]
            ),
            (&json!(0.7), &json!(0.4))
        );
        assert_eq!(graph["23_2"]["inputs"]["image"], json!(["22_4", 0]));
        assert_eq!(graph["3"]["inputs"]["model"], json!(["23_2", 0]));
    }

    #[test]
    fn a_graph_of_the_users_own_is_filled_where_it_has_slots() {
        let own = r#"{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "best, {{prompt}}, {{seed}}", "n": "{{seed}}", "clip": ["2", 1]}}}"#;
        let mut values = fill();
        values.values.insert("prompt", json!("a {{seed}} cat"));
        let template = Template::parse(own).expect("a graph");
        let graph = template.graph(&values).expect("filled");
        assert_eq!(
            graph["1"]["inputs"],
            json!({"text": "best, a {{seed}} cat, 7", "n": 7, "clip": ["2", 1]})
        );
        assert!(!template.takes(When::Sketch) && !template.takes(When::Style));
    }

    #[test]
    fn faults_of_a_template_are_named() {
        for (text, expected) in [
            ("[", "not JSON"),
            ("[1]", "no graph"),
            (r#"{"1": {"class_type": "A"}}"#, "Save (API format)"),
            (
                r#"{"1": {"class_type": "A", "inputs": {"text": "{{promt}}"}}}"#,
                "{{promt}}",
            ),
            (
                r#"{"sections": [{"when": "sometimes", "nodes": {}}]}"#,
                "sometimes",
            ),
        ] {
            let message = Template::parse(text).expect_err(text).message;
            assert!(message.contains(expected), "{message}");
        }
        let needs_base =
            Template::parse(r#"{"1": {"class_type": "A", "inputs": {"image": "{{base}}"}}}"#)
                .expect("a graph");
        let message = needs_base.graph(&fill()).expect_err("no base").message;
        assert!(message.contains("{{base}}"), "{message}");
    }
}
