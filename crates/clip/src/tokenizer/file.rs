//! A tokenizer that files beside the weights describe: `tokenizer.json`, and
//! `tokenizer_config.json` for what it leaves open.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokenizers::normalizers::{Lowercase, NormalizerWrapper, Sequence};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{PaddingDirection, PaddingParams, PaddingStrategy, TruncationParams};

use super::Cleaning;
use crate::error::{ClipError, Result};

const TOKENIZER_FILE: &str = "tokenizer.json";
const CONFIG_FILE: &str = "tokenizer_config.json";
/// The names of the files of a tokenizer, in a repository and in a model folder.
pub const FILES: [&str; 2] = [TOKENIZER_FILE, CONFIG_FILE];
/// Gemma's tokenizer has 34 MB.
const MOST_BYTES: u64 = 128 << 20;
const MOST_BYTES_OF_CONFIG: u64 = 16 << 20;

/// The files of a tokenizer, of which only the small one was read.
#[derive(Debug, Clone)]
pub struct TokenizerFiles {
    path: PathBuf,
    config: Value,
}

impl TokenizerFiles {
    /// Finds the files in a model's folder.
    ///
    /// # Errors
    /// [`ClipError::NotThere`] names the file that is missing and where it comes from.
    /// `origin` is the repository that the configuration names, if it names one.
    pub fn find(folder: &Path, origin: Option<&str>) -> Result<Self> {
        let path = folder.join(TOKENIZER_FILE);
        if !path.is_file() {
            let origin = origin.map_or("the model's repository".to_owned(), |origin| {
                format!("the repository {origin}")
            });
            return Err(ClipError::NotThere {
                path,
                advice: format!(
                    "SigLIP's tokenizers are not built in. Put {TOKENIZER_FILE} and {CONFIG_FILE} \
                     of {origin} beside the weights (a spiece.model or tokenizer.model is not read)"
                ),
            });
        }
        let config = folder.join(CONFIG_FILE);
        let config = if config.is_file() {
            parse(&config, &read(&config, MOST_BYTES_OF_CONFIG)?)?
        } else {
            Value::Null
        };
        Ok(Self { path, config })
    }

    /// What transformers' class of this tokenizer does to a text first.
    #[must_use]
    pub fn cleaning(&self) -> Cleaning {
        let class = self.text("tokenizer_class").unwrap_or("");
        if class.starts_with("Siglip2Tokenizer") || class.starts_with("GemmaTokenizer") {
            // Published folders of SigLIP 2 name Gemma's class, which keeps upper case; the model
            // was trained on lower case.
            return Cleaning::LowerInside;
        }
        if class.starts_with("SiglipTokenizer") {
            let is_lower = self.flag("do_lower_case").unwrap_or(true);
            return Cleaning::Siglip { is_lower };
        }
        Cleaning::Nothing
    }

    /// Reads the tokenizer for a text tower with this number of tokens, and of places for them.
    ///
    /// # Errors
    /// [`ClipError::Tokenizer`] with what is wrong.
    pub fn load(
        &self,
        (vocabulary, places): (i64, i64),
        cleaning: Cleaning,
    ) -> Result<FileTokenizer> {
        let bytes = read(&self.path, MOST_BYTES)?;
        let error = |reason: String| self.error(reason);
        // What these files may hold is decided by a foreign crate: it must not end this process.
        let parsed = catch_unwind(|| tokenizers::Tokenizer::from_bytes(&bytes));
        let mut inner = parsed
            .map_err(|_| error("its parts do not fit together".to_owned()))?
            .map_err(|reason| error(reason.to_string()))?;
        let largest = inner.get_vocab(true).into_values().max().unwrap_or(0);
        if i64::from(largest) >= vocabulary {
            return Err(error(format!(
                "it has the token {largest}, but the model has {vocabulary} tokens: it is another \
                 model's"
            )));
        }
        let length = usize::try_from(places).unwrap_or(usize::MAX);
        let (pad_id, pad_token) = self.padding(&inner)?;
        let is_left = self.text("padding_side") == Some("left");
        let truncation = TruncationParams {
            max_length: length,
            ..TruncationParams::default()
        };
        self.set_marks(&mut inner)?;
        inner
            .with_truncation(Some(truncation))
            .map_err(|reason| error(reason.to_string()))?;
        inner.with_padding(Some(PaddingParams {
            strategy: PaddingStrategy::Fixed(length),
            direction: match is_left {
                true => PaddingDirection::Left,
                false => PaddingDirection::Right,
            },
            pad_id,
            pad_token,
            ..PaddingParams::default()
        }));
        if cleaning == Cleaning::LowerInside {
            let own = inner.get_normalizer().cloned();
            let mut steps = vec![NormalizerWrapper::from(Lowercase)];
            steps.extend(own);
            inner
                .with_normalizer(Some(Sequence::new(steps)))
                .map_err(|reason| error(reason.to_string()))?;
        }
        let mut hash = Sha256::new();
        hash.update(&bytes);
        hash.update(format!(" {pad_id} {is_left} {:?}", self.marks()));
        let tokenizer = FileTokenizer {
            inner,
            cleaning,
            length,
            fingerprint: hex::encode(hash.finalize()),
        };
        // A file that cannot encode is refused now, not at the first search.
        for text in ["", "Two words, 二つの言葉 🎨"] {
            let tokens = tokenizer
                .encode(text)
                .map_err(|reason| error(reason.to_string()))?;
            if let Some(beyond) = tokens.iter().find(|&&token| token >= vocabulary) {
                return Err(error(format!(
                    "it adds the token {beyond}, which the model lacks"
                )));
            }
        }
        Ok(tokenizer)
    }

    /// The number and the name of the token that texts are padded with.
    fn padding(&self, tokenizer: &tokenizers::Tokenizer) -> Result<(u32, String)> {
        if let Some(name) = self.token("pad_token") {
            let number = tokenizer.token_to_id(name).ok_or_else(|| {
                self.error(format!("{CONFIG_FILE} pads with `{name}`, which it lacks"))
            })?;
            return Ok((number, name.to_owned()));
        }
        let own = tokenizer.get_padding();
        own.map(|own| (own.pad_id, own.pad_token.clone()))
            .ok_or_else(|| {
                self.error(format!(
                    "it does not say which token texts are padded with: put the {CONFIG_FILE} of \
                     the model's repository beside it, too"
                ))
            })
    }

    /// Whether a text begins and ends with a mark, if the configuration says so.
    fn marks(&self) -> [Option<bool>; 2] {
        ["add_bos_token", "add_eos_token"].map(|field| self.flag(field))
    }

    /// Sets the marks around a text where the configuration asks for others than the file adds, as
    /// Gemma's class in transformers does.
    fn set_marks(&self, tokenizer: &mut tokenizers::Tokenizer) -> Result<()> {
        let [Some(begins), Some(ends)] = self.marks() else {
            return Ok(());
        };
        let mark = |field: &str, is_wanted: bool| -> Result<Option<(String, u32)>> {
            if !is_wanted {
                return Ok(None);
            }
            let name = self.token(field);
            let number = name.and_then(|name| tokenizer.token_to_id(name));
            match (name, number) {
                (Some(name), Some(number)) => Ok(Some((name.to_owned(), number))),
                _ => Err(self.error(format!("it lacks the `{field}` of {CONFIG_FILE}"))),
            }
        };
        let (first, last) = (mark("bos_token", begins)?, mark("eos_token", ends)?);
        let mut pieces = vec!["$A"];
        pieces.splice(0..0, first.iter().map(|(name, _)| name.as_str()));
        pieces.extend(last.iter().map(|(name, _)| name.as_str()));
        let template = TemplateProcessing::builder()
            .try_single(pieces.clone())
            .map_err(|reason| self.error(reason))?
            .special_tokens(first.iter().chain(&last).cloned().collect::<Vec<_>>())
            .build()
            .map_err(|reason| self.error(reason.to_string()))?;
        tokenizer.with_post_processor(Some(template));
        Ok(())
    }

    /// A token of the configuration, which is a text or an object with its text.
    fn token(&self, field: &str) -> Option<&str> {
        let value = self.config.get(field)?;
        value.as_str().or_else(|| value.get("content")?.as_str())
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.config.get(field)?.as_str()
    }

    fn flag(&self, field: &str) -> Option<bool> {
        self.config.get(field)?.as_bool()
    }

    fn error(&self, reason: String) -> ClipError {
        ClipError::Tokenizer {
            path: self.path.clone(),
            reason,
        }
    }
}

/// A tokenizer that was read from a file.
pub struct FileTokenizer {
    inner: tokenizers::Tokenizer,
    cleaning: Cleaning,
    length: usize,
    fingerprint: String,
}

impl FileTokenizer {
    /// Returns the tokens of a text: as many as the model's context has, padded or cut.
    ///
    /// # Errors
    /// [`ClipError::Tokenizing`] where the file describes a tokenizer that fails for this text.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>> {
        let cleaned = self.cleaning.apply(text);
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            self.inner.encode_fast(cleaned.as_ref(), true)
        }));
        let encoding = encoded
            .map_err(|_| ClipError::Tokenizing("it panicked".to_owned()))?
            .map_err(|error| ClipError::Tokenizing(error.to_string()))?;
        let tokens: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
        if tokens.len() != self.length {
            return Err(ClipError::Tokenizing(format!(
                "it made {} tokens, not {}",
                tokens.len(),
                self.length
            )));
        }
        Ok(tokens)
    }

    /// SHA-256 (hex) of the file and of what else decides about its tokens.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| ClipError::Tokenizer {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let io = |source| ClipError::Io {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    if file.take(most + 1).read_to_end(&mut bytes).map_err(io)? as u64 > most {
        return Err(ClipError::Tokenizer {
            path: path.to_owned(),
            reason: format!("it is larger than {} MiB", most >> 20),
        });
    }
    Ok(bytes)
}
