//! Things to eat.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "apple",
        group: "food",
        tilt: 0.0,
        free_colours: false,
        tags: &["fruit", "food", "red_apple", "healthy", "snack", "orchard"],
        parts: &[
            rod(BROWN, 4.5, "M50 38 C49 28 52 20 58 13"),
            body(
                RED,
                path(
                    "M50 34 C44 26 31 25 23 33 C13 43 15 62 24 75 C31 86 40 91 50 86 C60 91 69 86 \
                     76 75 C85 62 87 43 77 33 C69 25 56 26 50 34Z",
                ),
            ),
            body(LEAF, path("M55 29 C58 15 70 9 84 12 C82 26 70 35 55 29Z")),
            mark("M59 27 C66 24 72 20 78 16"),
            mark("M43 35 C47 39 53 39 57 35"),
            shine(path(
                "M24 55 C22 45 26 38 33 35 C37 36 37 39 34 41 C30 44 29 49 29 55 C29 59 25 59 24 \
                 55Z",
            )),
        ],
    },
    Subject {
        name: "pear",
        group: "food",
        tilt: 4.0,
        free_colours: false,
        tags: &["fruit", "food", "green", "healthy", "snack", "orchard"],
        parts: &[
            rod(BROWN, 4.5, "M50 24 C50 17 52 12 57 8"),
            body(
                LIME,
                path(
                    "M50 20 C60 20 63 28 64 36 C65 47 79 54 79 70 C79 84 66 91 50 91 C34 91 21 84 \
                     21 70 C21 54 35 47 36 36 C37 28 40 20 50 20Z",
                ),
            ),
            body(LEAF, path("M53 19 C60 7 73 6 84 12 C79 24 65 28 53 19Z")),
            mark("M57 18 C65 16 71 14 78 12"),
            mark("M60 66 L60.5 67 M67 74 L67.5 75 M56 78 L56.5 79 M66 61 L66.5 62"),
            shine(path(
                "M30 72 C28 62 34 55 40 50 C44 50 44 54 41 57 C36 62 35 67 35 72 C35 76 31 76 30 \
                 72Z",
            )),
        ],
    },
    Subject {
        name: "banana",
        group: "food",
        tilt: 0.0,
        free_colours: false,
        tags: &["fruit", "food", "yellow", "tropical", "snack"],
        parts: &[
            body(
                YELLOW,
                path(
                    "M18 20 C8 52 30 90 74 88 C82 88 88 84 89 78 C64 74 44 52 35 17 C30 22 24 23 \
                     18 20Z",
                ),
            ),
            body(BROWN, path("M17 21 L21 7 L31 5 L36 18 C30 23 23 24 17 21Z")),
            body(
                BROWN,
                path("M84 76 L92 77 L92 85 L84 87 C82 83 82 79 84 76Z"),
            ),
            mark("M25 26 C28 54 50 78 80 82"),
            mark("M20 38 C20 58 34 76 54 83"),
        ],
    },
    Subject {
        name: "cherry",
        group: "food",
        tilt: 0.0,
        free_colours: false,
        tags: &["cherries", "fruit", "food", "red", "sweet", "summer"],
        parts: &[
            rod(GREEN, 3.6, "M31 60 C34 40 46 24 66 14"),
            rod(GREEN, 3.6, "M69 64 C74 46 73 28 66 14"),
            body(LEAF, path("M66 14 C54 0 34 4 24 16 C38 28 56 26 66 14Z")),
            mark("M60 14 C50 11 40 12 32 16"),
            body(CRIMSON, circle(30.0, 71.0, 18.0)),
            body(RED, circle(70.0, 75.0, 17.0)),
            mark("M26 57 C29 60 33 60 36 57"),
            mark("M65 62 C68 65 72 65 75 62"),
            shine(oval(23.0, 66.0, 3.6, 5.6)),
            shine(oval(63.0, 71.0, 3.4, 5.2)),
        ],
    },
    Subject {
        name: "strawberry",
        group: "food",
        tilt: 0.0,
        free_colours: false,
        tags: &["fruit", "berry", "food", "red", "sweet", "summer"],
        parts: &[
            body(
                RED,
                path(
                    "M50 94 C36 90 16 62 16 42 C16 28 30 24 50 26 C70 24 84 28 84 42 C84 62 64 90 \
                     50 94Z",
                ),
            ),
            rod(GREEN, 5.0, "M50 26 C50 18 53 12 57 8"),
            body(
                LEAF,
                path(
                    "M50 22 C40 15 26 15 17 23 C23 26 27 29 29 34 C34 32 38 33 41 38 C44 35 47 37 \
                     50 42 C53 37 56 35 59 38 C62 33 66 32 71 34 C73 29 77 26 83 23 C74 15 60 15 \
                     50 22Z",
                ),
            ),
            patch(YELLOW, oval(32.0, 50.0, 2.0, 3.0)).twice(),
            patch(YELLOW, oval(50.0, 54.0, 2.0, 3.0)),
            patch(YELLOW, oval(40.0, 65.0, 2.0, 3.0)).twice(),
            patch(YELLOW, oval(50.0, 78.0, 2.0, 3.0)),
            shine(path(
                "M22 52 C19 46 20 39 25 36 C28 37 28 39 26 42 C25 45 26 49 27 52 C27 55 24 55 22 \
                 52Z",
            )),
        ],
    },
    Subject {
        name: "watermelon",
        group: "food",
        tilt: -14.0,
        free_colours: false,
        tags: &["fruit", "food", "slice", "summer", "refreshing", "melon"],
        parts: &[
            body(GREEN, path("M6 36 A44 44 0 0 0 94 36Z")),
            patch(CREAM, path("M12 36 A38 38 0 0 0 88 36Z")),
            patch(RED, path("M16 36 A34 34 0 0 0 84 36Z")),
            dot(oval(30.0, 45.0, 2.2, 3.4)).twice(),
            dot(oval(43.0, 47.0, 2.2, 3.4)).twice(),
            dot(oval(37.0, 57.0, 2.2, 3.4)).twice(),
            dot(oval(50.0, 61.0, 2.2, 3.4)),
        ],
    },
    Subject {
        name: "carrot",
        group: "food",
        tilt: 28.0,
        free_colours: false,
        tags: &["vegetable", "food", "orange", "healthy", "garden"],
        parts: &[
            body(LEAF, path("M46 32 C32 32 24 24 22 12 C34 12 44 20 48 32Z")).twice(),
            body(GREEN, path("M50 36 C40 26 40 12 50 2 C60 12 60 26 50 36Z")),
            body(
                ORANGE,
                path(
                    "M50 98 C42 84 30 58 32 42 C33 31 42 30 50 32 C58 30 67 31 68 42 C70 58 58 84 \
                     50 98Z",
                ),
            ),
            mark("M33 48 C38 50 42 50 45 49"),
            mark("M66 56 C62 58 58 58 55 57"),
            mark("M38 68 C42 70 46 70 48 69"),
            mark("M59 76 C57 77 55 77 53 76"),
            shine(oval(40.0, 42.0, 2.4, 5.0)),
        ],
    },
    Subject {
        name: "mushroom",
        group: "food",
        tilt: 0.0,
        free_colours: false,
        tags: &["toadstool", "fungus", "forest", "nature", "red_cap"],
        parts: &[
            body(
                CREAM,
                path("M40 54 C42 68 38 78 34 87 C40 94 60 94 66 87 C62 78 58 68 60 54Z"),
            ),
            body(
                RED,
                path(
                    "M10 57 C10 30 28 12 50 12 C72 12 90 30 90 57 C80 64 64 65 50 65 C36 65 20 64 \
                     10 57Z",
                ),
            ),
            patch(WHITE, circle(34.0, 34.0, 7.5)),
            patch(WHITE, circle(61.0, 28.0, 6.5)),
            patch(WHITE, circle(54.0, 50.0, 6.5)),
            patch(WHITE, circle(77.0, 47.0, 5.5)),
            patch(WHITE, circle(24.0, 53.0, 4.5)),
            mark("M43 76 L43 84 M50 74 L50 86 M57 76 L57 84"),
            mark("M26 87 L30 80 M74 88 L71 82 M79 88 L80 83"),
        ],
    },
    Subject {
        name: "ice_cream",
        group: "food",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "icecream", "cone", "dessert", "food", "sweet", "summer", "gelato",
        ],
        parts: &[
            body(TAN, path("M30 48 L70 48 L50 98Z")),
            mark(
                "M36 52 L58 78 M46 50 L63 68 M57 50 L67 60 M64 52 L42 78 M54 50 L37 68 M43 50 L33 \
                 60",
            ),
            body(
                CREAM,
                path("M30 30 C30 16 40 8 52 8 C64 8 72 18 72 30 C72 36 30 36 30 30Z"),
            ),
            body(
                PINK,
                path(
                    "M24 46 C20 30 34 22 50 22 C66 22 80 30 76 46 C75 54 67 54 65 50 C63 58 55 58 \
                     53 51 C50 60 42 58 41 51 C38 57 32 55 32 50 C29 53 25 51 24 46Z",
                ),
            ),
            body(RED, circle(52.0, 9.0, 6.0)),
            patch(
                YELLOW,
                path("M36 34 L40 32 L41 34 L37 36Z M62 36 L65 39 L63 41 L60 38Z"),
            ),
            patch(
                SKY,
                path("M48 40 L52 40 L52 43 L48 43Z M54 29 L58 28 L58.5 30 L54.5 31Z"),
            ),
            shine(oval(32.0, 38.0, 2.6, 4.6)),
        ],
    },
    Subject {
        name: "cupcake",
        group: "food",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "muffin", "cake", "dessert", "food", "sweet", "birthday", "bakery",
        ],
        parts: &[
            body(TEAL, path("M24 56 L76 56 L67 91 C66 94 34 94 33 91Z")),
            mark("M35 61 L39 91 M45 61 L47 91 M55 61 L53 91 M65 61 L61 91"),
            body(
                PINK,
                path(
                    "M20 60 C12 50 20 40 30 40 C26 30 34 23 43 25 C44 18 50 12 58 10 C57 16 60 20 \
                     64 25 C73 26 74 34 71 40 C82 41 87 51 80 60 C70 65 30 65 20 60Z",
                ),
            ),
            mark("M30 40 C42 46 58 46 71 39 M43 26 C48 30 56 30 63 25"),
            body(RED, circle(57.0, 9.0, 6.5)),
            patch(
                YELLOW,
                path(
                    "M30 50 L34 48 L35 50 L31 52Z M56 36 L60 34 L61 36 L57 38Z M66 52 L70 54 L69 \
                     56 L65 54Z",
                ),
            ),
            patch(
                WHITE,
                path("M42 34 L46 35 L45.4 37 L41.4 36Z M46 52 L50 51 L50.5 53 L46.5 54Z"),
            ),
        ],
    },
];
