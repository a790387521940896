//! `GET /api/providers`: the configured providers, and what each of them supports.

use axum::Json;
use axum::extract::State;
use clippy_generate::{
    AspectRatio, CancelKind, Capabilities, Finding, FindingLevel, ProgressKind, Ratios, StyleTag,
    Support,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::state::AppState;

/// The message of a check for callers without an admin key.
const FOR_ADMINS: &str = "only admins see the reason: run clippy doctor";

/// The configured providers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProvidersResponse {
    /// The default provider; empty if no provider is configured.
    default: String,
    /// The configured providers, the default first.
    providers: Vec<ProviderResponse>,
}

/// What a provider supports, and whether it works now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderResponse {
    /// Its name.
    provider: String,
    /// The model, if the provider has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// References of role `style`.
    style_references: SupportName,
    /// References of role `subject`.
    subject_references: SupportName,
    /// Weights of references.
    weights: SupportName,
    /// The highest number of references of one picture.
    max_references: usize,
    /// Why references are only approximated.
    reference_note: String,
    /// A sketch as structure.
    sketch: SupportName,
    /// A picture to start from.
    base: SupportName,
    /// An edit that changes nothing outside of a mask.
    mask: SupportName,
    /// How the mask is kept.
    mask_note: String,
    /// A prompt.
    prompt: SupportName,
    /// How the prompt is used.
    prompt_note: String,
    /// A seed that makes the picture repeatable.
    seed: SupportName,
    /// A negative prompt.
    negative_prompt: SupportName,
    /// The supported aspect ratios.
    ratios: RatiosResponse,
    /// The names of its recommended ways to mix references.
    presets: Vec<String>,
    /// The style tags that have an effect.
    style_tags: Vec<String>,
    /// The highest number of pictures of one call.
    images_per_call: u32,
    /// How progress is reported.
    progress: ProgressName,
    /// Whether previews are sent.
    previews: bool,
    /// The effect of cancelling.
    cancel: CancelName,
    /// Whether calls cost money.
    paid: bool,
    /// Whether its key works, its models exist, and each kind of input can be used now. The
    /// provider is called at most once a minute.
    checks: Vec<CheckResponse>,
}

/// Whether an input is used as asked (`yes`), in a similar way (`approximate`) or not at all
/// (`no`).
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SupportName {
    Yes,
    Approximate,
    No,
}

/// `any`, or the supported aspect ratios, of which the nearest one is used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RatiosResponse {
    Any,
    Listed(Vec<RatioResponse>),
}

/// An aspect ratio.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatioResponse {
    /// The width, as a part of the ratio.
    width: u32,
    /// The height, as a part of the ratio.
    height: u32,
}

/// Whether the progress is a fraction (`steps`) or only the current phase (`phases`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProgressName {
    Steps,
    Phases,
}

/// Whether cancelling stops the work (`stops`), or only discards the answer, which may still be
/// billed (`drops_billed`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CancelName {
    Stops,
    DropsBilled,
}

/// The result of one check.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckResponse {
    /// What was checked: `server`, `key`, a model, or a kind of input.
    subject: String,
    /// The outcome.
    level: CheckLevel,
    /// What was found, and what to do about it.
    message: String,
}

/// Whether the provider works (`ok`), works in part (`warning`), or cannot generate pictures
/// (`fault`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckLevel {
    Ok,
    Warning,
    Fault,
}

/// Lists the configured providers, and what each of them supports.
#[utoipa::path(
    get,
    path = "/api/providers",
    tag = "generation",
    responses((status = 200, description = "The providers.", body = ProvidersResponse)),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_providers(
    State(state): State<AppState>,
    caller: Caller,
) -> Json<ProvidersResponse> {
    let is_admin = caller.sees().is_none();
    let checked = state.generation().providers.check_all().await;
    let providers: Vec<ProviderResponse> = checked
        .into_iter()
        .map(|(capabilities, checks)| {
            let checks = checks.into_iter();
            let checks = checks.map(|check| {
                if is_admin {
                    check
                } else {
                    without_reason(check)
                }
            });
            ProviderResponse::of(capabilities, checks.collect())
        })
        .collect();
    let default = providers
        .first()
        .map(|first| first.provider.clone())
        .unwrap_or_default();
    Json(ProvidersResponse { default, providers })
}

/// Removes the reason of a check, which may contain addresses and files of the provider.
fn without_reason(check: Finding) -> Finding {
    Finding {
        message: FOR_ADMINS.to_owned(),
        ..check
    }
}

/// The style tags that have an effect: none listed stands for all of them.
fn some_or_all(tags: Vec<String>) -> Vec<String> {
    if tags.is_empty() {
        StyleTag::ALL
            .iter()
            .map(|tag| tag.name().to_owned())
            .collect()
    } else {
        tags
    }
}

impl ProviderResponse {
    fn of(capabilities: Capabilities, checks: Vec<Finding>) -> Self {
        // Every field is listed, so that the compiler reports a new one that is missing here.
        let Capabilities {
            provider,
            model,
            style_references,
            subject_references,
            weights,
            max_references,
            reference_note,
            sketch,
            base,
            mask,
            mask_note,
            prompt,
            prompt_note,
            seed,
            negative_prompt,
            ratios,
            presets,
            style_tags,
            images_per_call,
            progress,
            previews,
            cancel,
            paid,
        } = capabilities;
        Self {
            provider,
            model,
            style_references: style_references.into(),
            subject_references: subject_references.into(),
            weights: weights.into(),
            max_references,
            reference_note,
            sketch: sketch.into(),
            base: base.into(),
            mask: mask.into(),
            mask_note,
            prompt: prompt.into(),
            prompt_note,
            seed: seed.into(),
            negative_prompt: negative_prompt.into(),
            ratios: ratios.into(),
            presets,
            style_tags: some_or_all(style_tags),
            images_per_call,
            progress: progress.into(),
            previews,
            cancel: cancel.into(),
            paid,
            checks: checks.into_iter().map(CheckResponse::from).collect(),
        }
    }
}

impl From<Support> for SupportName {
    fn from(support: Support) -> Self {
        match support {
            Support::Yes => Self::Yes,
            Support::Approximate => Self::Approximate,
            Support::No => Self::No,
        }
    }
}

impl From<Ratios> for RatiosResponse {
    fn from(ratios: Ratios) -> Self {
        match ratios {
            Ratios::Any => Self::Any,
            Ratios::Listed(listed) => Self::Listed(
                listed
                    .into_iter()
                    .map(|AspectRatio { width, height }| RatioResponse { width, height })
                    .collect(),
            ),
        }
    }
}

impl From<ProgressKind> for ProgressName {
    fn from(progress: ProgressKind) -> Self {
        match progress {
            ProgressKind::Steps => Self::Steps,
            ProgressKind::Phases => Self::Phases,
        }
    }
}

impl From<CancelKind> for CancelName {
    fn from(cancel: CancelKind) -> Self {
        match cancel {
            CancelKind::Stops => Self::Stops,
            CancelKind::DropsBilled => Self::DropsBilled,
        }
    }
}

impl From<Finding> for CheckResponse {
    fn from(
        Finding {
            subject,
            level,
            message,
        }: Finding,
    ) -> Self {
        let level = match level {
            FindingLevel::Ok => CheckLevel::Ok,
            FindingLevel::Warning => CheckLevel::Warning,
            FindingLevel::Fault => CheckLevel::Fault,
        };
        Self {
            subject,
            level,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Clients rely on the answer being the JSON of the capabilities, with `checks`.
    #[test]
    fn the_answer_is_the_capabilities_and_the_checks() {
        let listed = vec![AspectRatio {
            width: 3,
            height: 4,
        }];
        for (ratios, cancel) in [
            (Ratios::Any, CancelKind::Stops),
            (Ratios::Listed(listed), CancelKind::DropsBilled),
        ] {
            let capabilities = Capabilities {
                model: Some("m".to_owned()),
                weights: Support::Approximate,
                mask: Support::No,
                progress: ProgressKind::Phases,
                ratios,
                cancel,
                ..Capabilities::everything("p")
            };
            let checks = vec![
                Finding::ok("key", "it works"),
                Finding::warning("sketch", "it is ignored"),
                Finding::fault("server", "it does not answer"),
            ];
            let mut expected = serde_json::to_value(&capabilities).expect("JSON");
            expected["style_tags"] = StyleTag::ALL.iter().map(|tag| tag.name()).collect();
            expected["checks"] = serde_json::to_value(&checks).expect("JSON");
            let answered = ProviderResponse::of(capabilities, checks);
            assert_eq!(serde_json::to_value(answered).expect("JSON"), expected);
        }
    }

    #[test]
    fn a_provider_without_a_model_has_no_such_field() {
        let answered = ProviderResponse::of(Capabilities::everything("p"), Vec::new());
        let answered: Value = serde_json::to_value(answered).expect("JSON");
        assert_eq!(answered.get("model"), None);
        assert_eq!(answered["checks"], json!([]));
    }
}
