//! What was bought is used and paid for once, whatever has become of the request's pictures, of the
//! provider or of the records since.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_generate::{GenerateRequest, ReferenceInput};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{JobState, JobStore};
use clippy_worker::jobs::{GenerateTools, ProviderPatience};

use crate::generate::{House, Running, Worker, set_aside, spent, tools};
use crate::support::memory_gallery;

fn with_reference(house: &House) -> GenerateRequest {
    let picture = RgbImage::from_pixel(20, 20, [9, 200, 30].into());
    let file = encode(&picture, Encoding::Png).expect("a picture");
    std::fs::write(house.path("reference.png"), file).expect("written");
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
async fn a_picture_that_was_bought_is_shown_although_its_reference_is_gone() {
    let house = House::new().await;
    let request = with_reference(&house);
    let id = house.killed_with("after", request.clone()).await;
    house.remove("reference.png");
    let _worker = Worker::start(&house);
    house.shows(&house.ended(id).await);
    assert_eq!(house.sold(), 1);
    // One that was not bought is not made without it.
    let failure = house.ended(house.ask_for(request).await).await.error;
    assert_eq!(failure.expect("failed").code, ErrorCode::NotFound);
    assert_eq!(house.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_alone_holds_the_pictures_of_a_request() {
    let house = House::new().await;
    let request = with_reference(&house);
    let running = Running::start(
        &house,
        tools(house.folder.path(), Arc::new(memory_gallery())),
    );
    house.shows(&house.ended(house.ask_for(request).await).await);
    assert!(!house.path("shared").exists());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_back_for_a_job_that_an_earlier_version_may_have_paid_for() {
    let house = House::new().await;
    set_aside(&house).await;
    let id = house.ask().await;
    // Earlier versions named the folder of a call by what it sent.
    let call = house.path("calls").join("ab".repeat(32));
    std::fs::create_dir_all(&call).expect("a folder");
    std::fs::write(call.join("sent"), "").expect("written");
    house.write("answer", "key");
    let running = Running::start(
        &house,
        tools(house.folder.path(), Arc::new(memory_gallery())),
    );
    assert_eq!(house.ended(id).await.state, JobState::Failed);
    assert!((spent(&house).await - 0.25).abs() < 1e-9);
    // A job that came after the record is none of its.
    set_aside(&house).await;
    assert_eq!(house.ended(house.ask().await).await.state, JobState::Failed);
    assert!((spent(&house).await - 0.25).abs() < 1e-9);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_asks_for_a_longer_pause_than_is_left_ends_the_job() {
    let house = House::new().await;
    house.write("answer", "closed");
    let tools = GenerateTools {
        patience: ProviderPatience::of(Duration::from_secs(60)),
        ..tools(house.folder.path(), Arc::new(memory_gallery()))
    };
    let running = Running::start(&house, tools);
    let id = house.ask().await;
    let job = house.ended(id).await;
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
    assert_eq!((house.asked(), house.sold()), (1, 0));
    house.remove("answer");
    house.store.retry(id).await.expect("asked for again");
    house.shows(&house.ended(id).await);
    running.stop().await;
}
