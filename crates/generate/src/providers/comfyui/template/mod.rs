//! A graph with named slots.
//!
//! There are two formats. Clippy's own consists of sections, so that references can be chained. A
//! section is added if its condition `when` holds: for `style` and `subject`, once per reference.
//! `@model` stands for the latest output that a section named `model`. For `style_set` and
//! `subject_set`, a section is added once per group of references with the same weight, after its
//! parts in `each`, which are added once per reference of the group. The other format is a graph
//! exported by ComfyUI ("Save (API format)") with `{{slots}}` in its inputs; it is treated as one
//! section that is always added.

mod build;
mod fill;
mod filling;
mod section;

use std::collections::BTreeMap;

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::build::GraphBuilder;
use self::fill::SLOTS;
pub use self::fill::{ReferenceSlots, SlotValues};
use self::filling::{slots_of, texts};
pub use self::section::{Condition, RequiredFile};
use self::section::{Nodes, Section};
use super::preset::PresetNumbers;
use crate::contract::{Preset, Role};

/// The built-in graph.
const BUILT_IN: &str = include_str!("../templates/sdxl.json");

/// A graph with named slots.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Template {
    #[serde(default)]
    needs: Vec<RequiredFile>,
    #[serde(default)]
    presets: BTreeMap<Preset, PresetNumbers>,
    sections: Vec<Section>,
}

impl Template {
    /// The built-in graph.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] if it is invalid, which a test rules out.
    pub fn built_in() -> Result<Self> {
        Self::parse(BUILT_IN)
            .map_err(|error| Error::internal(format!("the built-in template: {}", error.message)))
    }

    /// Parses either format.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that says what is wrong.
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
                    Error::invalid(format!("the ComfyUI template is not a graph: {error}"))
                })?;
            let nodes = Nodes {
                nodes,
                wires: BTreeMap::new(),
            };
            let section = Section {
                when: Condition::Always,
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

    /// The numbers of a preset: the template's own, or the built-in ones.
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

    /// The files that nodes load although the graph does not name them.
    pub fn needs<'a>(&'a self, fill: &'a SlotValues) -> impl Iterator<Item = &'a RequiredFile> {
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

    /// Whether the graph has a section with one of these conditions.
    fn has(&self, whens: &[Condition]) -> bool {
        self.sections
            .iter()
            .any(|section| whens.contains(&section.when))
    }

    /// Whether the graph has sections that may be left out.
    #[must_use]
    pub fn has_sections(&self) -> bool {
        self.sections.len() > 1
            || self
                .sections
                .iter()
                .any(|section| section.when != Condition::Always)
    }

    /// Whether references with the same weight share an adapter.
    #[must_use]
    pub fn has_sets(&self) -> bool {
        self.has(&[Condition::StyleSet, Condition::SubjectSet])
    }

    /// How many references of a role the graph accepts: none, one, or any number.
    #[must_use]
    pub fn room(&self, role: Role) -> usize {
        let (whens, slot) = match role {
            Role::Style => ([Condition::Style, Condition::StyleSet], "style_image"),
            Role::Subject => ([Condition::Subject, Condition::SubjectSet], "subject_image"),
        };
        if self.has(&whens) {
            usize::MAX
        } else {
            usize::from(self.uses(slot))
        }
    }

    /// Whether the graph accepts this kind of input.
    #[must_use]
    pub fn takes(&self, when: Condition) -> bool {
        match when {
            Condition::Always | Condition::Reference | Condition::NoBase => true,
            Condition::Style | Condition::StyleSet => self.room(Role::Style) > 0,
            Condition::Subject | Condition::SubjectSet => self.room(Role::Subject) > 0,
            Condition::Sketch => self.has(&[when]) || self.uses("sketch"),
            Condition::Base => self.has(&[when]) || self.uses("base"),
            Condition::Mask => self.has(&[when]) || self.uses("mask"),
        }
    }

    /// The checkpoint that is written into the graph, if it has no slot for one.
    #[must_use]
    pub fn own_checkpoint(&self) -> Option<&str> {
        self.nodes().find_map(|(_, node)| {
            ["ckpt_name", "unet_name"]
                .iter()
                .find_map(|input| node["inputs"][input].as_str())
        })
    }

    /// Builds the graph that is sent to ComfyUI.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the template uses a wire or a slot without a
    /// value.
    pub fn graph(&self, fill: &SlotValues) -> Result<Value> {
        let mut builder = GraphBuilder::new(fill);
        for section in &self.sections {
            match section.when {
                Condition::StyleSet => builder.add_sets(section, &fill.styles)?,
                Condition::SubjectSet => builder.add_sets(section, &fill.subjects)?,
                Condition::Style => builder.add_chain(section, &fill.styles)?,
                Condition::Subject => builder.add_chain(section, &fill.subjects)?,
                when if fill.times(when) > 0 => builder.add_nodes(&section.nodes, 0, None)?,
                _ => {}
            }
        }
        Ok(Value::Object(builder.graph))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill() -> SlotValues {
        let mut fill = SlotValues::default();
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
        let fill = SlotValues {
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
            .graph(&SlotValues { styles, ..fill() })
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
    fn the_slots_of_a_users_own_graph_are_filled() {
        let own = r#"{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "best, {{prompt}}, {{seed}}", "n": "{{seed}}", "clip": ["2", 1]}}}"#;
        let mut values = fill();
        values.values.insert("prompt", json!("a {{seed}} cat"));
        let template = Template::parse(own).expect("a graph");
        let graph = template.graph(&values).expect("filled");
        assert_eq!(
            graph["1"]["inputs"],
            json!({"text": "best, a {{seed}} cat, 7", "n": 7, "clip": ["2", 1]})
        );
        assert!(!template.takes(Condition::Sketch) && !template.takes(Condition::Style));
    }

    #[test]
    fn faults_of_a_template_are_named() {
        for (text, expected) in [
            ("[", "not JSON"),
            ("[1]", "not a graph"),
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
