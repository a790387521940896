//! Animals on the ground.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "cat",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["kitten", "animal", "pet", "feline", "cute", "whiskers"],
        parts: &[
            rod(ORANGE, 7.5, "M66 90 C92 92 96 72 84 60"),
            body(
                ORANGE,
                path("M36 56 C26 70 24 90 30 95 L70 95 C76 90 74 70 64 56Z"),
            ),
            patch(CREAM, oval(50.0, 76.0, 10.0, 13.0)),
            mark("M42 95 L42 84 M58 95 L58 84"),
            body(
                ORANGE,
                path(
                    "M22 8 C26 7 34 14 39 19 C46 17 54 17 61 19 C66 14 74 7 78 8 C81 18 81 32 79 \
                     39 C78 55 66 64 50 64 C34 64 22 55 21 39 C19 32 19 18 22 8Z",
                ),
            ),
            patch(
                PINK,
                path("M25 15 C28 17 31 20 34 23 C31 25 28 28 26 31 C25 26 24.6 20 25 15Z"),
            )
            .twice(),
            mark("M50 20 L50 29 M43 21 L44 27 M57 21 L56 27"),
            dot(oval(37.0, 41.0, 3.6, 4.6)).twice(),
            patch(PINK, path("M46.5 48 L53.5 48 L50 52.5Z")),
            mark("M50 52 C50 58 43 58 41 54 M50 52 C50 58 57 58 59 54"),
            mark("M30 49 L10 45 M30 53 L11 56 M70 49 L90 45 M70 53 L89 56"),
        ],
    },
    Subject {
        name: "dog",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["puppy", "animal", "pet", "canine", "cute", "hound"],
        parts: &[
            body(
                TAN,
                path(
                    "M50 14 C69 14 78 27 78 46 C78 72 67 88 50 88 C33 88 22 72 22 46 C22 27 31 14 \
                     50 14Z",
                ),
            ),
            patch(
                WHITE,
                path(
                    "M46 15 C44 30 44 44 40 50 C30 56 28 72 38 81 C45 87 55 87 62 81 C72 72 70 56 \
                     60 50 C56 44 56 30 54 15Z",
                ),
            ),
            body(
                BROWN,
                path(
                    "M34 15 C18 10 6 26 6 50 C6 62 15 69 21 63 C29 54 26 36 37 24 C40 20 39 16 34 \
                     15Z",
                ),
            )
            .twice(),
            dot(circle(37.0, 43.0, 4.4)).twice(),
            dot(path(
                "M42 55 C42 51 58 51 58 55 C58 60 53 63 50 63 C47 63 42 60 42 55Z",
            )),
            body(ROSE, path("M43 73 C42 86 45 91 50 91 C55 91 58 86 57 73Z")),
            mark("M50 63 L50 69 C48 76 38 76 35 70 M50 69 C52 76 62 76 65 70"),
            mark("M50 77 L50 84"),
            mark("M32 35 C34 32 38 32 40 34 M68 35 C66 32 62 32 60 34"),
        ],
    },
    Subject {
        name: "rabbit",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["bunny", "hare", "animal", "pet", "cute", "easter"],
        parts: &[
            body(SILVER, path("M40 42 C26 30 20 4 30 2 C42 0 48 22 48 40Z")).twice(),
            patch(PINK, path("M40 34 C31 24 28 10 32 8 C38 8 43 20 44 34Z")).twice(),
            body(
                SILVER,
                path(
                    "M50 34 C70 34 82 46 82 64 C82 82 68 92 50 92 C32 92 18 82 18 64 C18 46 30 34 \
                     50 34Z",
                ),
            ),
            patch(WHITE, oval(50.0, 76.0, 17.0, 13.0)),
            patch(PINK, oval(28.0, 72.0, 6.0, 4.0)).twice(),
            dot(oval(36.0, 58.0, 3.8, 5.0)).twice(),
            patch(
                ROSE,
                path("M45 66 C47 64 53 64 55 66 C55 69 52 71 50 71 C48 71 45 69 45 66Z"),
            ),
            body(WHITE, rect(46.0, 77.0, 8.0, 9.0, 1.5)),
            mark("M50 71 L50 75 C48 80 42 80 40 77 M50 75 C52 80 58 80 60 77"),
            mark("M50 78 L50 85"),
            mark("M26 66 L10 62 M26 78 L12 82 M74 66 L90 62 M74 78 L88 82"),
        ],
    },
    Subject {
        name: "snail",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["animal", "shell", "spiral", "slow", "garden"],
        parts: &[
            rod(TAN, 3.4, "M82 50 L78 30"),
            rod(TAN, 3.4, "M88 50 L94 32"),
            dot(circle(78.0, 28.0, 3.4)),
            dot(circle(95.0, 30.0, 3.4)),
            body(
                TAN,
                path(
                    "M4 88 C6 80 18 78 28 76 L58 76 C68 74 70 60 74 52 C79 42 94 43 95 55 C96 70 \
                     88 88 72 89Z",
                ),
            ),
            body(TERRACOTTA, circle(44.0, 54.0, 29.0)),
            patch(ORANGE, circle(46.0, 56.0, 19.0)),
            patch(GOLD, circle(46.0, 57.0, 9.5)),
            mark(
                "M62 78 C36 82 24 58 34 44 C46 32 66 44 61 60 C55 72 39 66 42 55 C45 48 53 51 51 \
                 57",
            ),
            mark("M84 66 C87 68 90 67 92 64"),
        ],
    },
    Subject {
        name: "turtle",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["tortoise", "animal", "reptile", "shell", "slow", "green"],
        parts: &[
            body(LIME, path("M20 66 L6 73 C9 77 16 76 22 73Z")),
            body(
                LIME,
                path("M24 64 L38 64 C38 72 38 80 36 86 C32 88 26 88 23 86 C21 80 22 72 24 64Z"),
            ),
            body(
                LIME,
                path("M58 64 L72 64 C75 72 76 80 75 86 C72 88 65 88 62 86 C60 80 58 72 58 64Z"),
            ),
            body(
                LIME,
                path(
                    "M72 66 C74 56 72 48 78 42 C84 36 95 38 97 47 C98 55 92 60 88 61 C85 64 82 70 \
                     74 73Z",
                ),
            ),
            body(GREEN, path("M12 66 C12 38 30 24 47 24 C66 24 80 40 80 66Z")),
            patch(LEAF, path("M38 34 L56 34 L62 48 L47 58 L32 48Z")),
            patch(LEAF, path("M20 58 L29 51 L42 61 L40 63 L18 63Z")),
            patch(LEAF, path("M75 58 L65 51 L52 61 L54 63 L76 63Z")),
            body(TAN, rect(9.0, 63.0, 74.0, 9.0, 4.5)),
            dot(circle(87.0, 46.0, 2.6)),
            mark("M88 54 C91 55 94 54 95 52"),
        ],
    },
    Subject {
        name: "elephant",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["animal", "trunk", "safari", "zoo", "big", "africa"],
        parts: &[
            rod(GREY, 3.0, "M8 52 C2 58 4 66 5 70"),
            body(
                GREY,
                path(
                    "M8 56 C8 36 24 28 42 28 C60 28 68 40 66 60 L66 88 L52 88 L51 72 L28 72 L27 \
                     88 L13 88 L12 70 C9 66 8 60 8 56Z",
                ),
            ),
            mark("M15 88 L15 84 M20 88 L20 84 M55 88 L55 84 M60 88 L60 84"),
            body(
                GREY,
                path(
                    "M48 30 C54 18 74 16 82 28 C90 40 88 54 90 66 C91 74 96 76 98 72 L100 76 C96 \
                     86 82 84 80 70 C80 64 78 62 74 62 C62 64 50 58 46 46Z",
                ),
            ),
            body(WHITE, path("M70 60 C74 68 80 70 87 68 C84 62 80 60 76 57Z")),
            body(
                SILVER,
                path("M62 30 C52 20 38 28 38 42 C38 56 50 64 58 58 C66 52 68 38 62 30Z"),
            ),
            dot(circle(74.0, 36.0, 2.8)),
            mark("M82 50 L89 49 M82 56 L90 56"),
        ],
    },
];
