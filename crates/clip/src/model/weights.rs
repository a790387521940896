//! Reads open_clip's weights from a `.safetensors` file, and says exactly what does not fit.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::error::{ClipError, Result};

/// A weights file, mapped into memory: pages are read as tensors are made, and nothing is held
/// twice.
pub struct WeightsFile {
    path: PathBuf,
    bytes: Mmap,
}

impl WeightsFile {
    /// Opens a `.safetensors` file.
    ///
    /// # Errors
    /// [`ClipError::Io`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |source| ClipError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        // SAFETY: the map is read only. Another process that shortens the file meanwhile would end
        // this one, as with any mapped library; models are put in place by a rename and not
        // written to.
        let bytes = unsafe { Mmap::map(&file) }.map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 (hex) of `head` followed by the whole file.
    #[must_use]
    pub fn fingerprint(&self, head: &[u8]) -> String {
        fingerprint(head, std::slice::from_ref(self))
    }

    /// The strings that the file holds besides its tensors.
    ///
    /// # Errors
    /// [`ClipError::UnreadableWeights`] where the file is cut off or no safetensors file.
    pub fn metadata(&self) -> Result<HashMap<String, String>> {
        let (_, metadata) =
            SafeTensors::read_metadata(&self.bytes).map_err(|error| self.unreadable(&error))?;
        Ok(metadata.metadata().clone().unwrap_or_default())
    }

    /// The shape of a tensor; `None` when there is none of this name.
    ///
    /// # Errors
    /// [`ClipError::UnreadableWeights`] where the file is cut off or no safetensors file.
    pub fn shape(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let (_, metadata) =
            SafeTensors::read_metadata(&self.bytes).map_err(|error| self.unreadable(&error))?;
        let info = metadata.info(name);
        Ok(info.map(|info| info.shape.iter().map(|&side| side as i64).collect()))
    }

    /// One line for each of these tensors that the file lacks.
    ///
    /// # Errors
    /// [`ClipError::UnreadableWeights`] where the file is cut off or no safetensors file.
    pub fn without(&self, names: &[String]) -> Result<Vec<String>> {
        let (_, metadata) =
            SafeTensors::read_metadata(&self.bytes).map_err(|error| self.unreadable(&error))?;
        let missing = names.iter().filter(|name| metadata.info(name).is_none());
        Ok(missing
            .map(|name| format!("  missing: {name}, which the index places here"))
            .collect())
    }

    fn unreadable(&self, error: &safetensors::SafeTensorError) -> ClipError {
        ClipError::UnreadableWeights {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    /// The tensors of the file, to be taken one by one.
    ///
    /// # Errors
    /// [`ClipError::UnreadableWeights`] where the file is cut off or no safetensors file.
    pub fn weights(&self, device: Device) -> Result<Weights<'_>> {
        let tensors =
            SafeTensors::deserialize(&self.bytes).map_err(|error| self.unreadable(&error))?;
        Ok(Weights {
            path: &self.path,
            unused: names_in(&tensors),
            origin: Origin::Files(vec![tensors]),
            device,
            stored: as_named,
            problems: Vec::new(),
            missing_left: most_missing(std::slice::from_ref(self)),
        })
    }
}

/// SHA-256 (hex) of `head` followed by all files.
#[must_use]
pub fn fingerprint(head: &[u8], files: &[WeightsFile]) -> String {
    let mut hash = Sha256::new();
    hash.update(head);
    for file in files {
        hash.update(&file.bytes);
    }
    hex::encode(hash.finalize())
}

/// The tensors of one model that lie in several files. `path` stands for them in messages.
///
/// # Errors
/// [`ClipError::UnreadableWeights`] where a file is cut off or no safetensors file, or where two
/// files hold a tensor of one name.
pub fn of_shards<'a>(
    path: &'a Path,
    files: &'a [WeightsFile],
    device: Device,
) -> Result<Weights<'a>> {
    let mut unused = BTreeSet::new();
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let tensors =
            SafeTensors::deserialize(&file.bytes).map_err(|error| file.unreadable(&error))?;
        for name in names_in(&tensors) {
            if let Some(name) = unused.replace(name) {
                return Err(ClipError::UnreadableWeights {
                    path: file.path.clone(),
                    reason: format!("`{name}` is in another file, too"),
                });
            }
        }
        parts.push(tensors);
    }
    Ok(Weights {
        path,
        origin: Origin::Files(parts),
        device,
        stored: as_named,
        unused,
        problems: Vec::new(),
        missing_left: most_missing(files),
    })
}

/// More than any model lacks that these files were meant for.
fn most_missing(files: &[WeightsFile]) -> f64 {
    let bytes: u64 = files.iter().map(WeightsFile::size).sum();
    2.0 * bytes as f64 + f64::from(1 << 27)
}

fn names_in(tensors: &SafeTensors<'_>) -> BTreeSet<String> {
    let names = tensors.names().into_iter();
    names
        .filter(|name| !is_not_needed(name))
        .map(str::to_owned)
        .collect()
}

/// How a file stores a tensor of open_clip.
pub enum Stored {
    /// As it is, by this name.
    As(String),
    /// Rows and columns exchanged.
    Transposed(String),
    /// With a first dimension of 1 before its own.
    Batched(String),
    /// In several tensors, one below the other, each with its share of the rows in thirds.
    Joined(Vec<(String, i64)>),
}

fn as_named(name: &str) -> Stored {
    Stored::As(name.to_owned())
}

/// Whether open_clip or OpenAI store this tensor beside the towers, unused for embeddings.
fn is_not_needed(name: &str) -> bool {
    matches!(
        name,
        "logit_scale"
            | "logit_bias"
            | "attn_mask"
            | "input_resolution"
            | "context_length"
            | "vocab_size"
    ) || name.ends_with(".num_batches_tracked")
        // Whole numbers that older versions of transformers stored: 0, 1, 2 and so on.
        || name.ends_with(".position_ids")
}

/// More problems than these help nobody.
const MOST_PROBLEMS: usize = 2000;

/// The tensors of a model while they are loaded from a file.
///
/// A tensor that is missing or of another shape is recorded and replaced by one zero, so that
/// [`Weights::finish`] can name all of them at once: one at a time, a wrong `MODEL_NAME` would be
/// tedious to find.
pub struct Weights<'a> {
    path: &'a Path,
    origin: Origin<'a>,
    device: Device,
    /// Says how the file stores a tensor that open_clip has by this name.
    stored: fn(&str) -> Stored,
    unused: BTreeSet<String>,
    problems: Vec<String>,
    /// How many values may still be missing before the loading ends: a foreign configuration may ask
    /// for any number of tensors of any size.
    missing_left: f64,
}

/// Where tensors come from.
enum Origin<'a> {
    Files(Vec<SafeTensors<'a>>),
    Random,
}

impl Weights<'static> {
    /// Random tensors for any name and shape, scaled as after training: norms are neutral, and
    /// matrices keep the scale of their inputs.
    #[must_use]
    pub fn random(device: Device, seed: i64) -> Self {
        tch::manual_seed(seed);
        Self {
            path: Path::new("random"),
            origin: Origin::Random,
            device,
            stored: as_named,
            unused: BTreeSet::new(),
            problems: Vec::new(),
            missing_left: 0.0,
        }
    }
}

impl Weights<'_> {
    /// Uses a file whose tensors have other names than open_clip's.
    #[must_use]
    pub fn with_names(self, stored: fn(&str) -> Stored) -> Self {
        Self { stored, ..self }
    }

    /// Leaves a tensor of the file unused.
    pub fn ignore(&mut self, stored_name: &str) {
        self.unused.remove(stored_name);
    }

    /// Takes a tensor of this name and shape, in this precision, onto the model's device.
    ///
    /// # Errors
    /// Where libtorch fails, or so much does not fit that the rest is not compared; what else does
    /// not fit is reported by [`Weights::finish`].
    pub fn take(&mut self, name: &str, shape: &[i64], kind: Kind) -> Result<Tensor> {
        let known = self.problems.len();
        let tensor = match (self.stored)(name) {
            Stored::As(name) => self.part(&name, shape)?,
            Stored::Batched(name) => {
                let batched: Vec<i64> = [1].iter().chain(shape).copied().collect();
                self.part(&name, &batched)?.f_squeeze_dim(0)?
            }
            Stored::Transposed(name) => {
                let turned: Vec<i64> = shape.iter().rev().copied().collect();
                self.part(&name, &turned)?.f_transpose(0, 1)?
            }
            Stored::Joined(names) => {
                let mut parts = Vec::with_capacity(names.len());
                for (name, thirds) in names {
                    let mut part = shape.to_vec();
                    if let Some(rows) = part.first_mut() {
                        *rows = *rows / 3 * thirds;
                    }
                    parts.push(self.part(&name, &part)?);
                }
                if self.problems.len() > known {
                    return self.stand_in(shape, kind);
                }
                Tensor::f_cat(&parts, 0)?
            }
        };
        if self.problems.len() > known {
            return self.stand_in(shape, kind);
        }
        Ok(tensor
            .f_to_device(self.device)?
            .f_to_kind(kind)?
            .f_contiguous()?)
    }

    /// A tensor as the file has it, or a stand-in with a recorded problem.
    fn part(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        self.unused.remove(name);
        match self.read(name, shape) {
            Ok(tensor) => Ok(tensor),
            Err(TensorError::Torch(error)) => Err(error.into()),
            Err(TensorError::Problem(problem)) => {
                self.problems.push(problem);
                self.missing_left -= shape.iter().map(|&side| side as f64).product::<f64>();
                if self.missing_left < 0.0 || self.problems.len() > MOST_PROBLEMS {
                    self.problems
                        .push("  (the rest was not compared)".to_owned());
                    return Err(ClipError::WeightsMismatch {
                        path: self.path.to_owned(),
                        problems: std::mem::take(&mut self.problems),
                    });
                }
                self.stand_in(shape, Kind::Float)
            }
        }
    }

    /// One zero that is seen as a tensor of this shape, so that it takes no memory.
    fn stand_in(&self, shape: &[i64], kind: Kind) -> Result<Tensor> {
        Ok(Tensor::f_zeros([1], (kind, self.device))?.f_expand(shape, false)?)
    }

    fn read(&self, name: &str, shape: &[i64]) -> Result<Tensor, TensorError> {
        let files = match &self.origin {
            Origin::Files(files) => files,
            Origin::Random => return random(name, shape).map_err(TensorError::Torch),
        };
        let Some(view) = files.iter().find_map(|file| file.tensor(name).ok()) else {
            return Err(TensorError::Problem(format!("  missing: {name} {shape:?}")));
        };
        let found: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
        if found != shape {
            return Err(TensorError::Problem(format!(
                "  wrong shape: {name} is {found:?}, the configuration asks for {shape:?}"
            )));
        }
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::F64 => Kind::Double,
            other => {
                return Err(TensorError::Problem(format!(
                    "  wrong kind: {name} holds {other:?}, not floating-point numbers"
                )));
            }
        };
        Tensor::f_from_data_size(view.data(), shape, kind).map_err(TensorError::Torch)
    }

    /// Ends the loading.
    ///
    /// # Errors
    /// [`ClipError::WeightsMismatch`] lists every tensor that was missing, of another shape or
    /// kind, or not asked for.
    pub fn finish(mut self) -> Result<()> {
        if let Origin::Files(files) = &self.origin {
            self.problems.extend(self.unused.iter().map(|name| {
                let shape = files
                    .iter()
                    .find_map(|file| file.tensor(name).ok())
                    .map(|view| view.shape().to_vec())
                    .unwrap_or_default();
                format!("  not asked for: {name} {shape:?}")
            }));
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ClipError::WeightsMismatch {
            path: self.path.to_owned(),
            problems: self.problems,
        })
    }
}

fn random(name: &str, shape: &[i64]) -> Result<Tensor, tch::TchError> {
    let options = (Kind::Float, Device::Cpu);
    match shape {
        [_] if name.ends_with("weight")
            || name.ends_with("running_var")
            || name.ends_with("gamma") =>
        {
            Tensor::f_ones(shape, options)
        }
        [_] => Tensor::f_zeros(shape, options),
        _ => {
            let inputs = shape.iter().skip(1).product::<i64>().max(1) as f64;
            Tensor::f_randn(shape, options)?.f_mul_scalar_(inputs.sqrt().recip())
        }
    }
}

/// Why a tensor could not be read.
enum TensorError {
    Problem(String),
    Torch(tch::TchError),
}
