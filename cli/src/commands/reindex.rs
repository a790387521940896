//! `clippy reindex`: the collection, built anew beside the live one.

use clippy_core::bulk::ReindexRequest;
use clippy_core::settings::Settings;

use crate::arguments::ReindexArguments;
use crate::commands::enqueue;
use crate::failure::Failure;

/// Asks a server for it: the collection stays in use all the time.
pub async fn run(settings: &Settings, server: Option<&str>, arguments: &ReindexArguments) -> Result<(), Failure> {
    let client = crate::embedded::needed_server(settings, server)?;
    let request = ReindexRequest {
        model: arguments.model.clone(),
        pretrained: arguments.pretrained.clone(),
        rollback: arguments.rollback,
    };
    enqueue::run(&client, "reindex", &request, arguments.enqueue, arguments.json).await
}
