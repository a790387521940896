//! Animals in the water.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "fish",
        group: "animals",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "animal", "sea", "ocean", "water", "goldfish", "aquarium", "fins",
        ],
        parts: &[
            body(
                GOLD,
                path("M68 50 C78 40 84 28 97 24 C92 40 92 60 97 76 C84 72 78 60 68 50Z"),
            ),
            body(GOLD, path("M30 36 C36 16 56 10 68 18 C66 26 66 32 64 40Z")),
            body(GOLD, path("M40 68 C42 82 52 88 62 84 C60 78 60 74 60 64Z")),
            body(
                ORANGE,
                path(
                    "M3 52 C12 32 30 25 46 27 C62 30 72 40 79 50 C72 62 62 72 46 75 C30 76 12 70 \
                     3 52Z",
                ),
            ),
            patch(
                WHITE,
                path(
                    "M34 28 C38 27 42 27 46 27 C54 42 54 60 46 75 C42 75 38 75 34 74 C41 60 41 42 \
                     34 28Z",
                ),
            ),
            body(GOLD, path("M46 52 C52 46 58 46 61 52 C58 60 52 60 46 52Z")),
            body(WHITE, circle(21.0, 46.0, 5.6)),
            dot(circle(20.0, 46.0, 3.0)),
            mark("M5 55 C9 58 12 58 15 56"),
            mark("M66 46 L72 48 M66 54 L72 53"),
        ],
    },
    Subject {
        name: "whale",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &["animal", "sea", "ocean", "water", "big", "blue_whale"],
        parts: &[
            rod(SKY, 4.0, "M34 30 C34 16 26 8 16 14"),
            rod(SKY, 4.0, "M34 30 C34 14 44 6 52 14"),
            body(
                BLUE,
                path(
                    "M4 56 C4 36 22 28 42 30 C62 32 68 50 78 48 C82 47 83 42 82 38 C74 36 69 28 \
                     70 18 C78 18 84 23 86 28 C88 22 93 16 99 17 C101 27 97 35 91 39 C95 62 78 84 \
                     48 84 C20 84 4 74 4 56Z",
                ),
            ),
            patch(
                WHITE,
                path("M4.6 62 C22 60 44 66 62 82 C57 83.5 52 84 48 84 C22 84 6 76 4.6 62Z"),
            ),
            mark("M14 66 C18 72 22 77 26 80 M26 65 C31 71 36 77 42 82 M38 67 C44 72 50 77 55 82"),
            body(NAVY, path("M48 62 C58 62 64 70 64 80 C54 80 48 72 48 62Z")),
            dot(circle(20.0, 52.0, 3.2)),
        ],
    },
    Subject {
        name: "octopus",
        group: "animals",
        tilt: 0.0,
        free_colours: true,
        tags: &["animal", "sea", "ocean", "water", "tentacles", "squid"],
        parts: &[
            rod(PURPLE, 9.0, "M30 52 C26 66 16 72 8 64"),
            rod(PURPLE, 9.0, "M70 52 C74 66 84 72 92 64"),
            rod(PURPLE, 9.0, "M36 56 C34 74 26 86 12 84"),
            rod(PURPLE, 9.0, "M64 56 C66 74 74 86 88 84"),
            rod(PURPLE, 9.0, "M45 58 C46 76 42 90 32 94"),
            rod(PURPLE, 9.0, "M55 58 C54 76 58 90 68 94"),
            body(
                PURPLE,
                path(
                    "M22 40 C22 18 34 6 50 6 C66 6 78 18 78 40 C78 56 68 64 50 64 C32 64 22 56 22 \
                     40Z",
                ),
            ),
            patch(PINK, circle(32.0, 22.0, 4.0)),
            patch(PINK, circle(42.0, 14.0, 3.0)),
            patch(PINK, oval(31.0, 51.0, 5.0, 3.2)).twice(),
            body(WHITE, circle(38.0, 38.0, 8.0)).twice(),
            dot(circle(39.5, 39.0, 4.4)).twice(),
            mark("M44 52 C47 56 53 56 56 52"),
        ],
    },
    Subject {
        name: "duck",
        group: "animals",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "animal",
            "bird",
            "rubber_duck",
            "duckling",
            "bath",
            "pond",
            "yellow",
        ],
        parts: &[
            body(
                YELLOW,
                path(
                    "M4 50 C14 60 26 56 40 56 L52 50 C44 46 42 38 42 32 C42 18 52 10 64 10 C77 10 \
                     86 20 86 32 C86 42 80 48 76 52 C84 60 84 88 50 88 C18 88 4 70 4 50Z",
                ),
            ),
            body(
                ORANGE,
                path("M84 28 C90 26 98 28 99 33 C98 40 88 42 82 40Z"),
            ),
            mark("M83 34 L96 34"),
            dot(circle(70.0, 27.0, 3.6)),
            body(
                GOLD,
                path("M22 62 C34 58 52 58 60 64 C58 78 40 82 30 76 C34 74 28 70 22 62Z"),
            ),
            mark("M36 73 C42 74 48 72 52 69"),
        ],
    },
];
