//! Every setting: its names, its default, its meaning. `.env.example` and the tables of
//! `docs/settings.md` are made from this; tests compare it with what the code really reads.

mod documents;
mod entries;

pub use documents::{example, markdown};
pub use entries::SETTINGS;

/// Parts of the program that settings belong to, in the order of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Where the collection is.
    Collection,
    /// Which model embeds.
    Model,
    /// How clicks and saves change a ranking.
    Taste,
    /// The HTTP server and the log.
    Server,
    /// The queue.
    Jobs,
    /// Which provider makes pictures.
    Generation,
}

impl Group {
    /// All of them, in the documents' order.
    pub const ALL: [Self; 6] = [
        Self::Collection,
        Self::Model,
        Self::Taste,
        Self::Server,
        Self::Jobs,
        Self::Generation,
    ];

    /// Returns the heading in the documents.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Collection => "The collection",
            Self::Model => "The model",
            Self::Taste => "Taste",
            Self::Server => "The server",
            Self::Jobs => "Jobs",
            Self::Generation => "Generation",
        }
    }
}

/// The effect of leaving a setting unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// This value.
    Value(&'static str),
    /// What this text describes.
    Described(&'static str),
    /// It is off.
    Unset,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name as an environment variable.
    pub name: &'static str,
    /// An older name, of Clippy 0.2 or of Hugging Face, which is taken too.
    pub older: Option<&'static str>,
    /// What it belongs to.
    pub group: Group,
    /// The effect of leaving it unset.
    pub default: DefaultValue,
    /// What it does, in Markdown.
    pub meaning: &'static str,
    /// Whether its value is a key or password, or may hold one.
    pub secret: bool,
}

const fn setting(
    group: Group,
    name: &'static str,
    default: DefaultValue,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        older: None,
        group,
        default,
        meaning,
        secret: false,
    }
}

const fn secret(group: Group, name: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        older: None,
        group,
        default: DefaultValue::Unset,
        meaning,
        secret: true,
    }
}

const fn renamed(
    name: &'static str,
    older: &'static str,
    default: DefaultValue,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        older: Some(older),
        group: Group::Model,
        default,
        meaning,
        secret: false,
    }
}

/// Returns the setting of this name, or of this older name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name || setting.older == Some(name))
}

/// Returns whether Clippy has a setting of this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// Settings that are reserved for later versions. They are known, and have no effect yet.
pub const NOT_YET: [&str; 4] = [
    "BLOB_URL",
    "DATABASE_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "SDXL_MODEL",
];

/// Returns the setting that an unknown name probably means: the name differs by case, by
/// underscores, or by one letter for each six.
#[must_use]
pub fn closest(name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_uppercase();
    let given = plain(name);
    SETTINGS
        .iter()
        .map(|setting| {
            (
                strsim::osa_distance(&given, &plain(setting.name)),
                setting.name,
            )
        })
        .filter(|(distance, known)| *distance <= known.len() / 6)
        .min()
        .map(|(_, known)| known)
}

/// Returns whether a setting's value must never be shown.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    find(name).is_some_and(|setting| setting.secret)
}

#[cfg(test)]
mod tests;
