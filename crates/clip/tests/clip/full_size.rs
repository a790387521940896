//! Models of full size with random weights, beside Python's: on demand, since they take gigabytes.

use std::fs;
use std::path::Path;

use clippy_clip::Precision;
use clippy_core::embedding::ModelPixels;

use crate::siglip::{cosine, expected_in, load_in, texts, tokens_of};

/// `../fixtures/full_size.py` makes the folder.
#[test]
fn a_model_of_full_size_embeds_as_python_does() {
    let Some(folder) = std::env::var_os("CLIPPY_FULL_SIZE") else {
        println!("skipped: CLIPPY_FULL_SIZE names no folder of full_size.py");
        return;
    };
    let folder = Path::new(&folder);
    let precision = std::env::var("PRECISION").unwrap_or_else(|_| "fp32".to_owned());
    let precision = clippy_clip::parse_precision(&precision).unwrap().unwrap();
    let model = load_in(folder, precision).unwrap();
    let (side, dimension) = (model.info.transform.side, model.info.dimension);
    print_memory(&format!("loaded in {precision}"));
    let expected = expected_in(&folder.join("expected.safetensors"), side, dimension);
    let pictures: Vec<&ModelPixels> = expected.pictures.iter().collect();
    let tokens = tokens_of(&model, &texts("embedded"));
    let tokens: Vec<&[i64]> = tokens.iter().map(Vec::as_slice).collect();
    let images = model.model.embed_images(&pictures).unwrap();
    let texts = model.model.embed_texts(&tokens).unwrap();
    let least = if precision == Precision::Fp32 {
        0.99999
    } else {
        0.999
    };
    print_memory("embedded");
    for (kind, found, expected) in [
        ("images", images, expected.images),
        ("texts", texts, expected.texts),
    ] {
        let cosines = found.iter().zip(&expected);
        let worst = cosines
            .map(|(one, other)| cosine(one, other))
            .fold(1.0, f32::min);
        println!("{kind}: {worst}");
        assert!(worst >= least, "{kind}: {worst}");
    }
}

/// The peak, and what is held now: of its own, and of mapped files.
fn print_memory(when: &str) {
    let memory = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let wanted = |line: &&str| {
        ["VmHWM", "RssAnon", "RssFile"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    for line in memory.lines().filter(wanted) {
        println!("{when}: {line}");
    }
}
