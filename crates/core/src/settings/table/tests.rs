use std::path::Path;

use super::*;
use crate::settings::{Reader, Settings};

/// Set, the files are written instead of compared.
const UPDATE: &str = "CLIPPY_UPDATE_SETTINGS";

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

#[test]
fn a_misspelt_name_finds_its_setting_and_a_foreign_name_finds_none() {
    for (given, meant) in [
        ("API_KEY", "API_KEYS"),
        ("api_keys", "API_KEYS"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("QDRANT_COLLECTON", "QDRANT_COLLECTION"),
    ] {
        assert_eq!(closest(given), Some(meant), "{given}");
    }
    for given in ["POSTGRES_PASSWORD", "PATH", "API", "OPENAI_API_KEY", "A"] {
        assert_eq!(closest(given), None, "{given}");
    }
}

#[test]
fn the_example_and_the_page_of_settings_say_what_the_table_says() {
    let update = std::env::var_os(UPDATE).is_some();
    let (path, wanted) = (file(".env.example"), example());
    if update {
        std::fs::write(&path, &wanted).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == wanted,
        ".env.example differs from the table: run `{UPDATE}=1 cargo test -p clippy-core`"
    );

    let path = file("docs/settings.md");
    let mut page = std::fs::read_to_string(&path).expect("docs/settings.md");
    for group in Group::ALL {
        let heading = format!("\n## {}\n", group.title());
        let section = page
            .find(&heading)
            .unwrap_or_else(|| panic!("docs/settings.md lacks {heading}"));
        let start = section + page[section..].find("\n| variable |").expect("a table") + 1;
        let end = page[start..]
            .find("\n\n")
            .map_or(page.len(), |length| start + length + 1);
        let wanted = markdown(group);
        if update {
            page.replace_range(start..end, &wanted);
        }
        assert!(
            page[start..].starts_with(&wanted),
            "docs/settings.md differs from the table under {}: run `{UPDATE}=1 cargo test -p \
             clippy-core`",
            group.title()
        );
    }
    if update {
        std::fs::write(&path, page).expect("written");
    }
}

#[test]
fn every_default_can_be_set_and_changes_nothing() {
    let defaults = SETTINGS.iter().filter_map(|setting| match setting.default {
        DefaultValue::Value(value) => Some((setting.name, value)),
        _ => None,
    });
    let set = Settings::read(&Reader::from_pairs(defaults)).expect("the defaults");
    let unset = Settings::read(&Reader::from_pairs([])).expect("nothing");
    let shown =
        |settings: &Settings| format!("{settings:?}").replace("named: true", "named: false");
    assert_eq!(shown(&set), shown(&unset));
}

#[test]
fn names_are_unique_and_plain() {
    let mut names: Vec<&str> = SETTINGS
        .iter()
        .flat_map(|setting| [Some(setting.name), setting.older])
        .flatten()
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    let plain =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    assert!(
        names.iter().all(|name| name.chars().all(plain)),
        "{names:?}"
    );
}
