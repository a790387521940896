//! Records metrics, and renders them for Prometheus.
//!
//! `clippy_http_requests_total{method,route,status}`,
//! `clippy_http_request_duration_seconds{method,route}`, `clippy_http_requests_in_flight`,
//! `clippy_http_shed_total`, `clippy_search_stage_duration_seconds{stage}`, and of
//! [`MeteredEmbedder`] `clippy_encoder_inputs_waiting`, `clippy_encoder_queue_duration_seconds` and
//! `clippy_encoder_compute_duration_seconds`.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo};
use clippy_core::{Error, Result};
use clippy_search::Took;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The buckets of durations in seconds: from a cached picture to a search that had to wait.
const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];
/// How often the recorder condenses its measurements, even if they are never read.
const UPKEEP: Duration = Duration::from_secs(10);

// A process has only one recorder, so there is only one handle.
static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// Installs the recorder of this process, unless it is installed already.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when another recorder is installed.
pub fn install() -> Result<()> {
    handle().map(|_| ())
}

fn handle() -> Result<&'static PrometheusHandle> {
    let installed = HANDLE.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| error.to_string())
    });
    installed
        .as_ref()
        .map_err(|error| Error::internal(format!("metrics could not be started: {error}")))
}

/// Renders all metrics in Prometheus' text format.
pub(crate) fn render() -> Result<String> {
    handle().map(PrometheusHandle::render)
}

/// Condenses the recorder's measurements from time to time, so that its memory stays small. Never
/// returns.
pub(crate) async fn run_upkeep_loop() {
    loop {
        tokio::time::sleep(UPKEEP).await;
        if let Ok(handle) = handle() {
            handle.run_upkeep();
        }
    }
}

/// Adds to a gauge, and subtracts the same when it is dropped.
struct GaugeGuard {
    gauge: metrics::Gauge,
    by: f64,
}

impl GaugeGuard {
    fn new(gauge: metrics::Gauge, by: f64) -> Self {
        gauge.increment(by);
        Self { gauge, by }
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.gauge.decrement(self.by);
    }
}

/// Counts and times every request by its route, since paths would make too many time series.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |route| route.as_str().to_owned());
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => {
            known.to_owned()
        }
        _ => "other".to_owned(),
    };
    let _in_flight = GaugeGuard::new(metrics::gauge!("clippy_http_requests_in_flight"), 1.0);
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!(
        "clippy_http_requests_total", "method" => method.clone(), "route" => route.clone(),
        "status" => status
    )
    .increment(1);
    metrics::histogram!("clippy_http_request_duration_seconds", "method" => method,
    "route" => route)
    .record(started.elapsed().as_secs_f64());
    response
}

/// Records the durations of a search's stages.
pub(crate) fn record_stages(took: &Took) {
    for (stage, duration) in [
        ("preprocess", took.preprocess),
        ("embed", took.embed),
        ("search", took.search),
    ] {
        metrics::histogram!("clippy_search_stage_duration_seconds", "stage" => stage)
            .record(duration.as_secs_f64());
    }
}

/// An embedder that measures its queue and its work.
pub struct MeteredEmbedder {
    inner: Arc<dyn Embedder>,
}

impl MeteredEmbedder {
    /// Measures this embedder.
    #[must_use]
    pub fn new(inner: Arc<dyn Embedder>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Embedder for MeteredEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        self.inner.info()
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings> {
        let count = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        let _waiting = GaugeGuard::new(
            metrics::gauge!("clippy_encoder_inputs_waiting"),
            f64::from(count),
        );
        let embedded = self.inner.embed(inputs).await?;
        metrics::histogram!("clippy_encoder_queue_duration_seconds")
            .record(embedded.queued.as_secs_f64());
        metrics::histogram!("clippy_encoder_compute_duration_seconds")
            .record(embedded.computed.as_secs_f64());
        Ok(embedded)
    }
}
