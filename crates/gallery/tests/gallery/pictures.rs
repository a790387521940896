//! Picture files and symbolic links: which are served, which are refused, and that a thumbnail is
//! made once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use clippy_core::ErrorCode;
use clippy_core::pictures::{PictureContent, ServedPicture};
use clippy_gallery::{PictureFiles, PictureOptions};
use clippy_imaging::{Encoding, RgbImage, encode, probe};
use tempfile::TempDir;
use tokio::task::JoinSet;

struct PictureFolders {
    folder: TempDir,
    roots: Vec<String>,
}

/// Makes `root/a.png`, `root/sub/b.png`, `other/c.png` and `secret/s.png`; `root` and `other` are
/// recorded.
fn picture_folders() -> PictureFolders {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in [
        "root/a.png",
        "root/sub/b.png",
        "other/c.png",
        "secret/s.png",
        "rootless/r.png",
    ] {
        write_picture(&folder.path().join(path), 400, 300);
    }
    let roots = ["root", "other"]
        .map(|root| folder.path().join(root).display().to_string())
        .to_vec();
    PictureFolders { folder, roots }
}

fn write_picture(path: &Path, width: u32, height: u32) {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x % 256) as u8, (y % 256) as u8, 90])
    });
    std::fs::create_dir_all(path.parent().expect("in a folder")).expect("made");
    std::fs::write(path, encode(&picture, Encoding::Png).expect("a PNG")).expect("written");
}

impl PictureFolders {
    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn files(&self, images_root: Option<&str>) -> PictureFiles {
        let mut options = PictureOptions::new(self.path("data/thumbnails"));
        options.images_root = images_root.map(|root| self.path(root));
        options.concurrency = 2;
        PictureFiles::new(options).expect("a folder")
    }

    async fn code(&self, files: &PictureFiles, stored: &str) -> Option<ErrorCode> {
        files
            .find(stored, &self.roots)
            .await
            .err()
            .map(|error| error.code)
    }
}

/// Returns a thumbnail's bytes, type and ETag.
fn held(served: ServedPicture) -> (Bytes, String, String) {
    (
        served.content.whole().expect("in memory"),
        served.content_type,
        served.etag,
    )
}

#[tokio::test]
async fn files_under_the_roots_are_found_and_read() {
    let folders = picture_folders();
    let files = folders.files(None);
    for (stored, real) in [
        ("a.png", "root/a.png"),
        ("sub/b.png", "root/sub/b.png"),
        ("c.png", "other/c.png"),
        ("sub/../a.png", "root/a.png"),
    ] {
        let file = files.find(stored, &folders.roots).await.expect(stored);
        assert_eq!(file.path, folders.path(real).canonicalize().expect("there"));
    }
    let absolute = folders.path("other/c.png").display().to_string();
    let file = files
        .find(&absolute, &folders.roots)
        .await
        .expect("absolute");
    let served = files.read(&file).await.expect("read");
    assert_eq!(served.content_type, "image/png");
    assert!(
        matches!(&served.content, PictureContent::File(..)),
        "a file is streamed, not read into memory"
    );
    assert!(
        served.etag.len() > 20 && served.etag.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{}",
        served.etag
    );
    assert_eq!(
        served.content.whole().expect("read"),
        std::fs::read(&absolute).expect("there")
    );
    let again = files.find("c.png", &folders.roots).await.expect("found");
    assert_eq!(again, file);
    write_picture(&folders.path("other/c.png"), 401, 300);
    assert_ne!(
        files
            .find("c.png", &folders.roots)
            .await
            .expect("found")
            .identity,
        file.identity
    );
}

#[tokio::test]
async fn paths_from_the_folder_that_clippy_0_2_ran_in_are_found_under_the_roots_only() {
    let folders = picture_folders();
    write_picture(&folders.path("data/safebooru/ALL/1.png"), 40, 30);
    let stored = "./data/safebooru/ALL/1.png";
    for root in ["data/safebooru/ALL", "data/safebooru", "data"] {
        let files = folders.files(Some(root));
        for spelling in [
            stored,
            ".\\data\\safebooru\\ALL\\1.png",
            "./data/safebooru\\ALL\\1.png",
        ] {
            let file = files
                .find(spelling, &[])
                .await
                .unwrap_or_else(|error| panic!("{root}: {spelling}: {error}"));
            assert_eq!(
                file.path,
                folders.path(stored).canonicalize().expect("there"),
                "{root}"
            );
        }
        let secret = files
            .find("./secret/s.png", &[])
            .await
            .expect_err("above the root, and not under it");
        assert_eq!(secret.code, ErrorCode::NotFound);
    }
    // A recorded folder serves pictures as IMAGES_ROOT does.
    let recorded = [folders.path("data/safebooru").display().to_string()];
    assert!(folders.files(None).find(stored, &recorded).await.is_ok());
    let nowhere = folders
        .files(None)
        .find(stored, &[])
        .await
        .expect_err("no root");
    assert!(
        nowhere.message.contains("IMAGES_ROOT"),
        "{}",
        nowhere.message
    );
}

#[tokio::test]
async fn accents_are_found_composed_and_decomposed() {
    let folders = picture_folders();
    write_picture(&folders.path("root/cafe\u{301}.png"), 40, 30);
    let files = folders.files(None);
    for stored in ["caf\u{e9}.png", "cafe\u{301}.png"] {
        assert!(files.find(stored, &folders.roots).await.is_ok(), "{stored}");
    }
}

#[tokio::test]
async fn a_relative_images_root_begins_at_the_working_folder() {
    let folder = tempfile::tempdir_in(".").expect("a folder here");
    let name = Path::new(folder.path().file_name().expect("a name"));
    write_picture(&name.join("pictures/a.png"), 40, 30);
    for root in [
        name.join("pictures"),
        Path::new(".").join(name).join("pictures"),
    ] {
        let mut options = PictureOptions::new(name.join("thumbnails"));
        options.images_root = Some(root.clone());
        let files = PictureFiles::new(options).expect("a folder");
        let file = files
            .find("a.png", &[])
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        assert!(files.read(&file).await.is_ok());
        assert!(files.find("../thumbnails", &[]).await.is_err());
    }
}

#[tokio::test]
async fn files_outside_are_forbidden_and_missing_files_are_not_found() {
    let folders = picture_folders();
    let files = folders.files(None);
    let secret = folders.path("secret/s.png").display().to_string();
    let absent = folders.path("secret/absent.png").display().to_string();
    // A folder whose name begins with a root's name.
    let beside = folders.path("rootless/r.png").display().to_string();
    for stored in [
        "../secret/s.png",
        "../secret/absent.png",
        "sub/../../secret/s.png",
        "/etc/passwd",
        &secret,
        &absent,
        &beside,
    ] {
        assert_eq!(
            folders.code(&files, stored).await,
            Some(ErrorCode::Forbidden),
            "{stored}"
        );
    }
    for stored in ["absent.png", "sub", "", "a.png/", "a\0.png"] {
        assert_eq!(
            folders.code(&files, stored).await,
            Some(ErrorCode::NotFound),
            "{stored:?}"
        );
    }
    assert_eq!(
        files.find("a.png", &[]).await.expect_err("no roots").code,
        ErrorCode::NotFound
    );
    let opened = folders.files(Some("secret"));
    assert_eq!(
        folders.code(&opened, "s.png").await,
        None,
        "IMAGES_ROOT is a root"
    );
    assert_eq!(folders.code(&opened, &secret).await, None);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_the_roots_is_forbidden_and_one_inside_is_followed() {
    use std::os::unix::fs::symlink;
    let folders = picture_folders();
    let files = folders.files(None);
    symlink(
        folders.path("secret/s.png"),
        folders.path("root/file-link.png"),
    )
    .expect("linked");
    symlink(folders.path("secret"), folders.path("root/folder-link")).expect("linked");
    symlink(folders.path("root/a.png"), folders.path("root/inside.png")).expect("linked");
    symlink(
        folders.path("secret/absent.png"),
        folders.path("root/dangling.png"),
    )
    .expect("linked");
    assert_eq!(
        folders.code(&files, "file-link.png").await,
        Some(ErrorCode::Forbidden)
    );
    assert_eq!(
        folders.code(&files, "folder-link/s.png").await,
        Some(ErrorCode::Forbidden)
    );
    assert_eq!(folders.code(&files, "inside.png").await, None);
    assert_eq!(
        folders.code(&files, "dangling.png").await,
        Some(ErrorCode::NotFound)
    );
    // A root that is a link means its target.
    symlink(folders.path("root"), folders.path("alias")).expect("linked");
    let alias = vec![folders.path("alias").display().to_string()];
    assert!(files.find("a.png", &alias).await.is_ok());
    assert_eq!(
        files
            .find("file-link.png", &alias)
            .await
            .expect_err("outside")
            .code,
        ErrorCode::Forbidden
    );
}

#[tokio::test]
async fn a_file_that_is_not_a_picture_is_not_served() {
    let folders = picture_folders();
    std::fs::write(folders.path("root/notes.png"), "root:x:0:0").expect("written");
    let files = folders.files(None);
    let file = files
        .find("notes.png", &folders.roots)
        .await
        .expect("found");
    assert_eq!(
        files.read(&file).await.expect_err("text").code,
        ErrorCode::InvalidPicture
    );
    assert_eq!(
        files.thumbnail(&file, 64).await.expect_err("text").code,
        ErrorCode::InvalidPicture
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thumbnail_is_made_once_and_kept() {
    let folders = picture_folders();
    let files = Arc::new(folders.files(None));
    let file = files.find("a.png", &folders.roots).await.expect("found");
    let mut requests = JoinSet::new();
    for _ in 0..16 {
        let (files, file) = (Arc::clone(&files), file.clone());
        requests.spawn(async move { files.thumbnail(&file, 130).await.expect("made") });
    }
    let mut contents = Vec::new();
    while let Some(served) = requests.join_next().await {
        contents.push(held(served.expect("no panic")));
    }
    assert_eq!(files.thumbnails_made(), 1);
    let first = &contents[0];
    assert_eq!(first.1, "image/jpeg");
    let readme = include_str!("../../../../README.md");
    let mut saved = readme.lines().filter(|line| line.contains("?w="));
    assert!(
        saved.all(|line| line.ends_with(".jpg") || !line.contains('>')),
        "the README saves thumbnails under their file type"
    );
    assert!(contents.iter().all(|other| other == first));
    let seen = probe(&first.0).expect("a JPEG");
    assert_eq!((seen.width, seen.height), (128, 96));

    let wide = held(files.thumbnail(&file, 4_000).await.expect("made"));
    assert_eq!(
        probe(&wide.0).expect("a JPEG").width,
        400,
        "nothing is enlarged"
    );
    assert_ne!(wide.2, first.2);
    assert_eq!(
        files.thumbnail(&file, 0).await.expect_err("nothing").code,
        ErrorCode::InvalidInput
    );
    let tiny = held(files.thumbnail(&file, 7).await.expect("made"));
    assert!(probe(&tiny.0).expect("a JPEG").width <= 7);

    let restarted = folders.files(None);
    assert_eq!(
        &held(restarted.thumbnail(&file, 130).await.expect("from disk")),
        first
    );
    assert_eq!(restarted.thumbnails_made(), 0);
    write_picture(&folders.path("root/a.png"), 200, 200);
    let changed = restarted
        .find("a.png", &folders.roots)
        .await
        .expect("found");
    let served = held(
        restarted
            .thumbnail(&changed, 130)
            .await
            .expect("made again"),
    );
    assert_eq!(probe(&served.0).expect("a JPEG").height, 128);
}
