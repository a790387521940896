//! The local provider.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use async_trait::async_trait;
use clippy_common::run_blocking;
use clippy_core::{Error, ErrorCode};
use clippy_imaging::{Encoding, encode};
use clippy_painter::{Input, Observer, Reference, paint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{finishes, pace, size, words};
use crate::contract::{
    Capabilities, GenerateError, GenerateRequest, Generated, GeneratedImage, Generation,
    GenerationContext, GenerationMeta, GenerationProgress, GenerationProgressSink, NamedSubject,
    Preview, Provider, Receipt, Role, Support,
};
use crate::providers::shared::prompt::build_prompt;

/// The number of pictures of the usual size that are painted at the same time in this process. Each
/// one uses all cores and some 100 MB. A large picture takes the place of all of them.
const PAINTERS: u32 = 2;

static TURNS: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(PAINTERS as usize)));

/// Paints on this machine's processor. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalProvider;

/// Forwards the painter's progress for one of several pictures.
struct PictureObserver {
    index: u32,
    count: u32,
    sink: Arc<dyn GenerationProgressSink>,
    cancel: CancellationToken,
}

impl Observer for PictureObserver {
    fn on_progress(&self, fraction: f32) {
        let whole = (self.index as f32 + fraction) / self.count as f32;
        let message = format!("painting picture {} of {}", self.index + 1, self.count);
        self.sink.progress(GenerationProgress {
            phase: "painting".to_owned(),
            fraction: Some(whole),
            message,
        });
    }

    fn on_preview(&self, jpeg: Vec<u8>) {
        self.sink.preview(Preview {
            index: self.index,
            bytes: jpeg.into(),
            media_type: "image/jpeg",
        });
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Builds the painter's input for a generation.
fn painter_input(generation: &Generation) -> Input<'_> {
    let references = |role| -> Vec<Reference<'_>> {
        generation
            .with_role(role)
            .map(|reference| Reference {
                picture: &reference.picture,
                weight: reference.weight,
            })
            .collect()
    };
    Input {
        ratio: generation.ratio(),
        long_side: size::long_side(generation),
        words: &generation.prompt,
        sketch: generation.sketch.as_ref(),
        sketch_weight: generation.sketch_weight,
        base: generation.base.as_deref(),
        mask: generation.mask.as_deref(),
        styles: references(Role::Style),
        subjects: references(Role::Subject),
        finishes: finishes::of_tags(&generation.style_tags),
        names_style: !generation.style_tags.is_empty(),
    }
}

#[async_trait]
impl Provider for LocalProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            prompt: Support::Approximate,
            prompt_note: "the names of colours in it".to_owned(),
            negative_prompt: Support::No,
            style_tags: finishes::names(),
            ..Capabilities::everything("local")
        }
    }

    fn plan(&self, request: &GenerateRequest) -> clippy_core::Result<Receipt> {
        if let Some(reason) = words::refusal(request) {
            return Err(Error::new(ErrorCode::Unsupported, reason));
        }
        let mut receipt = crate::contract::plan(request, &self.capabilities())?;
        words::plan_prompt(request, &mut receipt);
        words::plan_subjects(request, &mut receipt);
        finishes::plan(&request.styles()?, &mut receipt);
        Ok(receipt)
    }

    fn subject_to_find(&self, request: &GenerateRequest) -> Option<NamedSubject> {
        words::subject_to_find(request)
    }

    fn expected_time(&self, request: &GenerateRequest) -> Option<String> {
        Some(pace::in_words(request))
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        let seed = generation.seed.unwrap_or(context.seed);
        // Dropping the future cancels the painter at its next step.
        let cancel = context.cancel.child_token();
        let _stop = cancel.clone().drop_guard();
        let mut images = Vec::new();
        for index in 0..generation.count {
            context.check()?;
            let painted = paint_one(
                &generation,
                seed.wrapping_add(u64::from(index)),
                index,
                cancel.clone(),
                context,
            );
            tokio::select! {
                painted = painted => images.push(painted?),
                () = context.hand_over.cancelled() => return Err(GenerateError::cancelled()),
            }
        }
        let built = build_prompt(&generation, None);
        built.log("local");
        let meta = GenerationMeta {
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            ..GenerationMeta::new("local", generation.mode())
        };
        Ok(Generated {
            images,
            meta,
            receipt,
        })
    }
}

async fn paint_one(
    generation: &Arc<Generation>,
    seed: u64,
    index: u32,
    cancel: CancellationToken,
    context: &GenerationContext,
) -> Result<GeneratedImage, GenerateError> {
    let (generation, sink) = (generation.clone(), context.progress.clone());
    let pixels = size::pixels(&generation);
    let turn = wait_for_turn(context, size::is_large(pixels)).await?;
    let work = move || {
        // Held until the painter has stopped, even if the caller no longer waits for the picture.
        let _turn = turn;
        let observer = PictureObserver {
            index,
            count: generation.count,
            sink,
            cancel,
        };
        let start = Instant::now();
        let picture = paint(&painter_input(&generation), seed, &observer)
            .map_err(|_| GenerateError::cancelled())?;
        pace::measured(&pace::Work::of_generation(&generation), start.elapsed());
        let bytes = encode(&picture, Encoding::Png)
            .map_err(|error| GenerateError::permanent(error.to_string()))?;
        observer.on_progress(1.0);
        Ok((bytes, picture.width(), picture.height()))
    };
    let (bytes, width, height) = run_blocking(work, |error| {
        GenerateError::permanent(format!("the painter ended early: {error}"))
    })
    .await?;
    Ok(GeneratedImage {
        bytes: bytes.into(),
        media_type: "image/png".to_owned(),
        width,
        height,
        seed: Some(seed),
    })
}

/// Waits for one of the [`PAINTERS`] places, or for all of them.
async fn wait_for_turn(
    context: &GenerationContext,
    is_large: bool,
) -> Result<OwnedSemaphorePermit, GenerateError> {
    let turns = Arc::clone(&TURNS);
    let places = if is_large { PAINTERS } else { 1 };
    if let Ok(turn) = Arc::clone(&turns).try_acquire_many_owned(places) {
        return Ok(turn);
    }
    context.report("waiting", None, "waiting for other pictures to finish");
    tokio::select! {
        turn = turns.acquire_many_owned(places) => {
            turn.map_err(|error| GenerateError::permanent(format!("no more pictures are painted: \
                {error}")))
        }
        () = context.wait_for_stop() => Err(GenerateError::cancelled()),
    }
}
