//! The body of `POST /api/images/generate`, as it is documented and read.

use clippy_core::Result;
use clippy_core::ids::PointId;
use clippy_generate::{GenerateRequest, QueryNote, ReferenceInput};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::routes::own_picture::OwnAddress;

use crate::extract::at_most;

/// One reference: a role, a weight, and one place to get the picture from. `/image/{id}` of this
/// server, as a URL, means the same as the id, and may be sent beside it.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ReferenceBody {
    /// `style` (palette, texture, line and light come from it) or `subject` (what is shown comes
    /// from it).
    #[serde(default)]
    #[schema(example = "style")]
    role: String,
    /// How much it counts, 0 to 1.
    #[schema(default = 0.7, minimum = 0, maximum = 1)]
    weight: Option<f32>,
    /// A picture of the gallery: its id.
    #[schema(value_type = Option<u64>)]
    id: Option<PointId>,
    /// An `https` URL.
    url: Option<String>,
    /// A data URL.
    image_url: Option<String>,
    /// Base64 of a picture's file.
    image_b64: Option<String>,
}

/// The search that references were found by, for the picture's lineage.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct QueryBody {
    /// The words.
    text: Option<String>,
    /// The weight of the picture's vector.
    w_img: Option<f32>,
    /// The weight of the edge map's vector.
    w_edge: Option<f32>,
    /// The weight of the words' vector.
    w_txt: Option<f32>,
}

/// What to draw. Unknown fields are ignored.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct GenerateBody {
    /// What to show, in words; at most 8,000 characters.
    prompt: Option<String>,
    /// How many pictures.
    #[schema(default = 1, minimum = 1, maximum = 8)]
    count: Option<u32>,
    /// References, at most 16; a provider may take fewer.
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    refs: Option<Vec<ReferenceBody>>,
    /// The sketch: a data URL, base64, or an `https` URL.
    sketch: Option<String>,
    /// How closely the sketch is kept.
    #[schema(default = 0.8, minimum = 0, maximum = 1)]
    sketch_weight: Option<f32>,
    /// A picture to start from, or to edit under a mask.
    base: Option<String>,
    /// White where `base` is painted anew; of the base's size.
    mask: Option<String>,
    /// Tags of Clippy's style vocabulary.
    #[schema(example = json!(["pixel_art"]))]
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    style_tags: Option<Vec<String>>,
    /// What must not be there.
    negative_prompt: Option<String>,
    /// Makes a picture repeatable where the provider can.
    seed: Option<u64>,
    /// `W:H`, such as `3:4`.
    #[schema(example = "3:4")]
    aspect_ratio: Option<String>,
    /// Who makes it: `local`, `gemini`, `imagen`, `comfyui` or `sdxl`; the server's setting
    /// without it.
    provider: Option<String>,
    /// Refuse (422), rather than approximate or drop anything.
    strict: Option<bool>,
    /// One of the provider's recommended ways to mix references.
    preset: Option<String>,
    /// The search that the references were found by.
    query: Option<QueryBody>,
    /// Put the pictures into the gallery, too. Searches leave them out unless they ask for them
    /// with `origin`.
    #[schema(default = false)]
    add_to_gallery: Option<bool>,
}

impl GenerateBody {
    /// What is asked for.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for a reference that names two pictures.
    pub(crate) fn request(self, own: &OwnAddress) -> Result<GenerateRequest> {
        let body = self;
        let refs = body
            .refs
            .unwrap_or_default()
            .into_iter()
            .map(ReferenceInput::from)
            .enumerate();
        let refs = refs
            .map(|(index, one)| own.settle(&format!("refs[{index}]"), one))
            .collect::<Result<_>>()?;
        Ok(GenerateRequest {
            prompt: body.prompt,
            count: body.count.unwrap_or(1),
            refs,
            sketch: body.sketch,
            sketch_weight: body.sketch_weight,
            base: body.base,
            mask: body.mask,
            style_tags: body.style_tags.unwrap_or_default(),
            negative_prompt: body.negative_prompt,
            seed: body.seed,
            aspect_ratio: body.aspect_ratio,
            provider: body.provider,
            strict: body.strict.unwrap_or_default(),
            preset: body.preset,
            query: body.query.map(
                |QueryBody {
                     text,
                     w_img,
                     w_edge,
                     w_txt,
                 }| QueryNote {
                    text,
                    w_img,
                    w_edge,
                    w_txt,
                },
            ),
            add_to_gallery: body.add_to_gallery.unwrap_or_default(),
            subject_type: None,
        })
    }
}

impl From<ReferenceBody> for ReferenceInput {
    fn from(
        ReferenceBody {
            role,
            weight,
            id,
            url,
            image_url,
            image_b64,
        }: ReferenceBody,
    ) -> Self {
        Self {
            role,
            weight,
            id,
            url,
            image_url,
            image_b64,
        }
    }
}
