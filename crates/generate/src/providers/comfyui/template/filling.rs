//! Fills the slots of a template's nodes.

use std::collections::{BTreeMap, BTreeSet};

use clippy_core::{Error, Result};
use serde_json::Value;

use super::fill::{ReferenceSlots, SlotValues};

/// Fills the slots of one section.
pub struct SlotFiller<'a> {
    /// The slot values.
    pub fill: &'a SlotValues,
    /// The reference for which the section is added.
    pub reference: Option<&'a ReferenceSlots>,
    /// The latest output of each wire.
    pub wires: &'a BTreeMap<String, Value>,
    /// The ids of the section's own nodes, which are renamed.
    pub own: &'a BTreeSet<&'a str>,
    /// How they are renamed.
    pub name: &'a dyn Fn(&str) -> String,
}

impl SlotFiller<'_> {
    /// Fills the slots of an input.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for a wire or a slot without a value.
    pub fn value(&self, value: &Value) -> Result<Value> {
        match value {
            Value::String(text) => self.text(text),
            // A link to a node of the same section uses the node's new id.
            Value::Array(link)
                if link.len() == 2 && link[0].as_str().is_some_and(|id| self.own.contains(id)) =>
            {
                let id = link[0].as_str().unwrap_or_default();
                Ok(Value::Array(vec![
                    Value::String((self.name)(id)),
                    link[1].clone(),
                ]))
            }
            Value::Array(values) => values
                .iter()
                .map(|value| self.value(value))
                .collect::<Result<_>>()
                .map(Value::Array),
            Value::Object(map) => {
                let filled = map
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.value(value)?)));
                filled.collect::<Result<_>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str) -> Result<Value> {
        if let Some(wire) = text.strip_prefix('@') {
            return self.wires.get(wire).cloned().ok_or_else(|| {
                Error::invalid(format!(
                    "the ComfyUI template uses @{wire} before any section gives it"
                ))
            });
        }
        let mut slots = slots_of(text);
        if let (Some(slot), None) = (slots.next(), slots.next())
            && text.len() == slot.len() + 4
        {
            return self.slot(&slot);
        }
        // In one pass, so that slots within a filled-in prompt are not filled.
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
        let first = |references: &[ReferenceSlots]| {
            references
                .first()
                .map(|first| Value::from(first.image.clone()))
        };
        let value = match slot {
            "image" => self
                .reference
                .map(|reference| Value::from(reference.image.clone())),
            "weight" => self
                .reference
                .map(|reference| Value::from(reference.weight)),
            "style_image" => first(&self.fill.styles),
            "subject_image" => first(&self.fill.subjects),
            other => self.fill.values.get(other).cloned(),
        };
        value.ok_or_else(|| {
            Error::invalid(format!(
                "the ComfyUI template needs {{{{{slot}}}}}, and this request has none: send it, \
                 or use another template"
            ))
        })
    }
}

/// All texts within a value.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The names of the slots in a text.
pub fn slots_of(text: &str) -> impl Iterator<Item = String> {
    text.split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(name, _)| name.trim().to_owned())
}
