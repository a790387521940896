//! Downloads a model's files from Hugging Face's hub: what describes it first, so that a model that
//! Clippy does not compute is refused before its weights are downloaded.

use std::path::{Path, PathBuf};
use std::slice;

use crate::error::{ClipError, Result};
use crate::folder::OpenClipConfig;
use crate::hub::{Announcement, Hub, Repository};
use crate::hugging;
use crate::pretrained::{CONFIG_FILE, Pretrained, WEIGHTS_FILE};
use crate::source::ModelSource;
use crate::tokenizer;

/// Downloads a repository's model, unless the cache has it: open_clip's files, or Hugging Face's.
/// Returns the folder with its files.
///
/// The weights are `open_clip_model.safetensors`, or else `model.safetensors`, or else the shards of
/// `model.safetensors.index.json`. `progress` is called with the number of bytes of the weights so
/// far and, if the hub announces it, the total.
///
/// # Errors
/// [`ClipError::Download`] when the hub refuses, the connection keeps breaking, a file is not the
/// announced one, or files are of different commits; [`ClipError::Offline`] when the cache lacks
/// files and `HF_HUB_OFFLINE` is set; [`ClipError::Write`] when writing fails, or when the disk has
/// no room for all weights together. What was downloaded is kept, and continued by the next call.
pub async fn pull(
    hub: &Hub,
    repository: &Repository,
    mut progress: impl FnMut(u64, Option<u64>) + Send,
) -> Result<PathBuf> {
    if hub.is_offline() {
        let source = ModelSource::Hub {
            repository: repository.clone(),
            cache: hub.cache().clone(),
        };
        let weights = offline(&source, repository)?;
        return Ok(weights.parent().unwrap_or(&weights).to_owned());
    }
    let mut pulling = Pulling::new(hub, repository);
    let weights = match pulling.announce(WEIGHTS_FILE).await? {
        Some(weights) => pulling.open_clip(weights).await?,
        None => pulling.hugging().await?,
    };
    pulling.weights(&weights, &mut progress).await?;
    pulling.finish()
}

/// Downloads the weights of a published model, with its tokenizer if that is not built in, unless
/// the cache or the folder of an earlier version has them. Returns the path of the weights.
///
/// # Errors
/// As [`pull`].
pub async fn pull_tag(
    hub: &Hub,
    entry: &Pretrained,
    models: &Path,
    mut progress: impl FnMut(u64, Option<u64>) + Send,
) -> Result<PathBuf> {
    let repository = Repository::main(&entry.repository)?;
    let older = ModelSource::Tag {
        model: entry.model.clone(),
        tag: entry.tag.clone(),
        models: models.to_owned(),
        cache: None,
    };
    if let Ok(there) = older.describe() {
        return Ok(there.weights);
    }
    if hub.is_offline() {
        let source = ModelSource::Tag {
            model: entry.model.clone(),
            tag: entry.tag.clone(),
            models: models.to_owned(),
            cache: Some(hub.cache().clone()),
        };
        return offline(&source, &repository);
    }
    let mut pulling = Pulling::new(hub, &repository);
    let weights = pulling.announce_required(WEIGHTS_FILE).await?;
    pulling.check_room(slice::from_ref(&weights)).await?;
    if entry.config()?.text.siglip.is_some() {
        let [tokenizer, settings] = tokenizer::FILES;
        pulling.required(tokenizer).await?;
        pulling.optional(settings).await?;
    }
    // Not needed, but the folder can be moved and checked with it.
    pulling.optional(CONFIG_FILE).await?;
    pulling.weights(&[weights], &mut progress).await?;
    Ok(pulling.finish()?.join(WEIGHTS_FILE))
}

/// Looks for a model without the hub. Returns the path of its weights.
fn offline(source: &ModelSource, repository: &Repository) -> Result<PathBuf> {
    match source.describe() {
        Ok(there) => Ok(there.weights),
        Err(ClipError::NotThere { path, .. } | ClipError::NotDownloaded { folder: path, .. }) => {
            Err(ClipError::Offline {
                repository: repository.to_string(),
                path,
            })
        }
        Err(error) => Err(error),
    }
}

/// A file of the repository, and what the hub announced.
type Announced = (String, Announcement);

/// The files of one commit that are being downloaded.
struct Pulling<'a> {
    hub: &'a Hub,
    repository: &'a Repository,
    /// The commit of the first file, from which all others are taken.
    commit: Option<String>,
}

impl<'a> Pulling<'a> {
    fn new(hub: &'a Hub, repository: &'a Repository) -> Self {
        Self {
            hub,
            repository,
            commit: None,
        }
    }

    /// Asks for a file of the repository's revision, or, once one was found, of the commit of that
    /// one. The hub's client refuses an answer of another commit.
    async fn announce(&mut self, file: &str) -> Result<Option<Announced>> {
        let revision = self.commit.as_deref();
        let revision = revision.unwrap_or(self.repository.revision());
        let found = self.hub.announce(self.repository, revision, file).await?;
        Ok(found.map(|found| {
            self.commit.get_or_insert_with(|| found.commit().to_owned());
            (file.to_owned(), found)
        }))
    }

    async fn announce_required(&mut self, file: &str) -> Result<Announced> {
        let found = self.announce(file).await?;
        found.ok_or_else(|| self.lacks(file))
    }

    async fn fetch(&self, (file, announced): &Announced) -> Result<PathBuf> {
        let ignored = &mut |_| ();
        self.hub
            .fetch(self.repository, file, announced, ignored)
            .await
    }

    async fn required(&mut self, file: &str) -> Result<PathBuf> {
        let announced = self.announce_required(file).await?;
        self.fetch(&announced).await
    }

    async fn optional(&mut self, file: &str) -> Result<()> {
        if let Some(announced) = self.announce(file).await? {
            self.fetch(&announced).await?;
        }
        Ok(())
    }

    /// Checks that the disk has room for files that are downloaded later.
    async fn check_room(&self, files: &[Announced]) -> Result<()> {
        self.hub.check_room(self.repository, files).await
    }

    /// Downloads what open_clip's form has besides the weights, and returns these.
    async fn open_clip(&mut self, weights: Announced) -> Result<Vec<Announced>> {
        self.check_room(slice::from_ref(&weights)).await?;
        let path = self.required(CONFIG_FILE).await?;
        let config = OpenClipConfig::read(&path)?.config;
        if config.text.siglip.is_some() {
            let [tokenizer, settings] = tokenizer::FILES;
            self.required(tokenizer).await?;
            self.optional(settings).await?;
        }
        Ok(vec![weights])
    }

    /// Downloads what Hugging Face's form has besides the weights, and returns these.
    async fn hugging(&mut self) -> Result<Vec<Announced>> {
        let single = self.announce(hugging::WEIGHTS_FILE).await?;
        let index = match &single {
            Some(_) => None,
            None => self.announce(hugging::INDEX_FILE).await?,
        };
        if single.is_none() && index.is_none() {
            return Err(self.error(format!(
                "has neither {WEIGHTS_FILE} nor {} nor {}. Pickled weights (.bin, .pt) can run \
                 any code and are not read. Look for a repository with safetensors files, or \
                 convert them with open_clip and safetensors.torch.save_file",
                hugging::WEIGHTS_FILE,
                hugging::INDEX_FILE
            )));
        }
        if let Some(single) = &single {
            self.check_room(slice::from_ref(single)).await?;
        }
        let config = self.required(hugging::CONFIG_FILE).await?;
        for file in hugging::OPTIONAL_FILES {
            self.optional(file).await?;
        }
        let folder = config.parent().unwrap_or(&config);
        hugging::read_config(folder)?;
        if let Some(single) = single {
            return Ok(vec![single]);
        }
        let mut shards = Vec::new();
        if let Some(index) = index {
            let path = self.fetch(&index).await?;
            for name in hugging::files_of_index(&path)?.into_keys() {
                shards.push(self.announce_required(&name).await?);
            }
        }
        Ok(shards)
    }

    async fn weights(
        &self,
        files: &[Announced],
        progress: &mut (impl FnMut(u64, Option<u64>) + Send),
    ) -> Result<()> {
        self.check_room(files).await?;
        let mut sizes = files.iter().map(|(_, announced)| announced.size());
        let total = sizes.try_fold(0_u64, |sum, size| sum.checked_add(size?));
        let mut before = 0_u64;
        for (file, announced) in files {
            let mut advanced = 0;
            let mut so_far = |bytes| {
                advanced = bytes;
                progress(before.saturating_add(bytes), total);
            };
            self.hub
                .fetch(self.repository, file, announced, &mut so_far)
                .await?;
            before = before.saturating_add(advanced);
        }
        Ok(())
    }

    /// Records the commit, now that the cache has all its files: until then a model that is loaded
    /// is the one before. Returns the folder of the files.
    fn finish(self) -> Result<PathBuf> {
        let commit = self.commit.unwrap_or_default();
        let cache = self.hub.cache();
        cache.record(self.repository, &commit)?;
        Ok(cache.snapshot_of(self.repository, &commit))
    }

    fn lacks(&self, file: &str) -> ClipError {
        self.error(format!("has no file {file}, which the model needs"))
    }

    fn error(&self, what: String) -> ClipError {
        ClipError::Repository {
            repository: self.repository.to_string(),
            what,
        }
    }
}
