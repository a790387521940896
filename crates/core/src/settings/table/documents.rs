//! The documents made from the table of settings: `.env.example` and the tables of
//! `docs/settings.md`.

use super::DefaultValue::{Described, Unset, Value};
use super::{Group, SETTINGS};

/// Returns a group's table for `docs/settings.md`.
#[must_use]
pub fn markdown(group: Group) -> String {
    let mut text = "| variable | default | meaning |\n|---|---|---|\n".to_owned();
    for setting in SETTINGS.iter().filter(|setting| setting.group == group) {
        let name = match setting.older {
            Some(older) => format!("`{}` (or `{older}`)", setting.name),
            None => format!("`{}`", setting.name),
        };
        let default = match setting.default {
            Value(value) => format!("`{value}`"),
            Described(words) => words.to_owned(),
            Unset => String::new(),
        };
        let separator = if default.is_empty() { "" } else { " " };
        text.push_str(&format!(
            "| {name} | {default}{separator}| {} |\n",
            setting.meaning
        ));
    }
    text
}

/// The first lines of `.env.example`.
const INTRODUCTION: &str = "Settings of Clippy. Copy this file to .env in the folder in which you \
                            start Clippy, and uncomment the lines that you need. docs/settings.md \
                            explains more. The environment wins over this file, and a command's \
                            flags win over both. Values are read as python-dotenv reads them: they \
                            may be quoted, ${NAME} is replaced, $NAME is not.";

/// Returns the text of `.env.example`: every setting with its default, commented out.
#[must_use]
pub fn example() -> String {
    let mut text = String::new();
    push_comment(&mut text, INTRODUCTION);
    for group in Group::ALL {
        text.push_str(&format!("\n# ---- {} ----\n", group.title()));
        for setting in SETTINGS.iter().filter(|setting| setting.group == group) {
            text.push('\n');
            let mut meaning = plain(setting.meaning);
            if let Described(words) = setting.default {
                meaning.push_str(&format!(". Default: {}", plain(words)));
            }
            push_comment(&mut text, &meaning);
            let value = if let Value(value) = setting.default {
                value
            } else {
                ""
            };
            text.push_str(&format!("#{}={value}\n", setting.name));
        }
    }
    text
}

fn push_comment(text: &mut String, comment: &str) {
    for line in wrap(comment, 98) {
        text.push_str(&format!("# {line}\n"));
    }
}

/// Removes Markdown. A link to a file becomes its text; another link becomes its text and its
/// address.
fn plain(markdown: &str) -> String {
    let mut text = markdown.replace('`', "");
    while let Some(middle) = text.find("](") {
        let (Some(start), Some(end)) = (text[..middle].rfind('['), text[middle..].find(')')) else {
            break;
        };
        let (shown, address) = (
            text[start + 1..middle].to_owned(),
            text[middle + 2..middle + end].to_owned(),
        );
        let shown = if address.contains("://") {
            format!("{shown} ({address})")
        } else {
            shown
        };
        text.replace_range(start..=middle + end, &shown);
    }
    text
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if !line.is_empty() && line.chars().count() + 1 + word.chars().count() <= width =>
            {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if line.is_empty() => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
