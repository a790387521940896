//! The bodies of `POST /embed`: safetensors files, since they contain plain bytes and most
//! languages have a library for them.
//!
//! A request has the tensor `pixels` (unsigned bytes, pictures x side x side x 3; left out if there
//! are no pictures) and two strings of metadata: `kinds`, a letter for each input in its order (`p`
//! for a picture, `s` for the style of one, `t` for a text), and `texts`, a JSON list of the texts.
//! An answer has the tensor `embeddings` (32-bit floats, inputs x dimension), and the metadata
//! `queued_us` and `computed_us`.

use std::collections::HashMap;
use std::time::Duration;

use clippy_core::embedding::{EmbedInput, Embeddings, ModelPixels};
use clippy_core::{Error, Result};
use safetensors::tensor::{Dtype, Metadata, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

/// The path of both calls.
pub const PATH: &str = "/embed";
/// The content type of both bodies.
pub const CONTENT_TYPE: &str = "application/octet-stream";
/// The header of every answer with the fingerprint of its model.
pub const MODEL_HEADER: &str = "x-clippy-model";
/// The header of every answer with the fingerprint of what makes its model's style vectors, if
/// anything does.
pub const STYLE_HEADER: &str = "x-clippy-style";
/// The largest number of bytes of a request.
pub const MAX_REQUEST: usize = 20 << 20;
/// The largest number of inputs of a request.
pub const MAX_INPUTS: usize = 4_096;

const PIXELS: &str = "pixels";
const KINDS: &str = "kinds";
const TEXTS: &str = "texts";
const EMBEDDINGS: &str = "embeddings";
const QUEUED: &str = "queued_us";
const COMPUTED: &str = "computed_us";

/// Estimates the number of bytes of an input in a request, from above.
#[must_use]
pub fn size_of(input: &EmbedInput) -> usize {
    match input {
        EmbedInput::Pixels(pixels) | EmbedInput::Style(pixels) => pixels.rgb.len() + 1,
        // The worst case of JSON escapes: the texts are a JSON list within the JSON header.
        EmbedInput::Text(text) => text.len() * 12 + 8,
    }
}

/// Encodes the body of a request.
///
/// # Errors
/// `InvalidInput` when pictures differ in size; `Internal` when the file cannot be encoded.
pub fn encode_request(inputs: &[EmbedInput]) -> Result<Vec<u8>> {
    let (mut kinds, mut texts, mut pixels) = (String::new(), Vec::new(), Vec::new());
    let (mut side, mut pictures) = (None, 0);
    for input in inputs {
        match input {
            EmbedInput::Text(text) => {
                kinds.push('t');
                texts.push(text);
            }
            EmbedInput::Pixels(picture) | EmbedInput::Style(picture) => {
                let expected = picture.side as usize * picture.side as usize * 3;
                if *side.get_or_insert(picture.side) != picture.side
                    || picture.rgb.len() != expected
                {
                    return Err(Error::invalid(
                        "pictures that are embedded together must all have the model's size",
                    ));
                }
                let is_style = matches!(input, EmbedInput::Style(_));
                kinds.push(if is_style { 's' } else { 'p' });
                pixels.extend_from_slice(&picture.rgb);
                pictures += 1;
            }
        }
    }
    let texts = serde_json::to_string(&texts)
        .map_err(|error| Error::internal("the texts cannot be encoded").with_source(error))?;
    let metadata = HashMap::from([(KINDS.to_owned(), kinds), (TEXTS.to_owned(), texts)]);
    let side = side.unwrap_or_default() as usize;
    let tensors = if pictures == 0 {
        Vec::new()
    } else {
        vec![(
            PIXELS,
            view(Dtype::U8, vec![pictures, side, side, 3], &pixels)?,
        )]
    };
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|error| Error::internal("the request cannot be encoded").with_source(error))
}

/// Decodes the inputs of a request, for a model whose pictures have this side.
///
/// # Errors
/// `InvalidInput`, which names the invalid part.
pub fn decode_request(body: &[u8], side: u32) -> Result<Vec<EmbedInput>> {
    let (metadata, tensors) = open(body)?;
    let kinds = text_of(&metadata, KINDS)?;
    let texts: Vec<String> = serde_json::from_str(text_of(&metadata, TEXTS)?).map_err(|error| {
        Error::invalid("`texts` is not a JSON list of strings").with_source(error)
    })?;
    if kinds.len() > MAX_INPUTS {
        return Err(Error::invalid(format!(
            "{} inputs are more than the {MAX_INPUTS} of one call",
            kinds.len()
        )));
    }
    let is_picture = |kind: &char| matches!(kind, 'p' | 's');
    let pictures = kinds.chars().filter(is_picture).count();
    if texts.len() + pictures != kinds.chars().count()
        || !kinds.chars().all(|kind| matches!(kind, 'p' | 's' | 't'))
    {
        return Err(Error::invalid(
            "`kinds` must have one letter for each input, `p`, `s` or `t`",
        ));
    }
    let whole = side as usize * side as usize * 3;
    let pixels = if pictures == 0 {
        &[][..]
    } else {
        let tensor = tensors
            .tensor(PIXELS)
            .map_err(|_| Error::invalid("the tensor `pixels` is missing"))?;
        let shape = [pictures, side as usize, side as usize, 3];
        if tensor.dtype() != Dtype::U8 || tensor.shape() != shape {
            return Err(Error::invalid(format!(
                "`pixels` has the shape {:?} and the type {:?}; this model needs {shape:?} and U8",
                tensor.shape(),
                tensor.dtype()
            )));
        }
        tensor.data()
    };
    let (mut pixels, mut texts) = (pixels.chunks_exact(whole.max(1)), texts.into_iter());
    let mut picture = || {
        let rgb = pixels.next()?.to_vec();
        Some(ModelPixels { side, rgb })
    };
    let input = |kind| match kind {
        'p' => picture().map(EmbedInput::Pixels),
        's' => picture().map(EmbedInput::Style),
        _ => texts.next().map(EmbedInput::Text),
    };
    let inputs: Option<Vec<EmbedInput>> = kinds.chars().map(input).collect();
    inputs.ok_or_else(|| Error::invalid("`kinds` has more letters than there are inputs"))
}

/// Encodes the body of an answer.
///
/// # Errors
/// `Internal` when the file cannot be encoded.
pub fn encode_answer(embedded: &Embeddings) -> Result<Vec<u8>> {
    let dimension = embedded.embeddings.first().map_or(0, Vec::len);
    let bytes: Vec<u8> = embedded
        .embeddings
        .iter()
        .flatten()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let micros = |duration: Duration| duration.as_micros().to_string();
    let metadata = HashMap::from([
        (QUEUED.to_owned(), micros(embedded.queued)),
        (COMPUTED.to_owned(), micros(embedded.computed)),
    ]);
    let tensor = view(
        Dtype::F32,
        vec![embedded.embeddings.len(), dimension],
        &bytes,
    )?;
    safetensors::serialize([(EMBEDDINGS, tensor)], Some(metadata))
        .map_err(|error| Error::internal("the answer cannot be encoded").with_source(error))
}

/// Decodes the answer to this number of inputs.
///
/// # Errors
/// `InvalidInput`, which names the invalid part.
pub fn decode_answer(body: &[u8], inputs: usize, dimension: usize) -> Result<Embeddings> {
    let (metadata, tensors) = open(body)?;
    let tensor = tensors
        .tensor(EMBEDDINGS)
        .map_err(|_| Error::invalid("the tensor `embeddings` is missing"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != [inputs, dimension] {
        return Err(Error::invalid(format!(
            "`embeddings` has the shape {:?} instead of {inputs} x {dimension}",
            tensor.shape()
        )));
    }
    let values: Vec<f32> = tensor
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    let micros = |name| {
        let text = text_of(&metadata, name)?;
        text.parse()
            .map(Duration::from_micros)
            .map_err(|_| Error::invalid(format!("`{name}` is not a number")))
    };
    Ok(Embeddings {
        embeddings: values
            .chunks(dimension.max(1))
            .map(<[f32]>::to_vec)
            .collect(),
        queued: micros(QUEUED)?,
        computed: micros(COMPUTED)?,
    })
}

fn view(kind: Dtype, shape: Vec<usize>, bytes: &[u8]) -> Result<TensorView<'_>> {
    TensorView::new(kind, shape, bytes)
        .map_err(|error| Error::internal("the tensor cannot be encoded").with_source(error))
}

fn open(body: &[u8]) -> Result<(Metadata, SafeTensors<'_>)> {
    let wrong = |error: SafeTensorError| {
        Error::invalid("the body is not a safetensors file").with_source(error)
    };
    let (_, metadata) = SafeTensors::read_metadata(body).map_err(wrong)?;
    let tensors = SafeTensors::deserialize(body).map_err(wrong)?;
    Ok((metadata, tensors))
}

fn text_of<'a>(metadata: &'a Metadata, name: &str) -> Result<&'a str> {
    let text = metadata
        .metadata()
        .as_ref()
        .and_then(|texts| texts.get(name));
    text.map(String::as_str)
        .ok_or_else(|| Error::invalid(format!("the metadata `{name}` is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(value: u8) -> EmbedInput {
        EmbedInput::Pixels(ModelPixels {
            side: 2,
            rgb: vec![value; 12],
        })
    }

    #[test]
    fn decoding_a_request_returns_its_inputs_in_order() {
        let words = |text: &str| EmbedInput::Text(text.to_owned());
        for inputs in [
            vec![
                picture(1),
                words("a \"red\" äpple\n"),
                picture(2),
                words(""),
            ],
            vec![words("words alone")],
            vec![picture(9)],
            vec![],
        ] {
            let body = encode_request(&inputs).expect("a body");
            assert!(
                body.len() <= inputs.iter().map(size_of).sum::<usize>() + 512,
                "{}",
                body.len()
            );
            assert_eq!(decode_request(&body, 2).expect("the inputs"), inputs);
        }
    }

    #[test]
    fn errors_name_the_invalid_part() {
        let body = encode_request(&[picture(1)]).expect("a body");
        for (body, side, named) in [
            (body.as_slice(), 3, "pixels"),
            (&body[..body.len() - 1], 2, "safetensors"),
            (b"".as_slice(), 2, "safetensors"),
            (&[0xff; 64], 2, "safetensors"),
        ] {
            let error = decode_request(body, side).expect_err("refused");
            assert!(error.message.contains(named), "{error}");
        }
        let texts = |kinds: &str, texts: &str| {
            let pairs = [(KINDS, kinds), (TEXTS, texts)]
                .map(|(name, text)| (name.to_owned(), text.to_owned()));
            let tensors: [(&str, TensorView<'_>); 0] = [];
            safetensors::serialize(tensors, Some(HashMap::from(pairs))).expect("a file")
        };
        for (kinds, words, named) in [
            ("p", "[]", "pixels"),
            ("tt", "[\"a\"]", "kinds"),
            ("x", "[\"a\"]", "kinds"),
            ("", "[\"a\"]", "kinds"),
            ("t", "7", "texts"),
            (&"t".repeat(MAX_INPUTS + 1), "[]", "more than"),
        ] {
            let error = decode_request(&texts(kinds, words), 2).expect_err("refused");
            assert!(error.message.contains(named), "{kinds} {words}: {error}");
        }
        let sizes = [
            picture(1),
            EmbedInput::Pixels(ModelPixels {
                side: 3,
                rgb: vec![0; 27],
            }),
        ];
        assert!(encode_request(&sizes).is_err());
    }

    #[test]
    fn decoding_an_answer_returns_the_exact_embeddings() {
        let embedded = Embeddings {
            embeddings: vec![vec![0.1, -0.0, f32::MIN_POSITIVE], vec![1.0, 0.5, -0.25]],
            queued: Duration::from_micros(7),
            computed: Duration::from_millis(3),
        };
        let body = encode_answer(&embedded).expect("a body");
        let back = decode_answer(&body, 2, 3).expect("the answer");
        assert_eq!(
            (back.embeddings, back.queued, back.computed),
            (embedded.embeddings, embedded.queued, embedded.computed)
        );
        for (inputs, dimension) in [(1, 3), (2, 4), (3, 2)] {
            assert!(decode_answer(&body, inputs, dimension).is_err());
        }
    }
}
