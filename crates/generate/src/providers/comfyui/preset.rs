//! Which preset a request gets, and its numbers for the graph.

use clippy_core::Result;
use serde::{Deserialize, Serialize};

use crate::contract::{GenerateRequest, Generation, Preset, Role};

/// The preset asked for, else the one that fits what was sent.
#[must_use]
pub fn preset_of(generation: &Generation) -> Preset {
    let heaviest = |role| {
        generation
            .with_role(role)
            .map(|reference| reference.weight)
            .fold(0.0, f32::max)
    };
    let (base, mask) = (generation.base.is_some(), generation.mask.is_some());
    generation.preset.unwrap_or_else(|| {
        Preset::fitting(base, mask, heaviest(Role::Style), heaviest(Role::Subject))
    })
}

/// The same as [`preset_of`], before any picture is fetched.
///
/// # Errors
/// As [`Preset::from_name`] and [`GenerateRequest::role`].
pub fn preset_of_request(request: &GenerateRequest) -> Result<Preset> {
    if let Some(asked) = &request.preset {
        return Preset::from_name(asked);
    }
    let (mut style, mut subject) = (0.0, 0.0);
    for index in 0..request.refs.len() {
        let heaviest: &mut f32 = match request.role(index)? {
            Role::Style => &mut style,
            Role::Subject => &mut subject,
        };
        *heaviest = heaviest.max(request.weight(index));
    }
    Ok(Preset::fitting(
        request.base.is_some(),
        request.mask.is_some(),
        style,
        subject,
    ))
}

/// The numbers of a preset. A template may define its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PresetNumbers {
    /// Sampling steps.
    pub steps: u32,
    /// Guidance scale.
    pub cfg: f32,
    /// How much of a base is repainted, 0 to 1. Without a base, 1 is used.
    pub denoise: f32,
    /// Factor of the weights of style references.
    pub style_weight: f32,
    /// Factor of the weights of subject references.
    pub subject_weight: f32,
    /// IP-Adapter's `weight_type` of style references.
    pub style_type: String,
    /// IP-Adapter's `weight_type` of subject references.
    pub subject_type: String,
    /// Factor of the sketch's weight.
    pub control_strength: f32,
    /// The fraction of the steps that the sketch controls.
    pub control_end: f32,
}

impl PresetNumbers {
    /// Factor of the weights of this role's references.
    #[must_use]
    pub fn scale(&self, role: Role) -> f32 {
        match role {
            Role::Style => self.style_weight,
            Role::Subject => self.subject_weight,
        }
    }

    /// IP-Adapter's `weight_type` of this role's references.
    #[must_use]
    pub fn kind(&self, role: Role) -> &str {
        match role {
            Role::Style => &self.style_type,
            Role::Subject => &self.subject_type,
        }
    }
}
