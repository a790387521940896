//! `clippy eval`: measures the quality of searches on queries with known answers.

mod fitting;
mod measuring;
mod misses;
mod own;
mod queries_file;
mod query;
mod report;

use std::path::Path;

use clippy_common::files;
use clippy_core::settings::Settings;
use serde_json::json;

use crate::arguments::EvalArguments;
use crate::client::Client;
use crate::commands::progress_bar::BarProgress;
use crate::evaluation::Report;
use crate::failure::Failure;
use crate::local_services::with_server;
use crate::output::{self, say};
use fitting::Fit;
use measuring::{Measurement, report_of};
use own::OwnQueries;
use query::Query;

/// Runs all queries and prints the figures.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &EvalArguments,
) -> Result<(), Failure> {
    let queries = match &arguments.source.queries {
        Some(path) => queries_file::read(path)?,
        None => Vec::new(),
    };
    if let Some(path) = &arguments.report {
        check_report(path)?;
    }
    let progress = BarProgress::new(arguments.json);
    let result = with_server(settings, server, async |client| {
        evaluate(client, queries, arguments, &progress).await
    })
    .await;
    progress.finish();
    let evaluation = result?;
    if let (Some(path), Some(html)) = (&arguments.report, &evaluation.html) {
        files::replace(path, html.as_bytes()).map_err(|error| unwritable(path, &error))?;
    }
    if arguments.json {
        say!("{}", evaluation.json);
    } else {
        output::write(&evaluation.text);
        if let Some(path) = &arguments.report {
            say!("\nThe report is in {}.", path.display());
        }
    }
    Ok(())
}

/// The results of a run.
struct Evaluation {
    text: String,
    json: serde_json::Value,
    html: Option<String>,
}

async fn evaluate(
    client: &Client,
    mut queries: Vec<Query>,
    arguments: &EvalArguments,
    progress: &BarProgress,
) -> Result<Evaluation, Failure> {
    let own = if arguments.source.own {
        progress.report_step("making queries", 0, 1);
        let mut own = own::make(client, &arguments.weights).await?;
        queries.append(&mut own.queries);
        Some(own)
    } else {
        None
    };
    progress.report_step("searching", 0, 1);
    let measurement = Measurement::of(client, &queries, arguments).await?;
    let outcomes = measurement.run(&queries, &arguments.weights).await?;
    let fit = if own.is_some() {
        fitting::fit(&measurement, &queries, &arguments.weights, |done, of| {
            progress.report_step("trying weights", done as u64, of as u64);
        })
        .await?
    } else {
        None
    };
    let figures = report_of(&outcomes);
    let json = to_json(&figures, own.as_ref(), fit.as_ref());
    let html = if arguments.report.is_some() {
        progress.report_step("writing the report", 0, 1);
        let misses = misses::worst(client, &queries, &outcomes).await?;
        Some(report::html(&json, &misses))
    } else {
        None
    };
    Ok(Evaluation {
        text: to_text(&figures, own.as_ref(), fit.as_ref()),
        json,
        html,
    })
}

fn to_json(figures: &Report, own: Option<&OwnQueries>, fit: Option<&Fit>) -> serde_json::Value {
    let mut json = figures.to_json();
    if let Some(own) = own {
        json["own"] = json!({ "pictures": own.pictures, "notes": own.notes });
        json["weights"] = fit.map_or(serde_json::Value::Null, Fit::to_json);
    }
    json
}

fn to_text(figures: &Report, own: Option<&OwnQueries>, fit: Option<&Fit>) -> String {
    let mut text = figures.to_string();
    let Some(own) = own else { return text };
    match fit {
        Some(fit) => text.push_str(&fit.to_string()),
        None => text.push_str(&format!("\n{}\n", report::TOO_FEW)),
    }
    for note in &own.notes {
        text.push_str(&format!("\n{note}\n"));
    }
    text
}

/// Checks before the long run that the report can be written.
fn check_report(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!(
            "--report {} is a folder: name a file in it, such as report.html",
            path.display()
        )));
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if path.file_name().is_none() || !folder.is_dir() {
        return Err(Failure::usage(format!(
            "--report {} cannot be written: there is no folder {}",
            path.display(),
            folder.display()
        )));
    }
    files::check_writable(folder).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!(
        "the report {} cannot be written: {error}",
        path.display()
    ))
}
