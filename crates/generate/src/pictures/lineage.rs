//! The lineage of a picture, embedded in its file as JSON and as XMP: in PNG text chunks, or in a
//! JPEG segment.

use bytes::Bytes;
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{DecodeLimits, Encoding, decode, encode};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use serde::{Deserialize, Serialize};

use crate::contract::{
    GeneratedImage, Generation, GenerationMeta, QueryNote, ReferenceOrigin, Role,
};

/// The keyword of the PNG chunk that holds the lineage as JSON.
const KEYWORD: &str = "clippy:lineage";
/// The keyword of the PNG chunk that holds the XMP packet.
const XMP_KEYWORD: &str = "XML:com.adobe.xmp";
/// The beginning of a JPEG segment that holds XMP.
const XMP_SEGMENT: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// The largest number of bytes in a JPEG segment.
const LONGEST_SEGMENT: usize = 65_533;

/// A reference that a picture was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineageReference {
    /// What it was for.
    pub role: Role,
    /// How much it counted.
    pub weight: f32,
    /// Where it came from: gallery id, URL, licence, hash.
    #[serde(flatten)]
    pub origin: ReferenceOrigin,
}

/// How a picture was made, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The job that made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job: Option<String>,
    /// Which picture of the job, from 0.
    pub index: u32,
    /// The provider.
    pub provider: String,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// The seed that reproduces it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<u64>,
    /// `edit`, `subject`, `style` or `generate`.
    pub mode: String,
    /// The artist's words.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub prompt: String,
    /// The prompt that was actually sent.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub constructed_prompt: String,
    /// Style tags.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub style_tags: Vec<String>,
    /// SHA-256 of the sketch's file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sketch_sha256: Option<String>,
    /// The search that found the references.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub query: Option<QueryNote>,
    /// The references that were used.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub references: Vec<LineageReference>,
    /// Clippy's version.
    pub software: String,
}

impl Lineage {
    /// The lineage of one of a generation's pictures.
    #[must_use]
    pub fn of(
        generation: &Generation,
        meta: &GenerationMeta,
        image: &GeneratedImage,
        index: u32,
        job: Option<&str>,
    ) -> Self {
        let used = generation
            .references
            .iter()
            .filter(|reference| reference.weight > 0.0);
        Self {
            job: job.map(str::to_owned),
            index,
            provider: meta.provider.clone(),
            model: meta.model.clone(),
            seed: image.seed,
            mode: meta.mode.clone(),
            prompt: generation.prompt.clone(),
            constructed_prompt: meta.constructed_prompt.clone(),
            style_tags: generation
                .style_tags
                .iter()
                .map(|tag| tag.name().to_owned())
                .collect(),
            sketch_sha256: generation.sketch_sha256.clone(),
            query: generation.query.clone(),
            references: used
                .map(|reference| LineageReference {
                    role: reference.role,
                    weight: reference.weight,
                    origin: reference.origin.clone(),
                })
                .collect(),
            software: concat!("clippy/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::internal("a lineage could not be written").with_source(error))
    }

    /// The XMP packet: Dublin Core for general readers, IPTC's term for generated media, and the
    /// whole lineage as JSON.
    fn to_xmp(&self) -> Result<String> {
        let kind = if self.provider == "local" {
            "algorithmicMedia"
        } else {
            "trainedAlgorithmicMedia"
        };
        let sources: String = self
            .references
            .iter()
            .map(|reference| {
                let place = reference
                    .origin
                    .source_url
                    .clone()
                    .unwrap_or_else(|| format!("sha256:{}", reference.origin.sha256));
                let licence = reference
                    .origin
                    .licence
                    .as_deref()
                    .unwrap_or("unknown licence");
                let words = format!(
                    "{place} ({}, weight {}, {licence})",
                    reference.role.as_str(),
                    reference.weight
                );
                format!("<rdf:li>{}</rdf:li>", escape_xml(&words))
            })
            .collect();
        Ok(format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
             xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
             xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" xmlns:clippy=\"https://github.com/killmlana/Clippy/ns/1.0/\">\
             <xmp:CreatorTool>{}</xmp:CreatorTool>\
             <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/{kind}</Iptc4xmpExt:DigitalSourceType>\
             <dc:description><rdf:Alt><rdf:li \
             xml:lang=\"x-default\">{}</rdf:li></rdf:Alt></dc:description>\
             <dc:relation><rdf:Bag>{sources}</rdf:Bag></dc:relation><clippy:lineage>{}</clippy:lineage>\
             </rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>",
            escape_xml(&self.software),
            escape_xml(&self.prompt),
            escape_xml(&self.to_json()?),
        ))
    }

    /// Embeds this lineage in a file. The pixel data of PNG and JPEG files is unchanged; other
    /// formats are converted to PNG. Returns the file and its media type.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPicture`] when the file cannot be read.
    pub fn embed(&self, file: &Bytes, media_type: &str) -> Result<(Bytes, &'static str)> {
        let broken = |error: img_parts::Error| {
            Error::new(
                ErrorCode::InvalidPicture,
                "the picture's file cannot be parsed",
            )
            .with_source(error)
        };
        match media_type {
            "image/png" => Ok((
                self.embed_in_png(Png::from_bytes(file.clone()).map_err(broken)?)?,
                "image/png",
            )),
            "image/jpeg" => Ok((
                self.embed_in_jpeg(Jpeg::from_bytes(file.clone()).map_err(broken)?)?,
                "image/jpeg",
            )),
            _ => {
                let picture = decode(file, &DecodeLimits::bulk())?;
                let png = encode(&picture, Encoding::Png)?;
                Ok((
                    self.embed_in_png(Png::from_bytes(png.into()).map_err(broken)?)?,
                    "image/png",
                ))
            }
        }
    }

    fn embed_in_png(&self, mut png: Png) -> Result<Bytes> {
        let texts = [
            (KEYWORD, self.to_json()?),
            (XMP_KEYWORD, self.to_xmp()?),
            ("Software", self.software.clone()),
        ];
        let chunks = png.chunks_mut();
        chunks.retain(|chunk| {
            !texts
                .iter()
                .any(|(keyword, _)| keyword_of(chunk) == Some(keyword.as_bytes()))
        });
        for (place, (keyword, text)) in texts.into_iter().enumerate() {
            // iTXt: keyword, NUL, not compressed (two bytes), no language, no translated keyword.
            let contents = [keyword.as_bytes(), &[0, 0, 0, 0, 0], text.as_bytes()].concat();
            // The header's chunk stays first.
            chunks.insert(
                (1 + place).min(chunks.len()),
                PngChunk::new(*b"iTXt", contents.into()),
            );
        }
        Ok(png.encoder().bytes())
    }

    fn embed_in_jpeg(&self, mut jpeg: Jpeg) -> Result<Bytes> {
        let mut packet = self.to_xmp()?;
        if packet.len() + XMP_SEGMENT.len() > LONGEST_SEGMENT {
            // If the packet is too long, the sent prompt is left out; the job's record has it.
            packet = Self {
                constructed_prompt: String::new(),
                ..self.clone()
            }
            .to_xmp()?;
        }
        if packet.len() + XMP_SEGMENT.len() > LONGEST_SEGMENT {
            return Err(Error::new(
                ErrorCode::TooLarge,
                "the lineage does not fit into a JPEG: use fewer words or references",
            ));
        }
        let segments = jpeg.segments_mut();
        segments.retain(|segment| {
            !(segment.marker() == markers::APP1 && segment.contents().starts_with(XMP_SEGMENT))
        });
        let contents = [XMP_SEGMENT, packet.as_bytes()].concat();
        // Readers expect the JFIF and EXIF segments first.
        let place = segments
            .iter()
            .take_while(|segment| matches!(segment.marker(), markers::APP0 | markers::APP1))
            .count();
        segments.insert(
            place,
            JpegSegment::new_with_contents(markers::APP1, contents.into()),
        );
        Ok(jpeg.encoder().bytes())
    }

    /// Reads the lineage out of a file; `None` when it has none.
    #[must_use]
    pub fn read(file: &Bytes) -> Option<Self> {
        if let Ok(png) = Png::from_bytes(file.clone()) {
            let chunk = png
                .chunks()
                .iter()
                .find(|chunk| keyword_of(chunk) == Some(KEYWORD.as_bytes()))?;
            return serde_json::from_slice(chunk.contents().get(KEYWORD.len() + 5..)?).ok();
        }
        let jpeg = Jpeg::from_bytes(file.clone()).ok()?;
        let segment = jpeg
            .segments()
            .iter()
            .find(|segment| segment.contents().starts_with(XMP_SEGMENT))?;
        let packet = std::str::from_utf8(segment.contents().get(XMP_SEGMENT.len()..)?).ok()?;
        let json = packet
            .split_once("<clippy:lineage>")?
            .1
            .split_once("</clippy:lineage>")?
            .0;
        serde_json::from_str(&unescape_xml(json)).ok()
    }
}

/// The keyword of a text chunk.
fn keyword_of(chunk: &PngChunk) -> Option<&[u8]> {
    if !matches!(&chunk.kind(), b"iTXt" | b"tEXt" | b"zTXt") {
        return None;
    }
    chunk.contents().split(|byte| *byte == 0).next()
}

/// Escapes a text for XML. Characters that XML does not allow become spaces.
fn escape_xml(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\t' | '\n' | '\r' => result.push(letter),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => result.push(' '),
            _ => result.push(letter),
        }
    }
    result
}

fn unescape_xml(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn lineage() -> Lineage {
        Lineage {
            job: Some("job".into()),
            index: 1,
            provider: "gemini".into(),
            model: Some("m".into()),
            seed: Some(u64::MAX),
            mode: "style".into(),
            prompt: "cats & <dogs> \"ü\" \u{1}]]>".into(),
            constructed_prompt: "x".repeat(100),
            style_tags: vec!["pixel_art".into()],
            sketch_sha256: Some("aa".into()),
            query: Some(QueryNote {
                text: Some("cat".into()),
                w_img: Some(0.7),
                w_edge: None,
                w_txt: None,
            }),
            references: vec![LineageReference {
                role: Role::Style,
                weight: 0.5,
                origin: ReferenceOrigin {
                    id: Some(7.into()),
                    source_url: Some("https://a.org/?a=1&b=2".into()),
                    licence: Some("CC-BY-4.0".into()),
                    sha256: "bb".into(),
                },
            }],
            software: "clippy/0".into(),
        }
    }

    #[test]
    fn a_lineage_is_read_back_and_the_pixels_stay() {
        let picture = RgbImage::from_fn(20, 10, |x, y| Rgb([x as u8 * 9, y as u8 * 20, 7]));
        for (encoding, media_type, becomes) in [
            (Encoding::Png, "image/png", "image/png"),
            (Encoding::Jpeg(90), "image/jpeg", "image/jpeg"),
            (Encoding::WebP, "image/webp", "image/png"),
        ] {
            let file: Bytes = encode(&picture, encoding).expect("a file").into();
            let before = decode(&file, &DecodeLimits::default()).expect("a picture");
            let (marked, now) = lineage().embed(&file, media_type).expect("marked");
            assert_eq!(now, becomes);
            assert_eq!(
                decode(&marked, &DecodeLimits::default()).expect("a picture"),
                before,
                "{media_type}"
            );
            assert_eq!(Lineage::read(&marked), Some(lineage()), "{media_type}");
            assert_eq!(Lineage::read(&file), None);
            let (twice, _) = lineage().embed(&marked, now).expect("marked again");
            assert_eq!(twice, marked, "an old lineage is replaced");
            let text = String::from_utf8_lossy(&marked);
            for part in [
                "trainedAlgorithmicMedia",
                "CC-BY-4.0",
                "https://a.org/?a=1&amp;b=2",
                "cats &amp; &lt;dogs&gt;",
            ] {
                assert!(text.contains(part), "{media_type} lacks {part}");
            }
        }
    }

    #[test]
    fn a_very_long_prompt_still_fits_a_jpeg() {
        let file: Bytes = encode(&RgbImage::new(4, 4), Encoding::Jpeg(90))
            .expect("a file")
            .into();
        let long = Lineage {
            constructed_prompt: "&".repeat(40_000),
            ..lineage()
        };
        let (marked, _) = long
            .embed(&file, "image/jpeg")
            .expect("without the long words");
        assert_eq!(
            Lineage::read(&marked).expect("there").references,
            lineage().references
        );
    }

    #[test]
    fn a_file_that_is_not_a_picture_is_refused() {
        let error = lineage()
            .embed(&Bytes::from_static(b"no"), "image/png")
            .expect_err("no PNG");
        assert_eq!(error.code, ErrorCode::InvalidPicture);
        assert_eq!(Lineage::read(&Bytes::from_static(b"no")), None);
    }
}
