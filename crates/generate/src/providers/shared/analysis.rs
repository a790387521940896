//! A vision model's analysis of a sketch, with the fifteen keys of Clippy 0.2.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::contract::StyleTag;

/// The analysis of a sketch. Missing keys are empty; lists that arrive as text are split at commas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SketchAnalysis {
    /// The subject, in one line.
    #[serde(deserialize_with = "text")]
    pub subject_summary: String,
    /// `person`, `animal`, `product`, `scene` or `other`.
    #[serde(deserialize_with = "text")]
    pub subject_type_guess: String,
    /// Pose and direction.
    #[serde(deserialize_with = "text")]
    pub pose_orientation: String,
    /// The viewpoint, such as from the front or from above.
    #[serde(deserialize_with = "text")]
    pub viewpoint: String,
    /// The surroundings of the subject.
    #[serde(deserialize_with = "text")]
    pub environment: String,
    /// The objects that can be recognised.
    #[serde(deserialize_with = "list")]
    pub key_objects: Vec<String>,
    /// The positions of objects in the frame.
    #[serde(deserialize_with = "text")]
    pub composition: String,
    /// Distance and lens.
    #[serde(deserialize_with = "text")]
    pub camera: String,
    /// What the lines suggest about style.
    #[serde(deserialize_with = "list")]
    pub style_cues_from_lines: Vec<String>,
    /// Subjects that the sketch clearly does not show.
    #[serde(deserialize_with = "list")]
    pub negative_cues: Vec<String>,
    /// The whole description, in a few sentences.
    #[serde(deserialize_with = "text")]
    pub natural_description: String,
    /// How the chosen styles should be applied to it.
    #[serde(deserialize_with = "text")]
    pub style_notes: String,
    /// Traits of the chosen styles.
    #[serde(deserialize_with = "list")]
    pub style_key_traits: Vec<String>,
    /// What the chosen styles exclude.
    #[serde(deserialize_with = "list")]
    pub style_negative_notes: Vec<String>,
    /// Colours that would fit.
    #[serde(deserialize_with = "text")]
    pub style_palette_hint: String,
}

/// The keys that are lists; the others are text.
const LISTS: [&str; 5] = [
    "key_objects",
    "style_cues_from_lines",
    "negative_cues",
    "style_key_traits",
    "style_negative_notes",
];

/// All fifteen keys.
pub const KEYS: [&str; 15] = [
    "subject_summary",
    "subject_type_guess",
    "pose_orientation",
    "viewpoint",
    "environment",
    "key_objects",
    "composition",
    "camera",
    "style_cues_from_lines",
    "negative_cues",
    "natural_description",
    "style_notes",
    "style_key_traits",
    "style_negative_notes",
    "style_palette_hint",
];

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(values) => values
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        _ => String::new(),
    })
}

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words: Vec<String> = match Value::deserialize(deserializer)? {
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        Value::Array(values) => values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    Ok(words
        .iter()
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .take(12)
        .collect())
}

/// The schema of the answer in the form of Gemini's `responseSchema`.
#[must_use]
pub fn response_schema() -> Value {
    let property = |key: &&str| {
        let kind = if LISTS.contains(key) {
            json!({"type": "ARRAY", "items": {"type": "STRING"}})
        } else {
            json!({"type": "STRING"})
        };
        ((*key).to_owned(), kind)
    };
    let properties: serde_json::Map<String, Value> = KEYS.iter().map(property).collect();
    json!({"type": "OBJECT", "properties": properties, "required": ["subject_summary",
    "natural_description"]})
}

/// The instruction for the vision model.
#[must_use]
pub fn instruction(styles: &[StyleTag]) -> String {
    let mut words = String::from(
        "This is an artist's rough sketch. Describe what it shows, for a painter who will not see \
         it. Say only what the lines show; do not invent objects. The colour of the strokes and \
         of the paper is not binding. subject_type_guess is one of person, animal, product, \
         scene, other. Lists hold at most 8 short phrases; negative entries are bare nouns.",
    );
    if !styles.is_empty() {
        let names: Vec<&str> = styles.iter().take(6).map(|style| style.name()).collect();
        words.push_str(&format!(
            " The picture will be made in these styles: {}. ",
            names.join(", ")
        ));
        words.push_str("Fill the style_ keys for them.");
    }
    words
}

impl SketchAnalysis {
    /// Parses a model's answer: JSON, possibly in a code fence or surrounded by words. `None` if it
    /// cannot be parsed, for example because it was truncated.
    #[must_use]
    pub fn parse(answer: &str) -> Option<Self> {
        let start = answer.find('{')?;
        let end = answer.rfind('}')?;
        let analysis: Self = serde_json::from_str(answer.get(start..=end)?).ok()?;
        (!analysis.subject_summary.is_empty() || !analysis.natural_description.is_empty())
            .then_some(analysis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_and_the_struct_have_the_same_fifteen_keys() {
        let schema = response_schema();
        let fields = serde_json::to_value(SketchAnalysis::default()).expect("plain data");
        let fields: Vec<&String> = fields.as_object().expect("an object").keys().collect();
        assert_eq!(fields.len(), 15);
        for key in KEYS {
            assert!(fields.iter().any(|field| *field == key), "{key}");
            assert!(schema["properties"].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn fenced_answers_and_lists_as_text_are_read_and_truncated_ones_refused() {
        let fenced = "Here:\n```json\n{\"subject_summary\": \" a tiger \", \"key_objects\": \
                      \"tail, stripes\", \"camera\": null}\n```";
        let analysis = SketchAnalysis::parse(fenced).expect("readable");
        assert_eq!(analysis.subject_summary, "a tiger");
        assert_eq!(analysis.key_objects, ["tail", "stripes"]);
        for bad in ["", "no", "{\"subject_summary\": \"a ti", "{}", "[1]", "}{"] {
            assert_eq!(SketchAnalysis::parse(bad), None, "{bad}");
        }
    }
}
