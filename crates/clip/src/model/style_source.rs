//! What makes the style vectors of a model.

use super::count_sketch::CountSketch;
use super::descriptor::StyleDescriptor;
use super::style::{LayerStyle, StyleHead};

/// One of the three sources of style vectors.
pub(super) enum StyleSource {
    /// A head that was trained for this model.
    Head(StyleHead),
    /// Statistics of early layers, without training. A collection whitens them.
    Statistics(CountSketch),
    /// A tower of its own: published style descriptors.
    Descriptor(Box<StyleDescriptor>),
}

/// What a source computes its vectors from.
pub(super) enum StyleWay<'s> {
    /// From layers of the model's own tower.
    Layers(&'s dyn LayerStyle),
    /// From the picture.
    Tower(&'s StyleDescriptor),
}

impl StyleSource {
    pub(super) fn fingerprint(&self) -> &str {
        match self {
            Self::Head(head) => head.fingerprint(),
            Self::Statistics(sketch) => sketch.fingerprint(),
            Self::Descriptor(tower) => tower.fingerprint(),
        }
    }

    pub(super) fn way(&self) -> StyleWay<'_> {
        match self {
            Self::Head(head) => StyleWay::Layers(head),
            Self::Statistics(sketch) => StyleWay::Layers(sketch),
            Self::Descriptor(tower) => StyleWay::Tower(tower),
        }
    }
}
