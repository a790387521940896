//! ComfyUI behind the contract.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use super::again::told_apart;
use super::client::{Client, Seen, Stored};
use super::planning;
use super::preflight::{self, Names};
use super::prepared::{Prepared, Upload, put_words, rename};
use super::progress::Teller;
use super::readiness;
use super::template::{Fill, Template};
use super::watch::{Follow, Followed, Pace, open};
use crate::address::Address;
use crate::describe::{Describer, beside, described};
use crate::error::{FailureClass, GenerateError};
use crate::finding::{Finding, FindingLevel};
use crate::inputs::{Generation, sha256_hex};
use crate::outgoing::{finished, without_metadata};
use crate::paid_once::CallFingerprint;
use crate::provider::{
    Beside, Capabilities, Generated, GeneratedImage, GenerationContext, GenerationMeta, Provider,
};
use crate::receipt::Receipt;
use crate::request::GenerateRequest;

/// SDXL's own number of pixels.
const AREA: f32 = 1024.0 * 1024.0;
/// Prompts of one picture that may have failed on the server before a retry finds a fresh id.
const MOST_RETRIES: u32 = 16;
/// So often a prompt that the server lost is sent again.
const MOST_LOST: u32 = 5;
/// How long tidying up may take.
const TIDYING: Duration = Duration::from_secs(15);

/// Where the server is, and what it works with.
#[derive(Debug, Clone)]
pub struct ComfyUiSettings {
    /// `COMFYUI_URL`.
    pub address: Address,
    /// `COMFYUI_CHECKPOINT`: an SDXL model in `models/checkpoints`.
    pub checkpoint: String,
    /// `COMFYUI_CONTROLNET`: a scribble ControlNet for SDXL in `models/controlnet`.
    pub controlnet: String,
    /// The graph.
    pub template: Template,
    /// How often the server is asked.
    pub poll: Duration,
    /// `COMFYUI_TIMEOUT_SECS`: the longest that the server may work on a picture; its queue is not
    /// counted.
    pub longest: Duration,
    /// How long a server that stops answering while it works is waited for before the job is put
    /// back.
    pub patience: Duration,
}

impl ComfyUiSettings {
    /// The built-in graph and the usual models, on this server.
    ///
    /// # Errors
    /// As [`Address::parse`] and [`Template::built_in`].
    pub fn at(url: &str) -> Result<Self> {
        Self::of(Address::parse(url)?)
    }

    /// The same, for an address.
    ///
    /// # Errors
    /// As [`Template::built_in`].
    pub fn of(address: Address) -> Result<Self> {
        Ok(Self {
            address,
            checkpoint: "sd_xl_base_1.0.safetensors".to_owned(),
            controlnet: "controlnet-scribble-sdxl-1.0.safetensors".to_owned(),
            template: Template::built_in()?,
            poll: Duration::from_secs(1),
            longest: Duration::from_secs(900),
            patience: Duration::from_secs(90),
        })
    }
}

/// SDXL on a ComfyUI server.
#[derive(Clone)]
pub struct ComfyUiProvider {
    client: Client,
    settings: ComfyUiSettings,
    describer: Option<Arc<dyn Describer>>,
}

/// Width and height near SDXL's area, multiples of 64.
pub(super) fn size_for(ratio: f32) -> (u32, u32) {
    let side = |length: f32| ((length / 64.0).round() as u32 * 64).clamp(512, 2048);
    (side((AREA * ratio).sqrt()), side((AREA / ratio).sqrt()))
}

/// What the prompts of one generation share.
struct Work<'a> {
    context: &'a GenerationContext,
    teller: Teller<'a>,
    /// The folder of its uploads.
    folder: String,
    uploads: Vec<Upload>,
    /// What goes into the graph.
    fill: Fill,
    /// The same without a description of the sketch: what tells prompts apart must not depend on
    /// what a vision model said this time.
    stable: Fill,
    /// The names under which the server has its files.
    names: Names,
}

impl ComfyUiProvider {
    /// For this server.
    ///
    /// # Errors
    /// [`FailureClass::Permanent`] when no HTTP client can be made.
    pub fn new(settings: ComfyUiSettings) -> Result<Self, GenerateError> {
        let client = Client::new(settings.address.clone(), Duration::from_secs(60))?;
        Ok(Self {
            client,
            settings,
            describer: None,
        })
    }

    /// With somebody who describes sketches.
    #[must_use]
    pub fn described_by(mut self, describer: Option<Arc<dyn Describer>>) -> Self {
        self.describer = describer;
        self
    }

    async fn send_pictures(&self, work: &mut Work<'_>) -> Result<(), GenerateError> {
        let Work {
            context,
            folder,
            uploads,
            fill,
            stable,
            ..
        } = work;
        for Upload { name, png } in uploads.iter() {
            context.check()?;
            let stored = self.client.upload(folder, name, png.clone()).await?;
            rename(fill, name, &stored);
            rename(stable, name, &stored);
        }
        Ok(())
    }

    /// Writes a single pixel over every upload: the server has no call that removes them.
    async fn tidy(&self, work: &Work<'_>) {
        let Ok(pixel) = crate::outgoing::Outgoing::png(&image::RgbImage::new(1, 1)) else {
            return;
        };
        let pixel = Bytes::from(pixel.bytes);
        let over = async {
            for upload in &work.uploads {
                self.client
                    .upload(&work.folder, &upload.name, pixel.clone())
                    .await?;
            }
            Ok::<_, GenerateError>(())
        };
        match tokio::time::timeout(TIDYING, over).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::info!(%error, "uploads stay with ComfyUI until it is started anew")
            }
            Err(_) => {
                tracing::info!("uploads stay with ComfyUI until it is started anew: it is too slow")
            }
        }
    }

    /// The files of one prompt.
    async fn one(
        &self,
        work: &mut Work<'_>,
        index: u32,
        seed: u64,
    ) -> Result<Vec<Bytes>, GenerateError> {
        work.fill.values.insert("seed", json!(seed));
        work.stable.values.insert("seed", json!(seed));
        let identity = self.settings.template.graph(&work.stable)?;
        let graph = preflight::renamed(self.settings.template.graph(&work.fill)?, &work.names);
        work.teller.begins(index, &graph);
        // The id follows from what is asked for: a retry after a crash finds the picture instead of
        // painting it again.
        for attempt in 0..MOST_RETRIES {
            let body = format!("{attempt}\n{identity}");
            let scope = &work.context.scope;
            let fingerprint = CallFingerprint::new(
                "comfyui",
                &self.settings.checkpoint,
                scope,
                index,
                body.as_bytes(),
            );
            let prompt = uuid_of(&fingerprint);
            let pictures = match self.client.look(prompt).await? {
                Seen::Done(pictures) => pictures,
                Seen::Failed(_) => continue,
                place => {
                    self.followed(
                        work,
                        index,
                        prompt,
                        &told_apart(graph.clone(), attempt),
                        place,
                    )
                    .await?
                }
            };
            if let Some(files) = self.files(&pictures).await? {
                return Ok(files);
            }
            tracing::info!(%prompt, "ComfyUI no longer has the file of a finished picture: it is made again");
        }
        Err(GenerateError::permanent(
            "this picture has failed too often at ComfyUI: change something, or see its log",
        ))
    }

    /// Sends a prompt unless the server has it, and follows it to its end.
    async fn followed(
        &self,
        work: &mut Work<'_>,
        index: u32,
        prompt: Uuid,
        graph: &Value,
        place: Seen,
    ) -> Result<Vec<Stored>, GenerateError> {
        let mut send = matches!(place, Seen::Absent);
        // The server sends frames to the client that asked: after a restart of ours that is us
        // again.
        let client_id = Uuid::from_u128(prompt.as_u128().rotate_left(64));
        for _ in 0..MOST_LOST {
            // Before the prompt, or its first frames would be missed.
            let socket = open(&self.client, client_id).await;
            work.context.check()?;
            if send {
                self.client.prompt(graph, client_id, prompt).await?;
            }
            let follow = Follow {
                client: &self.client,
                prompt,
                index,
                pace: Pace {
                    poll: self.settings.poll,
                    longest: self.settings.longest,
                    patience: self.settings.patience,
                },
                teller: &work.teller,
                context: work.context,
            };
            match follow.wait(socket).await? {
                Followed::Done(pictures) => return Ok(pictures),
                Followed::Lost => {
                    tracing::info!(%prompt, "ComfyUI lost a prompt: it is sent again");
                    send = true;
                    work.teller.begins(index, graph);
                    // A server that was started anew has emptied the folder of uploads.
                    self.send_pictures(work).await?;
                }
            }
        }
        Err(GenerateError::permanent(format!(
            "ComfyUI at {} lost this picture {MOST_LOST} times: its queue is cleared again and \
             again, or it does not stay up",
            self.client.address()
        )))
    }

    /// The files of these pictures; `None` when one of them is gone.
    async fn files(&self, pictures: &[Stored]) -> Result<Option<Vec<Bytes>>, GenerateError> {
        let mut files = Vec::with_capacity(pictures.len());
        for stored in pictures {
            match self.client.view(stored).await? {
                Some(file) => files.push(without_metadata(file)),
                None => return Ok(None),
            }
        }
        Ok(Some(files))
    }

    /// As many pictures as were asked for, whatever number of them one run of the graph gives.
    async fn pictures(
        &self,
        work: &mut Work<'_>,
        generation: &Arc<Generation>,
    ) -> Result<Vec<GeneratedImage>, GenerateError> {
        let first = generation.seed.unwrap_or(work.context.seed);
        let seeded = self.settings.template.uses("seed");
        let wanted = generation.count as usize;
        let mut images: Vec<GeneratedImage> = Vec::new();
        // Without a slot for a seed another run would give the same.
        for index in 0..if seeded { generation.count } else { 1 } {
            work.context.check()?;
            let seed = first.wrapping_add(u64::from(index));
            let files = self.one(work, index, seed).await?;
            if files.is_empty() {
                return Err(GenerateError::permanent(
                    "ComfyUI finished without a picture: the graph needs a node that gives one, \
                     such as SaveImage or PreviewImage",
                ));
            }
            for file in files.into_iter().take(wanted - images.len()) {
                images.push(finished(generation, file, seeded.then_some(seed)).await?);
            }
            if images.len() == wanted {
                break;
            }
        }
        Ok(images)
    }
}

/// A UUID from the beginning of a fingerprint.
fn uuid_of(fingerprint: &CallFingerprint) -> Uuid {
    let number = fingerprint
        .as_str()
        .get(..32)
        .and_then(|digits| u128::from_str_radix(digits, 16).ok())
        .unwrap_or_default();
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

#[async_trait]
impl Provider for ComfyUiProvider {
    fn capabilities(&self) -> Capabilities {
        planning::capabilities(&self.settings, self.describer.is_some())
    }

    fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
        planning::plan(&self.settings, self.describer.is_some(), request)
    }

    fn price_per_image(&self) -> Option<f64> {
        Some(0.0)
    }

    fn beside(&self, request: &GenerateRequest) -> Option<Beside> {
        beside(self.describer.as_deref(), request)
    }

    async fn check(&self) -> Vec<Finding> {
        readiness::check(&self.client, &self.settings).await
    }

    async fn ready(&self) -> Result<(), GenerateError> {
        let findings = self.check().await;
        let faults: Vec<String> = findings
            .into_iter()
            .filter(|finding| finding.level == FindingLevel::Fault)
            .map(|finding| finding.message)
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(GenerateError::permanent(faults.join("; ")))
        }
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        mut receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        context.check()?;
        let (settings, shown, describes) = (
            self.settings.clone(),
            generation.clone(),
            self.describer.is_some(),
        );
        let prepared =
            tokio::task::spawn_blocking(move || Prepared::of(&settings, &shown, describes)).await;
        let Prepared {
            mut fill,
            uploads,
            sketch,
        } = prepared.map_err(|error| {
            GenerateError::permanent(format!("the pictures could not be made ready: {error}"))
        })??;
        put_words(&self.settings, &mut fill, &generation, None);
        fill.values.insert("seed", json!(0));
        let stable = fill.clone();
        context.say("checking", None, "looking at ComfyUI's nodes and models");
        let graph = self.settings.template.graph(&fill)?;
        let names = preflight::check(&self.client, &self.settings.template, &fill, &graph).await?;
        // Last, as it may cost something: what can be refused has been.
        let described = described(
            self.describer.as_deref(),
            &generation,
            sketch.as_ref(),
            context,
        )
        .await?;
        if let Some(reason) = &described.missing {
            if self.settings.template.takes(super::template::When::Sketch) {
                receipt.approximated(
                    "sketch",
                    "its lines, without a description",
                    reason.as_str(),
                );
            } else {
                receipt.dropped("sketch", reason.as_str());
            }
        }
        let built = put_words(
            &self.settings,
            &mut fill,
            &generation,
            described.analysis.as_ref(),
        );
        built.log("comfyui");
        if !uploads.is_empty() {
            context.say(
                "uploading",
                None,
                format!("sending {} pictures to ComfyUI", uploads.len()),
            );
        }
        let folder = format!("clippy/{}", &sha256_hex(context.scope.as_bytes())[..16]);
        let teller = Teller::new(context, generation.count);
        let mut work = Work {
            context,
            teller,
            folder,
            uploads,
            fill,
            stable,
            names,
        };
        let made = async {
            self.send_pictures(&mut work).await?;
            self.pictures(&mut work, &generation).await
        }
        .await;
        // A server that is away is asked again, and will need them.
        if !made
            .as_ref()
            .is_err_and(|error| error.class == FailureClass::Transient)
        {
            self.tidy(&work).await;
        }
        let images = made.map_err(|error| described.counted(error))?;
        let meta = GenerationMeta {
            provider: "comfyui".to_owned(),
            model: planning::model(&self.settings),
            mode: generation.mode().as_str().to_owned(),
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            calls: described.calls,
            usd: described.usd(self.describer.as_deref()),
            ..GenerationMeta::default()
        };
        Ok(Generated {
            images,
            meta,
            receipt,
        })
    }
}
