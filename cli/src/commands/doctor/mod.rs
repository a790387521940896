//! `clippy doctor`: is everything as it should be, and if not, what mends it. It asks what costs
//! nothing, and changes nothing.

mod collection;
mod configuration;
mod owner;

use std::fmt::Display;
use std::sync::Arc;

use clippy_core::settings::Settings;
use clippy_generate::FindingLevel;
use clippy_jobs::RedisReport;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::generation;
use crate::models::inspect;
use crate::qdrant;

/// What is printed, line by line.
#[derive(Debug, Default)]
struct Findings {
    faults: u32,
}

impl Findings {
    fn ok(&mut self, part: impl Display, fine: impl Display) {
        println!("ok     {part}: {fine}");
    }

    /// Something that may be meant so, or could not be asked.
    fn warning(&mut self, part: impl Display, warning: impl Display) {
        println!("WARN   {part}: {warning}");
    }

    /// Something to mend; the text says how.
    fn fault(&mut self, part: impl Display, fault: impl Display) {
        self.faults += 1;
        println!("FAULT  {part}: {fault}");
    }

    fn say(&mut self, part: impl Display, outcome: Result<impl Display, impl Display>) {
        match outcome {
            Ok(fine) => self.ok(part, fine),
            Err(fault) => self.fault(part, fault),
        }
    }
}

/// Checks the parts one by one; fails when any is at fault.
pub async fn run(settings: &Settings, environment: &Environment) -> Result<(), Failure> {
    let mut findings = Findings::default();
    configuration::check(settings, environment, &mut findings).await;

    let looked = inspect(settings).await;
    let info = looked.as_ref().ok().map(|(info, _)| Arc::clone(info));
    let model = looked.map(|(info, how)| {
        format!(
            "{} {}, {} dimensions, {how}",
            info.name, info.pretrained, info.dimension
        )
    });
    findings.say("model", model);

    // The same choice that other commands make; that the server is away is said below.
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
        1 => Err(Failure::run("one of these is at fault")),
        faults => Err(Failure::run(format!("{faults} of these are at fault"))),
    }
}

async fn queue(settings: &Settings, findings: &mut Findings) {
    let Some(url) = &settings.jobs.redis_url else {
        return findings.ok("queue", "embedded; jobs run in `clippy serve`");
    };
    match RedisReport::ask(url.expose()).await {
        Err(error) => findings.fault("queue", error.message),
        Ok(report) if report.faults.is_empty() => {
            findings.ok(
                "queue",
                format!("Redis {}, append-only, never evicting", report.version),
            );
        }
        Ok(report) => report
            .faults
            .into_iter()
            .for_each(|fault| findings.fault("queue", format!("Redis: {fault}"))),
    }
}
