//! The three bodies of Clippy 0.2's `generate_image`, and their conversion to a request.

use clippy_common::shorten;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use clippy_generate::{GenerateRequest, ReferenceInput, StyleTag};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::extract::{Scalar, at_most};
use crate::routes::own_picture::OwnAddress;

/// How many characters of a name the answer repeats.
const LONGEST_NAME: usize = 60;

/// Any of the three bodies, which differ in their fields.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct OlderBody {
    /// The subject, for a picture of a subject in a sketch.
    subject_ref: Option<OlderReference>,
    /// Style references.
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    refs: Option<Vec<OlderReference>>,
    /// The sketch, or the picture to edit: a data URL.
    image_url: Option<String>,
    /// White where the picture is edited: a data URL.
    mask_url: Option<String>,
    /// Tags of the style vocabulary. Others are ignored, and listed in `meta.style_tags_ignored`.
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    style_tags: Option<Vec<String>>,
    /// `SUBJECT_TYPE_PERSON` and so on.
    subject_type_default: Option<String>,
    /// The prompt.
    prompt_subject: Option<String>,
    /// The prompt, if `prompt_subject` is not sent.
    subject: Option<String>,
    /// How many pictures, 1..8.
    #[schema(value_type = Option<u32>)]
    n: Option<Scalar>,
}

/// A reference, as Clippy 0.2's client sends it. Of several sources, the first one is used.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct OlderReference {
    /// Base64 of the file.
    image_b64: Option<String>,
    /// The same under an older name.
    image_bytes_b64: Option<String>,
    /// A data URL, an `https` URL, or `/image/{id}` of this server, with or without its host.
    image_url: Option<String>,
    /// The id of a picture of the gallery.
    #[schema(value_type = Option<u64>)]
    id: Option<PointId>,
    /// The weight of the reference, 0 to 1.
    weight: Option<f32>,
}

/// A body, converted to a request.
pub(crate) struct OlderRequest {
    pub request: GenerateRequest,
    /// The parts that the answer repeats.
    pub meta: OlderMeta,
}

/// The parts of a body that are kept for the answer. They are small, however large the body is.
pub(crate) struct OlderMeta {
    /// Clippy 0.2's name of the mode.
    pub mode: &'static str,
    /// Fields of the mode.
    pub meta: Map<String, Value>,
}

impl OlderBody {
    /// Converts the body to a request.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for an invalid count or reference.
    pub(crate) fn into_request(self, own: &OwnAddress) -> Result<OlderRequest> {
        let (tags, ignored) = vocabulary(self.style_tags.unwrap_or_default());
        let (refs, image) = (
            self.refs.unwrap_or_default(),
            self.image_url.filter(|text| !text.is_empty()),
        );
        let mask = self.mask_url.filter(|text| !text.is_empty());
        let mut meta = Map::new();
        let mut request = GenerateRequest {
            style_tags: tags,
            ..GenerateRequest::default()
        };
        let mode = match (self.subject_ref, image) {
            (Some(subject), Some(sketch)) => {
                let given = self.subject_type_default.filter(|text| !text.is_empty());
                let subject_type = given.unwrap_or_else(|| "SUBJECT_TYPE_PERSON".to_owned());
                if subject_type.chars().count() > LONGEST_NAME {
                    return Err(Error::invalid(format!(
                        "subject_type_default has more than {LONGEST_NAME} characters"
                    )));
                }
                meta.insert("subject_type".to_owned(), json!(subject_type));
                meta.insert("control".to_owned(), json!("scribble"));
                request.subject_type = Some(
                    subject_type
                        .trim_start_matches("SUBJECT_TYPE_")
                        .to_lowercase(),
                );
                request.refs = vec![subject.input("subject", "subject_ref", own)?];
                request.sketch = Some(sketch);
                request.count = count(self.n.as_ref(), 1)?;
                "subject_plus_sketch"
            }
            (None, Some(sketch)) if !refs.is_empty() && mask.is_none() => {
                let words: Vec<String> = request
                    .style_tags
                    .iter()
                    .map(|tag| tag.replace('_', " "))
                    .collect();
                let described = if words.is_empty() {
                    "reference style".to_owned()
                } else {
                    words.join(", ")
                };
                meta.insert("style_desc".to_owned(), json!(described));
                meta.insert("style_refs_used".to_owned(), json!(refs.len()));
                meta.insert("control".to_owned(), json!("scribble"));
                request.refs = styles(&refs, own)?;
                request.sketch = Some(sketch);
                request.count = count(self.n.as_ref(), 4)?;
                "customize_promptless"
            }
            (_, image) => {
                let words = self
                    .prompt_subject
                    .or(self.subject)
                    .filter(|words| !words.trim().is_empty());
                request.prompt = Some(words.unwrap_or_else(|| "sketch refinement".to_owned()));
                request.refs = styles(&refs, own)?;
                request.count = count(self.n.as_ref(), 1)?;
                let mode = if image.is_some() { "edit" } else { "generate" };
                (request.base, request.mask) = (image, mask);
                mode
            }
        };
        if !ignored.is_empty() {
            let names: Vec<String> = ignored
                .iter()
                .map(|name| shorten(name, LONGEST_NAME).into_owned())
                .collect();
            meta.insert("style_tags_ignored".to_owned(), json!(names));
        }
        Ok(OlderRequest {
            request,
            meta: OlderMeta { mode, meta },
        })
    }
}

fn styles(refs: &[OlderReference], own: &OwnAddress) -> Result<Vec<ReferenceInput>> {
    refs.iter()
        .enumerate()
        .map(|(index, one)| one.input("style", &format!("refs[{index}]"), own))
        .collect()
}

impl OlderReference {
    fn input(&self, role: &str, name: &str, own: &OwnAddress) -> Result<ReferenceInput> {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let mut input = ReferenceInput {
            role: role.to_owned(),
            weight: self.weight,
            ..ReferenceInput::default()
        };
        if let Some(base64) = said(&self.image_b64).or_else(|| said(&self.image_bytes_b64)) {
            input.image_b64 = Some(base64);
        } else if let Some(url) = said(&self.image_url) {
            match own
                .picture(&url)
                .or_else(|| self.id.filter(|id| own.is_same_picture(&url, *id)).map(Ok))
            {
                Some(id) => input.id = Some(id?),
                None => input.image_url = Some(url),
            }
        } else if let Some(id) = self.id {
            input.id = Some(id);
        } else {
            return Err(Error::invalid(format!(
                "{name} has no picture: send image_url, image_b64 or id"
            )));
        }
        Ok(input)
    }
}

/// Parses a number, which may be text. Null, 0 and empty text mean the default, as in Clippy 0.2.
fn count(given: Option<&Scalar>, default: u32) -> Result<u32> {
    let number = match given {
        None | Some(Scalar::Null) => return Ok(default),
        Some(Scalar::Text(text)) if text.trim().is_empty() => return Ok(default),
        Some(Scalar::Text(text)) => text.trim().parse().ok(),
        Some(Scalar::Number(value)) => value.as_u64().or_else(|| {
            value
                .as_f64()
                .filter(|number| *number >= 0.0 && number.fract() == 0.0)
                .map(|n| n as u64)
        }),
        Some(_) => None,
    };
    match number {
        Some(0) => Ok(default),
        Some(number) if number <= 8 => Ok(number as u32),
        _ => Err(Error::invalid("n must be a whole number from 1 to 8")),
    }
}

/// Splits tags into known and unknown ones.
fn vocabulary(tags: Vec<String>) -> (Vec<String>, Vec<String>) {
    tags.into_iter()
        .partition(|tag| StyleTag::from_name(tag).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: Value) -> OlderRequest {
        serde_json::from_value::<OlderBody>(body)
            .expect("a body")
            .into_request(&own())
            .expect("good")
    }

    fn own() -> OwnAddress {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("host", "localhost:8000".parse().expect("a header"));
        OwnAddress::of(&headers)
    }

    #[test]
    fn the_fields_determine_which_of_the_three_bodies_it_is() {
        let subject = parse(json!({
            "subject_ref": {"image_url": "/image/7"}, "image_url": "data:a",
            "style_tags": ["pixel_art", "cubism"],
            "subject_type_default": "SUBJECT_TYPE_ANIMAL", "n": "2",
        }));
        assert_eq!(
            (subject.meta.mode, subject.request.count),
            ("subject_plus_sketch", 2)
        );
        assert_eq!(subject.request.refs[0].id, Some(PointId::Number(7)));
        assert_eq!(subject.request.refs[0].role, "subject");
        assert_eq!(subject.request.subject_type.as_deref(), Some("animal"));
        assert_eq!(subject.meta.meta["style_tags_ignored"], json!(["cubism"]));

        let style = parse(
            json!({"refs": [{"image_b64": "AA", "weight": 0.4}], "image_url": "data:a", "n": null}),
        );
        assert_eq!(
            (style.meta.mode, style.request.count),
            ("customize_promptless", 4)
        );
        assert_eq!(style.request.sketch.as_deref(), Some("data:a"));

        let own_url = "http://127.0.0.1:8000/image/7?v=1";
        for reference in [
            json!({"id": 7, "image_url": own_url}),
            json!({"image_url": own_url}),
        ] {
            let one = parse(json!({"refs": [reference], "image_url": "data:a"}));
            let first = &one.request.refs[0];
            assert_eq!(
                (first.id, first.image_url.as_deref()),
                (Some(PointId::Number(7)), None)
            );
        }

        let edit = parse(json!({
            "subject": "a hat", "refs": [{"id": 3}], "image_url": "data:a", "mask_url": "data:b",
            "n": 1,
        }));
        assert_eq!(
            (edit.meta.mode, edit.request.mask.as_deref()),
            ("edit", Some("data:b"))
        );
        assert_eq!(edit.request.prompt.as_deref(), Some("a hat"));
        let words = parse(json!({"prompt_subject": "a cat", "subject": "a dog"}));
        assert_eq!(
            (words.meta.mode, words.request.prompt.as_deref()),
            ("generate", Some("a cat"))
        );
    }

    #[test]
    fn the_parts_that_are_kept_for_the_answer_are_small() {
        let long = "x".repeat(1 << 20);
        let older = parse(json!({
            "refs": [{"image_b64": long}], "image_url": long, "style_tags": vec![long.clone(); 8],
        }));
        let kept = serde_json::to_string(&older.meta.meta).expect("JSON");
        assert!(kept.len() < 2_000, "{} bytes", kept.len());
        let refused = serde_json::from_value::<OlderBody>(json!({
            "subject_ref": {"id": 7}, "image_url": "data:a", "subject_type_default": long,
        }))
        .expect("a body")
        .into_request(&own());
        assert!(refused.is_err());
    }

    #[test]
    fn invalid_bodies_are_refused() {
        for body in [
            json!({"subject": "a", "n": 9}),
            json!({"subject": "a", "n": -1}),
            json!({"subject": "a", "n": "many"}),
            json!({"refs": [{"caption": "nothing"}], "image_url": "data:a"}),
            json!({"refs": [{"image_url": "/image/apple"}], "image_url": "data:a"}),
        ] {
            assert!(
                serde_json::from_value::<OlderBody>(body.clone())
                    .expect("a body")
                    .into_request(&own())
                    .is_err(),
                "{body}"
            );
        }
    }
}
