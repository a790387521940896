//! The local provider behind the contract.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use clippy_core::{Error, ErrorCode};
use clippy_imaging::{Encoding, encode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::finish::FINISHES;
use super::paint::{Reporter, paint};
use super::words;
use crate::error::GenerateError;
use crate::inputs::Generation;
use crate::prompt::build_prompt;
use crate::provider::{
    Capabilities, Generated, GeneratedImage, GenerationContext, GenerationMeta, Preview, Progress,
    ProgressSink, Provider, Support,
};
use crate::receipt::Receipt;
use crate::request::GenerateRequest;

/// Pictures that are painted at a time in this process. Each uses all cores already, and some 100
/// MB.
const PAINTERS: usize = 2;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(PAINTERS)));

/// Paints on this machine's processor. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalProvider;

struct Picture {
    index: u32,
    count: u32,
    sink: Arc<dyn ProgressSink>,
}

impl Reporter for Picture {
    fn fraction(&self, fraction: f32) {
        let whole = (self.index as f32 + fraction) / self.count as f32;
        let message = format!("painting picture {} of {}", self.index + 1, self.count);
        self.sink.progress(Progress {
            phase: "painting".to_owned(),
            fraction: Some(whole),
            message,
        });
    }

    fn preview(&self, jpeg: Vec<u8>) {
        self.sink.preview(Preview {
            index: self.index,
            bytes: jpeg.into(),
            media_type: "image/jpeg",
        });
    }
}

#[async_trait]
impl Provider for LocalProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            prompt: Support::Approximate,
            prompt_note: "the names of colours in it".to_owned(),
            negative_prompt: Support::No,
            style_tags: FINISHES.iter().map(|tag| tag.name().to_owned()).collect(),
            ..Capabilities::everything("local")
        }
    }

    fn plan(&self, request: &GenerateRequest) -> clippy_core::Result<Receipt> {
        if let Some(reason) = words::refusal(request) {
            return Err(Error::new(ErrorCode::Unsupported, reason));
        }
        let mut receipt = crate::receipt::plan(request, &self.capabilities())?;
        words::plan(request, &mut receipt);
        Ok(receipt)
    }

    fn price_per_image(&self) -> Option<f64> {
        Some(0.0)
    }

    async fn ready(&self) -> Result<(), GenerateError> {
        Ok(())
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        let seed = generation.seed.unwrap_or(context.seed);
        // Dropping the future stops the painters at their next pass.
        let cancel = context.cancel.child_token();
        let _stop = cancel.clone().drop_guard();
        let mut images = Vec::new();
        for index in 0..generation.count {
            context.check()?;
            images.push(
                one(
                    &generation,
                    seed.wrapping_add(u64::from(index)),
                    index,
                    cancel.clone(),
                    context,
                )
                .await?,
            );
        }
        let built = build_prompt(&generation, None);
        built.log("local");
        let meta = GenerationMeta {
            provider: "local".to_owned(),
            mode: generation.mode().as_str().to_owned(),
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            ..GenerationMeta::default()
        };
        Ok(Generated {
            images,
            meta,
            receipt,
        })
    }
}

async fn one(
    generation: &Arc<Generation>,
    seed: u64,
    index: u32,
    cancel: CancellationToken,
    context: &GenerationContext,
) -> Result<GeneratedImage, GenerateError> {
    let (generation, sink) = (generation.clone(), context.progress.clone());
    let turn = turn(context).await?;
    let work = tokio::task::spawn_blocking(move || {
        // Held until the painter has stopped, also when nobody waits for the picture any more.
        let _turn = turn;
        let reporter = Picture {
            index,
            count: generation.count,
            sink,
        };
        let picture = paint(&generation, seed, &cancel, &reporter)?;
        let bytes = encode(&picture, Encoding::Png)
            .map_err(|error| GenerateError::permanent(error.to_string()))?;
        reporter.fraction(1.0);
        Ok::<_, GenerateError>((bytes, picture.width(), picture.height()))
    });
    let (bytes, width, height) = work
        .await
        .map_err(|error| GenerateError::permanent(format!("the painter ended early: {error}")))??;
    Ok(GeneratedImage {
        bytes: bytes.into(),
        media_type: "image/png".to_owned(),
        width,
        height,
        seed: Some(seed),
    })
}

/// Waits until there is room for one more painter.
async fn turn(context: &GenerationContext) -> Result<OwnedSemaphorePermit, GenerateError> {
    let turns = Arc::clone(&TURNS);
    if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
        return Ok(turn);
    }
    context.say("waiting", None, "other pictures are painted first");
    tokio::select! {
        turn = turns.acquire_owned() => {
            turn.map_err(|error| GenerateError::permanent(format!("no more pictures are painted: {error}")))
        }
        () = context.cancel.cancelled() => Err(GenerateError::cancelled()),
    }
}
