//! Checks with free calls that a key works and that models exist.

use super::endpoint::GoogleClient;
use crate::contract::{FailureCause, FailureClass, Finding};

/// Checks that each of these models exists. The first call also shows whether the key or token is
/// accepted.
pub async fn check(client: &GoogleClient, models: &[(&str, &'static str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let vertex = client.endpoint.is_vertex();
    let access = if vertex { "token" } else { "key" };
    for (model, setting) in models {
        let subject = format!("model {model}");
        match client.for_setting(setting).about(model).await {
            Ok(_) => {
                if findings.is_empty() {
                    findings.push(Finding::ok(access, "accepted"));
                }
                findings.push(Finding::ok(subject, "exists"));
            }
            Err(error) if error.cause == Some(FailureCause::NoSuchModel) => {
                if findings.is_empty() {
                    findings.push(Finding::ok(access, "accepted"));
                }
                findings.push(Finding::fault(subject, error.message));
            }
            // An account may be allowed to make pictures without being allowed to list models.
            Err(error) if vertex && error.cause == Some(FailureCause::NotAllowed) => {
                let message = format!(
                    "whether the model exists could not be checked: {}",
                    error.message
                );
                findings.push(Finding::warning(subject, message));
            }
            Err(error) => {
                let subject = if error.class == FailureClass::Auth {
                    access
                } else {
                    "server"
                };
                findings.push(Finding::fault(subject, error.message));
                // The same error is expected for the next model.
                break;
            }
        }
    }
    findings
}
