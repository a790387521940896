//! Tests that bought pictures are used and paid for once, whatever happens to the request's
//! pictures, to the provider or to the records afterwards.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clippy_core::ErrorCode;
use clippy_generate::{GenerateRequest, ReferenceInput};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{JobState, JobStore};
use clippy_worker::jobs::{GenerateTools, ProviderPatience};

use crate::generate::{Fixture, InProcessWorker, WorkerProcess, reserve, spent, tools};
use crate::support::memory_gallery;

fn with_reference(fixture: &Fixture) -> GenerateRequest {
    let picture = RgbImage::from_pixel(20, 20, [9, 200, 30].into());
    let file = encode(&picture, Encoding::Png).expect("a picture");
    std::fs::write(fixture.path("reference.png"), file).expect("written");
    GenerateRequest {
        refs: vec![ReferenceInput {
            role: "style".to_owned(),
            id: Some(7.into()),
            ..ReferenceInput::default()
        }],
        ..GenerateRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bought_picture_is_stored_although_its_reference_is_gone() {
    let fixture = Fixture::new().await;
    let request = with_reference(&fixture);
    let id = fixture.kill_worker_at_with("after", request.clone()).await;
    fixture.remove("reference.png");
    let _worker = WorkerProcess::start(&fixture);
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert_eq!(fixture.sold(), 1);
    // A picture that was not bought is not generated without its reference.
    let failure = fixture
        .wait_until_finished(fixture.submit_request(request).await)
        .await
        .error;
    assert_eq!(failure.expect("failed").code, ErrorCode::NotFound);
    assert_eq!(fixture.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_provider_holds_the_pictures_of_a_request() {
    let fixture = Fixture::new().await;
    let request = with_reference(&fixture);
    let running = InProcessWorker::start(
        &fixture,
        tools(fixture.folder.path(), Arc::new(memory_gallery())),
    );
    let id = fixture.submit_request(request).await;
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert!(!fixture.path("shared").exists());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_is_kept_if_an_earlier_version_may_have_paid_for_the_job() {
    let fixture = Fixture::new().await;
    reserve(&fixture).await;
    let id = fixture.submit().await;
    // Earlier versions named the folder of a call after its content.
    let call = fixture.path("calls").join("ab".repeat(32));
    std::fs::create_dir_all(&call).expect("a folder");
    std::fs::write(call.join("sent"), "").expect("written");
    fixture.write("answer", "key");
    let running = InProcessWorker::start(
        &fixture,
        tools(fixture.folder.path(), Arc::new(memory_gallery())),
    );
    assert_eq!(
        fixture.wait_until_finished(id).await.state,
        JobState::Failed
    );
    assert!((spent(&fixture).await - 0.25).abs() < 1e-9);
    // A job that was submitted after the record was made does not own it.
    let record = std::fs::File::options()
        .append(true)
        .open(call.join("sent"))
        .expect("the record");
    record
        .set_modified(SystemTime::now() - Duration::from_secs(60))
        .expect("dated");
    reserve(&fixture).await;
    assert_eq!(
        fixture
            .wait_until_finished(fixture.submit().await)
            .await
            .state,
        JobState::Failed
    );
    assert!((spent(&fixture).await - 0.25).abs() < 1e-9);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_fails_if_its_provider_asks_for_a_longer_pause_than_is_left() {
    let fixture = Fixture::new().await;
    fixture.write("answer", "closed");
    let tools = GenerateTools {
        patience: ProviderPatience::of(Duration::from_secs(60)),
        ..tools(fixture.folder.path(), Arc::new(memory_gallery()))
    };
    let running = InProcessWorker::start(&fixture, tools);
    let id = fixture.submit().await;
    let job = fixture.wait_until_finished(id).await;
    let failure = job.error.expect("failed");
    assert_eq!(
        (failure.code, failure.retryable, job.attempt),
        (ErrorCode::Unavailable, false, 1)
    );
    assert!(
        failure.message.contains("60 min") && failure.message.contains("GENERATION_WAIT_SECS"),
        "{}",
        failure.message
    );
    assert_eq!((fixture.asked(), fixture.sold()), (1, 0));
    fixture.remove("answer");
    fixture.store.retry(id).await.expect("retried");
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_another_data_folder_buys_nothing() {
    let fixture = Fixture::new().await;
    let own = tools(fixture.folder.path(), Arc::new(memory_gallery()));
    let recorded = fixture.store.record_data_folder(&own.data_folder).await;
    assert_eq!(recorded.expect("an id"), own.data_folder);
    let foreign = GenerateTools {
        data_folder: "another folder".to_owned(),
        ..own.clone()
    };
    let running = InProcessWorker::start(&fixture, foreign);
    let id = fixture.submit().await;
    let job = fixture.wait_until_finished(id).await;
    let failure = job.error.expect("failed");
    assert_eq!((failure.code, job.attempt), (ErrorCode::Unsupported, 1));
    assert!(failure.message.contains("DATA_DIR"), "{}", failure.message);
    assert_eq!(fixture.asked(), 0);
    running.stop().await;
    let running = InProcessWorker::start(&fixture, own);
    fixture.store.retry(id).await.expect("retried");
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    running.stop().await;
}
