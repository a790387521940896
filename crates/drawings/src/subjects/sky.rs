//! Things in the sky.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "sun",
        group: "sky",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "sunshine", "sunny", "weather", "summer", "day", "warm", "star",
        ],
        parts: &[
            body(ORANGE, star(50.0, 50.0, 12, 46.0, 29.0)),
            body(YELLOW, circle(50.0, 50.0, 25.0)),
            patch(ORANGE, oval(34.0, 56.0, 4.0, 2.8)).twice(),
            dot(oval(41.0, 47.0, 2.8, 3.8)).twice(),
            mark("M41 57 C45 63 55 63 59 57"),
        ],
    },
    Subject {
        name: "moon",
        group: "sky",
        tilt: 0.0,
        free_colours: false,
        tags: &["crescent", "night", "sky", "space", "sleep", "bedtime"],
        parts: &[
            body(
                YELLOW,
                path(
                    "M60 8 C34 10 16 28 16 52 C16 76 36 94 60 92 C70 91 80 86 86 78 C62 80 42 66 \
                     42 42 C42 28 48 16 60 8Z",
                ),
            ),
            patch(GOLD, circle(30.0, 44.0, 4.6)),
            patch(GOLD, circle(34.0, 64.0, 6.0)),
            patch(GOLD, circle(52.0, 79.0, 4.0)),
            body(WHITE, star(72.0, 30.0, 5, 10.0, 4.4)),
            body(WHITE, star(86.0, 54.0, 5, 6.5, 2.9)),
        ],
    },
    Subject {
        name: "star",
        group: "sky",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "favourite",
            "night",
            "sky",
            "gold",
            "award",
            "shape",
            "five_pointed",
        ],
        parts: &[
            body(GOLD, star(50.0, 54.0, 5, 48.0, 23.0)),
            shine(path("M50 20 L42 38 L46 40 C48 34 50 28 51 23Z")),
        ],
    },
    Subject {
        name: "cloud",
        group: "sky",
        tilt: 0.0,
        free_colours: false,
        tags: &["weather", "sky", "cloudy", "rain", "overcast", "fluffy"],
        parts: &[
            body(
                ICE,
                path(
                    "M26 68 C8 69 2 52 14 43 C12 29 27 23 36 30 C40 11 66 9 71 29 C84 25 96 36 90 \
                     48 C99 58 90 70 76 68Z",
                ),
            ),
            mark("M36 30 C40 32 43 35 44 39 M71 29 C66 30 62 33 60 37 M24 58 C29 62 36 61 39 57"),
            body(
                BLUE,
                path("M28 76 C31 81 33 83 33 86 C33 91 23 91 23 86 C23 83 25 81 28 76Z"),
            ),
            body(
                BLUE,
                path("M50 78 C53 83 55 85 55 88 C55 93 45 93 45 88 C45 85 47 83 50 78Z"),
            ),
            body(
                BLUE,
                path("M72 76 C75 81 77 83 77 86 C77 91 67 91 67 86 C67 83 69 81 72 76Z"),
            ),
        ],
    },
    Subject {
        name: "rainbow",
        group: "sky",
        tilt: 0.0,
        free_colours: false,
        tags: &["weather", "sky", "colours", "arch", "rain", "hope"],
        parts: &[
            body(
                RED,
                path("M4 74 A46 46 0 0 1 96 74 L90 74 A40 40 0 0 0 10 74Z"),
            ),
            body(
                ORANGE,
                path("M10 74 A40 40 0 0 1 90 74 L84 74 A34 34 0 0 0 16 74Z"),
            ),
            body(
                YELLOW,
                path("M16 74 A34 34 0 0 1 84 74 L78 74 A28 28 0 0 0 22 74Z"),
            ),
            body(
                LEAF,
                path("M22 74 A28 28 0 0 1 78 74 L72 74 A22 22 0 0 0 28 74Z"),
            ),
            body(
                BLUE,
                path("M28 74 A22 22 0 0 1 72 74 L66 74 A16 16 0 0 0 34 74Z"),
            ),
            body(
                WHITE,
                path(
                    "M6 86 C-4 86 -6 74 3 71 C3 62 14 60 18 66 C24 60 34 64 33 71 C42 72 42 86 32 \
                     86Z",
                ),
            )
            .twice(),
        ],
    },
    Subject {
        name: "planet",
        group: "sky",
        tilt: -16.0,
        free_colours: true,
        tags: &["saturn", "space", "rings", "astronomy", "galaxy", "orbit"],
        parts: &[
            rod(TAN, 5.0, "M24 56 C-6 46 -2 34 50 42"),
            rod(TAN, 5.0, "M76 56 C106 66 102 38 50 42"),
            body(ORANGE, circle(50.0, 50.0, 29.0)),
            patch(
                GOLD,
                path(
                    "M25 36 C40 42 60 42 75 36 C77 39 78 42 78.6 44 C62 50 38 50 21.4 44 C22 42 \
                     23 39 25 36Z",
                ),
            ),
            patch(
                TERRACOTTA,
                path(
                    "M24 63 C40 70 60 70 76 63 C74 67 72 70 69 72 C58 76 42 76 31 72 C28 70 26 67 \
                     24 63Z",
                ),
            ),
            rod(TAN, 5.0, "M22 43 C-8 48 -6 68 50 66 C106 64 108 50 78 43"),
        ],
    },
];
