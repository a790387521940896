//! The files that programs write beside pictures, and the metadata inside pictures.

use clippy_imaging::Encoding;
use serde_json::json;

use crate::fixture::{Fixture, picture, tags, text};

const XMP: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:subject><rdf:Bag><rdf:li>Arctic Fox</rdf:li><rdf:li>snow</rdf:li></rdf:Bag></dc:subject>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">CC BY 4.0</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#;

/// Returns a JPEG with IPTC keywords, as Photoshop and exiftool write them.
fn jpeg_with_keywords(seed: u8, keywords: &[&str]) -> Vec<u8> {
    let jpeg = picture(seed, Encoding::Jpeg(90));
    let mut data = Vec::new();
    for keyword in keywords {
        data.extend([0x1c, 2, 25, 0]);
        data.push(u8::try_from(keyword.len()).expect("short"));
        data.extend(keyword.as_bytes());
    }
    let length = u32::try_from(data.len()).expect("short").to_be_bytes();
    let segment = [
        &b"Photoshop 3.0\x008BIM\x04\x04\0\0"[..],
        &length,
        &data,
        if data.len() % 2 == 1 { &[0] } else { &[] },
    ]
    .concat();
    let size = u16::try_from(segment.len() + 2).expect("short");
    [
        &jpeg[..2],
        &[0xff, 0xed],
        &size.to_be_bytes(),
        &segment,
        &jpeg[2..],
    ]
    .concat()
}

#[tokio::test]
async fn folders_of_many_programs_give_tags_artists_sources_and_licences() {
    let fixture = Fixture::new().await;
    // gallery-dl --write-metadata
    fixture.picture("gallery-dl/pixiv/Wada/12345_p0.png", 1);
    fixture.write(
        "gallery-dl/pixiv/Wada/12345_p0.png.json",
        json!({"category": "pixiv", "id": 12345, "title": "Dusk", "tags": ["fox", "snow"],
        "user": {"name": "Wada"}})
        .to_string(),
    );
    // gallery-dl's information on the whole gallery describes no picture.
    fixture.write("gallery-dl/pixiv/Wada/info.json", "{}");
    // Hydrus, as text and as JSON
    fixture.picture("hydrus/3f786850e387550fdab836ed7e6dc881.png", 2);
    fixture.write(
        "hydrus/3f786850e387550fdab836ed7e6dc881.png.txt",
        "creator:ann\r\nspecies:red fox\r\nrating:safe",
    );
    fixture.picture("hydrus/1001.png", 3);
    fixture.write(
        "hydrus/1001.png.json",
        r#"{"tags": {"my tags": ["blue eyes"]}, "urls": ["https://example.org/7"]}"#,
    );
    // Danbooru
    fixture.picture("danbooru/4242.png", 4);
    fixture.write(
        "danbooru/4242.json",
        json!({"id": 4242, "rating": "g", "tag_string": "kitsune shrine wada_arco",
        "tag_string_general": "shrine",
               "tag_string_character": "kitsune", "tag_string_artist": "wada_arco",
               "source": "https://example.org/1"})
        .to_string(),
    );
    // Training tools, in Latin-1, with an extension in capitals
    fixture.picture("lora/10_cafe/1.png", 5);
    fixture.write("lora/10_cafe/1.TXT", b"caf\xe9, red hair, (smile:1.2)");
    fixture.picture("captions/2.png", 6);
    fixture.write(
        "captions/2.txt",
        "A lighthouse that stands above a stormy sea.",
    );
    // Lightroom beside a JPEG, and keywords inside one
    fixture.write("raw/IMG_0001.jpg", picture(7, Encoding::Jpeg(90)));
    fixture.write("raw/IMG_0001.xmp", XMP);
    fixture.write(
        "raw/IMG_0002.jpg",
        jpeg_with_keywords(8, &["Lynx", "winter forest"]),
    );

    let scanned = fixture.scan().await;
    let summary = &scanned.summary;
    assert_eq!((summary.new, summary.failed), (8, 0), "{summary:?}");
    assert_eq!(summary.sidecars, 7, "{summary:?}");
    assert_eq!(summary.count_not_pictures(), 1, "info.json");
    assert!(summary.remarks.is_empty(), "{summary:?}");

    let line = scanned.line("12345_p0.png");
    assert_eq!(tags(line)[..2], ["fox", "snow"]);
    assert_eq!(text(&line["artist"]), "Wada");
    assert_eq!(
        text(&line["source_post_url"]),
        "https://www.pixiv.net/artworks/12345"
    );
    let line = scanned.line("3f786850e387550fdab836ed7e6dc881.png");
    assert_eq!(tags(line), ["ann", "red_fox", "hydrus"]);
    assert_eq!(text(&line["artist"]), "ann");
    assert_eq!(text(&line["rating"]), "safe");
    let line = scanned.line("1001.png");
    assert_eq!(tags(line)[0], "blue_eyes");
    assert_eq!(text(&line["source"]), "https://example.org/7");
    let line = scanned.line("4242.png");
    assert_eq!(tags(line)[..3], ["kitsune", "wada_arco", "shrine"]);
    assert_eq!(text(&line["artist"]), "wada arco");
    assert_eq!(text(&line["rating"]), "general");
    assert_eq!(
        text(&line["source_post_url"]),
        "https://danbooru.donmai.us/posts/4242"
    );
    let line = scanned.line("10_cafe/1.png");
    assert_eq!(tags(line)[..2], ["café", "red_hair"]);
    let line = scanned.line("captions/2.png");
    assert!(tags(line).contains(&"lighthouse".to_owned()), "{line}");
    assert!(text(&line["caption"]).starts_with("A lighthouse"));
    let line = scanned.line("IMG_0001.jpg");
    assert_eq!(tags(line)[..2], ["arctic_fox", "snow"]);
    assert_eq!(text(&line["license"]), "CC BY 4.0");
    assert_eq!(
        tags(scanned.line("IMG_0002.jpg"))[..2],
        ["lynx", "winter_forest"]
    );
}

#[tokio::test]
async fn folders_are_tags_and_styles_on_request_and_a_change_of_the_option_is_applied() {
    let mut fixture = Fixture::new().await;
    fixture.picture("Pixel Art/animals/Red Fox.png", 1);
    fixture.picture("outside.png", 2);
    let plain = fixture.add().await;
    let line = plain.line("Red Fox.png");
    assert_eq!(tags(line), ["red", "fox", "pixel", "art", "animals"]);
    assert_eq!(line.get("matched_tags"), None);

    fixture.tags_from_folders = true;
    let tagged = fixture.add().await;
    let line = tagged.line("Red Fox.png");
    assert_eq!(line["matched_tags"], json!(["pixel_art", "animals"]));
    assert!(tags(line).contains(&"pixel_art".to_owned()));
    assert_eq!(tagged.summary.described_anew, 2);
    assert_eq!(tagged.id("Red Fox.png"), plain.id("Red Fox.png"));
    assert_eq!(fixture.add().await.summary.unchanged, 2);

    fixture.tags_from_folders = false;
    assert_eq!(fixture.add().await.summary.unchanged, 2, "no tag is lost");
    fixture.write("Pixel Art/animals/Red Fox.txt", "snow");
    let again = fixture.add().await;
    let line = again.line("Red Fox.png");
    assert_eq!(line["matched_tags"], json!(["pixel_art", "animals"]));
    assert!(tags(line).contains(&"snow".to_owned()));
}

#[tokio::test]
async fn a_changed_sidecar_updates_its_picture_and_no_other() {
    let fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    fixture.picture("b.png", 2);
    fixture.write("a.txt", "fox");
    fixture.add().await;
    fixture.write("a.txt", "fox, snow");
    let second = fixture.add().await;
    assert_eq!(second.summary.described_anew, 1, "{:?}", second.summary);
    assert_eq!(second.summary.unchanged, 1);
    assert_eq!(tags(second.line("a.png")), ["fox", "snow"]);
    std::fs::remove_file(fixture.path("a.txt")).expect("removed");
    assert_eq!(
        tags(fixture.add().await.line("a.png")),
        Vec::<String>::new()
    );
}
