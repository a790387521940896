//! `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`: Hugging
//! Face's own variables, with the meaning that its Python library gives them.

use std::path::{Path, PathBuf};

use super::address::Address;
use super::reader::{Reader, Secret, wrong};
use crate::Result;

/// The hub's default address.
pub const HF_ENDPOINT: &str = "https://huggingface.co";

/// Where models are downloaded from, and where they are kept.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// `HF_ENDPOINT`: the hub, or a mirror of it.
    pub endpoint: Address,
    /// `HF_HUB_CACHE`, or the folder `hub` in `HF_HOME`.
    pub cache: PathBuf,
    /// `HF_TOKEN`.
    pub token: Option<Secret>,
    /// `HF_TOKEN_PATH`, or `token` in `HF_HOME`: the file that holds the token where `HF_TOKEN` is
    /// not set.
    pub token_file: PathBuf,
    /// `HF_HUB_OFFLINE`: nothing is downloaded.
    pub offline: bool,
}

pub(super) fn read(reader: &Reader) -> Result<HubSettings> {
    let endpoint = reader.text_or(&["HF_ENDPOINT"], HF_ENDPOINT);
    if !["https://", "http://"].iter().any(|scheme| {
        endpoint
            .strip_prefix(scheme)
            .is_some_and(|host| !host.is_empty())
    }) {
        let expected = "an address that begins with https:// or http://";
        return Err(wrong("HF_ENDPOINT", &endpoint, expected));
    }
    let home = match reader.text(&["HF_HOME"]) {
        Some(folder) => expanded(&folder, reader),
        None => default_home(reader),
    };
    let cache = reader.text(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]);
    let token_file = reader.text(&["HF_TOKEN_PATH"]);
    let offline = reader.text_or(&["HF_HUB_OFFLINE"], "0");
    Ok(HubSettings {
        endpoint: Address::new(endpoint.trim_end_matches('/')),
        cache: cache.map_or_else(|| home.join("hub"), |folder| expanded(&folder, reader)),
        token: reader
            .text(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
            .map(Secret::new),
        token_file: token_file.map_or_else(|| home.join("token"), |file| expanded(&file, reader)),
        offline: match offline.to_ascii_lowercase().as_str() {
            "1" | "on" | "yes" | "true" => true,
            "0" | "off" | "no" | "false" => false,
            _ => return Err(wrong("HF_HUB_OFFLINE", &offline, "1 or 0")),
        },
    })
}

/// The folder of Hugging Face's tools: `~/.cache/huggingface`.
fn default_home(reader: &Reader) -> PathBuf {
    let cache = reader.foreign("XDG_CACHE_HOME").map(PathBuf::from);
    cache
        .unwrap_or_else(|| user_home(reader).join(".cache"))
        .join("huggingface")
}

fn user_home(reader: &Reader) -> PathBuf {
    let home = reader.foreign("HOME").map(PathBuf::from);
    home.or_else(std::env::home_dir).unwrap_or_default()
}

/// Replaces `~`, `$NAME` and `${NAME}` as Python does; a variable that is not set stays as it is
/// written.
fn expanded(folder: &str, reader: &Reader) -> PathBuf {
    let folder = match folder.strip_prefix('~') {
        Some("") => return user_home(reader),
        Some(rest) if rest.starts_with(['/', '\\']) => {
            user_home(reader).join(&rest[1..]).display().to_string()
        }
        _ => folder.to_owned(),
    };
    let mut pieces = folder.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = match piece
            .strip_prefix('{')
            .and_then(|piece| piece.split_once('}'))
        {
            Some(found) => found,
            None => {
                let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                piece.split_at(piece.find(|letter| !is_name(letter)).unwrap_or(piece.len()))
            }
        };
        match reader.foreign(name) {
            Some(value) => text.extend([value.as_str(), rest]),
            None => text.extend(["$", piece]),
        }
    }
    Path::new(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> PathBuf {
        let home = [("HOME", "/home/ann")];
        let pairs = home.iter().chain(variables).copied();
        read(&Reader::from_pairs(pairs)).expect("settings").cache
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        for (variables, folder) in [
            (&[][..], "/home/ann/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/c")], "/c/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/c"), ("HF_HOME", "/hf")], "/hf/hub"),
            (&[("HF_HOME", "~/hf")], "/home/ann/hf/hub"),
            (&[("HF_HOME", "$HOME/hf")], "/home/ann/hf/hub"),
            (
                &[("HF_HOME", "/a/${HOME}x/$NONE-1/${NO}")],
                "/a//home/annx/$NONE-1/${NO}/hub",
            ),
            (
                &[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/models")],
                "/models",
            ),
            (&[("HUGGINGFACE_HUB_CACHE", "/older")], "/older"),
        ] {
            assert_eq!(cache(variables), Path::new(folder), "{variables:?}");
        }
    }

    #[test]
    fn the_token_lies_in_the_home_and_is_never_shown() {
        let pairs = [
            ("HF_HOME", "/hf"),
            ("HF_HUB_CACHE", "/c"),
            ("HF_TOKEN", "hf_secret"),
        ];
        let settings = read(&Reader::from_pairs(pairs)).expect("settings");
        assert_eq!(settings.token_file, Path::new("/hf/token"));
        assert_eq!(
            settings.token.as_ref().map(Secret::expose),
            Some("hf_secret")
        );
        assert!(!format!("{settings:?}").contains("hf_secret"));
    }

    #[test]
    fn the_token_may_have_its_older_name_and_its_file_another_place() {
        let read = |pairs: &[(&str, &str)]| {
            let home = [("HOME", "/home/ann")];
            let pairs = home.iter().chain(pairs).copied();
            read(&Reader::from_pairs(pairs)).expect("settings")
        };
        let older = ("HUGGING_FACE_HUB_TOKEN", "hf_older");
        for (pairs, token) in [
            (&[older][..], "hf_older"),
            (&[older, ("HF_TOKEN", "")], "hf_older"),
            (&[older, ("HF_TOKEN", "hf_newer")], "hf_newer"),
        ] {
            let settings = read(pairs);
            assert_eq!(settings.token.as_ref().map(Secret::expose), Some(token));
            assert!(!format!("{settings:?}").contains(token), "{pairs:?}");
        }
        for (pairs, file) in [
            (
                &[("HF_TOKEN_PATH", "/run/secrets/hf")][..],
                "/run/secrets/hf",
            ),
            (&[("HF_TOKEN_PATH", "~/hf")], "/home/ann/hf"),
            (&[("HF_TOKEN_PATH", ""), ("HF_HOME", "/hf")], "/hf/token"),
        ] {
            assert_eq!(read(pairs).token_file, Path::new(file), "{pairs:?}");
        }
    }

    #[test]
    fn offline_is_on_or_off() {
        let offline = |value| {
            let reader = Reader::from_pairs([("HF_HUB_OFFLINE", value)]);
            read(&reader).map(|settings| settings.offline)
        };
        for (value, wanted) in [
            ("1", true),
            ("Yes", true),
            ("TRUE", true),
            ("0", false),
            ("", false),
        ] {
            assert_eq!(offline(value).expect(value), wanted, "{value}");
        }
        let error = offline("perhaps").expect_err("neither").message;
        assert!(error.contains("HF_HUB_OFFLINE"), "{error}");
    }

    #[test]
    fn an_endpoint_is_an_address() {
        let error =
            read(&Reader::from_pairs([("HF_ENDPOINT", "hf-mirror.com")])).expect_err("none");
        assert!(error.message.contains("HF_ENDPOINT"), "{}", error.message);
    }
}
