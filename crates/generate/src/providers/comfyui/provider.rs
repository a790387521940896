//! The ComfyUI provider.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_common::run_blocking;
use clippy_core::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attempt::mark_attempt;
use super::client::{Client, PromptState, SentPrompt, StoredPicture};
use super::follow::{PromptEnd, PromptFollower, Timing, open};
use super::graph_input::{GraphInput, Upload, fill_words, rename, uploads_in};
use super::planning;
use super::preflight::{self, FileNames};
use super::readiness;
use super::reporter::ProgressReporter;
use super::settings::ComfyUiSettings;
use super::template::{Condition, SlotValues};
use crate::contract::{
    CallFingerprint, Capabilities, ExtraCall, FailureClass, Finding, FindingLevel, GenerateError,
    GenerateRequest, Generated, GeneratedImage, Generation, GenerationContext, GenerationMeta,
    Provider, Receipt,
};
use crate::digest::sha256_hex;
use crate::providers::shared::describe::{Describer, describe_sketch, description_call};
use crate::providers::shared::outgoing::{finish_picture, strip_metadata};

/// The largest number of failed prompts of one picture. Each attempt has an id of its own.
const MOST_RETRIES: u32 = 16;
/// How often a prompt that the server lost is sent again.
const MOST_LOST: u32 = 5;
/// How long overwriting the uploads may take.
const OVERWRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// SDXL on a ComfyUI server.
#[derive(Clone)]
pub struct ComfyUiProvider {
    client: Client,
    settings: ComfyUiSettings,
    describer: Option<Arc<dyn Describer>>,
}

/// The state of one generation.
struct GenerationRun<'a> {
    context: &'a GenerationContext,
    reporter: ProgressReporter<'a>,
    /// The server's folder for its uploads.
    folder: String,
    uploads: Vec<Upload>,
    /// The values for the graph.
    fill: SlotValues,
    /// The same without the description of the sketch. Prompt ids are derived from these values,
    /// and must not depend on a vision model's answer.
    stable: SlotValues,
    /// The server's names of model files.
    names: FileNames,
}

impl ComfyUiProvider {
    /// A provider for this server.
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

    /// Sets the describer of sketches.
    #[must_use]
    pub fn with_describer(mut self, describer: Option<Arc<dyn Describer>>) -> Self {
        self.describer = describer;
        self
    }

    async fn send_pictures(&self, run: &mut GenerationRun<'_>) -> Result<(), GenerateError> {
        let GenerationRun {
            context,
            folder,
            uploads,
            fill,
            stable,
            ..
        } = run;
        for Upload { name, png } in uploads.iter() {
            context.check()?;
            let stored = self.client.upload(folder, name, png.clone()).await?;
            rename(fill, name, &stored);
            rename(stable, name, &stored);
        }
        Ok(())
    }

    /// Overwrites every upload with a single pixel, because the server has no call to delete files.
    async fn overwrite_uploads(&self, folder: &str, names: &[String]) {
        let Ok(pixel) =
            crate::providers::shared::outgoing::EncodedPicture::png(&image::RgbImage::new(1, 1))
        else {
            return;
        };
        let pixel = Bytes::from(pixel.bytes);
        let over = async {
            for name in names {
                self.client.upload(folder, name, pixel.clone()).await?;
            }
            Ok::<_, GenerateError>(())
        };
        match tokio::time::timeout(OVERWRITE_TIMEOUT, over).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::info!(%error, "uploads stay at ComfyUI until it restarts")
            }
            Err(_) => {
                tracing::info!(
                    "uploads stay at ComfyUI until it restarts: overwriting them took too long"
                )
            }
        }
    }

    /// Makes one picture, or as many as one run of the graph gives.
    async fn make_picture(
        &self,
        run: &mut GenerationRun<'_>,
        index: u32,
        seed: u64,
    ) -> Result<Vec<Bytes>, GenerateError> {
        run.fill.values.insert("seed", json!(seed));
        run.stable.values.insert("seed", json!(seed));
        let identity = self.settings.template.graph(&run.stable)?;
        let graph = preflight::rename_files(self.settings.template.graph(&run.fill)?, &run.names);
        run.reporter.begin_picture(index, &graph);
        // The id is derived from the input, so a retry after a crash finds the finished picture.
        for attempt in 0..MOST_RETRIES {
            let body = format!("{attempt}\n{identity}");
            let scope = &run.context.scope;
            let fingerprint = CallFingerprint::new(
                "comfyui",
                &self.settings.checkpoint,
                scope,
                index,
                body.as_bytes(),
            );
            let prompt = uuid_of(&fingerprint);
            let pictures = match self.client.prompt_state(prompt).await? {
                PromptState::Done(pictures) => pictures,
                PromptState::Failed(_) => continue,
                place => {
                    self.follow(
                        run,
                        index,
                        prompt,
                        &mark_attempt(graph.clone(), attempt),
                        place,
                    )
                    .await?
                }
            };
            if let Some(files) = self.fetch_files(&pictures).await? {
                return Ok(files);
            }
            tracing::info!(%prompt,
            "ComfyUI no longer has the file of a finished picture: it is made again");
        }
        Err(GenerateError::permanent(
            "this picture has failed too often at ComfyUI: change something, or see its log",
        ))
    }

    /// Sends a prompt unless the server has it already, and follows it to its end.
    async fn follow(
        &self,
        run: &mut GenerationRun<'_>,
        index: u32,
        prompt: Uuid,
        graph: &Value,
        place: PromptState,
    ) -> Result<Vec<StoredPicture>, GenerateError> {
        let mut send = matches!(place, PromptState::Absent);
        let client_id = client_of(&run.context.scope, prompt);
        for _ in 0..MOST_LOST {
            // Opened before the prompt is sent, so that its first frames are not missed.
            let socket = open(&self.client, client_id).await;
            run.context.check()?;
            if send {
                self.client.prompt(graph, client_id, prompt).await?;
            }
            let follow = PromptFollower {
                client: &self.client,
                prompt,
                index,
                timing: Timing {
                    poll: self.settings.poll,
                    longest: self.settings.longest,
                    patience: self.settings.patience,
                },
                reporter: &run.reporter,
                context: run.context,
            };
            match follow.wait(socket).await? {
                PromptEnd::Done(pictures) => return Ok(pictures),
                PromptEnd::Lost => {
                    tracing::info!(%prompt, "ComfyUI lost a prompt: it is sent again");
                    send = true;
                    run.reporter.begin_picture(index, graph);
                    // A restarted server has emptied the folder of uploads.
                    self.send_pictures(run).await?;
                }
            }
        }
        Err(GenerateError::permanent(format!(
            "ComfyUI at {} lost this picture {MOST_LOST} times: its queue is being cleared, or it \
             keeps restarting",
            self.client.address()
        )))
    }

    /// Fetches the files of these pictures; `None` if one of them no longer exists.
    async fn fetch_files(
        &self,
        pictures: &[StoredPicture],
    ) -> Result<Option<Vec<Bytes>>, GenerateError> {
        let mut files = Vec::with_capacity(pictures.len());
        for stored in pictures {
            match self.client.view(stored).await? {
                Some(file) => files.push(strip_metadata(file)),
                None => return Ok(None),
            }
        }
        Ok(Some(files))
    }

    /// Makes as many pictures as requested, however many one run of the graph gives.
    async fn make_pictures(
        &self,
        run: &mut GenerationRun<'_>,
        generation: &Arc<Generation>,
    ) -> Result<Vec<GeneratedImage>, GenerateError> {
        let first = generation.seed.unwrap_or(run.context.seed);
        let seeded = self.settings.template.uses("seed");
        let wanted = generation.count as usize;
        let mut images: Vec<GeneratedImage> = Vec::new();
        // Without a slot for a seed, another run would give the same pictures.
        for index in 0..if seeded { generation.count } else { 1 } {
            run.context.check()?;
            let seed = first.wrapping_add(u64::from(index));
            let files = self.make_picture(run, index, seed).await?;
            if files.is_empty() {
                return Err(GenerateError::permanent(
                    "ComfyUI finished without a picture: the graph needs a node that gives one, \
                     such as SaveImage or PreviewImage",
                ));
            }
            for file in files.into_iter().take(wanted - images.len()) {
                images.push(finish_picture(generation, file, seeded.then_some(seed)).await?);
            }
            if images.len() == wanted {
                break;
            }
        }
        Ok(images)
    }
}

/// Returns the server's folder for the uploads of a generation.
fn folder_of(scope: &str) -> String {
    format!("clippy/{}", &sha256_hex(scope.as_bytes())[..16])
}

/// Returns the first half of the client ids of a generation.
fn half_of(scope: &str) -> u64 {
    let digits = sha256_hex(format!("client of {scope}").as_bytes());
    digits
        .get(..16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
}

/// Returns the client id that a prompt is sent with. The server sends the prompt's frames to it. It
/// is the same after a restart of this process, and its first half identifies the generation.
fn client_of(scope: &str, prompt: Uuid) -> Uuid {
    Uuid::from_u64_pair(half_of(scope), prompt.as_u64_pair().1)
}

/// Derives a UUID from a fingerprint.
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

    fn extra_call(&self, request: &GenerateRequest) -> Option<ExtraCall> {
        description_call(self.describer.as_deref(), request)
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
        let GraphInput {
            mut fill,
            uploads,
            sketch,
        } = run_blocking(
            move || GraphInput::of(&settings, &shown, describes),
            |error| {
                GenerateError::permanent(format!("the pictures could not be prepared: {error}"))
            },
        )
        .await?;
        fill_words(&self.settings, &mut fill, &generation, None);
        fill.values.insert("seed", json!(0));
        let stable = fill.clone();
        context.report("checking", None, "checking ComfyUI's nodes and models");
        let graph = self.settings.template.graph(&fill)?;
        let names = preflight::check(&self.client, &self.settings.template, &fill, &graph).await?;
        // After all checks that may refuse the request, because it may cost money.
        let described = describe_sketch(
            self.describer.as_deref(),
            &generation,
            sketch.as_ref(),
            context,
        )
        .await?;
        if let Some(reason) = &described.missing {
            if self.settings.template.takes(Condition::Sketch) {
                receipt.add_approximated(
                    "sketch",
                    "its lines, without a description",
                    reason.as_str(),
                );
            } else {
                receipt.add_dropped("sketch", reason.as_str());
            }
        }
        let built = fill_words(
            &self.settings,
            &mut fill,
            &generation,
            described.analysis.as_ref(),
        );
        built.log("comfyui");
        // The prompt may be queued for hours, and other generations need the memory.
        let mode = generation.mode();
        let generation = generation.release_inputs();
        if !uploads.is_empty() {
            context.report(
                "uploading",
                None,
                format!("sending {} pictures to ComfyUI", uploads.len()),
            );
        }
        let folder = folder_of(&context.scope);
        let reporter = ProgressReporter::new(context, generation.count);
        let mut run = GenerationRun {
            context,
            reporter,
            folder,
            uploads,
            fill,
            stable,
            names,
        };
        let made = async {
            self.send_pictures(&mut run).await?;
            self.make_pictures(&mut run, &generation).await
        }
        .await;
        // After a transient failure the job is retried and needs the uploads; so does another run
        // that the generation was handed over to.
        let is_needed = made.as_ref().is_err_and(|error| match error.class {
            FailureClass::Transient => true,
            FailureClass::Cancelled => !context.cancel.is_cancelled(),
            _ => false,
        });
        if !is_needed {
            let names: Vec<String> = run
                .uploads
                .iter()
                .map(|upload| upload.name.clone())
                .collect();
            self.overwrite_uploads(&run.folder, &names).await;
        }
        let images = made.map_err(|error| described.mark_charged(error))?;
        let meta = GenerationMeta {
            model: planning::model(&self.settings),
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            calls: described.calls,
            usd: described.usd(self.describer.as_deref()),
            ..GenerationMeta::new("comfyui", mode)
        };
        Ok(Generated {
            images,
            meta,
            receipt,
        })
    }

    async fn withdraw(&self, scope: &str) -> Result<(), GenerateError> {
        let (folder, half) = (folder_of(scope), half_of(scope));
        let sent = self
            .client
            .prompts_of(|client| client.as_u64_pair().0 == half)
            .await?;
        let mut names = Vec::new();
        for SentPrompt { id, is_over, graph } in &sent {
            if !is_over {
                self.client.cancel(*id).await?;
            }
            names.extend(uploads_in(graph, &folder));
        }
        names.sort();
        names.dedup();
        self.overwrite_uploads(&folder, &names).await;
        Ok(())
    }
}
