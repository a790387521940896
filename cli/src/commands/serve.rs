//! `clippy serve`: the API and the page.

use std::net::SocketAddr;

use clippy_api::ApiOptions;
use clippy_core::settings::Settings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::arguments::ServeArguments;
use crate::embedded::{Embedded, url_of};
use crate::failure::Failure;

/// Serves the data folder until it is told to stop.
pub async fn run(settings: &Settings, arguments: &ServeArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let address = arguments.bind.unwrap_or(settings.server.bind);
    check_exposure(settings, address, arguments.allow_anyone)?;
    let listener = listen(address).await?;
    let url = url_of(&listener)?;
    let embedded = Embedded::open(settings, Some(&url)).await?;
    println!("Clippy serves at {url}");
    embedded.serve(settings, ApiOptions::from(&settings.server), listener, shutdown).await
}

/// Binds the address; the usual reason for a refusal is another Clippy.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::run(format!("{address} cannot be served at ({error}): choose another with --bind, such as 127.0.0.1:0"))
    })
}

/// Without keys, whoever reaches the port may do everything: that is for this machine alone, unless it was asked for.
fn check_exposure(settings: &Settings, address: SocketAddr, allow_anyone: bool) -> Result<(), Failure> {
    if address.ip().is_loopback() || allow_anyone || !settings.server.api_keys.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{address} can be reached from other machines and no API_KEYS are set: set some, or bind 127.0.0.1, or add --allow-anyone"
    )))
}
