//! The body of `POST /api/images/generate`.

use clippy_core::Result;
use clippy_core::history::HistoryParent;
use clippy_core::ids::PointId;
use clippy_generate::{GenerateRequest, QueryNote, ReferenceInput};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::routes::own_picture::OwnAddress;

use crate::extract::at_most;

/// One reference: a role, a weight, and one source of the picture. The URL `/image/{id}` of this
/// server means the same as the id, and both may be sent together.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ReferenceBody {
    /// `style` (a model of palette, texture, line and light) or `subject` (a model of what is
    /// shown).
    #[serde(default)]
    #[schema(example = "style")]
    role: String,
    /// The weight of the reference, 0 to 1.
    #[schema(default = 0.7, minimum = 0, maximum = 1)]
    weight: Option<f32>,
    /// The id of a picture of the gallery.
    #[schema(value_type = Option<u64>)]
    id: Option<PointId>,
    /// An `https` URL.
    url: Option<String>,
    /// A data URL.
    image_url: Option<String>,
    /// A picture's file as base64.
    image_b64: Option<String>,
}

/// The search that found the references, for the picture's lineage.
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

/// A picture of the history.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ParentBody {
    /// The id of its entry.
    id: String,
    /// Its index in the entry.
    index: u32,
}

/// A request for generated pictures. Unknown fields are ignored.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct GenerateBody {
    /// The prompt; at most 8,000 characters.
    prompt: Option<String>,
    /// How many pictures.
    #[schema(default = 1, minimum = 1, maximum = 8)]
    count: Option<u32>,
    /// References, at most 16; a provider may take fewer.
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    refs: Option<Vec<ReferenceBody>>,
    /// The sketch: a data URL, base64, or an `https` URL.
    sketch: Option<String>,
    /// How closely the pictures follow the sketch.
    #[schema(default = 0.8, minimum = 0, maximum = 1)]
    sketch_weight: Option<f32>,
    /// A picture to start from, or to edit under a mask.
    base: Option<String>,
    /// White where `base` is replaced; of the same size as `base`.
    mask: Option<String>,
    /// Tags of Clippy's style vocabulary.
    #[schema(example = json!(["pixel_art"]))]
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    style_tags: Option<Vec<String>>,
    /// What the pictures must not show.
    negative_prompt: Option<String>,
    /// Makes a picture repeatable, if the provider supports seeds.
    seed: Option<u64>,
    /// `W:H`, such as `3:4`; or a size in pixels, such as `1536:1024`, of which providers with sizes
    /// of their own take only the ratio.
    #[schema(example = "3:4")]
    aspect_ratio: Option<String>,
    /// The provider: `local`, `gemini`, `imagen`, `comfyui` or `sdxl`. The default is the server's
    /// setting.
    provider: Option<String>,
    /// Refuse the request (422) if any input would be approximated or dropped.
    strict: Option<bool>,
    /// One of the provider's recommended ways to mix references.
    preset: Option<String>,
    /// The search that found the references.
    query: Option<QueryBody>,
    /// The picture of the history that this goes on from. The new pictures belong to its chain.
    parent: Option<ParentBody>,
    /// The client's own document of the drawing, as JSON text of at most 8 MiB. No provider gets
    /// it; the history returns it, so that the drawing can be continued.
    drawing: Option<String>,
    /// Also add the pictures to the gallery. Searches find them only with `origin`.
    #[schema(default = false)]
    add_to_gallery: Option<bool>,
}

impl GenerateBody {
    /// Converts the body to a request.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for a reference with two different pictures.
    pub(crate) fn request(self, own: &OwnAddress) -> Result<GenerateRequest> {
        let body = self;
        let refs = body
            .refs
            .unwrap_or_default()
            .into_iter()
            .map(ReferenceInput::from)
            .enumerate();
        let refs = refs
            .map(|(index, one)| own.resolve(&format!("refs[{index}]"), one))
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
            parent: body
                .parent
                .map(|ParentBody { id, index }| HistoryParent { id, index }),
            drawing: body.drawing,
            add_to_gallery: body.add_to_gallery.unwrap_or_default(),
            subject_type: None,
            found_subject: None,
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
