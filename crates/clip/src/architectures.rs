//! The architectures of open_clip that can be run without a configuration file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::config::ModelConfig;
use crate::error::{ClipError, Result};

/// Those of open_clip 3.3's `model_configs` that need neither timm nor a tokenizer of Hugging Face,
/// and SigLIP's.
const TABLE: &str = include_str!("../data/architectures.json");

/// `None` only if the embedded table were broken, which a test rules out.
static ARCHITECTURES: LazyLock<Option<BTreeMap<String, Value>>> =
    LazyLock::new(|| serde_json::from_str(TABLE).ok());

/// Returns all names, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES
        .iter()
        .flat_map(|table| table.keys().map(String::as_str))
}

/// Returns the configuration of a named architecture. open_clip writes some names with a slash;
/// both forms are understood.
///
/// # Errors
/// [`ClipError::UnknownArchitecture`], naming those that there are.
pub fn find(name: &str) -> Result<ModelConfig> {
    let found = ARCHITECTURES
        .as_ref()
        .and_then(|table| table.get(&name.replace('/', "-")));
    let Some(value) = found else {
        return Err(ClipError::UnknownArchitecture {
            name: name.to_owned(),
            known: names().collect::<Vec<_>>().join(", "),
        });
    };
    ModelConfig::from_json(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::VisionNetwork;

    #[test]
    fn every_architecture_of_the_table_is_supported() {
        let mut count = 0;
        for name in names() {
            find(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            count += 1;
        }
        assert!(count >= 40, "{count}");
    }

    #[test]
    fn known_facts_hold() {
        let big = find("ViT-bigG-14").unwrap();
        assert_eq!(
            (big.embed_dim, big.vision.width, big.vision.head_width),
            (1280, 1664, 104)
        );
        assert_eq!(
            (big.text.width, big.text.heads, big.text.layers),
            (1280, 20, 32)
        );
        assert!(
            matches!(big.vision.network, VisionNetwork::Transformer { layers: 48, mlp_ratio,
            .. } if mlp_ratio == 4.9231)
        );
        assert!(find("ViT-B/32-quickgelu").unwrap().quick_gelu);
        assert!(!find("ViT-B-32").unwrap().quick_gelu);
        assert!(matches!(
            find("RN50").unwrap().vision.network,
            VisionNetwork::ModifiedResNet {
                layers: [3, 4, 6, 3]
            }
        ));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = find("ViT-Z-99").unwrap_err().to_string();
        assert!(
            error.contains("ViT-Z-99") && error.contains("ViT-B-32"),
            "{error}"
        );
    }
}
