//! Toys, treasures and spooky things.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "heart",
        group: "shapes",
        tilt: 0.0,
        free_colours: false,
        tags: &["love", "valentine", "romance", "like", "red", "shape"],
        parts: &[
            body(
                RED,
                path(
                    "M50 90 C18 66 4 48 6 32 C8 14 28 6 42 18 C46 21 49 26 50 30 C51 26 54 21 58 \
                     18 C72 6 92 14 94 32 C96 48 82 66 50 90Z",
                ),
            ),
            shine(path(
                "M14 40 C11 28 18 19 28 18 C31 19 31 22 28 24 C22 26 19 31 20 39 C20 43 15 44 14 \
                 40Z",
            )),
        ],
    },
    Subject {
        name: "balloon",
        group: "toys",
        tilt: 6.0,
        free_colours: true,
        tags: &["party", "birthday", "celebration", "float", "string"],
        parts: &[
            mark("M50 76 C42 84 58 90 48 102"),
            body(
                RED,
                path(
                    "M50 4 C70 4 82 20 82 38 C82 56 66 70 50 72 C34 70 18 56 18 38 C18 20 30 4 50 \
                     4Z",
                ),
            ),
            body(RED, path("M50 70 L57 79 C53 81 47 81 43 79Z")),
            shine(path(
                "M28 40 C25 28 30 17 40 13 C43 14 43 17 40 19 C34 23 32 31 33 39 C33 43 29 44 28 \
                 40Z",
            )),
        ],
    },
    Subject {
        name: "ghost",
        group: "fantasy",
        tilt: 0.0,
        free_colours: false,
        tags: &["halloween", "spooky", "boo", "haunted", "spirit", "cute"],
        parts: &[
            body(
                WHITE,
                path(
                    "M16 92 C18 76 18 62 18 42 C18 20 32 6 50 6 C68 6 82 20 82 42 C82 62 82 76 84 \
                     92 C76 96 72 84 67 85 C61 86 60 95 50 95 C40 95 39 86 33 85 C28 84 24 96 16 \
                     92Z",
                ),
            ),
            body(WHITE, path("M20 52 C12 52 6 58 6 64 C12 68 18 64 22 60Z")).twice(),
            patch(PINK, oval(31.0, 51.0, 5.0, 3.2)).twice(),
            dot(oval(39.0, 39.0, 4.6, 6.4)).twice(),
            dot(oval(50.0, 56.0, 4.6, 6.0)),
        ],
    },
    Subject {
        name: "robot",
        group: "fantasy",
        tilt: 0.0,
        free_colours: true,
        tags: &["machine", "android", "toy", "science_fiction", "technology"],
        parts: &[
            rod(SLATE, 3.4, "M50 18 L50 8"),
            body(RED, circle(50.0, 6.0, 5.0)),
            rod(SLATE, 6.0, "M28 60 C16 62 12 68 12 76"),
            rod(SLATE, 6.0, "M72 60 C84 62 88 68 88 76"),
            body(GOLD, circle(12.0, 78.0, 5.5)).twice(),
            body(SLATE, rect(34.0, 84.0, 11.0, 14.0, 2.0)).twice(),
            body(SLATE, rect(16.0, 26.0, 8.0, 14.0, 2.0)).twice(),
            body(TEAL, rect(28.0, 50.0, 44.0, 38.0, 6.0)),
            body(TEAL, rect(22.0, 16.0, 56.0, 34.0, 8.0)),
            body(WHITE, circle(37.0, 30.0, 7.0)).twice(),
            dot(circle(37.0, 30.0, 3.4)).twice(),
            mark("M38 42 L62 42 M44 40 L44 44 M50 40 L50 44 M56 40 L56 44"),
            body(CREAM, rect(38.0, 60.0, 24.0, 18.0, 2.0)),
            patch(RED, circle(45.0, 66.0, 2.6)),
            patch(GOLD, circle(55.0, 66.0, 2.6)),
            mark("M43 73 L57 73"),
        ],
    },
    Subject {
        name: "kite",
        group: "toys",
        tilt: 16.0,
        free_colours: true,
        tags: &["flying", "wind", "sky", "summer", "play", "string"],
        parts: &[
            mark("M50 70 C40 78 62 84 50 92 C42 98 54 102 50 108"),
            body(PINK, path("M46 84 L38 78 L37 88 L46 84 L54 90 L56 80Z")),
            body(GOLD, path("M50 98 L42 93 L42 103 L50 98 L58 103 L59 93Z")),
            body(RED, path("M50 2 L82 32 L50 74 L18 32Z")),
            patch(GOLD, path("M50 2 L82 32 L50 32Z")),
            patch(GOLD, path("M18 32 L50 32 L50 74Z")),
            mark("M50 3 L50 73 M19 32 L81 32"),
        ],
    },
];
