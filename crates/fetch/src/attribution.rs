//! `ATTRIBUTION.md`: where each picture is from, and whose it is.

use std::fmt::Write;

use crate::download::Whole;
use crate::site::Site;

pub const ATTRIBUTION: &str = "ATTRIBUTION.md";

const HEAD: &str = "# Attribution

The rights in these pictures are their artists'. A post on a site gives no licence: ask the artist
before you publish a picture or something made from it. A licence is named where the site knows it.

";

pub fn attribution(pictures: &[Whole], site: &Site) -> String {
    let mut text = HEAD.to_owned();
    for whole in pictures {
        let post = &whole.wanted.post;
        let mut line = format!(
            "- `{}`: post <{}>",
            whole.wanted.places[0],
            site.post_url(post.id)
        );
        if let Some(source) = &post.source {
            // Writing to a string never fails.
            let _ = write!(line, ", artist's source {}", quoted(source));
        }
        if let Some(license) = &post.license {
            let _ = write!(line, ", licence {}", quoted(license));
        }
        line.push('\n');
        text.push_str(&line);
    }
    text
}

/// A text of the site as code, so that it cannot be markup.
fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() || c == '`' { ' ' } else { c })
        .collect();
    format!("`{}`", text.trim())
}
