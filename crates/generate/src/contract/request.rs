//! The body of `POST /api/images/generate`, and all checks that need neither pictures nor a
//! provider.

use clippy_core::history::HistoryParent;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use super::preset::Preset;
use super::ratio::AspectRatio;
use super::style::StyleTag;
use crate::text::shorten;

/// The largest number of characters of a prompt or a negative prompt.
pub const LONGEST_PROMPT: usize = 8_000;
/// The largest number of pictures that a request may ask for.
pub const MOST_PICTURES: u32 = 8;
/// The largest number of references in a request; a provider may support fewer.
pub const MOST_REFERENCES: usize = 16;
/// The largest number of characters of a picture sent as base64 or as a data URL: a file of 24 MiB.
pub const LONGEST_PICTURE: usize = 32 << 20;
/// The largest number of bytes of a drawing's document.
pub const LONGEST_DRAWING: usize = 8 << 20;
/// The longest id of a parent. Those of jobs have 36 characters, those of files 64.
const LONGEST_PARENT: usize = 64;
/// Most bytes of a picture's web address. It is stored with the job, unlike a picture's bytes.
const LONGEST_ADDRESS: usize = 8 << 10;

/// What a reference is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Palette, texture, line and light are taken from it, but not its objects.
    Style,
    /// What is shown is taken from it: identity, colours of parts, distinctive features.
    Subject,
}

impl Role {
    /// The name in requests and receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Style => "style",
            Self::Subject => "subject",
        }
    }
}

/// One reference of a request: a role, a weight, and one source of the picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReferenceInput {
    /// `style` or `subject`. A text, so that the error for a wrong one can list the valid names.
    #[serde(default)]
    pub role: String,
    /// How much it counts, 0 to 1; 0.7 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
    /// A picture of the gallery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PointId>,
    /// An `https` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A data URL, or an `https` URL, which Clippy 0.2 accepted here, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// A picture's file in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_b64: Option<String>,
}

/// The body of `POST /api/images/generate` and of `POST /api/images/estimate`. Unknown fields are
/// ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerateRequest {
    /// What to show, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// How many pictures, 1 to 8.
    pub count: u32,
    /// Pictures to work from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<ReferenceInput>,
    /// The artist's sketch: a data URL, base64, or an `https` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sketch: Option<String>,
    /// How closely the sketch is followed, 0 to 1; 0.8 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sketch_weight: Option<f32>,
    /// A picture to start from, or to edit under a mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// White where `base` is to be repainted; of the same size as `base`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// Style tags from Clippy's vocabulary.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub style_tags: Vec<String>,
    /// What must not be in the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// Makes a picture reproducible if the provider supports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// `W:H`, such as `3:4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
    /// The provider's name; the configured default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whether to refuse the request rather than approximate or drop an input.
    pub strict: bool,
    /// One of the provider's presets; it chooses one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The search that found the references, for the picture's lineage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<QueryNote>,
    /// The picture of the history that this request goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<HistoryParent>,
    /// The client's own document of the drawing, as JSON. No provider sees it; the history returns
    /// it, so that the drawing can be continued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawing: Option<String>,
    /// Whether to add the pictures to the gallery, where searches for generated pictures find
    /// them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub add_to_gallery: bool,
    /// Clippy 0.2's `subject_type_default`: `person`, `animal`, `product` or `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<String>,
    /// The picture of the gallery that the server added to `refs` as the subject, since the provider
    /// cannot paint what the prompt names. Callers do not set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_subject: Option<PointId>,
}

/// The words and weights of a search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueryNote {
    /// The words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The weight of the picture's vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w_img: Option<f32>,
    /// The weight of the edge map's vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w_edge: Option<f32>,
    /// The weight of the words' vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w_txt: Option<f32>,
}

impl Default for GenerateRequest {
    fn default() -> Self {
        Self {
            prompt: None,
            count: 1,
            refs: Vec::new(),
            sketch: None,
            sketch_weight: None,
            base: None,
            mask: None,
            style_tags: Vec::new(),
            negative_prompt: None,
            seed: None,
            aspect_ratio: None,
            provider: None,
            strict: false,
            preset: None,
            query: None,
            parent: None,
            drawing: None,
            add_to_gallery: false,
            subject_type: None,
            found_subject: None,
        }
    }
}

impl GenerateRequest {
    /// Checks everything that can be checked without looking at a picture.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`], or [`ErrorCode::TooLarge`] for a picture that is too long,
    /// naming the field.
    pub fn validate(&self) -> Result<()> {
        if !(1..=MOST_PICTURES).contains(&self.count) {
            return Err(Error::invalid(format!(
                "count is {}, but must be from 1 to {MOST_PICTURES}",
                self.count
            )));
        }
        self.check_words()?;
        self.check_references()?;
        for (name, picture) in [
            ("sketch", &self.sketch),
            ("base", &self.base),
            ("mask", &self.mask),
        ] {
            if let Some(picture) = picture {
                check_length(name, picture)?;
            }
        }
        if let Some(weight) = self.sketch_weight {
            check_weight("sketch_weight", weight)?;
        }
        if let Some(drawing) = &self.drawing
            && drawing.len() > LONGEST_DRAWING
        {
            return Err(Error::new(
                ErrorCode::TooLarge,
                format!(
                    "drawing has {} bytes, but at most {LONGEST_DRAWING} are allowed: leave it \
                     out, and the picture is made without it",
                    drawing.len()
                ),
            ));
        }
        if self
            .parent
            .as_ref()
            .is_some_and(|parent| parent.id.len() > LONGEST_PARENT)
        {
            return Err(Error::invalid(
                "parent.id is too long to be the id of an entry of the history",
            ));
        }
        if self.mask.is_some() && self.base.is_none() {
            return Err(Error::invalid(
                "mask was sent without base: send the picture to edit as base as well",
            ));
        }
        if let Some(ratio) = &self.aspect_ratio {
            ratio.parse::<AspectRatio>()?;
        }
        if let Some(preset) = &self.preset {
            Preset::from_name(preset)?;
        }
        let words = self
            .prompt
            .as_deref()
            .is_some_and(|prompt| !prompt.trim().is_empty());
        if !words && self.refs.is_empty() && self.sketch.is_none() && self.base.is_none() {
            return Err(Error::invalid(
                "there is nothing to draw: send a prompt, a sketch, a base or a reference",
            ));
        }
        Ok(())
    }

    fn check_words(&self) -> Result<()> {
        let query = self.query.as_ref().and_then(|query| query.text.clone());
        for (name, text) in [
            ("prompt", &self.prompt),
            ("negative_prompt", &self.negative_prompt),
            ("query.text", &query),
        ] {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            if length > LONGEST_PROMPT {
                let message = format!(
                    "{name} has {length} characters, but at most {LONGEST_PROMPT} are allowed: \
                     shorten it"
                );
                return Err(Error::invalid(message));
            }
        }
        self.styles().map(|_| ())
    }

    fn check_references(&self) -> Result<()> {
        if self.refs.len() > MOST_REFERENCES {
            let message = format!(
                "refs has {} references, but at most {MOST_REFERENCES} are allowed: leave some out",
                self.refs.len()
            );
            return Err(Error::invalid(message));
        }
        for (index, reference) in self.refs.iter().enumerate() {
            self.role(index)?;
            if let Some(weight) = reference.weight {
                check_weight(&format!("refs[{index}].weight"), weight)?;
            }
            let places = [
                reference.id.is_some(),
                reference.url.is_some(),
                reference.image_url.is_some(),
                reference.image_b64.is_some(),
            ];
            let given = places.into_iter().filter(|given| *given).count();
            if given != 1 {
                return Err(Error::invalid(format!(
                    "refs[{index}] names {given} pictures, but must have exactly one of id, url, \
                     image_url and image_b64"
                )));
            }
            for picture in [&reference.url, &reference.image_url, &reference.image_b64]
                .into_iter()
                .flatten()
            {
                check_length(&format!("refs[{index}]"), picture)?;
            }
        }
        Ok(())
    }

    /// The role of one reference.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] when it is neither `style` nor `subject`.
    pub fn role(&self, index: usize) -> Result<Role> {
        match self
            .refs
            .get(index)
            .map(|reference| reference.role.as_str())
        {
            Some("style") => Ok(Role::Style),
            Some("subject") => Ok(Role::Subject),
            Some(other) => Err(Error::invalid(format!(
                "refs[{index}].role is \"{}\", but must be style or subject",
                shorten(other)
            ))),
            None => Err(Error::internal(format!("there is no refs[{index}]"))),
        }
    }

    /// The weight of one reference, 0.7 by default.
    #[must_use]
    pub fn weight(&self, index: usize) -> f32 {
        self.refs
            .get(index)
            .and_then(|reference| reference.weight)
            .unwrap_or(0.7)
    }

    /// The style tags, parsed.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] that names the unknown one and the vocabulary.
    pub fn styles(&self) -> Result<Vec<StyleTag>> {
        if self.style_tags.len() > StyleTag::ALL.len() {
            return Err(Error::invalid(format!(
                "style_tags has {} tags: send a few",
                self.style_tags.len()
            )));
        }
        self.style_tags
            .iter()
            .map(|tag| {
                StyleTag::from_name(tag).ok_or_else(|| {
                    let known: Vec<&str> = StyleTag::ALL.iter().map(|tag| tag.name()).collect();
                    let message = format!(
                        "style tag \"{}\" is not known; these are: {}",
                        shorten(tag),
                        known.join(", ")
                    );
                    Error::invalid(message)
                })
            })
            .collect()
    }
}

fn check_weight(name: &str, weight: f32) -> Result<()> {
    if (0.0..=1.0).contains(&weight) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{name} is {weight}, but must be from 0 to 1"
    )))
}

fn check_length(name: &str, picture: &str) -> Result<()> {
    let scheme = picture.get(..8).unwrap_or(picture).to_ascii_lowercase();
    if scheme.starts_with("http") && picture.len() > LONGEST_ADDRESS {
        let message = format!(
            "{name} is an address of {} bytes, but at most {LONGEST_ADDRESS} are allowed",
            picture.len()
        );
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    if picture.len() <= LONGEST_PICTURE {
        return Ok(());
    }
    let message = format!(
        "{name} has {} MiB of text, but at most {} are allowed",
        picture.len() >> 20,
        LONGEST_PICTURE >> 20
    );
    Err(Error::new(ErrorCode::TooLarge, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> GenerateRequest {
        serde_json::from_value(json).expect("a body")
    }

    fn refused(json: serde_json::Value) -> String {
        read(json).validate().expect_err("a bad body").message
    }

    #[test]
    fn a_full_body_of_the_contract_passes() {
        let request = read(serde_json::json!({
            "prompt": "a cat", "count": 8, "sketch": "data:image/png;base64,AA", "sketch_weight": 1,
            "refs": [{"role": "style", "weight": 0.0, "id": 7}, {"role": "subject", "weight": 1.0,
            "url": "https://a.org/b.png"}],
            "style_tags": ["pixel_art"], "negative_prompt": "text", "seed": 3,
            "aspect_ratio": "3:4",
            "provider": "local", "strict": true, "w_img": 0.7
        }));
        request.validate().expect("good");
        assert_eq!(request.role(1).expect("a role"), Role::Subject);
        assert_eq!(request.refs[0].id, Some(PointId::Number(7)));
    }

    #[test]
    fn every_bad_field_is_named() {
        let style = |extra: serde_json::Value| {
            let mut reference = serde_json::json!({"role": "style", "id": 1});
            reference
                .as_object_mut()
                .expect("an object")
                .extend(extra.as_object().expect("an object").clone());
            serde_json::json!({"refs": [reference]})
        };
        let cases = [
            (serde_json::json!({"prompt": "a", "count": 0}), "count is 0"),
            (serde_json::json!({"prompt": "a", "count": 9}), "count is 9"),
            (
                serde_json::json!({"prompt": "x".repeat(100_000)}),
                "100000 characters",
            ),
            (
                serde_json::json!({"prompt": "a", "negative_prompt": "x".repeat(8_001)}),
                "negative_prompt",
            ),
            (
                style(serde_json::json!({"role": "mood"})),
                "style or subject",
            ),
            (style(serde_json::json!({"role": ""})), "style or subject"),
            (
                style(serde_json::json!({"weight": 1.01})),
                "refs[0].weight is 1.01",
            ),
            (style(serde_json::json!({"weight": -0.1})), "refs[0].weight"),
            (
                style(serde_json::json!({"url": "https://a.org"})),
                "names 2 pictures",
            ),
            (
                serde_json::json!({"refs": [{
                    "role": "style",
                    "url": format!("HTTPS://a.org/{}", "x".repeat(8 << 10)),
                }]}),
                "refs[0]",
            ),
            (
                serde_json::json!({"refs": [{"role": "style"}]}),
                "names 0 pictures",
            ),
            (
                serde_json::json!({"refs": vec![serde_json::json!({"role": "style",
                "id": 1}); 17]}),
                "17 references",
            ),
            (
                serde_json::json!({"prompt": "a", "mask": "AAAA"}),
                "without base",
            ),
            (
                serde_json::json!({"prompt": "a", "sketch_weight": 2}),
                "sketch_weight",
            ),
            (
                serde_json::json!({"prompt": "a", "aspect_ratio": "wide"}),
                "aspect_ratio",
            ),
            (
                serde_json::json!({"prompt": "a", "aspect_ratio": "0:1"}),
                "aspect_ratio",
            ),
            (
                serde_json::json!({"prompt": "a", "aspect_ratio": "1:9"}),
                "aspect_ratio",
            ),
            (
                serde_json::json!({"prompt": "a", "style_tags": ["cubism"]}),
                "cubism",
            ),
            (
                serde_json::json!({"prompt": "a", "preset": "wild"}),
                "style_first",
            ),
            (serde_json::json!({"prompt": "  "}), "nothing to draw"),
        ];
        for (body, expected) in cases {
            let message = refused(body.clone());
            assert!(
                message.contains(expected),
                "{message} should contain {expected}"
            );
            assert!(
                message.len() < 900,
                "a message is for a person: {}",
                message.len()
            );
        }
    }
}
