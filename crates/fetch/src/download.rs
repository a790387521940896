//! One picture: kept if it is whole, fetched if not, and written atomically.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clippy_common::files::Unfinished;

use crate::content;
use crate::error::{FetchError, blocking};
use crate::output::Output;
use crate::page::Post;
use crate::plan::{Plan, Wanted};
use crate::site::{Failure, Site};

/// A picture that is whole on the disk.
pub struct Whole {
    pub wanted: Wanted,
    pub md5: String,
    pub fetched: bool,
}

/// A picture that is not.
pub struct Missing {
    pub id: u64,
    pub failure: Failure,
}

/// Makes sure that the picture is in all of its places.
pub async fn ensure(
    site: &Site,
    output: &Output,
    plan: &Plan,
    wanted: Wanted,
) -> Result<Whole, Missing> {
    let places = plan.places(&wanted);
    let paths = places.map(|place| output.path(&place)).collect();
    match write(site, output.parts(), &wanted.post, paths).await {
        Ok((md5, fetched)) => Ok(Whole {
            wanted,
            md5,
            fetched,
        }),
        Err(failure) => Err(Missing {
            id: wanted.post.id,
            failure,
        }),
    }
}

/// Returns the picture's md5, and whether it was fetched.
async fn write(
    site: &Site,
    parts: PathBuf,
    post: &Post,
    paths: Vec<PathBuf>,
) -> Result<(String, bool), Failure> {
    let described = post.clone();
    let (paths, whole) = blocking(move || {
        let whole: Vec<_> = paths.iter().map(|path| whole(path, &described)).collect();
        Ok((paths, whole))
    })
    .await
    .map_err(Failure::File)?;
    let existing = whole.iter().position(Option::is_some);
    let from = existing.unwrap_or_default();
    let (md5, fetched) = match whole.get(from).cloned().flatten() {
        Some(md5) => (md5, false),
        None => {
            let url = site.addresses.file(post);
            let url = url.ok_or_else(|| Failure::Refused("it has no file".to_owned()))?;
            let md5 = site.picture(&url, post, &parts, &paths[from]).await?;
            (md5, true)
        }
    };
    blocking(move || {
        let missing = paths.iter().zip(&whole).enumerate();
        for (_, (path, _)) in missing.filter(|(n, (_, whole))| *n != from && whole.is_none()) {
            copy(&parts, &paths[from], path).map_err(|error| FetchError::file(path, &error))?;
        }
        Ok(())
    })
    .await
    .map_err(Failure::File)?;
    Ok((md5, fetched))
}

/// Returns the md5 of a file that is what the site describes. Files are written atomically, so one
/// without a description is whole as well.
fn whole(path: &Path, post: &Post) -> Option<String> {
    content::of_file(path).ok()?.check(post).ok()
}

fn copy(parts: &Path, from: &Path, to: &Path) -> io::Result<()> {
    let mut file = Unfinished::begin(parts, to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.finish()
}
