//! `ATTRIBUTION.md`: where each picture is from, and whose it is.

use std::io::{self, Write};

use crate::addresses::Addresses;
use crate::download::Whole;
use crate::plan::Plan;

const HEAD: &str = "# Attribution

The rights in these pictures are their artists'. A post on a site gives no licence: ask the artist
before you publish a picture or something made from it. A licence is named where the site knows it.

";

/// Writes one line a picture.
pub fn attribution(
    to: &mut dyn Write,
    pictures: &[Whole],
    plan: &Plan,
    addresses: &Addresses,
) -> io::Result<()> {
    to.write_all(HEAD.as_bytes())?;
    for whole in pictures {
        let post = &whole.wanted.post;
        let (place, address) = (plan.place(&whole.wanted), addresses.post(post.id));
        write!(to, "- `{place}`: post <{address}>")?;
        if let Some(source) = &post.source {
            write!(to, ", artist's source {}", quoted(source))?;
        }
        if let Some(license) = &post.license {
            write!(to, ", licence {}", quoted(license))?;
        }
        to.write_all(b"\n")?;
    }
    Ok(())
}

/// A text of the site as code, so that it cannot be markup.
fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() || c == '`' { ' ' } else { c })
        .collect();
    format!("`{}`", text.trim())
}
