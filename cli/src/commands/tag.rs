//! `clippy tag`: proposes tags for pictures.

use async_trait::async_trait;
use clippy_core::bulk::{TagRequest, Vocabulary};
use clippy_core::settings::Settings;
use clippy_tagging::{Observer, Stage, TagCursor, TagReport, TagTools};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::arguments::TagArguments;
use crate::commands::enqueue;
use crate::commands::local_run::LocalRun;
use crate::commands::progress_bar::BarProgress;
use crate::failure::Failure;
use crate::output::say;
use crate::shutdown::until_stopped;

/// The name of the vocabulary of style tags.
const STYLES: &str = "styles";

/// The body of `POST /api/admin/tag`.
#[derive(Serialize)]
struct TagBody<'a> {
    vocabulary: Option<String>,
    at_least: f64,
    accept: bool,
    text_template: &'a str,
}

/// Proposes tags in this process, or as a job if that was requested or a server has the collection.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &TagArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let request = request(arguments)?;
    request
        .check()
        .map_err(|error| Failure::usage(error.message))?;
    if let Some(client) = enqueue::server_for_job(settings, server, arguments.enqueue)? {
        let vocabulary = match &request.vocabulary {
            Vocabulary::Gallery => None,
            Vocabulary::Styles => Some(STYLES.to_owned()),
            Vocabulary::File(file) => Some(file.to_string_lossy().into_owned()),
        };
        let body = TagBody {
            vocabulary,
            at_least: request.at_least,
            accept: request.accept,
            text_template: &request.text_template,
        };
        if arguments.enqueue {
            let output = enqueue::JobOutput {
                enqueue: true,
                json: arguments.json,
                fail_on_any: false,
                counts_failed_lines: false,
            };
            return enqueue::run(&client, "tag", &body, output).await;
        }
        let job = enqueue::run_to_end(&client, "tag", &body, arguments.json);
        let job = until_stopped(&shutdown, job).await?;
        let report = TagReport::deserialize(&job["result"]["tags"])
            .map_err(|error| Failure::run(format!("the job's result cannot be parsed: {error}")))?;
        return print(&report, &request, arguments.json);
    }
    let local = LocalRun::open(settings, arguments.json, &shutdown).await?;
    let tools = TagTools {
        gallery: local.tools.gallery.clone(),
        embedder: local.tools.embedder.clone(),
        trash: local.tools.trash.clone(),
    };
    let change = Uuid::now_v7().to_string();
    let observer = Shown {
        progress: &local.progress,
        shutdown: &shutdown,
    };
    let report = clippy_tagging::run(
        &tools,
        &request,
        (&change, None),
        TagCursor::default(),
        &observer,
    )
    .await;
    local.progress.finish();
    print(&report?, &request, arguments.json)
}

fn request(arguments: &TagArguments) -> Result<TagRequest, Failure> {
    let vocabulary = match arguments.vocabulary.as_deref() {
        None => Vocabulary::Gallery,
        Some(STYLES) => Vocabulary::Styles,
        Some(file) => Vocabulary::File(enqueue::absolute(file.as_ref())?),
    };
    Ok(TagRequest {
        at_least: arguments.at_least,
        vocabulary,
        accept: arguments.accept,
        text_template: arguments.text_template.clone(),
    })
}

fn print(report: &TagReport, request: &TagRequest, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(report).map_err(|error| {
            Failure::run(format!("the report cannot be written as JSON: {error}"))
        })?;
        say!("{text}");
    } else {
        say!(
            "{} tags proposed for {} of {} pictures, from {} words",
            report.proposed,
            report.proposed_pictures,
            report.pictures,
            report.words
        );
        say!(
            "The probabilities were learned from {} tagged pictures",
            report.learned_from
        );
        if request.accept {
            say!("{} proposals are tags now", report.accepted);
        }
        if matches!(request.vocabulary, Vocabulary::File(_))
            && report.most_for_new_words < request.at_least
        {
            say!(
                "Words that no picture has as a tag get a probability of {:.2} at most here: use a \
                 lower --at-least to see them",
                report.most_for_new_words
            );
        }
    }
    if report.complete {
        return Ok(());
    }
    Err(Failure::run(
        "stopped before the end; the proposals so far are stored, and the next run does the rest",
    ))
}

/// Shows the progress of a run in this process.
struct Shown<'p> {
    progress: &'p BarProgress,
    shutdown: &'p CancellationToken,
}

#[async_trait]
impl Observer for Shown<'_> {
    fn progress(&self, stage: Stage, done: u64, total: u64) {
        self.progress.report_step(stage.name(), done, total);
    }

    fn is_stopped(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    async fn checkpoint(&self, _cursor: &TagCursor) -> clippy_core::Result<()> {
        Ok(())
    }
}
