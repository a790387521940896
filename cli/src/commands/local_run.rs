//! A bulk run in this process: the open data folder, the tools of a run, and its progress bar.

use clippy_core::settings::Settings;
use clippy_worker::ingest::Tools;
use clippy_worker::patience::{Patience, Pauses};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::commands::progress_bar::BarProgress;
use crate::failure::Failure;
use crate::local_services::LocalServices;
use crate::shutdown::until_stopped;

/// The data folder that a run has open, and what the run needs.
pub struct LocalRun {
    pub services: LocalServices,
    pub progress: BarProgress,
    pub tools: Tools,
    _following: AbortOnDropHandle<()>,
}

impl LocalRun {
    /// Opens the data folder. Without `silent` a progress bar is shown.
    pub async fn open(
        settings: &Settings,
        silent: bool,
        shutdown: &CancellationToken,
    ) -> Result<Self, Failure> {
        let services = until_stopped(shutdown, LocalServices::open(settings, None)).await?;
        let following = services.follow();
        let progress = BarProgress::new(silent);
        let patience = Patience::new(
            Pauses::default(),
            shutdown.clone(),
            progress.wait_reporter(),
        );
        let tools = services.patient_tools(settings, patience);
        Ok(Self {
            services,
            progress,
            tools,
            _following: following,
        })
    }

    /// Calibrates again if the gallery has outgrown its calibration.
    pub async fn calibrate(&self) -> Result<(), Failure> {
        clippy_search::calibrate_if_outgrown(self.tools.gallery.as_ref()).await?;
        Ok(())
    }
}
