//! Animals with wings.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "bird",
        group: "animals",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "animal", "songbird", "wings", "feathers", "sparrow", "bluebird",
        ],
        parts: &[
            rod(ORANGE, 3.0, "M46 78 L43 93 M36 93 L49 93"),
            rod(ORANGE, 3.0, "M56 78 L57 93 M50 93 L63 93"),
            body(NAVY, path("M26 54 L2 44 L6 54 L2 66 L28 68Z")),
            body(
                BLUE,
                path(
                    "M20 58 C22 42 38 38 48 34 C50 18 64 10 77 17 C86 22 89 33 84 42 C86 68 68 84 \
                     46 82 C30 81 19 72 20 58Z",
                ),
            ),
            patch(CREAM, path("M83 44 C84 66 68 82 46 81 C48 64 62 48 83 44Z")),
            body(
                NAVY,
                path("M26 54 C36 42 56 44 63 54 C58 69 42 76 24 70 C32 67 30 60 26 54Z"),
            ),
            mark("M36 66 C44 66 50 63 54 58"),
            body(ORANGE, path("M85 25 L99 31 L85 37Z")),
            dot(circle(73.0, 28.0, 3.4)),
        ],
    },
    Subject {
        name: "owl",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["animal", "bird", "night", "wise", "feathers", "forest"],
        parts: &[
            body(
                ORANGE,
                path("M34 88 L30 96 L36 94 L39 98 L42 94 L47 96 L44 88Z"),
            )
            .twice(),
            body(
                WOOD,
                path(
                    "M20 8 C28 14 38 14 50 14 C62 14 72 14 80 8 C80 18 80 26 81 36 C86 66 76 92 \
                     50 92 C24 92 14 66 19 36 C20 26 20 18 20 8Z",
                ),
            ),
            patch(
                CREAM,
                path(
                    "M50 54 C66 54 70 66 66 78 C62 88 56 90 50 90 C44 90 38 88 34 78 C30 66 34 54 \
                     50 54Z",
                ),
            ),
            mark(
                "M39 68 C41 71 44 71 46 68 C48 71 52 71 54 68 C56 71 59 71 61 68 M43 77 C45 80 48 \
                 80 50 77 C52 80 55 80 57 77",
            ),
            body(BROWN, path("M18 44 C10 56 10 74 22 86 C30 76 30 58 24 46Z")).twice(),
            body(CREAM, circle(36.0, 36.0, 14.0)).twice(),
            dot(circle(37.0, 36.0, 7.0)).twice(),
            patch(WHITE, circle(39.5, 33.0, 2.4)),
            patch(WHITE, circle(65.5, 33.0, 2.4)),
            body(GOLD, path("M45 46 L55 46 L50 56Z")),
        ],
    },
    Subject {
        name: "penguin",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["animal", "bird", "antarctic", "ice", "winter", "cute"],
        parts: &[
            body(
                ORANGE,
                path("M26 92 C28 85 46 85 47 92 C47 97 26 97 26 92Z"),
            )
            .twice(),
            body(
                CHARCOAL,
                path("M26 40 C14 48 6 64 10 76 C20 74 28 64 30 50Z"),
            )
            .twice(),
            body(
                CHARCOAL,
                path(
                    "M50 4 C70 4 77 20 78 38 C82 70 76 91 50 91 C24 91 18 70 22 38 C23 20 30 4 50 \
                     4Z",
                ),
            ),
            patch(
                WHITE,
                path(
                    "M50 24 C56 14 70 17 70 32 C70 40 72 50 72 60 C72 78 64 87 50 87 C36 87 28 78 \
                     28 60 C28 50 30 40 30 32 C30 17 44 14 50 24Z",
                ),
            ),
            dot(circle(40.0, 30.0, 3.6)).twice(),
            patch(PINK, oval(34.0, 39.0, 3.6, 2.6)).twice(),
            body(ORANGE, path("M43 35 C46 33 54 33 57 35 L50 44Z")),
        ],
    },
    Subject {
        name: "butterfly",
        group: "animals",
        tilt: 0.0,
        free_colours: true,
        tags: &["animal", "insect", "wings", "spring", "garden", "nature"],
        parts: &[
            body(
                PURPLE,
                path("M48 50 C34 52 20 58 18 72 C17 86 32 92 40 84 C47 76 50 64 50 54Z"),
            )
            .twice(),
            body(
                ORANGE,
                path("M50 48 C44 26 26 10 10 12 C0 15 4 48 24 56 C36 60 46 56 50 48Z"),
            )
            .twice(),
            patch(
                YELLOW,
                path("M40 44 C36 32 26 23 18 23 C12 25 15 40 26 46 C32 49 38 48 40 44Z"),
            )
            .twice(),
            patch(PINK, oval(32.0, 72.0, 6.5, 7.5)).twice(),
            patch(WHITE, circle(12.0, 20.0, 2.2)).twice(),
            mark("M49 36 C47 24 41 15 33 10 M51 36 C53 24 59 15 67 10"),
            dot(circle(33.0, 10.0, 2.2)).twice(),
            body(
                CHARCOAL,
                path(
                    "M50 32 C54 32 55 37 54 41 C56 46 56 64 50 82 C44 64 44 46 46 41 C45 37 46 32 \
                     50 32Z",
                ),
            ),
        ],
    },
    Subject {
        name: "bee",
        group: "animals",
        tilt: -8.0,
        free_colours: false,
        tags: &["animal", "insect", "bumblebee", "honey", "wings", "garden"],
        parts: &[
            body(INK, path("M22 54 L8 60 L22 66Z")),
            body(ICE, path("M46 42 C30 36 22 18 32 10 C44 4 54 22 54 42Z")),
            body(ICE, path("M54 42 C50 24 58 8 70 12 C80 18 72 36 58 44Z")),
            body(YELLOW, oval(50.0, 60.0, 32.0, 23.0)),
            patch(
                INK,
                path(
                    "M30 42 C34 40 37 39 39 38.5 C42 52 42 68 39 81.5 C37 81 34 80 30 78 C33 66 \
                     33 54 30 42Z",
                ),
            ),
            patch(
                INK,
                path("M48 37 L57 37.6 C60 52 60 68 57 82.4 L48 83 C51 68 51 52 48 37Z"),
            ),
            dot(circle(72.0, 54.0, 3.4)),
            mark("M68 66 C71 70 75 69 77 65"),
            mark("M70 42 C72 34 78 30 84 30 M77 46 C80 40 86 38 92 40"),
            dot(circle(85.0, 30.0, 2.2)),
            dot(circle(93.0, 41.0, 2.2)),
        ],
    },
];
