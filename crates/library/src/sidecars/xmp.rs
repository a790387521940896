//! XMP, beside a picture or inside it, as Lightroom, digiKam, darktable, Bridge and exiftool write
//! it.

use roxmltree::{Document, Node};

use super::description::{Description, fill};

const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";
const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";
const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";
const RIGHTS: &str = "http://ns.adobe.com/xap/1.0/rights/";
const CREATIVE_COMMONS: &str = "http://creativecommons.org/ns#";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// A field of a description.
type Field = fn(&mut Description) -> &mut Option<String>;

/// Properties with one text, the preferred ones first.
const TEXTS: [(Field, &str, &str); 9] = [
    (|into| &mut into.artist, DUBLIN_CORE, "creator"),
    (|into| &mut into.title, DUBLIN_CORE, "title"),
    (|into| &mut into.caption, DUBLIN_CORE, "description"),
    (|into| &mut into.source, DUBLIN_CORE, "source"),
    (|into| &mut into.source, PHOTOSHOP, "Source"),
    (|into| &mut into.licence, CREATIVE_COMMONS, "license"),
    (|into| &mut into.licence, RIGHTS, "UsageTerms"),
    (|into| &mut into.licence, DUBLIN_CORE, "rights"),
    (|into| &mut into.licence, RIGHTS, "WebStatement"),
];

/// Parses a packet.
///
/// # Errors
/// The reason if it is not XMP, as the end of a sentence.
pub(super) fn parse(text: &str) -> Result<Description, String> {
    // Packets inside files are padded, some with zeros.
    let text = text.trim_matches(|character: char| character == '\0' || character.is_whitespace());
    let document =
        Document::parse(text).map_err(|error| format!("it is not valid XMP: {error}"))?;
    let all = |space: &str, name: &str| -> Vec<String> {
        document
            .descendants()
            .flat_map(|node| values(node, space, name))
            .collect()
    };
    let mut description = Description::default();
    for tag in all(DUBLIN_CORE, "subject") {
        description.add_tag(&tag);
    }
    // animals|fox, and animals/fox: each level is a tag.
    for (space, name, gap) in [
        (LIGHTROOM, "hierarchicalSubject", '|'),
        (DIGIKAM, "TagsList", '/'),
    ] {
        for path in all(space, name) {
            path.split(gap).for_each(|tag| description.add_tag(tag));
        }
    }
    for (field, space, name) in TEXTS {
        let found = all(space, name);
        let text = match found.first() {
            None => continue,
            Some(_) if name == "creator" => found.join(", "),
            // The first of the languages is the default one.
            Some(first) => first.clone(),
        };
        fill(field(&mut description), &text);
    }
    Ok(description)
}

/// Returns the values of a property at this node: an attribute, a text, a resource, or the members
/// of a list.
fn values(node: Node<'_, '_>, space: &str, name: &str) -> Vec<String> {
    if let Some(value) = node.attribute((space, name)) {
        return vec![value.to_owned()];
    }
    if !node.has_tag_name((space, name)) {
        return Vec::new();
    }
    if let Some(resource) = node.attribute((RDF, "resource")) {
        return vec![resource.to_owned()];
    }
    let members: Vec<String> = node
        .descendants()
        .filter(|inner| inner.has_tag_name((RDF, "li")))
        .filter_map(|inner| inner.text())
        .map(str::to_owned)
        .collect();
    if !members.is_empty() {
        return members;
    }
    node.text()
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .into_iter()
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As Lightroom Classic writes a sidecar.
    pub(in crate::sidecars) const LIGHTROOM_PACKET: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:cc="http://creativecommons.org/ns#" photoshop:Source="Field trip">
   <dc:subject><rdf:Bag><rdf:li>Red Fox</rdf:li><rdf:li>snow</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>animals|Red Fox</rdf:li></rdf:Bag></lr:hierarchicalSubject>
   <dc:creator><rdf:Seq><rdf:li>Ann Wada</rdf:li></rdf:Seq></dc:creator>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Fox at dusk</rdf:li></rdf:Alt></dc:title>
   <cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"#;

    #[test]
    fn keywords_creator_title_source_and_licence_are_read() {
        let found = parse(LIGHTROOM_PACKET).expect("XMP");
        assert_eq!(found.tags, ["red_fox", "snow", "animals"]);
        assert_eq!(found.artist.as_deref(), Some("Ann Wada"));
        assert_eq!(found.title.as_deref(), Some("Fox at dusk"));
        assert_eq!(found.source.as_deref(), Some("Field trip"));
        assert_eq!(
            found.licence.as_deref(),
            Some("https://creativecommons.org/licenses/by/4.0/")
        );
        let padded = format!(
            "<?xpacket begin=\"\u{feff}\" \
             id=\"W5M0MpCehiHzreSzNTczkc9d\"?>{LIGHTROOM_PACKET}{}<?xpacket end=\"w\"?>\0",
            " ".repeat(2000)
        );
        assert_eq!(parse(&padded).expect("XMP"), found);
    }

    #[test]
    fn entities_that_expand_to_gigabytes_are_refused() {
        let bomb = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;</a>"#;
        assert!(parse(bomb).is_err());
        assert!(parse("no xml").is_err());
        assert!(parse("").is_err());
    }
}
