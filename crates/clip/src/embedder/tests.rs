//! The queue and the thread, with an encoder that the test controls.

use std::future::Future;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use clippy_core::embedding::Embedding;
use clippy_testing::wait_until;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::*;
use crate::preprocess::default_transform;
use crate::tokenizer::Tokenizer;

const SIDE: u32 = 2;
const LIMITS: Limits = Limits {
    images: 8,
    texts: 4,
};

enum Step {
    Go,
    Fail,
    FullMemory,
    /// A packed layer fails, which does not say why.
    Packed,
    Panic,
}

/// Waits for a step at every batch, then embeds a picture as its first byte and a text as the sum
/// of its tokens.
struct Gated {
    steps: Receiver<Step>,
    started: Arc<Mutex<Vec<Vec<f32>>>>,
}

impl Gated {
    fn pass(&mut self, values: Vec<f32>) -> Result<Vec<Embedding>> {
        self.started.lock().push(values.clone());
        match self.steps.recv() {
            Ok(Step::Fail) => Err(ClipError::Thread("told to fail".to_owned())),
            Ok(Step::FullMemory) => Err(full_memory()),
            Ok(Step::Packed) => Err(ClipError::Packed("compute a layer")),
            Ok(Step::Panic) => panic!("told to panic"),
            Ok(Step::Go) | Err(_) => Ok(values.into_iter().map(|value| vec![value]).collect()),
        }
    }
}

impl Encoder for Gated {
    fn images(&mut self, pictures: &[(&ModelPixels, PictureView)]) -> Result<Vec<Embedding>> {
        self.pass(
            pictures
                .iter()
                .map(|(picture, _)| f32::from(picture.rgb[0]))
                .collect(),
        )
    }

    fn texts(&mut self, texts: &[&[i64]]) -> Result<Vec<Embedding>> {
        self.pass(
            texts
                .iter()
                .map(|tokens| tokens.iter().sum::<i64>() as f32)
                .collect(),
        )
    }
}

struct Harness {
    embedder: Arc<TorchEmbedder>,
    /// Dropping it lets every batch through.
    steps: Option<Sender<Step>>,
    started: Arc<Mutex<Vec<Vec<f32>>>>,
    max_waiting: usize,
}

fn clip_tokenizer() -> ModelTokenizer {
    ModelTokenizer::Clip(Tokenizer::new(77))
}

fn info() -> Arc<ModelInfo> {
    Arc::new(ModelInfo {
        name: "gated".to_owned(),
        pretrained: "none".to_owned(),
        dimension: 1,
        context_length: 77,
        transform: default_transform(SIDE),
        fingerprint: "gated".to_owned(),
        style: None,
    })
}

impl Harness {
    fn new(max_waiting: usize) -> Self {
        let (sender, steps) = channel();
        let started = Arc::default();
        let encoder = Gated {
            steps,
            started: Arc::clone(&started),
        };
        for _ in 0..2 {
            sender.send(Step::Go).unwrap();
        }
        let embedder = TorchEmbedder::start_with(
            encoder,
            info(),
            clip_tokenizer(),
            max_waiting,
            LIMITS,
            || (),
        )
        .unwrap();
        started.lock().clear();
        Self {
            embedder: Arc::new(embedder),
            steps: Some(sender),
            started,
            max_waiting,
        }
    }

    fn step(&self, step: Step) {
        self.steps.as_ref().unwrap().send(step).unwrap();
    }

    fn open(&mut self) {
        self.steps = None;
    }

    /// Starts a call, and waits until it is in the queue or refused.
    async fn call(&self, inputs: Vec<EmbedInput>) -> JoinHandle<CoreResult<Embeddings>> {
        let embedder = Arc::clone(&self.embedder);
        let task = tokio::spawn(async move { embedder.embed(inputs).await });
        // The runtime has one thread, and a call is in the queue before it first waits.
        tokio::task::yield_now().await;
        task
    }

    /// Returns the inputs of batch `number`, once it has started.
    async fn batch(&self, number: usize) -> Vec<f32> {
        wait_until("the batch to begin", || async {
            self.started.lock().len() > number
        })
        .await;
        self.started.lock()[number].clone()
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("this hangs")
}

fn picture(value: u8) -> EmbedInput {
    EmbedInput::Pixels(ModelPixels {
        side: SIDE,
        rgb: vec![value; 12],
    })
}

fn pictures(values: impl IntoIterator<Item = u8>) -> Vec<EmbedInput> {
    values.into_iter().map(picture).collect()
}

async fn values(task: JoinHandle<CoreResult<Embeddings>>) -> Vec<f32> {
    let embedded = within(task).await.unwrap().unwrap();
    embedded.embeddings.into_iter().flatten().collect()
}

async fn error(task: JoinHandle<CoreResult<Embeddings>>) -> Error {
    within(task).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn calls_that_wait_share_the_next_batch() {
    let mut harness = Harness::new(100);
    let first = harness.call(pictures([1])).await;
    assert_eq!(
        harness.batch(0).await,
        [1.0],
        "a single call does not wait for others"
    );
    let others = [
        harness.call(pictures([2, 3])).await,
        harness.call(pictures([4])).await,
    ];
    harness.open();
    assert_eq!(harness.batch(1).await.len(), 3);
    assert_eq!(values(first).await, [1.0]);
    let [second, third] = others;
    assert_eq!(
        (values(second).await, values(third).await),
        (vec![2.0, 3.0], vec![4.0])
    );
}

#[tokio::test]
async fn thirty_two_callers_get_their_own_answers_in_order() {
    let mut harness = Harness::new(1000);
    let tokenizer = Tokenizer::new(77);
    let mut calls = Vec::new();
    for caller in 0..32_u8 {
        let text = format!("caller {caller}");
        let long = "word ".repeat(usize::from(caller) * 2);
        let sum = |text: &str| tokenizer.encode(text).iter().sum::<i64>() as f32;
        let expected = vec![
            sum(&text),
            f32::from(caller),
            f32::from(caller) + 100.0,
            sum(&long),
        ];
        let inputs = vec![
            EmbedInput::Text(text),
            picture(caller),
            picture(caller + 100),
            EmbedInput::Text(long),
        ];
        calls.push((harness.call(inputs).await, expected));
    }
    harness.open();
    for (call, expected) in calls {
        assert_eq!(values(call).await, expected);
    }
}

#[tokio::test]
async fn one_too_many_is_refused_at_once_and_later_taken() {
    let mut harness = Harness::new(4);
    let running = harness.call(pictures([1, 2, 3])).await;
    harness.batch(0).await;
    let refused = error(harness.call(pictures([4, 5])).await).await;
    assert_eq!(refused.code, ErrorCode::Overloaded);
    assert!(refused.message.contains("3 of at most 4"), "{refused}");
    let fitting = harness.call(pictures([6])).await;
    harness.open();
    assert_eq!(values(running).await.len(), 3);
    assert_eq!(values(fitting).await, [6.0]);
    assert_eq!(
        values(harness.call(pictures([7, 8, 9, 10])).await)
            .await
            .len(),
        4,
        "the places are free again"
    );
    assert_eq!(
        harness.embedder.places.available_permits(),
        harness.max_waiting
    );
}

#[tokio::test]
async fn a_call_larger_than_the_queue_is_taken_when_nothing_waits() {
    let mut harness = Harness::new(4);
    harness.open();
    assert_eq!(values(harness.call(pictures(0..20)).await).await.len(), 20);
}

#[tokio::test]
async fn nothing_is_computed_for_a_caller_who_left() {
    let mut harness = Harness::new(100);
    let running = harness.call(pictures([1])).await;
    harness.batch(0).await;
    let leaving = harness.call(pictures([2, 3])).await;
    let staying = harness.call(pictures([4])).await;
    leaving.abort();
    within(leaving).await.unwrap_err();
    harness.open();
    assert_eq!(values(staying).await, [4.0]);
    assert_eq!(harness.batch(1).await, [4.0]);
    assert_eq!(values(running).await, [1.0]);
    let places = &harness.embedder.places;
    wait_until("all places to be free", || async {
        places.available_permits() == 100
    })
    .await;
}

#[tokio::test]
async fn a_query_passes_a_bulk_call_and_the_bulk_call_ends() {
    let mut harness = Harness::new(1000);
    let bulk = harness.call(pictures(0..100)).await;
    assert_eq!(harness.batch(0).await.len(), 8);
    let query = harness.call(pictures([200, 201])).await;
    harness.step(Step::Go);
    let next = harness.batch(1).await;
    assert_eq!((next.len(), &next[..2]), (8, &[200.0, 201.0][..]));
    harness.step(Step::Go);
    assert_eq!(values(query).await, [200.0, 201.0]);
    assert!(!bulk.is_finished());
    harness.open();
    assert_eq!(
        values(bulk).await,
        (0..100).map(|value| value as f32).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_failed_batch_fails_its_callers_only() {
    for (step, part) in [(Step::Fail, "told to fail"), (Step::Panic, "told to panic")] {
        let mut harness = Harness::new(100);
        let first = harness.call(pictures([1])).await;
        harness.batch(0).await;
        let second = harness
            .call(vec![picture(2), EmbedInput::Text("two".to_owned())])
            .await;
        let third = harness.call(pictures([3])).await;
        let words = harness
            .call(vec![EmbedInput::Text("words".to_owned())])
            .await;
        // The third call and the words are due first, with one input each. The third call came
        // first, so the batch holds pictures.
        harness.step(Step::Go);
        assert_eq!(harness.batch(1).await, [3.0, 2.0]);
        harness.step(step);
        for failed in [second, third] {
            let error = error(failed).await;
            assert_eq!(error.code, ErrorCode::Internal);
            assert!(error.message.contains(part), "{error}");
        }
        harness.open();
        assert_eq!(values(first).await, [1.0]);
        assert_eq!(values(words).await.len(), 1);
        assert_eq!(
            values(harness.call(pictures([9])).await).await,
            [9.0],
            "the thread continues"
        );
        let places = &harness.embedder.places;
        wait_until("all places to be free", || async {
            places.available_permits() == 100
        })
        .await;
    }
}

#[tokio::test]
async fn times_add_up() {
    let mut harness = Harness::new(100);
    harness.open();
    let started = Instant::now();
    let embedded = within(
        harness
            .embedder
            .embed(vec![picture(1), EmbedInput::Text("x".to_owned())]),
    )
    .await
    .unwrap();
    assert!(embedded.queued + embedded.computed <= started.elapsed());
    assert!(embedded.computed > Duration::ZERO);
}

#[tokio::test]
async fn wrong_pictures_are_refused_before_they_reach_the_model() {
    let harness = Harness::new(100);
    for wrong in [
        ModelPixels {
            side: 3,
            rgb: vec![0; 27],
        },
        ModelPixels {
            side: SIDE,
            rgb: vec![0; 11],
        },
    ] {
        let refused = error(harness.call(vec![EmbedInput::Pixels(wrong)]).await).await;
        assert_eq!(refused.code, ErrorCode::InvalidInput);
    }
    assert_eq!(
        values(harness.call(Vec::new()).await).await,
        Vec::<f32>::new()
    );
}

#[tokio::test]
async fn a_thread_that_ended_is_an_error_and_not_a_hang() {
    let (requests, mut receiver) = mpsc::unbounded_channel();
    let embedder = Arc::new(TorchEmbedder {
        info: info(),
        tokenizer: clip_tokenizer(),
        requests,
        places: Arc::new(Semaphore::new(10)),
        max_waiting: 10,
    });
    let waiting = {
        let embedder = Arc::clone(&embedder);
        tokio::spawn(async move { embedder.embed(pictures([1])).await })
    };
    drop(within(receiver.recv()).await.unwrap());
    assert_eq!(error(waiting).await.code, ErrorCode::Unavailable);
    drop(receiver);
    assert_eq!(
        within(embedder.embed(pictures([1])))
            .await
            .unwrap_err()
            .code,
        ErrorCode::Unavailable
    );
}

#[test]
fn a_model_that_cannot_compute_does_not_start() {
    for step in [Step::Fail, Step::Panic] {
        let (sender, steps) = channel();
        sender.send(step).unwrap();
        let encoder = Gated {
            steps,
            started: Arc::default(),
        };
        let error = TorchEmbedder::start_with(encoder, info(), clip_tokenizer(), 10, LIMITS, || ())
            .err()
            .expect("an error");
        assert!(matches!(error, ClipError::Thread(_)), "{error}");
    }
}

fn full_memory() -> ClipError {
    let text = "CUDA out of memory. Tried to allocate 20.00 GiB";
    ClipError::Torch(tch::TchError::Torch(text.to_owned()))
}

#[tokio::test]
async fn inputs_that_do_not_fit_into_memory_are_embedded_in_smaller_batches() {
    let mut harness = Harness::new(100);
    let first = harness.call(pictures([1])).await;
    harness.batch(0).await;
    let second = harness.call(pictures(2..=9)).await;
    for step in [Step::Go, Step::FullMemory, Step::Packed] {
        harness.step(step);
    }
    harness.open();
    assert_eq!(values(first).await, [1.0]);
    assert_eq!(
        values(second).await,
        [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    );
    let sizes: Vec<usize> = harness.started.lock().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 8, 4, 2, 2, 2, 2]);
}

#[tokio::test]
async fn an_input_that_does_not_fit_alone_fails_and_others_do_not() {
    let mut harness = Harness::new(100);
    let first = harness.call(pictures([1])).await;
    harness.batch(0).await;
    harness.step(Step::FullMemory);
    let failed = error(first).await;
    assert_eq!(failed.code, ErrorCode::Unavailable);
    assert!(failed.message.contains("memory is full"), "{failed}");
    let second = harness.call(pictures([2])).await;
    harness.batch(1).await;
    let third = harness.call(pictures([3])).await;
    harness.step(Step::Packed);
    let failed = error(second).await;
    assert_eq!(failed.code, ErrorCode::Internal);
    assert!(failed.message.contains("standard error"), "{failed}");
    harness.open();
    assert_eq!(values(third).await, [3.0]);
}
