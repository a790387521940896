//! `clippy calibrate`: refreshes the background distributions that scores are calibrated by.

use clippy_core::settings::Settings;
use serde_json::{Value, json};

use crate::arguments::CalibrateArguments;
use crate::failure::Failure;
use crate::local_services::with_server;
use crate::output::say;

/// Calibrates on the server of this data folder, or in this process if there is none.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &CalibrateArguments,
) -> Result<(), Failure> {
    let answer = with_server(settings, server, async |client| {
        client.post("/api/admin/calibrate", &json!({})).await
    })
    .await?;
    if arguments.json {
        say!("{answer}");
        return Ok(());
    }
    say!(
        "Sampled {} of {} pictures. Cosines between any two of them:",
        answer["sampled"],
        answer["points"]
    );
    for space in ["image", "edge", "text"] {
        match &answer["spaces"][space] {
            Value::Null => say!("  {space:<6} too few vectors"),
            known => {
                let number = |name: &str| known[name].as_f64().unwrap_or_default();
                say!(
                    "  {space:<6} {:.3} ± {:.3}",
                    number("mean"),
                    number("deviation")
                );
            }
        }
    }
    Ok(())
}
