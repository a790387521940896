//! `clippy doctor`: checks everything, and says how to fix faults. It changes nothing, and makes no
//! calls that cost money.

mod collection;
mod configuration;
mod owner;
mod style;

use std::fmt::Display;
use std::sync::Arc;

use clippy_core::settings::Settings;
use clippy_generate::FindingLevel;
use clippy_jobs::RedisReport;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::folder_id;
use crate::generation;
use crate::models::{InspectedModel, inspect};
use crate::output::say;
use crate::qdrant;

/// Prints findings, and counts the faults.
#[derive(Debug, Default)]
struct Findings {
    faults: u32,
}

impl Findings {
    fn ok(&mut self, part: impl Display, fine: impl Display) {
        say!("ok     {part}: {fine}");
    }

    /// A finding that may be intended, or a check that was not possible.
    fn warning(&mut self, part: impl Display, warning: impl Display) {
        say!("WARN   {part}: {warning}");
    }

    /// A fault. The text says how to fix it.
    fn fault(&mut self, part: impl Display, fault: impl Display) {
        self.faults += 1;
        say!("FAULT  {part}: {fault}");
    }

    fn add(&mut self, part: impl Display, outcome: Result<impl Display, impl Display>) {
        match outcome {
            Ok(fine) => self.ok(part, fine),
            Err(fault) => self.fault(part, fault),
        }
    }
}

/// Checks all parts. Fails if any has a fault.
pub async fn run(settings: &Settings, environment: &Environment) -> Result<(), Failure> {
    let mut findings = Findings::default();
    configuration::check(settings, environment, &mut findings).await;

    let looked = inspect(settings).await;
    let info = looked.as_ref().ok().map(|model| Arc::clone(&model.info));
    findings.add(
        "model",
        looked.as_ref().map(|model| {
            let InspectedModel { info, runs, .. } = model;
            format!(
                "{} {}, {} dimensions, {runs}",
                info.name, info.pretrained, info.dimension
            )
        }),
    );
    if let Ok(model) = &looked {
        style::check(settings, model, &mut findings);
    }

    // Other commands choose the collection in the same way. An error is reported below.
    let mut chosen = settings.clone();
    let _ = qdrant::choose_collection(&mut chosen).await;
    collection::check(&chosen, info.as_ref(), &mut findings).await;
    owner::check(settings, &mut findings).await;
    queue(settings, &mut findings).await;
    for (provider, finding) in generation::check_providers().await {
        let part = format!("{provider}, {}", finding.subject);
        match finding.level {
            FindingLevel::Ok => findings.ok(part, finding.message),
            FindingLevel::Warning => findings.warning(part, finding.message),
            FindingLevel::Fault => findings.fault(part, finding.message),
        }
    }
    match findings.faults {
        0 => Ok(()),
        1 => Err(Failure::run("found 1 fault")),
        faults => Err(Failure::run(format!("found {faults} faults"))),
    }
}

async fn queue(settings: &Settings, findings: &mut Findings) {
    let Some(url) = &settings.jobs.redis_url else {
        return findings.ok("queue", "embedded; jobs run in `clippy serve`");
    };
    let report = RedisReport::ask(url.expose(), &settings.jobs.redis_prefix).await;
    if let Ok(report) = &report {
        data_folder(settings, report, findings);
    }
    match report {
        Err(error) => findings.fault("queue", error.message),
        Ok(report) if report.faults.is_empty() => {
            findings.ok(
                "queue",
                format!("Redis {}, append-only, without eviction", report.version),
            );
        }
        Ok(report) => report
            .faults
            .into_iter()
            .for_each(|fault| findings.fault("queue", format!("Redis: {fault}"))),
    }
}

/// Checks that this data folder is the one that belongs to the queue.
fn data_folder(settings: &Settings, report: &RedisReport, findings: &mut Findings) {
    let folder = &settings.collection.data_dir;
    match (folder_id::read(folder), &report.data_folder) {
        (Err(error), _) => findings.fault("data folder", error.message),
        (Ok(Some(own)), Some(recorded)) if own == *recorded => {
            findings.ok("data folder", "the one that belongs to the queue");
        }
        (Ok(_), Some(_)) => findings.fault(
            "data folder",
            format!(
                "{} is not the one that belongs to the queue, so paid jobs are refused here: set \
                 DATA_DIR to the folder of the server that uses this queue. If that folder is \
                 lost, delete the key {}:data_folder in Redis and restart the server",
                folder.display(),
                report.prefix
            ),
        ),
        (Ok(_), None) => findings.ok("data folder", "none is recorded with the queue yet"),
    }
}
