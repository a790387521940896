//! What can go wrong here, and how it looks to the rest of Clippy.

use std::io;
use std::path::{Path, PathBuf};

use clippy_core::ErrorCode;

/// The result of everything in this crate.
pub type Result<T, E = ClipError> = std::result::Result<T, E>;

/// A failure to load or to run a model. Messages are for the person who chose the model or the
/// device.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The configuration asks for something that this crate does not compute.
    #[error("the model configuration is not supported: {0}")]
    UnsupportedConfig(String),
    /// The configuration is not one of open_clip's.
    #[error("the model configuration cannot be read: {0}")]
    InvalidConfig(String),
    /// No architecture of this name is built in.
    #[error("no architecture is called `{name}`; known are: {known}")]
    UnknownArchitecture {
        /// The name asked for.
        name: String,
        /// All names, for the message.
        known: String,
    },
    /// A tag that open_clip does not list for this architecture.
    #[error("`{tag}` is no known set of weights for {model}; {advice}")]
    UnknownTag {
        /// The architecture.
        model: String,
        /// The tag asked for.
        tag: String,
        /// Which there are, or what else can be given.
        advice: String,
    },
    /// A known model that was not downloaded yet.
    #[error("{model} {tag} is not in {}: run `clippy models pull {model} {tag}`", folder.display())]
    NotDownloaded {
        /// The architecture.
        model: String,
        /// The tag.
        tag: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file or folder that should be there is not.
    #[error("{} is not there: {advice}", path.display())]
    NotThere {
        /// What was looked for.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
    /// The weights do not fit the configuration.
    #[error("the weights in {} do not fit the configuration:\n{}", path.display(),
    problems.join("\n"))]
    WeightsMismatch {
        /// The weights.
        path: PathBuf,
        /// One line a tensor: its name, and both shapes.
        problems: Vec<String>,
    },
    /// The weights file cannot be read.
    #[error("{} is not a safetensors file that can be read: {reason}", path.display())]
    UnreadableWeights {
        /// The weights.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that describes no tokenizer, or another model's.
    #[error("{} is no tokenizer for this model: {reason}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The model's tokenizer failed for a text.
    #[error("the model's tokenizer failed: {0}")]
    Tokenizing(String),
    /// A text that is not as long as the model's context.
    #[error("a text has {found} tokens, the model's have {expected}")]
    WrongText {
        /// Tokens of every text of the model.
        expected: usize,
        /// Tokens that came.
        found: usize,
    },
    /// A style head that is not of this model.
    #[error(
        "{} is no style head for this model: {reason}. Take the file away, and Clippy works \
         without search by style",
        path.display()
    )]
    StyleHead {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// `STYLE_MODEL` names no style descriptors.
    #[error("STYLE_MODEL is {}, which holds no style descriptors: {reason}", path.display())]
    StyleModel {
        /// The setting.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A style was asked for, and the model makes none.
    #[error("the model makes no style vectors")]
    NoStyle,
    /// The setting names no device or precision, or one that this machine lacks.
    #[error("{0}")]
    Device(String),
    /// A picture that is not of the model's side.
    #[error("a picture has {found} bytes, the model's has {expected}")]
    WrongPicture {
        /// Bytes of a picture of the model's side.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// An embedding has values that are not finite.
    #[error(
        "the model computed values that are not finite numbers: the weights are damaged (check \
         with `clippy models verify`), or PRECISION=fp16 is too narrow for them (set fp32 or bf16)"
    )]
    NotFinite,
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
    /// A layer with packed weights failed.
    #[error("libtorch could not {0}, and wrote the reason to the standard error output")]
    Packed(&'static str),
    /// Reading failed.
    #[error("reading {}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file of the cache could not be written.
    #[error("{} cannot be written: {advice}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why, and what to do.
        advice: String,
        /// The system's error.
        source: io::Error,
    },
    /// A name that is no repository, or a repository that lacks a file of a model.
    #[error("{repository} {what}")]
    Repository {
        /// The repository.
        repository: String,
        /// What it lacks, and what to do.
        what: String,
    },
    /// A model that is not in the cache, while `HF_HUB_OFFLINE` is set.
    #[error(
        "{} is not there, and HF_HUB_OFFLINE is set, so nothing is downloaded. Unset it, or copy \
         the folder of {repository} from the cache of a machine that has it",
        path.display()
    )]
    Offline {
        /// The repository.
        repository: String,
        /// The file or folder that is missing.
        path: PathBuf,
    },
    /// Work on the cache of models did not end: it panicked, or the program was ending.
    #[error(
        "{what}, at {}. Run the command again. If this happens again, it is a fault of Clippy: \
         please report it with this message",
        path.display()
    )]
    Interrupted {
        /// The file or folder.
        path: PathBuf,
        /// Which work ended early.
        what: String,
    },
    /// Weights could not be downloaded.
    #[error("{url} could not be downloaded: {reason}")]
    Download {
        /// What was asked for, without user, password and query.
        url: String,
        /// Why it failed, and what to do.
        reason: String,
    },
    /// The model's thread could not be started, or ended at once.
    #[error("the model's thread: {0}")]
    Thread(String),
}

impl ClipError {
    /// Makes the error of reading a file.
    pub(crate) fn reading(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// Makes the error of writing a file.
    pub(crate) fn writing(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Write {
            path: path.to_owned(),
            advice: format!(
                "{source}. Fix its permissions, or set HF_HOME to a folder that can be written to"
            ),
            source,
        }
    }
}

impl ClipError {
    /// Whether the memory of the device may have been full. libtorch says so in words only, and of a
    /// packed layer it does not say why it failed.
    pub(crate) fn may_be_full_memory(&self) -> bool {
        let error = match self {
            Self::Packed(_) => return true,
            Self::Torch(error) => error.to_string(),
            _ => return false,
        };
        // CUDA, cuBLAS, the allocator of the CPU, and C++.
        let parts = [
            "out of memory",
            "CUBLAS_STATUS_ALLOC_FAILED",
            "not enough memory",
            "can't allocate memory",
            "bad_alloc",
        ];
        parts.iter().any(|part| error.contains(part))
    }
}

impl From<ClipError> for clippy_core::Error {
    fn from(error: ClipError) -> Self {
        let code = match &error {
            ClipError::UnsupportedConfig(_) | ClipError::NoStyle => ErrorCode::Unsupported,
            ClipError::InvalidConfig(_)
            | ClipError::UnknownArchitecture { .. }
            | ClipError::UnknownTag { .. }
            | ClipError::Repository { .. }
            | ClipError::WeightsMismatch { .. }
            | ClipError::UnreadableWeights { .. }
            | ClipError::Tokenizer { .. }
            | ClipError::StyleHead { .. }
            | ClipError::StyleModel { .. }
            | ClipError::WrongPicture { .. }
            | ClipError::WrongText { .. }
            | ClipError::Device(_) => ErrorCode::InvalidInput,
            ClipError::NotDownloaded { .. }
            | ClipError::NotThere { .. }
            | ClipError::Offline { .. } => ErrorCode::NotFound,
            ClipError::Download { .. } => ErrorCode::Unavailable,
            ClipError::NotFinite
            | ClipError::Tokenizing(_)
            | ClipError::Torch(_)
            | ClipError::Packed(_)
            | ClipError::Io { .. }
            | ClipError::Write { .. }
            | ClipError::Interrupted { .. }
            | ClipError::Thread(_) => ErrorCode::Internal,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}
