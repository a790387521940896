//! Names, files and folders as they are on real disks.

use std::fs;

use clippy_imaging::Encoding;

use crate::fixture::{Fixture, picture, tags};

#[tokio::test]
async fn names_of_every_kind_are_added() {
    let fixture = Fixture::new().await;
    let names = [
        "100% cotton.png",
        "a#b?c.png",
        "caf\u{e9}.png",
        "cafe\u{301} zwei.png",
        "line\nbreak.png",
        "back\\slash.png",
        " space .png",
        "赤い狐.png",
        "🦊.png",
        "no ending",
        "wrong.txt",
    ];
    for (seed, name) in (1..).zip(names) {
        fixture.picture(name, seed);
    }
    let scanned = fixture.add().await;
    assert_eq!(scanned.pictures().len(), names.len(), "{:?}", scanned.lines);
    for name in names {
        scanned.line(name);
    }
    assert!(tags(scanned.line("赤い狐.png")).contains(&"赤い狐".to_owned()));
    assert_eq!(
        fixture.scan().await.summary.unchanged,
        names.len() as u64,
        "all of them are known"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn names_that_are_not_utf_8_fail_alone_and_are_reported() {
    use std::os::unix::ffi::OsStringExt as _;
    let fixture = Fixture::new().await;
    fixture.picture("good.png", 1);
    let name = std::ffi::OsString::from_vec(b"caf\xe9.png".to_vec());
    fs::write(fixture.pictures().join(name), picture(2, Encoding::Png)).expect("written");
    let folder = std::ffi::OsString::from_vec(b"b\xff".to_vec());
    fs::create_dir(fixture.pictures().join(&folder)).expect("made");
    fs::write(
        fixture.pictures().join(&folder).join("inside.png"),
        picture(3, Encoding::Png),
    )
    .expect("written");
    let scanned = fixture.add().await;
    assert_eq!(scanned.pictures().len(), 1);
    let failures = scanned.failures();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures.iter().all(|reason| reason.contains("UTF-8")));
    assert_eq!(fixture.scan().await.summary.unchanged, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn unreadable_folders_are_reported_and_not_counted_as_missing() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new().await;
    fixture.picture("open/1.png", 1);
    fixture.picture("closed/2.png", 2);
    fixture.picture("3.png", 3);
    fixture.add().await;
    let rights = |name: &str, mode| {
        fs::set_permissions(fixture.path(name), fs::Permissions::from_mode(mode)).expect("set");
    };
    rights("closed", 0o000);
    if fs::read_dir(fixture.path("closed")).is_ok() {
        rights("closed", 0o755);
        eprintln!("this user may read everything: unreadable folders are left out of this test");
        return;
    }
    let scanned = fixture.scan().await;
    rights("closed", 0o755);
    let failures = scanned.failures();
    assert!(
        failures.len() == 1 && failures[0].matches("closed").count() == 1,
        "{failures:?}"
    );
    for words in ["Permission denied", ".clippyignore"] {
        assert!(failures[0].contains(words), "{failures:?}");
    }
    assert_eq!(scanned.summary.missing, 0, "{:?}", scanned.summary);
    assert_eq!(scanned.summary.unchanged, 2);
}

#[tokio::test]
async fn a_large_or_broken_sidecar_is_reported_by_name_and_its_picture_is_added() {
    let fixture = Fixture::new().await;
    fixture.picture("large.png", 1);
    fixture.write("large.png.json", vec![b'['; 50 << 20]);
    fixture.picture("broken.png", 2);
    fixture.write("broken.json", "{\"tags\": [");
    fixture.write("broken.txt", "fox");
    fixture.picture("bomb.png", 3);
    fixture.write(
        "bomb.xmp",
        "<!DOCTYPE a [<!ENTITY b \"b\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>",
    );
    let scanned = fixture.add().await;
    assert_eq!(scanned.pictures().len(), 3);
    assert_eq!(
        tags(scanned.line("broken.png"))[0],
        "fox",
        "the other one is read"
    );
    let remarks: Vec<&String> = scanned.summary.remarks.keys().collect();
    for name in ["large.png.json", "broken.json", "bomb.xmp"] {
        assert!(
            remarks.iter().any(|remark| remark.contains(name)),
            "{name}: {remarks:?}"
        );
    }
    assert_eq!(fixture.scan().await.summary.unchanged, 3, "reported once");
}

#[tokio::test]
async fn one_broken_picture_in_a_hundred_fails_alone_and_is_tried_again() {
    let fixture = Fixture::new().await;
    for seed in 0..200 {
        fixture.picture(&format!("{}/{seed}.png", seed % 7), seed);
    }
    let whole = picture(201, Encoding::Png);
    fixture.write("3/cut.png", &whole[..whole.len() / 2]);
    fixture.write("4/empty.png", "");
    fixture.write("5/page.png", "<html>not found</html>");
    let first = fixture.scan().await;
    assert_eq!(
        first.pictures().len(),
        201,
        "a cut one looks like a picture"
    );
    assert_eq!(first.summary.count_not_pictures(), 2);
    fixture.store(&first, &["cut.png"]).await;
    let second = fixture.scan().await;
    assert_eq!(second.summary.unchanged, 200);
    assert_eq!(second.pictures().len(), 1);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_written_is_an_error_that_names_it() {
    let fixture = Fixture::new().await;
    fixture.picture("a.png", 1);
    fs::create_dir(fixture.library.data.join("in the way")).expect("made");
    let request = clippy_library::scan::ScanRequest {
        run: uuid::Uuid::now_v7(),
        targets: clippy_library::scan::Target::of(&[fixture.pictures()], &[]).expect("there"),
        served: Vec::new(),
        tags_from_folders: false,
        dry_run: false,
        ..clippy_library::scan::ScanRequest::default()
    };
    let error = clippy_library::scan::scan(
        &fixture.library,
        std::sync::Arc::clone(&fixture.gallery) as _,
        request,
        &fixture.library.data.join("in the way"),
        &(),
        &|| true,
    )
    .await
    .expect_err("a folder is there");
    assert!(error.message.contains("in the way"), "{error}");
}
