//! A graph with named slots.
//!
//! Two forms are read. Clippy's own has sections, so that references can be chained: each is put in where its `when`
//! holds, once for every reference where it says `style` or `subject`; `@model` in it is the latest output that a
//! section called `model`. The other is a graph as ComfyUI exports it ("Save (API format)") with `{{slots}}` written
//! into its inputs: it is one section that always holds.

use std::collections::{BTreeMap, BTreeSet};

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::preset::{Preset, PresetNumbers};

/// The graph that comes with Clippy.
const BUILT_IN: &str = include_str!("templates/sdxl.json");

/// Everything that may stand in a slot.
pub const SLOTS: [&str; 21] = [
    "prompt",
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
    nodes: BTreeMap<String, Value>,
    #[serde(default)]
    wires: BTreeMap<String, Value>,
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
    /// The file's name.
    pub file: String,
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
            When::Sketch => one(self.values.contains_key("sketch")),
            When::Base => one(self.values.contains_key("base")),
            When::NoBase => one(!self.values.contains_key("base")),
            When::Mask => one(self.values.contains_key("mask")),
        }
    }
}

impl Template {
    /// The graph that comes with Clippy.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`]: never, as a test reads it.
    pub fn built_in() -> Result<Self> {
        Self::parse(BUILT_IN).map_err(|error| Error::internal(format!("the built-in template: {}", error.message)))
    }

    /// Reads either form.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("the ComfyUI template is not JSON: {error}")))?;
        let template = if value.get("sections").is_some() {
            serde_json::from_value::<Self>(value)
                .map_err(|error| Error::invalid(format!("the ComfyUI template cannot be read: {error}")))?
        } else {
            let nodes: BTreeMap<String, Value> = serde_json::from_value(value)
                .map_err(|error| Error::invalid(format!("the ComfyUI template is no graph: {error}")))?;
            let section = Section { when: When::Always, nodes, wires: BTreeMap::new() };
            Self { needs: Vec::new(), presets: BTreeMap::new(), sections: vec![section] }
        };
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<()> {
        for (id, node) in self.sections.iter().flat_map(|section| &section.nodes) {
            if node["class_type"].as_str().is_none() || !node["inputs"].is_object() {
                let message = format!(
                    "node \"{id}\" of the ComfyUI template has no class_type or no inputs: export the graph with \
                     \"Save (API format)\""
                );
                return Err(Error::invalid(message));
            }
            for slot in texts(&node["inputs"]).iter().flat_map(|text| slots_of(text)) {
                if !SLOTS.contains(&slot.as_str()) {
                    let message = format!(
                        "node \"{id}\" of the ComfyUI template names the slot {{{{{slot}}}}}, which does not exist; these \
                         do: {}",
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
        numbers.ok_or_else(|| Error::internal(format!("the built-in template has no preset {}", preset.as_str())))
    }

    /// The files that nodes of the graph load by themselves.
    pub fn needs<'a>(&'a self, fill: &'a Fill) -> impl Iterator<Item = &'a Need> {
        self.needs.iter().filter(|need| fill.times(need.when) > 0)
    }

    /// Whether the graph has a place for this kind of input.
    #[must_use]
    pub fn takes(&self, when: When) -> bool {
        let slot = match when {
            When::Always | When::Reference | When::NoBase => return true,
            When::Style => "style_image",
            When::Subject => "subject_image",
            When::Sketch => "sketch",
            When::Base => "base",
            When::Mask => "mask",
        };
        self.sections.iter().any(|section| {
            section.when == when
                || section
                    .nodes
                    .values()
                    .flat_map(|node| texts(&node["inputs"]))
                    .any(|text| slots_of(&text).any(|name| name == slot))
        })
    }

    /// The graph as ComfyUI takes it.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the template asks for a wire or a value that there is not.
    pub fn graph(&self, fill: &Fill) -> Result<Value> {
        let mut graph = Map::new();
        let mut wires: BTreeMap<String, Value> = BTreeMap::new();
        for section in &self.sections {
            for round in 0..fill.times(section.when) {
                let reference = match section.when {
                    When::Style => fill.styles.get(round),
                    When::Subject => fill.subjects.get(round),
                    _ => None,
                };
                // The first keeps its name, so that a graph with one reference reads as the template does.
                let name = |id: &str| if round == 0 { id.to_owned() } else { format!("{id}_{}", round + 1) };
                let own: BTreeSet<&str> = section.nodes.keys().map(String::as_str).collect();
                let mut put = Filling { fill, reference, wires: &wires, own: &own, name: &name };
                for (id, node) in &section.nodes {
                    let mut node = node.clone();
                    node["inputs"] = put.value(&node["inputs"])?;
                    graph.insert(name(id), node);
                }
                let mut given = Vec::new();
                for (wire, output) in &section.wires {
                    given.push((wire.clone(), put.value(output)?));
                }
                wires.extend(given);
            }
        }
        Ok(Value::Object(graph))
    }
}

struct Filling<'a> {
    fill: &'a Fill,
    reference: Option<&'a ReferenceSlots>,
    wires: &'a BTreeMap<String, Value>,
    own: &'a BTreeSet<&'a str>,
    name: &'a dyn Fn(&str) -> String,
}

impl Filling<'_> {
    fn value(&mut self, value: &Value) -> Result<Value> {
        match value {
            Value::String(text) => self.text(text),
            // A link to a node of the same section follows it through its renaming.
            Value::Array(link) if link.len() == 2 && link[0].as_str().is_some_and(|id| self.own.contains(id)) => {
                let id = link[0].as_str().unwrap_or_default();
                Ok(Value::Array(vec![Value::String((self.name)(id)), link[1].clone()]))
            }
            Value::Array(values) => {
                values.iter().map(|value| self.value(value)).collect::<Result<_>>().map(Value::Array)
            }
            Value::Object(map) => {
                let filled = map.iter().map(|(key, value)| Ok((key.clone(), self.value(value)?)));
                filled.collect::<Result<_>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str) -> Result<Value> {
        if let Some(wire) = text.strip_prefix('@') {
            return self.wires.get(wire).cloned().ok_or_else(|| {
                Error::invalid(format!("the ComfyUI template uses @{wire} before any section gives it"))
            });
        }
        let mut slots = slots_of(text);
        if let (Some(slot), None) = (slots.next(), slots.next())
            && text.len() == slot.len() + 4
        {
            return self.slot(&slot);
        }
        // From the front and never over what was filled in: what a prompt says is no slot.
        let mut pieces = text.split("{{");
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let Some((slot, rest)) = piece.split_once("}}") else {
                filled.push_str("{{");
                filled.push_str(piece);
                continue;
            };
            match self.slot(slot.trim())? {
                Value::String(text) => filled.push_str(&text),
                other => filled.push_str(&other.to_string()),
            }
            filled.push_str(rest);
        }
        Ok(Value::String(filled))
    }

    fn slot(&self, slot: &str) -> Result<Value> {
        let first = |references: &[ReferenceSlots]| references.first().map(|first| Value::from(first.image.clone()));
        let value = match slot {
            "image" => self.reference.map(|reference| Value::from(reference.image.clone())),
            "weight" => self.reference.map(|reference| Value::from(reference.weight)),
            "style_image" => first(&self.fill.styles),
            "subject_image" => first(&self.fill.subjects),
            other => self.fill.values.get(other).cloned(),
        };
        value.ok_or_else(|| {
            Error::invalid(format!(
                "the ComfyUI template needs {{{{{slot}}}}}, and this request has none: send it, or use another template"
            ))
        })
    }
}

/// All texts within a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The names of the slots in a text.
fn slots_of(text: &str) -> impl Iterator<Item = String> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill() -> Fill {
        let mut fill = Fill::default();
        for (slot, value) in [
            ("prompt", json!("a cat")),
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
        let graph = Template::built_in().expect("built in").graph(&fill()).expect("a graph");
        let classes: Vec<&str> =
            graph.as_object().expect("nodes").values().filter_map(|n| n["class_type"].as_str()).collect();
        assert!(classes.contains(&"EmptyLatentImage"), "{classes:?}");
        assert!(
            !classes.iter().any(|class| class.contains("IPAdapter") || class.contains("ControlNet")),
            "{classes:?}"
        );
        assert_eq!(graph["3"]["inputs"]["model"], json!(["4", 0]));
        assert_eq!(graph["3"]["inputs"]["seed"], json!(7));
    }

    #[test]
    fn references_are_chained_in_order() {
        let reference = |image: &str, weight| ReferenceSlots { image: image.into(), weight };
        let fill = Fill {
            styles: vec![reference("a.png", 0.8), reference("b.png", 0.2)],
            subjects: vec![reference("c.png", 0.5)],
            ..fill()
        };
        let graph = Template::built_in().expect("built in").graph(&fill).expect("a graph");
        assert_eq!(graph["26"]["inputs"]["model"], json!(["20", 0]));
        assert_eq!(graph["23"]["inputs"]["model"], json!(["26", 0]));
        assert_eq!(graph["23_2"]["inputs"]["model"], json!(["23", 0]));
        assert_eq!(graph["23_2"]["inputs"]["image"], json!(["22_2", 0]));
        assert_eq!(graph["21_2"]["inputs"]["image"], "b.png");
        assert_eq!(graph["23_2"]["inputs"]["weight"], 0.2);
        assert_eq!(graph["3"]["inputs"]["model"], json!(["23_2", 0]));
    }

    #[test]
    fn a_graph_of_the_users_own_is_filled_where_it_has_slots() {
        let own = r#"{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "best, {{prompt}}, {{seed}}", "n": "{{seed}}", "clip": ["2", 1]}}}"#;
        let mut values = fill();
        values.values.insert("prompt", json!("a {{seed}} cat"));
        let template = Template::parse(own).expect("a graph");
        let graph = template.graph(&values).expect("filled");
        assert_eq!(graph["1"]["inputs"], json!({"text": "best, a {{seed}} cat, 7", "n": 7, "clip": ["2", 1]}));
        assert!(!template.takes(When::Sketch) && !template.takes(When::Style));
    }

    #[test]
    fn faults_of_a_template_are_named() {
        for (text, expected) in [
            ("[", "not JSON"),
            ("[1]", "no graph"),
            (r#"{"1": {"class_type": "A"}}"#, "Save (API format)"),
            (r#"{"1": {"class_type": "A", "inputs": {"text": "{{promt}}"}}}"#, "{{promt}}"),
            (r#"{"sections": [{"when": "sometimes", "nodes": {}}]}"#, "sometimes"),
        ] {
            let message = Template::parse(text).expect_err(text).message;
            assert!(message.contains(expected), "{message}");
        }
        let needs_base =
            Template::parse(r#"{"1": {"class_type": "A", "inputs": {"image": "{{base}}"}}}"#).expect("a graph");
        let message = needs_base.graph(&fill()).expect_err("no base").message;
        assert!(message.contains("{{base}}"), "{message}");
    }
}
