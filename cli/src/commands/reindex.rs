//! `clippy reindex`: builds a new collection beside the live one.

use clippy_core::bulk::ReindexRequest;
use clippy_core::collections::ModelSource;
use clippy_core::settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::arguments::ReindexArguments;
use crate::commands::enqueue;
use crate::embedded::with_workers;
use crate::failure::Failure;
use crate::model_choice;
use crate::shutdown::until_stopped;

/// Runs it as a job of the server that has the collection, or of this process when none has.
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
    let ending = |enqueue| enqueue::Ending {
        enqueue,
        json,
        fail_on_any: false,
        judges_lines: false,
    };
    if let Some(client) = enqueue::wanted(settings, server, enqueue)? {
        return until_stopped(
            &shutdown,
            enqueue::run(&client, "reindex", &request, ending(enqueue)),
        )
        .await;
    }
    let work = async |client: &crate::client::Client| {
        enqueue::run(client, "reindex", &request, ending(false)).await
    };
    with_workers(settings, &shutdown, work).await
}
