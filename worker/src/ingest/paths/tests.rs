use super::*;

fn write(file: &Path) {
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, b"x").expect("written");
}

fn lookup(images_root: &Path) -> LookupFolders {
    LookupFolders {
        images_root: Some(images_root.to_owned()),
        ..LookupFolders::default()
    }
}

/// Returns the payload's path, and the name of the folder that is recorded.
fn named(roots: &Roots, local: &str) -> (String, Option<String>) {
    let found = roots
        .find(local)
        .unwrap_or_else(|failure| panic!("{local}: {}", failure.reason));
    assert!(found.file.is_file(), "{found:?}");
    (
        found.path,
        found.root.map(|root| {
            root.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        }),
    )
}

fn kind(roots: &Roots, local: &str) -> FailureKind {
    roots.find(local).expect_err(local).kind
}

#[test]
fn paths_are_relative_to_the_root_that_contains_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (images, beside) = (folder.path().join("images"), folder.path().join("lists"));
    for file in [
        "images/a.png",
        "lists/a.png",
        "lists/sub/b.png",
        "other/c.png",
    ] {
        write(&folder.path().join(file));
    }
    let roots =
        Roots::open_now(&beside.join("m.jsonl"), &lookup(&images), None).expect("both are there");
    let path = |local: &str| named(&roots, local);
    assert_eq!(
        path("a.png"),
        ("a.png".to_owned(), Some("images".to_owned())),
        "the images' root comes first"
    );
    assert_eq!(
        path("./sub/../sub/b.png"),
        ("sub/b.png".to_owned(), Some("lists".to_owned()))
    );
    let absolute = images
        .canonicalize()
        .expect("there")
        .join("a.png")
        .display()
        .to_string();
    assert_eq!(
        path(&absolute),
        ("a.png".to_owned(), Some("images".to_owned()))
    );
    let outside = folder.path().join("other/c.png").display().to_string();
    assert_eq!(path(&outside), (outside.clone(), None));
    assert!(
        !roots.find(&outside).expect("there").served,
        "no folder is recorded for it"
    );
    let shadowed = LookupFolders {
        served: vec![beside.clone()],
        ..lookup(&images)
    };
    let roots = Roots::open_now(&beside.join("m.jsonl"), &shadowed, None).expect("there");
    assert_eq!(
        named(&roots, &absolute),
        (absolute.clone(), Some("images".to_owned())),
        "an earlier root has another a.png"
    );
    let recorded = LookupFolders {
        served: vec![folder.path().join("other")],
        ..lookup(&images)
    };
    let roots = Roots::open_now(&beside.join("m.jsonl"), &recorded, None).expect("there");
    assert!(roots.find(&outside).expect("there").served);
}

#[test]
fn paths_outside_of_the_roots_and_missing_files_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let images = folder.path().join("images");
    write(&images.join("sub/a.png"));
    write(&folder.path().join("secret.png"));
    let roots =
        Roots::open_now(&images.join("m.jsonl"), &LookupFolders::default(), None).expect("there");
    for (local, word) in [
        ("../secret.png", "leaves"),
        ("sub/../../secret.png", "leaves"),
        (&"../".repeat(60), "leaves"),
        ("sub", "not a file"),
        ("none.png", "no file"),
        ("a\0b", "zero byte"),
    ] {
        let failure = roots.find(local).expect_err(local);
        assert!(failure.reason.contains(word), "{local}: {}", failure.reason);
    }
}

#[test]
fn paths_of_older_scripts_are_found_from_the_folders_above_the_roots() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path().canonicalize().expect("there");
    let safebooru = here.join("data/safebooru");
    write(&safebooru.join("ALL/1.webp"));
    let manifest = safebooru.join("manifest.jsonl");
    let path = |roots: &Roots| named(roots, "./data/safebooru/ALL/1.webp");
    let in_manifests_folder = ("ALL/1.webp".to_owned(), Some("safebooru".to_owned()));
    for working in [None, Some(here.as_path()), Some(Path::new("/"))] {
        let roots = Roots::open_now(&manifest, &LookupFolders::default(), working).expect("there");
        assert_eq!(path(&roots), in_manifests_folder, "{working:?}");
    }
    let roots = Roots::open_now(&manifest, &lookup(&safebooru.join("ALL")), None).expect("there");
    assert_eq!(path(&roots), ("1.webp".to_owned(), Some("ALL".to_owned())));
    let roots = Roots::open_now(&manifest, &lookup(&here), None).expect("there");
    assert_eq!(
        path(&roots),
        (
            "data/safebooru/ALL/1.webp".to_owned(),
            here.file_name().map(|n| n.to_string_lossy().into_owned())
        )
    );
}

#[test]
fn a_folder_outside_of_the_roots_is_recorded_only_for_the_command_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path().canonicalize().expect("there");
    write(&here.join("data/ALL/1.webp"));
    std::fs::create_dir(here.join("lists")).expect("made");
    let manifest = here.join("lists/m.jsonl");
    let roots = Roots::open_now(&manifest, &LookupFolders::default(), Some(&here)).expect("there");
    assert_eq!(kind(&roots, "data/ALL/1.webp"), FailureKind::Outside);
    let operator = LookupFolders {
        may_record: true,
        ..LookupFolders::default()
    };
    let roots = Roots::open_now(&manifest, &operator, Some(&here)).expect("there");
    assert_eq!(
        named(&roots, "data/ALL/1.webp"),
        ("1.webp".to_owned(), Some("ALL".to_owned())),
        "the innermost folder"
    );
    assert_eq!(
        kind(&roots, "../data/ALL/1.webp"),
        FailureKind::Outside,
        "it leaves the manifest's folder"
    );
}

#[test]
fn paths_as_other_systems_write_them_are_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder.path().join("sub/caf\u{e9}.png"));
    write(&folder.path().join("sub/u\u{308}.png"));
    let roots = Roots::open_now(
        &folder.path().join("m.jsonl"),
        &LookupFolders::default(),
        None,
    )
    .expect("there");
    for local in [
        "sub/caf\u{e9}.png",
        "sub/cafe\u{301}.png",
        "sub\\caf\u{e9}.png",
        ".\\sub\\cafe\u{301}.png",
    ] {
        assert_eq!(named(&roots, local).0, "sub/caf\u{e9}.png", "{local}");
    }
    assert_eq!(named(&roots, "sub/\u{fc}.png").0, "sub/u\u{308}.png");
}

#[cfg(unix)]
#[test]
fn a_link_is_refused_unless_its_target_is_in_a_served_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path().canonicalize().expect("there");
    write(&here.join("big/1.png"));
    write(&here.join("images/own.png"));
    let images = here.join("images");
    for (to, name) in [
        ("big/1.png", "one.png"),
        ("big", "all"),
        ("images/own.png", "same.png"),
        ("gone", "lost.png"),
    ] {
        std::os::unix::fs::symlink(here.join(to), images.join(name)).expect("linked");
    }
    let roots =
        Roots::open_now(&images.join("m.jsonl"), &LookupFolders::default(), None).expect("there");
    for local in ["one.png", "all/1.png"] {
        assert_eq!(kind(&roots, local), FailureKind::Outside, "{local}");
    }
    assert_eq!(named(&roots, "same.png").0, "same.png");
    assert!(
        roots
            .find("lost.png")
            .expect_err("nothing")
            .reason
            .contains("link")
    );
    let told = LookupFolders {
        served: vec![here.join("big")],
        ..LookupFolders::default()
    };
    let roots = Roots::open_now(&images.join("m.jsonl"), &told, None).expect("there");
    assert_eq!(
        named(&roots, "one.png").0,
        "one.png",
        "its target is in a served folder"
    );
}
