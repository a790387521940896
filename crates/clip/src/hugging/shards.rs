//! The weights of a folder: one file, or shards with an index.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::read_json;
use crate::error::{ClipError, Result};
use crate::model::weights::WeightsFile;

/// Name of weights in one file.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";
/// Name of the index of weights in several files.
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";
/// An index that names more files is damaged.
const MOST_SHARDS: usize = 1024;

/// The files of a model's weights, and which tensors the index says are in each.
#[derive(Debug, Clone)]
pub struct Shards {
    files: Vec<PathBuf>,
    tensors: Vec<Vec<String>>,
}

impl Shards {
    /// Finds the weights of a folder. Returns also what stands for all of them: the file, or the
    /// index.
    pub(super) fn find(folder: &Path) -> Result<(PathBuf, Self)> {
        let single = folder.join(WEIGHTS_FILE);
        if single.is_file() {
            let shards = Self {
                files: vec![single.clone()],
                tensors: vec![Vec::new()],
            };
            return Ok((single, shards));
        }
        let index = folder.join(INDEX_FILE);
        if !index.is_file() {
            return Err(ClipError::NotThere {
                path: single,
                advice: format!("the weights are {WEIGHTS_FILE}, or shards and {INDEX_FILE}"),
            });
        }
        let shards = Self::from_index(folder, &index)?;
        Ok((index, shards))
    }

    fn from_index(folder: &Path, index: &Path) -> Result<Self> {
        let (names, tensors): (Vec<_>, Vec<_>) = files_of_index(index)?.into_iter().unzip();
        let files: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        if let Some(missing) = files.iter().find(|path| !path.is_file()) {
            return Err(ClipError::NotThere {
                path: missing.clone(),
                advice: format!("{INDEX_FILE} names this file; download it, too"),
            });
        }
        Ok(Self { files, tensors })
    }

    /// The files, in the order of their names.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Checks that every file holds what the index says. `opened` are [`Shards::files`].
    pub(crate) fn check(&self, opened: &[WeightsFile]) -> Result<()> {
        for (file, tensors) in opened.iter().zip(&self.tensors) {
            let problems = file.without(tensors)?;
            if !problems.is_empty() {
                return Err(ClipError::WeightsMismatch {
                    path: file.path().to_owned(),
                    problems,
                });
            }
        }
        Ok(())
    }
}

/// Reads an index: the names of the files, with the tensors that are in each.
///
/// # Errors
/// Names what is wrong with it: also a name that is a path, since an index comes from elsewhere.
pub(crate) fn files_of_index(index: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let invalid = |what: &str| ClipError::InvalidConfig(format!("{}: {what}", index.display()));
    let json = read_json(index)?;
    let map = json
        .get("weight_map")
        .and_then(Value::as_object)
        .ok_or_else(|| invalid("there is no `weight_map`"))?;
    let mut by_file: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (tensor, file) in map {
        let name = file
            .as_str()
            .filter(|name| is_weights_of_folder(name))
            .ok_or_else(|| invalid(&format!("`{tensor}` is in {file}, which names no file")))?;
        by_file
            .entry(name.to_owned())
            .or_default()
            .push(tensor.clone());
    }
    if by_file.is_empty() || by_file.len() > MOST_SHARDS {
        return Err(invalid("`weight_map` names no files, or more than 1024"));
    }
    Ok(by_file)
}

/// Whether this names a file of weights in the folder itself, on any system.
fn is_weights_of_folder(name: &str) -> bool {
    name.ends_with(".safetensors")
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control)
}
