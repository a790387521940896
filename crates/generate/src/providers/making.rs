//! Runs a generation.

use std::sync::Arc;

use super::inspection;
use crate::contract::{
    GenerateError, GenerateRequest, Generated, Generation, GenerationContext, Provider, admit,
};

/// Checks a request again, lets the provider make its pictures, and corrects the receipt by what
/// the pictures show.
///
/// # Errors
/// As [`admit`] and [`Provider::generate`].
pub async fn make(
    provider: &dyn Provider,
    request: &GenerateRequest,
    generation: Arc<Generation>,
    context: &GenerationContext,
) -> Result<Generated, GenerateError> {
    let receipt = admit(provider, request)?;
    // Only the provider holds the inputs, so that it can free those that it has sent.
    let shown = Arc::new(generation.without_inputs());
    let mut generated = provider.generate(generation, receipt, context).await?;
    inspection::inspect(&shown, &mut generated).await;
    Ok(generated)
}
