//! `clippy models pull`: downloads models from Hugging Face's hub.

use std::path::Path;

use clippy_clip::hub::{Hub, PREFIX, Repository};
use clippy_clip::{ClipError, pretrained, pull};
use clippy_core::settings::HubSettings;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output::say;

/// Downloads a model, continuing an earlier download, and says how to use it. `name` and `tag` are
/// an architecture and its weights, or one of them alone is `hf-hub:ORG/REPO`.
pub async fn run(
    settings: &HubSettings,
    models: &Path,
    (name, tag): (&str, Option<&str>),
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let usage = |error: ClipError| Failure::usage(error.to_string());
    let named = tag.into_iter().chain([name]).find_map(Repository::parse);
    if let Some(repository) = named {
        let repository = repository.map_err(usage)?;
        if let Some(tag) = tag {
            return Err(Failure::usage(format!(
                "`{name} {tag}` names two models, and one is downloaded at a time. A repository \
                 needs neither an architecture nor a tag: run `clippy models pull {repository}`"
            )));
        }
        let hub = Hub::new(settings).await.map_err(failed)?;
        let bar = bar();
        let pulled = pull::pull(&hub, &repository, advance(&bar));
        let folder = until(shutdown, pulled).await?;
        bar.finish_and_clear();
        say!("{repository} is in {}.", folder.display());
        say!("Use it with PRETRAINED={repository}, in a data folder of its own.");
        return Ok(());
    }
    let Some(tag) = tag else {
        return Err(Failure::usage(format!(
            "which weights of {name}? Name them, as in `clippy models pull {name} TAG`: `clippy \
             models list` lists the tags. A model of Hugging Face is {PREFIX}ORG/REPO"
        )));
    };
    let entry = pretrained::find(name, tag).map_err(usage)?;
    let hub = Hub::new(settings).await.map_err(failed)?;
    let bar = bar();
    let pulled = pull::pull_tag(&hub, entry, models, advance(&bar));
    let weights = until(shutdown, pulled).await?;
    bar.finish_and_clear();
    say!("{} {} is in {}.", entry.model, entry.tag, weights.display());
    say!(
        "Use it with MODEL_NAME={} PRETRAINED={}, in a data folder of its own.",
        entry.model,
        entry.tag
    );
    Ok(())
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
    ) {
        bar.set_style(style);
    }
    bar
}

fn advance(bar: &ProgressBar) -> impl FnMut(u64, Option<u64>) + Send + '_ {
    |done, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }
}

async fn until<T>(
    shutdown: CancellationToken,
    pulled: impl Future<Output = clippy_clip::Result<T>>,
) -> Result<T, Failure> {
    tokio::select! {
        pulled = pulled => pulled.map_err(failed),
        () = shutdown.cancelled() => {
            Err(Failure::run("stopped; the next pull continues from here"))
        }
    }
}

fn failed(error: ClipError) -> Failure {
    clippy_core::Error::from(error).into()
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::Address;

    use super::*;

    #[tokio::test]
    async fn a_repository_beside_another_name_is_refused_before_anything_is_asked() {
        let settings = HubSettings {
            // Nothing listens there: a request would be another error.
            endpoint: Address::new("http://127.0.0.1:1"),
            cache: "/none".into(),
            token: None,
            token_file: "/none/token".into(),
            offline: false,
        };
        for (name, tag) in [
            ("ViT-B-32", "hf-hub:o/r"),
            ("hf-hub:o/r", "openai"),
            ("hf-hub:o/r", "hf-hub:o/r"),
        ] {
            let named = (name, Some(tag));
            let pulled = run(
                &settings,
                Path::new("/none"),
                named,
                CancellationToken::new(),
            );
            let refused = pulled.await.unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{refused}");
            let refused = refused.to_string();
            for part in [name, tag, "run `clippy models pull hf-hub:o/r`"] {
                assert!(refused.contains(part), "{refused}");
            }
        }
    }
}
