//! Plants and landscape.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "tree",
        group: "nature",
        tilt: 0.0,
        free_colours: false,
        tags: &["plant", "oak", "forest", "park", "leaves", "green"],
        parts: &[
            body(
                WOOD,
                path("M43 58 L43 82 C42 88 38 92 34 95 L66 95 C62 92 58 88 57 82 L57 58Z"),
            ),
            body(
                LEAF,
                path(
                    "M30 68 C12 70 4 54 14 44 C6 30 20 16 33 20 C38 4 62 4 67 20 C80 16 94 30 86 \
                     44 C96 54 88 70 70 68 C62 75 38 75 30 68Z",
                ),
            ),
            patch(
                LIME,
                path(
                    "M24 42 C20 32 28 25 36 28 C40 16 56 15 60 24 C50 24 46 30 44 36 C36 33 28 36 \
                     24 42Z",
                ),
            ),
            mark("M34 56 C38 60 44 60 47 56 M56 44 C60 48 66 48 70 44 M62 60 C65 62 70 62 73 59"),
        ],
    },
    Subject {
        name: "pine_tree",
        group: "nature",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "tree",
            "fir",
            "conifer",
            "plant",
            "forest",
            "winter",
            "evergreen",
            "christmas_tree",
        ],
        parts: &[
            body(BROWN, rect(43.0, 80.0, 14.0, 16.0, 0.0)),
            body(
                PINE,
                path("M50 44 L86 84 C74 80 66 88 58 83 C54 88 46 88 42 83 C34 88 26 80 14 84Z"),
            ),
            body(
                GREEN,
                path("M50 24 L78 60 C70 57 64 64 57 59 C53 63 47 63 43 59 C36 64 30 57 22 60Z"),
            ),
            body(
                LEAF,
                path("M50 3 L70 36 C64 34 60 40 55 36 C52 39 48 39 45 36 C40 40 36 34 30 36Z"),
            ),
        ],
    },
    Subject {
        name: "flower",
        group: "nature",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "plant", "blossom", "daisy", "petals", "spring", "garden", "bloom",
        ],
        parts: &[
            rod(GREEN, 4.5, "M50 44 C48 62 52 78 50 97"),
            body(LEAF, path("M50 86 C38 88 26 80 22 66 C36 64 48 72 50 86Z")),
            body(LEAF, path("M50 78 C60 80 72 72 76 58 C62 57 51 66 50 78Z")),
            mark("M30 71 C37 74 43 79 47 83 M69 63 C62 66 56 71 53 75"),
            body(ROSE, circle(50.0, 15.0, 12.0)),
            body(ROSE, circle(31.9, 28.1, 12.0)).twice(),
            body(ROSE, circle(38.8, 49.4, 12.0)).twice(),
            body(GOLD, circle(50.0, 34.0, 11.0)),
            mark("M46 32 L46.5 33 M52 30 L52.5 31 M50 37 L50.5 38 M54 36 L54.5 37 M45 38 L45.5 39"),
        ],
    },
    Subject {
        name: "tulip",
        group: "nature",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "flower",
            "plant",
            "petals",
            "spring",
            "garden",
            "bloom",
            "netherlands",
        ],
        parts: &[
            rod(GREEN, 4.5, "M50 46 L50 97"),
            body(LEAF, path("M49 96 C34 92 24 76 26 54 C38 62 48 78 49 96Z")),
            body(GREEN, path("M51 96 C66 92 78 78 78 60 C64 66 52 80 51 96Z")),
            body(
                CRIMSON,
                path("M50 8 C58 16 64 26 62 46 L38 46 C36 26 42 16 50 8Z"),
            ),
            body(RED, path("M24 12 C38 18 50 32 50 54 C34 54 20 38 24 12Z")),
            body(RED, path("M76 12 C62 18 50 32 50 54 C66 54 80 38 76 12Z")),
            shine(path("M29 22 C34 26 38 32 40 39 C33 36 29 30 29 22Z")),
        ],
    },
    Subject {
        name: "cactus",
        group: "nature",
        tilt: 0.0,
        free_colours: false,
        tags: &["plant", "succulent", "desert", "spines", "pot", "green"],
        parts: &[
            body(
                GREEN,
                path(
                    "M41 58 L31 58 C20 58 15 50 15 42 L15 36 C15 28 27 28 27 36 L27 41 C27 44 29 \
                     46 32 46 L41 46Z",
                ),
            ),
            body(
                GREEN,
                path(
                    "M59 50 L68 50 C79 50 85 43 85 34 L85 27 C85 19 73 19 73 27 L73 33 C73 36 71 \
                     38 68 38 L59 38Z",
                ),
            ),
            body(GREEN, path("M38 72 L38 22 C38 6 62 6 62 22 L62 72Z")),
            mark(
                "M46 22 L46 30 M54 16 L54 24 M46 40 L46 48 M54 34 L54 42 M54 52 L54 60 M46 57 L46 \
                 64",
            ),
            mark("M21 38 L21 45 M79 29 L79 36"),
            body(PINK, star(50.0, 9.0, 6, 8.0, 5.0)),
            patch(YELLOW, circle(50.0, 9.0, 2.4)),
            body(TERRACOTTA, path("M31 74 L69 74 L64 96 L36 96Z")),
            body(TERRACOTTA, rect(27.0, 67.0, 46.0, 10.0, 2.0)),
        ],
    },
    Subject {
        name: "mountain",
        group: "nature",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "mountains",
            "landscape",
            "peak",
            "snow",
            "alps",
            "hiking",
            "outdoors",
        ],
        parts: &[
            body(GOLD, circle(78.0, 20.0, 9.0)),
            body(GREY, path("M36 86 L68 32 L100 86Z")),
            body(WHITE, path("M68 32 L78 49 L73 47 L68 54 L63 47 L58 49Z")),
            body(SLATE, path("M0 86 L40 12 L80 86Z")),
            body(WHITE, path("M40 12 L56 41 L48 37 L40 48 L33 38 L24.5 41Z")),
            mark("M38 58 L32 70 M50 56 L56 68 M72 60 L76 66"),
            body(
                LEAF,
                path("M0 86 C16 78 30 88 50 84 C70 80 84 88 100 84 L100 94 L0 94Z"),
            ),
        ],
    },
    Subject {
        name: "snowman",
        group: "nature",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "snow",
            "winter",
            "christmas",
            "cold",
            "carrot_nose",
            "holiday",
        ],
        parts: &[
            rod(BROWN, 3.0, "M28 58 L8 44 M14 48 L8 54"),
            rod(BROWN, 3.0, "M72 58 L92 44 M86 48 L92 54"),
            body(WHITE, circle(50.0, 76.0, 22.0)),
            body(WHITE, circle(50.0, 54.0, 17.0)),
            body(WHITE, circle(50.0, 32.0, 15.0)),
            body(
                RED,
                path(
                    "M35 42 C44 48 56 48 65 42 L66 49 C60 53 58 53 56 53 L58 68 L50 68 L50 54 C44 \
                     54 38 52 34 49Z",
                ),
            ),
            dot(circle(44.5, 29.0, 2.4)).twice(),
            body(ORANGE, path("M49 32 L66 37 L49 38Z")),
            dot(circle(44.0, 62.0, 2.2)),
            dot(circle(46.0, 74.0, 2.4)),
            dot(circle(46.0, 84.0, 2.4)),
            body(CHARCOAL, path("M38 18 L39 0 L61 0 L62 18Z")),
            patch(RED, path("M38.3 12 L61.7 12 L62 18 L38 18Z")),
            body(CHARCOAL, rect(30.0, 17.0, 40.0, 5.0, 2.0)),
        ],
    },
];
