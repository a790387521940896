//! ComfyUI: prompts that wait, are lost or are cancelled, and servers that stop.

use std::sync::Arc;
use std::time::Duration;

use clippy_generate::comfyui::ComfyUiSettings;
use clippy_generate::{
    ComfyUiProvider, FailureClass, GenerateError, GenerateRequest, Generated, GenerationContext,
    Provider,
};
use clippy_imaging::Budget;
use clippy_testing::wait_until;
use tokio::task::JoinHandle;

use super::{provider, settings, words};
use crate::comfyui_fake::{Behaviour, FakeComfyUi};
use crate::support::{
    Recorder, context, drawn, flat, generate, generate_in, mask, reference, sent,
};

type Work = JoinHandle<Result<Generated, GenerateError>>;

fn start(provider: ComfyUiProvider, request: GenerateRequest, context: &GenerationContext) -> Work {
    let context = context.clone();
    tokio::spawn(async move { generate_in(&provider, &request, &context).await })
}

async fn wait_for_painting(recorder: &Arc<Recorder>) {
    wait_until("it paints", || async {
        recorder
            .progress
            .lock()
            .iter()
            .any(|p| p.phase == "painting")
    })
    .await;
}

#[tokio::test]
async fn cancelling_stops_exactly_this_prompt() {
    // A running prompt is interrupted by its id. A waiting one is removed from the queue, and the
    // running one is not interrupted.
    for (behaviour, interrupted) in [(Behaviour::Endless, 1), (Behaviour::Queued, 0)] {
        let server = FakeComfyUi::start(behaviour).await;
        let (context, recorder) = context();
        let (cancel, provider) = (context.cancel.clone(), provider(&server));
        let work = tokio::spawn(async move { generate_in(&provider, &words(), &context).await });
        wait_until("it works or waits", || async {
            recorder
                .progress
                .lock()
                .iter()
                .any(|p| p.phase == "painting" || p.phase == "waiting")
        })
        .await;
        cancel.cancel();
        let error = work.await.expect("ran").expect_err("cancelled");
        assert!(error.class == FailureClass::Cancelled && !error.charged);
        server.seen(|seen| {
            let id = seen.prompts[0]["prompt_id"]
                .as_str()
                .expect("an id")
                .to_owned();
            assert_eq!(seen.deleted, std::slice::from_ref(&id), "{behaviour:?}");
            assert_eq!(seen.interrupted.len(), interrupted, "{behaviour:?}");
            assert!(seen.interrupted.iter().all(|stopped| *stopped == id));
        });
    }
}

#[tokio::test]
async fn a_picture_that_takes_too_long_is_cancelled() {
    let server = FakeComfyUi::start(Behaviour::Endless).await;
    let settings = ComfyUiSettings {
        longest: Duration::from_millis(300),
        ..settings(&server)
    };
    let error = generate(
        &ComfyUiProvider::new(settings).expect("a provider"),
        &words(),
    )
    .await
    .expect_err("too long");
    assert!(
        error.class == FailureClass::Permanent && error.message.contains("COMFYUI_TIMEOUT_SECS"),
        "{error}"
    );
    assert_eq!(server.seen(|seen| seen.interrupted.len()), 1);
}

#[tokio::test]
async fn a_prompt_that_the_server_lost_is_sent_again() {
    let server = FakeComfyUi::start(Behaviour::Endless).await;
    let (context, recorder) = context();
    let work = start(provider(&server), words(), &context);
    wait_for_painting(&recorder).await;
    server.clear_queue();
    wait_until("it is sent again", || async {
        server.seen(|seen| seen.prompts.len()) == 2
    })
    .await;
    wait_until("it is worked on", || async { server.is_busy() }).await;
    server.seen(|seen| {
        assert_eq!(seen.prompts[0]["prompt_id"], seen.prompts[1]["prompt_id"]);
        assert_eq!(seen.prompts[0]["prompt"], seen.prompts[1]["prompt"]);
    });
    context.cancel.cancel();
    assert_eq!(
        work.await.expect("ran").expect_err("cancelled").class,
        FailureClass::Cancelled
    );
}

#[tokio::test]
async fn after_a_restart_of_the_server_everything_is_sent_again() {
    let server = FakeComfyUi::start(Behaviour::Endless).await;
    let (context, recorder) = context();
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        ..words()
    };
    let work = start(provider(&server), request, &context);
    wait_for_painting(&recorder).await;
    server.stop();
    wait_until("the stop is noticed", || async {
        recorder
            .progress
            .lock()
            .iter()
            .any(|progress| progress.message.contains("does not answer"))
    })
    .await;
    server.start_again();
    // The fake accepts a graph only if it has the graph's files.
    wait_until("it is worked on again", || async { server.is_busy() }).await;
    assert_eq!(server.seen(|seen| seen.prompts.len()), 2);
    context.cancel.cancel();
    assert_eq!(
        work.await.expect("ran").expect_err("cancelled").class,
        FailureClass::Cancelled
    );
}

#[tokio::test]
async fn a_server_that_stays_unreachable_is_a_transient_failure() {
    let server = FakeComfyUi::start(Behaviour::Endless).await;
    let (context, recorder) = context();
    let settings = ComfyUiSettings {
        patience: Duration::from_millis(200),
        ..settings(&server)
    };
    let work = start(
        ComfyUiProvider::new(settings).expect("a provider"),
        words(),
        &context,
    );
    wait_for_painting(&recorder).await;
    server.stop();
    let error = work.await.expect("ran").expect_err("away");
    assert_eq!(error.class, FailureClass::Transient, "{error}");
}

#[tokio::test]
async fn time_in_the_queue_is_not_counted_and_waiting_is_reported_once() {
    let server = FakeComfyUi::start(Behaviour::Queued).await;
    let (context, recorder) = context();
    let settings = ComfyUiSettings {
        longest: Duration::from_millis(100),
        ..settings(&server)
    };
    let work = start(
        ComfyUiProvider::new(settings).expect("a provider"),
        words(),
        &context,
    );
    // The queue is polled every 40 ms.
    wait_until("it has waited longer than it may run", || async {
        server.seen(|seen| seen.queue_polls) >= 12
    })
    .await;
    assert!(!work.is_finished());
    let reported = recorder.progress.lock().clone();
    let waiting: Vec<&str> = reported
        .iter()
        .filter(|progress| progress.phase == "waiting")
        .map(|progress| progress.message.as_str())
        .collect();
    assert_eq!(waiting, ["1 picture is before this one at ComfyUI"]);
    context.cancel.cancel();
    assert_eq!(
        work.await.expect("ran").expect_err("cancelled").class,
        FailureClass::Cancelled
    );
}

#[tokio::test]
async fn after_our_own_restart_a_running_prompt_is_followed_and_not_sent_again() {
    let server = FakeComfyUi::start(Behaviour::Endless).await;
    let (context, recorder) = context();
    let work = start(provider(&server), words(), &context);
    wait_for_painting(&recorder).await;
    // Like `kill -9`, this does not notify the server.
    work.abort();
    assert!(work.await.expect_err("aborted").is_cancelled());
    let (mut context, recorder) = crate::support::context();
    "job".clone_into(&mut context.scope);
    let work = start(provider(&server), words(), &context);
    wait_until("it is followed", || async {
        recorder
            .progress
            .lock()
            .iter()
            .any(|progress| progress.phase == "preparing")
    })
    .await;
    assert_eq!(
        server.seen(|seen| (seen.prompts.len(), seen.sockets)),
        (1, 2)
    );
    context.cancel.cancel();
    assert_eq!(
        work.await.expect("ran").expect_err("cancelled").class,
        FailureClass::Cancelled
    );
    assert_eq!(server.seen(|seen| seen.interrupted.len()), 1);
}

#[tokio::test]
async fn a_generation_that_is_handed_over_leaves_its_prompt_and_uploads_on_the_server() {
    let server = FakeComfyUi::start(Behaviour::Endless).await;
    let (context, recorder) = context();
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        ..words()
    };
    let work = start(provider(&server), request, &context);
    wait_for_painting(&recorder).await;
    context.hand_over.cancel();
    let error = work.await.expect("ran").expect_err("handed over");
    assert_eq!(error.class, FailureClass::Cancelled, "{error}");
    server.seen(|seen| {
        assert!(seen.deleted.is_empty() && seen.interrupted.is_empty());
        assert!(seen.overwritten.is_empty() && !seen.uploads.is_empty());
    });
}

#[tokio::test]
async fn a_queued_generation_holds_no_memory_for_its_uploads() {
    let server = FakeComfyUi::start(Behaviour::Queued).await;
    let (context, _) = context();
    let all = Budget::of_jobs().free();
    let request = GenerateRequest {
        sketch: Some(sent(&drawn("cat"))),
        refs: vec![reference("style", 0.5, &flat(900, 900, [9, 1, 1]))],
        ..words()
    };
    let work = start(provider(&server), request.clone(), &context);
    wait_until("it is sent", || async {
        server.seen(|seen| seen.prompts.len() == 1)
    })
    .await;
    assert_eq!(Budget::of_jobs().free(), all);
    context.hand_over.cancel();
    drop(work.await.expect("ran"));

    // An edit needs its base until the end.
    let edit = GenerateRequest {
        base: Some(sent(&flat(600, 400, [9, 1, 1]))),
        mask: Some(sent(&mask(600, 400))),
        ..request
    };
    let (context, _) = crate::support::context();
    let work = start(provider(&server), edit, &context);
    wait_until("it is sent", || async {
        server.seen(|seen| seen.prompts.len() == 2)
    })
    .await;
    let held = all - Budget::of_jobs().free();
    assert!((600 * 400 * 4..900 * 900 * 3).contains(&held), "{held}");
    context.hand_over.cancel();
    drop(work.await.expect("ran"));
    assert_eq!(Budget::of_jobs().free(), all);
}

#[tokio::test]
async fn the_prompt_and_uploads_of_a_cancelled_generation_are_removed() {
    for behaviour in [Behaviour::Queued, Behaviour::Endless, Behaviour::Good] {
        let server = FakeComfyUi::start(behaviour).await;
        let request = GenerateRequest {
            sketch: Some(sent(&drawn("cat"))),
            ..words()
        };
        // Another job with the same sketch, which must not be affected.
        let (ours, others) = (context().0, context().0);
        let others = GenerationContext {
            scope: "another job 0".to_owned(),
            ..others
        };
        for context in [&ours, &others] {
            let known = server.seen(|seen| seen.prompts.len());
            let work = start(provider(&server), request.clone(), context);
            wait_until("it is sent", || async {
                server.seen(|seen| seen.prompts.len()) > known
            })
            .await;
            if behaviour == Behaviour::Good {
                wait_until("it is painted", || async { !server.is_busy() }).await;
            }
            context.hand_over.cancel();
            drop(work.await.expect("ran"));
        }
        let before = server.seen(|seen| seen.overwritten.clone());
        provider(&server)
            .withdraw(&ours.scope)
            .await
            .expect("removed");
        server.seen(|seen| {
            let id = |place: usize| seen.prompts[place]["prompt_id"].as_str().expect("an id");
            if behaviour != Behaviour::Good {
                assert!(before.is_empty(), "left for the next run");
                assert_eq!(seen.deleted, [id(0)], "{behaviour:?}");
            }
            let folder = |name: &str| name.split('/').nth(1).expect("a folder").to_owned();
            let used = |place: usize| {
                let text = seen.prompts[place]["prompt"].to_string();
                folder(&text[text.find("clippy/").expect("an upload")..])
            };
            let over: Vec<String> = seen.overwritten.iter().map(|name| folder(name)).collect();
            assert!(over.contains(&used(0)), "{behaviour:?}: {over:?}");
            if behaviour != Behaviour::Good {
                assert!(!over.contains(&used(1)), "{behaviour:?}: {over:?}");
            }
        });
    }
}
