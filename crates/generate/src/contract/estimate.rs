//! What a request would cost.

use clippy_core::Result;
use serde::{Deserialize, Serialize};

use super::capabilities::Capabilities;
use super::provider::{ExtraCall, Provider};
use super::receipt::Receipt;
use super::request::GenerateRequest;

/// What a request would cost, before it is queued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The provider.
    pub provider: String,
    /// The model, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The number of paid calls.
    pub calls: u32,
    /// The number of pictures.
    pub images: u32,
    /// The total in US dollars; absent when the price of a picture is not set. 0 for free
    /// providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// How the total was calculated, and how long it would take, if the provider knows.
    pub note: String,
    /// What would become of each input.
    pub receipt: Receipt,
}

/// Estimates what a request would cost, and plans what would become of its inputs.
///
/// # Errors
/// As [`GenerateRequest::validate`] and [`Provider::plan`].
pub fn estimate(provider: &dyn Provider, request: &GenerateRequest) -> Result<Estimate> {
    request.validate()?;
    let capabilities = provider.capabilities();
    let receipt = provider.plan(request)?;
    let (mut usd, mut note) = match (capabilities.paid, provider.price_per_image()) {
        (false, _) => (Some(0.0), "this provider is free".to_owned()),
        (true, Some(price)) => {
            let note =
                format!("{price} USD per picture, as configured; the provider's bill may differ");
            (Some(price * f64::from(request.count)), note)
        }
        (true, None) => (
            None,
            "the price of a picture is not set, so the cost is not known".to_owned(),
        ),
    };
    let mut calls = if capabilities.paid {
        request.count.div_ceil(capabilities.images_per_call.max(1))
    } else {
        0
    };
    if let Some(ExtraCall { what, usd: price }) = provider.extra_call(request) {
        calls += 1;
        usd = usd.zip(price).map(|(pictures, extra)| pictures + extra);
        let priced = price.map_or("whose price is not set".to_owned(), |price| {
            format!("{price} USD, as set")
        });
        note = format!("{note}; {what}: {priced}");
    }
    if let Some(time) = provider.expected_time(request) {
        note = format!("{note}; {time}");
    }
    let Capabilities {
        provider, model, ..
    } = capabilities;
    Ok(Estimate {
        provider,
        model,
        calls,
        images: request.count,
        usd,
        note,
        receipt,
    })
}
