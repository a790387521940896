//! The form of an entry of the history in answers.

use clippy_core::Result;
use clippy_core::history::{HistoryParent, HistoryPicture, ListedEntry};
use clippy_generate::{GenerateRequest, Intake, QueryNote, ReferenceInput, stored_hash};
use clippy_history::MadeFacts;
use clippy_jobs::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::receipt::ReceiptResponse;

/// One run of a generation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryEntryResponse {
    /// The id of its job, which may no longer exist.
    id: String,
    /// When it was asked for: RFC 3339 in UTC.
    at: String,
    /// The artist's words.
    words: String,
    /// The words of the search that found the references.
    searched_words: Option<String>,
    /// The provider.
    provider: String,
    /// The model, if the provider has one.
    model: Option<String>,
    /// `edit`, `subject`, `style` or `generate`.
    mode: String,
    /// Style tags.
    styles: Vec<String>,
    /// The ids of the pictures of the gallery that it was made from, as text.
    references: Vec<String>,
    /// The pictures.
    pictures: Vec<HistoryPictureResponse>,
    /// The chain of edits that it belongs to.
    chain: ChainResponse,
    /// The picture that it went on from, which may be deleted.
    parent: Option<ParentResponse>,
}

/// A picture of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryPictureResponse {
    /// Its index in the entry. Deleted pictures leave gaps.
    index: u32,
    /// Its path on this server.
    url: String,
    /// SHA-256 of the file.
    sha256: String,
    /// Its media type.
    media_type: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// The file's size in bytes.
    size: u64,
    /// The seed that makes it again, if the provider has seeds.
    seed: Option<u64>,
    /// Whether it is a favourite.
    favourite: bool,
}

/// A chain of edits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChainResponse {
    /// The id of its first entry, which may be deleted.
    id: String,
    /// How many entries it has.
    entries: u64,
}

/// A picture of another entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParentResponse {
    /// The entry.
    id: String,
    /// The index of the picture.
    index: u32,
}

impl HistoryEntryResponse {
    pub(crate) fn of(listed: ListedEntry) -> Result<Self> {
        let facts = MadeFacts::of(&listed.entry)?;
        Ok(Self::with(listed, &facts))
    }

    fn with(listed: ListedEntry, facts: &MadeFacts) -> Self {
        let entry = listed.entry;
        let searched = Some(entry.further_words).filter(|words| !words.trim().is_empty());
        let references = entry.references.iter();
        Self {
            at: Timestamp::from_millis(entry.at).to_string(),
            words: entry.words,
            searched_words: searched,
            provider: facts.provider.clone(),
            model: facts.model.clone(),
            mode: facts.mode.clone(),
            styles: entry.styles,
            references: references.map(ToString::to_string).collect(),
            pictures: entry
                .pictures
                .into_iter()
                .map(|picture| HistoryPictureResponse::of(&entry.id, picture))
                .collect(),
            chain: ChainResponse {
                id: listed.chain,
                entries: listed.steps,
            },
            parent: entry
                .parent
                .map(|HistoryParent { id, index }| ParentResponse { id, index }),
            id: entry.id,
        }
    }
}

impl HistoryPictureResponse {
    fn of(entry: &str, picture: HistoryPicture) -> Self {
        let HistoryPicture {
            index,
            sha256,
            media_type,
            width,
            height,
            size,
            seed,
            favourite,
        } = picture;
        Self {
            url: format!("/api/history/{entry}/pictures/{index}"),
            index,
            sha256,
            media_type,
            width,
            height,
            size,
            seed,
            favourite,
        }
    }
}

/// An entry with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryDetailsResponse {
    #[serde(flatten)]
    entry: HistoryEntryResponse,
    /// The prompt that was sent to the provider.
    constructed_prompt: String,
    /// What was asked for.
    settings: HistorySettings,
    /// Whether `settings` are all that was asked for. For pictures that were made before there was
    /// a history, they are what the pictures' lineage has.
    complete: bool,
    /// The inputs whose files are no longer there, such as `sketch`; they are missing in
    /// `settings`.
    missing: Vec<String>,
    /// How each input was used; null for older pictures.
    receipt: Option<ReceiptResponse>,
}

/// What was asked for: fields of `POST /api/images/generate`. An upload is the path of its file on
/// this server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistorySettings {
    /// The prompt.
    prompt: Option<String>,
    /// What the pictures must not show.
    negative_prompt: Option<String>,
    /// How many pictures.
    count: u32,
    /// References.
    refs: Vec<HistoryReference>,
    /// The sketch: a path, or a URL.
    sketch: Option<String>,
    /// How closely the sketch is followed.
    sketch_weight: Option<f32>,
    /// The picture that was started from: a path, or a URL.
    base: Option<String>,
    /// The mask: a path, or a URL.
    mask: Option<String>,
    /// The path of the client's document of the drawing.
    drawing: Option<String>,
    /// Style tags.
    style_tags: Vec<String>,
    /// The seed that was asked for. Those of the pictures are in `pictures`.
    seed: Option<u64>,
    /// The ratio.
    aspect_ratio: Option<String>,
    /// The provider that was asked for.
    provider: Option<String>,
    /// Whether no input might be approximated.
    strict: bool,
    /// How references were mixed.
    preset: Option<String>,
    /// Whether the pictures were added to the gallery.
    add_to_gallery: bool,
    /// The search that found the references.
    query: Option<HistorySearch>,
}

/// A reference.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryReference {
    /// `style` or `subject`.
    role: String,
    /// Its weight.
    weight: Option<f32>,
    /// The id of a picture of the gallery, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The path of an upload, or a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// A search.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistorySearch {
    /// The words.
    text: Option<String>,
    /// The weight of the picture's vector.
    w_img: Option<f32>,
    /// The weight of the edge map's vector.
    w_edge: Option<f32>,
    /// The weight of the words' vector.
    w_txt: Option<f32>,
}

impl HistoryDetailsResponse {
    /// The answer for an entry. Uploads whose files are gone are listed as missing.
    pub(crate) async fn of(intake: &Intake, listed: ListedEntry, facts: MadeFacts) -> Result<Self> {
        let entry = HistoryEntryResponse::with(listed, &facts);
        let mut inputs = Inputs {
            intake,
            entry: &entry.id,
            missing: Vec::new(),
        };
        let settings = inputs.settings(facts.request).await;
        let missing = inputs.missing;
        Ok(Self {
            constructed_prompt: facts.constructed_prompt,
            settings,
            complete: facts.complete,
            missing,
            receipt: facts.receipt.map(ReceiptResponse::from),
            entry,
        })
    }
}

/// Turns names of stored files into addresses.
struct Inputs<'a> {
    intake: &'a Intake,
    entry: &'a str,
    missing: Vec<String>,
}

impl Inputs<'_> {
    async fn address(&mut self, name: &str, field: Option<String>) -> Option<String> {
        let field = field?;
        let Some(sha256) = stored_hash(&field) else {
            // A URL, which was fetched by the job.
            return Some(field);
        };
        if self.intake.size_of(sha256).await.is_some() {
            return Some(format!("/api/history/{}/inputs/{sha256}", self.entry));
        }
        self.missing.push(name.to_owned());
        None
    }

    async fn settings(&mut self, request: GenerateRequest) -> HistorySettings {
        let mut refs = Vec::new();
        for (index, reference) in request.refs.into_iter().enumerate() {
            // The server added it, and does so again.
            if reference.id.is_some() && reference.id == request.found_subject {
                continue;
            }
            refs.extend(self.reference(index, reference).await);
        }
        HistorySettings {
            prompt: request.prompt,
            negative_prompt: request.negative_prompt,
            count: request.count,
            refs,
            sketch: self.address("sketch", request.sketch).await,
            sketch_weight: request.sketch_weight,
            base: self.address("base", request.base).await,
            mask: self.address("mask", request.mask).await,
            drawing: self.address("drawing", request.drawing).await,
            style_tags: request.style_tags,
            seed: request.seed,
            aspect_ratio: request.aspect_ratio,
            provider: request.provider,
            strict: request.strict,
            preset: request.preset,
            add_to_gallery: request.add_to_gallery,
            query: request.query.map(
                |QueryNote {
                     text,
                     w_img,
                     w_edge,
                     w_txt,
                 }| HistorySearch {
                    text,
                    w_img,
                    w_edge,
                    w_txt,
                },
            ),
        }
    }

    async fn reference(&mut self, index: usize, given: ReferenceInput) -> Option<HistoryReference> {
        let ReferenceInput {
            role,
            weight,
            id,
            url,
            image_url,
            image_b64,
        } = given;
        let id = id.map(|id| id.to_string());
        let picture = url.or(image_url).or(image_b64);
        let url = self.address(&format!("refs[{index}]"), picture).await;
        (id.is_some() || url.is_some()).then_some(HistoryReference {
            role,
            weight,
            id,
            url,
        })
    }
}
