//! Says what makes the style vectors, and where its weights are.

use clippy_core::embedding::DESCRIPTORS;
use clippy_core::settings::Settings;

use super::Findings;
use crate::models::InspectedModel;

pub(super) fn check(settings: &Settings, model: &InspectedModel, findings: &mut Findings) {
    let place = match (&model.style_weights, &settings.model.embedder_url) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(url)) => format!("at {url}"),
        (None, None) => "without weights".to_owned(),
    };
    let style = model.info.style.as_deref();
    findings.ok(
        "style",
        match style {
            None => "the model makes no style vectors".to_owned(),
            Some(style) if style.starts_with(DESCRIPTORS) => {
                format!("published style descriptors (STYLE_MODEL), {place}")
            }
            Some(_) if model.info.style_statistics().is_some() => format!(
                "statistics of the model's early layers, {place}; `clippy backfill --which style \
                 --manifest M.jsonl` whitens them on the collection's own pictures"
            ),
            Some(_) => format!("the style head of the model, {place}"),
        },
    );
    if settings.model.embedder_url.is_some() && settings.model.style_model.is_some() {
        findings.warning(
            "style",
            "STYLE_MODEL has no effect here, since EMBEDDER_URL is set: set it for the worker \
             that runs the model",
        );
    }
}
