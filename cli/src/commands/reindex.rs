//! `clippy reindex`: builds a new collection beside the live one.

use clippy_core::bulk::ReindexRequest;
use clippy_core::collections::ModelSource;
use clippy_core::settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::arguments::ReindexArguments;
use crate::commands::enqueue;
use crate::failure::Failure;
use crate::local_services::with_workers;
use crate::model_choice;
use crate::shutdown::until_stopped;

/// Re-indexes as a job of the server that has the collection, or of this process if there is none.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &ReindexArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let source = ModelSource {
        model: arguments.model.clone(),
        pretrained: arguments.pretrained.clone(),
    };
    let ModelSource { model, pretrained } = model_choice::absolute(source)?;
    let request = ReindexRequest {
        model,
        pretrained,
        rollback: arguments.rollback,
        drop_old: arguments.drop_old,
        text_template: arguments.text_template.clone(),
        allow_missing: arguments.allow_missing,
    };
    request
        .check()
        .map_err(|error| Failure::usage(error.message))?;
    let (enqueue, json) = (arguments.enqueue, arguments.json);
    let output = |enqueue| enqueue::JobOutput {
        enqueue,
        json,
        fail_on_any: false,
        counts_failed_lines: false,
    };
    if let Some(client) = enqueue::server_for_job(settings, server, enqueue)? {
        return until_stopped(
            &shutdown,
            enqueue::run(&client, "reindex", &request, output(enqueue)),
        )
        .await;
    }
    let work = async |client: &crate::client::Client| {
        enqueue::run(client, "reindex", &request, output(false)).await
    };
    with_workers(settings, &shutdown, work).await
}
