//! Whether a key works and models exist, asked with calls that cost nothing.

use super::endpoint::GoogleClient;
use crate::error::FailureClass;
use crate::finding::Finding;

/// What asking for each of these models finds. The first answers for the key or the token, too.
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
            Err(error) if blames_the_model(&error.message) => {
                if findings.is_empty() {
                    findings.push(Finding::ok(access, "accepted"));
                }
                findings.push(Finding::fault(subject, error.message));
            }
            // An account that may make pictures need not be allowed to list models.
            Err(error)
                if error.class == FailureClass::Auth
                    && vertex
                    && error.message.starts_with("403") =>
            {
                let message = format!(
                    "it could not be asked whether the model exists: {}",
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
                // The next model would be asked in vain.
                break;
            }
        }
    }
    findings
}

/// The client's message about a model that does not exist.
fn blames_the_model(message: &str) -> bool {
    message.starts_with("the model ")
}
