//! The contract of boards: every implementation passes these checks.

use std::sync::Arc;

use clippy_core::ErrorCode;
use clippy_core::boards::{
    Board, BoardRef, BoardRole, Boards, Edited, NewShare, Operation, Place, SAVED_NAME,
};
use clippy_core::trash::now;
use futures::future::join_all;
use uuid::Uuid;

fn add(number: u64) -> Operation {
    Operation::Add {
        picture: number.into(),
        place: Place::End,
        role: Some(BoardRole::Style),
        weight: Some(0.25),
        note: Some(format!("note {number}")),
    }
}

fn order(board: &Board) -> Vec<String> {
    let pictures = board.items.iter().map(|item| item.picture.to_string());
    pictures.collect()
}

fn done<T>(edited: Edited<T>) -> T {
    match edited {
        Edited::Done(done) => done,
        Edited::Stale { version } => panic!("the board has version {version}"),
    }
}

/// Checks boards, their changes, their links, and exports.
///
/// # Panics
/// When the store breaks the contract.
pub async fn check_boards(boards: &dyn Boards) {
    check_changes(boards).await;
    check_owners(boards).await;
    check_links(boards).await;
    check_import(boards).await;
}

async fn check_changes(boards: &dyn Boards) {
    let listed = boards.list("ann", now()).await.expect("listed");
    let names: Vec<&str> = listed.iter().map(|board| board.name.as_str()).collect();
    assert_eq!(names, [SAVED_NAME], "every owner has Saved");
    let board = Board::new("ann", "poster", now());
    let id = BoardRef::Id(board.id);
    boards.add(board.clone()).await.expect("added");
    assert_eq!(boards.board("ann", id).await.expect("there"), board);

    let added = [add(1), add(2), add(3)];
    let filled = done(
        boards
            .apply("ann", id, &added, None)
            .await
            .expect("applied"),
    );
    assert_eq!(order(&filled), ["1", "2", "3"]);
    assert!(filled.version > board.version);
    assert_eq!(boards.board("ann", id).await.expect("there"), filled);
    let moved = [
        Operation::Move {
            picture: 3.into(),
            place: Place::Start,
        },
        Operation::Remove { picture: 2.into() },
    ];
    let stale = boards
        .apply("ann", id, &moved, Some(board.version))
        .await
        .expect("answered");
    assert_eq!(
        stale,
        Edited::Stale {
            version: filled.version
        }
    );
    let expected = Some(filled.version);
    let moved = boards.apply("ann", id, &moved, expected).await;
    let moved = done(moved.expect("applied"));
    assert_eq!(order(&moved), ["3", "1"]);
    assert_eq!(boards.board("ann", id).await.expect("there"), moved);
    // A list with one wrong operation changes nothing.
    let wrong = [
        add(8),
        Operation::Move {
            picture: 99.into(),
            place: Place::End,
        },
    ];
    let error = boards.apply("ann", id, &wrong, None).await;
    assert_eq!(error.expect_err("refused").code, ErrorCode::NotFound);
    assert_eq!(boards.board("ann", id).await.expect("there"), moved);

    let renamed = boards.rename("ann", id, "book", Some(moved.version)).await;
    let renamed = done(renamed.expect("renamed"));
    assert_eq!(renamed.name, "book");
    let hearts = boards.apply("ann", BoardRef::Saved, &[add(5)], None).await;
    assert_eq!(order(&done(hearts.expect("applied"))), ["5"]);
    let listed = boards.list("ann", now()).await.expect("listed");
    let saved = listed.first().expect("Saved is first");
    assert!(saved.saved && saved.count == 1 && !saved.shared);
    assert_eq!((listed[1].count, listed[1].covers.len()), (2, 2));
    for refused in [
        boards.rename("ann", BoardRef::Saved, "x", None).await.err(),
        boards.delete("ann", BoardRef::Saved, None).await.err(),
    ] {
        assert_eq!(refused.expect("refused").code, ErrorCode::Conflict);
    }
    let stale = boards.delete("ann", id, Some(1)).await.expect("answered");
    assert!(matches!(stale, Edited::Stale { .. }));
    let _: () = done(boards.delete("ann", id, None).await.expect("deleted"));
    let error = boards.board("ann", id).await.expect_err("deleted");
    assert_eq!(error.code, ErrorCode::NotFound);
}

async fn check_owners(boards: &dyn Boards) {
    let board = Board::new("bob", "his", now());
    let id = BoardRef::Id(board.id);
    boards.add(board).await.expect("added");
    for refused in [
        boards.board("ann", id).await.err(),
        boards.apply("ann", id, &[add(1)], None).await.err(),
        boards.rename("ann", id, "mine", None).await.err(),
        boards.delete("ann", id, None).await.err(),
        boards.shares("ann", id, now()).await.err(),
    ] {
        assert_eq!(refused.expect("refused").code, ErrorCode::NotFound);
    }
    let saved = boards.board("bob", BoardRef::Saved).await.expect("there");
    assert!(saved.items.is_empty(), "Ann's hearts are not Bob's");
}

async fn check_links(boards: &dyn Boards) {
    let board = Board::new("eve", "to show", now());
    let id = BoardRef::Id(board.id);
    boards.add(board.clone()).await.expect("added");
    let now = now();
    let (link, other) = (NewShare::new(now, 60), NewShare::new(now, 90));
    boards.share("eve", id, &link).await.expect("shared");
    boards.share("eve", id, &other).await.expect("shared");
    let listed = boards.shares("eve", id, now).await.expect("listed");
    assert_eq!(listed.len(), 2);
    assert!(boards.list("eve", now).await.expect("listed")[1].shared);
    let opened = boards.shared(&link.digest(), now).await.expect("read");
    assert_eq!(opened, Some((board, now + 60)));
    let late = boards.shared(&link.digest(), now + 60).await.expect("read");
    assert_eq!(late, None, "it has expired");
    let later = boards.shares("eve", id, now + 60).await.expect("listed");
    assert_eq!(later, std::slice::from_ref(&other.share));
    let unknown = boards.shared(&[7; 32], now).await.expect("read");
    assert_eq!(unknown, None);
    let revoked = boards.revoke("eve", id, link.share.id).await;
    assert!(revoked.expect("revoked"));
    let revoked = boards.revoke("eve", id, link.share.id).await;
    assert!(!revoked.expect("answered"));
    let closed = boards.shared(&link.digest(), now).await.expect("read");
    assert_eq!(closed, None, "it was revoked");
    // Links end with their board.
    let _: () = done(boards.delete("eve", id, None).await.expect("deleted"));
    let gone = boards.shared(&other.digest(), now).await.expect("read");
    assert_eq!(gone, None);
}

async fn check_import(boards: &dyn Boards) {
    let mut all = Vec::new();
    let mut after: Option<Uuid> = None;
    loop {
        let page = boards.all(after, 2).await.expect("listed");
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        all.extend(page);
    }
    assert!(all.len() >= 3, "Saved of two owners, and a board");
    let again = boards.import(all.clone()).await.expect("imported");
    assert_eq!((again.changed, again.unchanged), (0, all.len() as u64));

    let mut saved = Board::new_saved("ann", now());
    saved.apply(&[add(5), add(6)], now()).expect("applied");
    let mut new = Board::new("zoe", "new", now());
    new.apply(&[add(1)], now()).expect("applied");
    let both = vec![saved, new.clone()];
    let first = boards.import(both.clone()).await.expect("imported");
    assert_eq!((first.changed, first.unchanged), (2, 0));
    let second = boards.import(both).await.expect("imported again");
    assert_eq!((second.changed, second.unchanged), (0, 2));
    let hearts = boards.board("ann", BoardRef::Saved).await.expect("there");
    assert_eq!(order(&hearts), ["5", "6"]);
    let stored = boards.board("zoe", BoardRef::Id(new.id)).await;
    assert_eq!(stored.expect("there"), new);
}

/// Checks that writers who change one board at the same time lose nothing.
///
/// # Panics
/// When the store breaks the contract.
pub async fn check_boards_under_concurrency(boards: Arc<dyn Boards>) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 12;
    let board = Board::new("two tabs", "one board", now());
    let id = BoardRef::Id(board.id);
    boards.add(board).await.expect("added");
    let writing = (0..WRITERS).map(|writer| {
        let boards = Arc::clone(&boards);
        tokio::spawn(async move {
            for number in 0..EACH {
                let picture = writer * EACH + number;
                let changes = [
                    add(picture),
                    Operation::Move {
                        picture: picture.into(),
                        place: Place::Start,
                    },
                ];
                let edited = boards.apply("two tabs", id, &changes, None).await;
                let _: Board = done(edited.expect("applied"));
            }
        })
    });
    for ended in join_all(writing).await {
        ended.expect("no writer panicked");
    }
    let board = boards.board("two tabs", id).await.expect("there");
    assert_eq!(board.items.len() as u64, WRITERS * EACH);
    assert_eq!(board.version, 1 + WRITERS * EACH, "each change counts");
    let notes = board
        .items
        .iter()
        .all(|item| item.note == format!("note {}", item.picture));
    assert!(notes, "{board:?}");
}
