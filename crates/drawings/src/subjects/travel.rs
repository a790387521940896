//! Things to travel in.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "car",
        group: "travel",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "automobile",
            "vehicle",
            "transport",
            "drive",
            "road",
            "auto",
        ],
        parts: &[
            body(
                RED,
                path(
                    "M4 66 C4 54 10 51 22 49 C28 34 35 27 46 27 L58 27 C70 27 77 37 84 48 C93 50 \
                     97 55 97 66 L97 70 C97 74 95 76 92 76 L9 76 C6 76 4 74 4 70Z",
                ),
            ),
            body(ICE, path("M29 49 C33 39 38 34 46 34 L50 34 L50 49Z")),
            body(ICE, path("M56 34 L59 34 C66 34 71 40 76 49 L56 49Z")),
            mark("M53 51 L53 74"),
            mark("M58 56 L64 56"),
            patch(YELLOW, path("M96 56 C91 55 88 58 88 62 L97 62Z")),
            patch(CRIMSON, path("M5 58 L10 58 L10 64 L4.2 64Z")),
            body(CHARCOAL, circle(25.0, 75.0, 12.5)),
            body(SILVER, circle(25.0, 75.0, 5.5)),
            body(CHARCOAL, circle(76.0, 75.0, 12.5)),
            body(SILVER, circle(76.0, 75.0, 5.5)),
        ],
    },
    Subject {
        name: "sailboat",
        group: "travel",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "boat",
            "ship",
            "sail",
            "sea",
            "ocean",
            "water",
            "yacht",
            "transport",
        ],
        parts: &[
            rod(BROWN, 3.6, "M48 8 L48 72"),
            body(RED, path("M48 4 L64 9 L48 14Z")),
            body(CREAM, path("M52 17 C72 28 82 46 86 64 L52 64Z")),
            body(ORANGE, path("M44 22 L44 64 L12 64 C26 54 38 40 44 22Z")),
            body(
                WOOD,
                path("M6 70 L94 70 C90 84 82 90 72 90 L28 90 C18 90 10 84 6 70Z"),
            ),
            patch(CREAM, path("M8.2 75.5 L91.8 75.5 L90 79.5 L10 79.5Z")),
            rod(
                BLUE,
                4.0,
                "M2 92 C8 87 14 87 20 92 C26 97 32 97 38 92 C44 87 50 87 56 92 C62 97 68 97 74 92 \
                 C80 87 88 87 98 92",
            ),
        ],
    },
    Subject {
        name: "rocket",
        group: "travel",
        tilt: 32.0,
        free_colours: true,
        tags: &[
            "spaceship",
            "space",
            "launch",
            "astronaut",
            "vehicle",
            "flying",
        ],
        parts: &[
            body(
                ORANGE,
                path("M38 80 C36 92 46 98 50 106 C54 98 64 92 62 80Z"),
            ),
            patch(
                YELLOW,
                path("M43 80 C43 88 48 92 50 97 C52 92 57 88 57 80Z"),
            ),
            body(RED, path("M35 52 C24 58 18 70 20 86 L38 76Z")).twice(),
            body(
                WHITE,
                path(
                    "M50 -4 C64 10 69 30 69 48 C69 62 65 74 62 82 L38 82 C35 74 31 62 31 48 C31 \
                     30 36 10 50 -4Z",
                ),
            ),
            body(
                RED,
                path("M50 -4 C58 4 64 14 66.4 26 L33.6 26 C36 14 42 4 50 -4Z"),
            ),
            body(SKY, circle(50.0, 44.0, 10.0)),
            patch(
                WHITE,
                path("M44 41 C45 38 48 36.6 50 36.6 C49 39 47 41 44 41Z"),
            ),
            mark("M36 72 L64 72"),
            rod(RED, 4.0, "M50 68 L50 90"),
        ],
    },
    Subject {
        name: "airplane",
        group: "travel",
        tilt: -10.0,
        free_colours: true,
        tags: &[
            "plane",
            "aeroplane",
            "aircraft",
            "jet",
            "flight",
            "travel",
            "sky",
            "transport",
        ],
        parts: &[
            body(BLUE, path("M46 44 L62 16 L71 16 L64 44Z")),
            body(BLUE, path("M76 44 L86 18 L96 18 L93 46Z")),
            body(
                WHITE,
                path(
                    "M3 54 C6 44 18 41 30 41 L90 40 C96 40 98 44 96 48 C92 58 84 61 74 62 L22 63 \
                     C10 63 1 61 3 54Z",
                ),
            ),
            patch(SKY, path("M9 49 C12 45 17 43.4 22 43 L22 49Z")),
            dot(circle(34.0, 48.0, 2.0)),
            dot(circle(42.0, 48.0, 2.0)),
            dot(circle(50.0, 48.0, 2.0)),
            dot(circle(58.0, 48.0, 2.0)),
            dot(circle(66.0, 48.0, 2.0)),
            dot(circle(74.0, 48.0, 2.0)),
            body(BLUE, path("M78 50 L96 56 L99 62 L80 57Z")),
            body(BLUE, path("M36 54 L58 54 L80 84 L69 84Z")),
            body(SILVER, rect(46.0, 66.0, 13.0, 7.0, 3.5)),
        ],
    },
    Subject {
        name: "bicycle",
        group: "travel",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "bike",
            "cycle",
            "cycling",
            "vehicle",
            "wheels",
            "sport",
            "transport",
        ],
        parts: &[
            mark("M22 46 L22 86 M2 66 L42 66 M8 52 L36 80 M36 52 L8 80"),
            mark("M78 46 L78 86 M58 66 L98 66 M64 52 L92 80 M92 52 L64 80"),
            ring(CHARCOAL, 4.0, 22.0, 66.0, 20.0),
            ring(CHARCOAL, 4.0, 78.0, 66.0, 20.0),
            rod(RED, 4.0, "M22 66 L36 38 L66 38 L46 66 L22 66"),
            rod(RED, 4.0, "M46 66 L33 31"),
            rod(RED, 4.0, "M78 66 L64 26"),
            rod(CHARCOAL, 3.6, "M54 24 L66 24 C74 24 74 33 67 33"),
            body(
                CHARCOAL,
                path("M22 30 C24 26 40 25 44 28 C43 32 36 32 34 33 C28 34 22 34 22 30Z"),
            ),
            body(SILVER, circle(46.0, 66.0, 5.0)),
            rod(CHARCOAL, 3.0, "M46 66 L51 76 M47 76 L55 76"),
        ],
    },
    Subject {
        name: "hot_air_balloon",
        group: "travel",
        tilt: 0.0,
        free_colours: true,
        tags: &["balloon", "flying", "sky", "travel", "basket", "adventure"],
        parts: &[
            mark("M32 62 L41 82 M68 62 L59 82 M44 66 L46 82 M56 66 L54 82"),
            body(
                RED,
                path(
                    "M50 2 C76 2 90 20 88 38 C86 52 72 60 66 68 L34 68 C28 60 14 52 12 38 C10 20 \
                     24 2 50 2Z",
                ),
            ),
            patch(
                GOLD,
                path(
                    "M50 2 C66 2 72 20 71 38 C70 52 62 60 58 68 L42 68 C38 60 30 52 29 38 C28 20 \
                     34 2 50 2Z",
                ),
            ),
            patch(
                RED,
                path(
                    "M50 2 C56 2 59 20 59 38 C59 52 55 60 53 68 L47 68 C45 60 41 52 41 38 C41 20 \
                     44 2 50 2Z",
                ),
            ),
            body(WOOD, path("M38 82 L62 82 L60 97 L40 97Z")),
            mark("M39 87 L61 87 M39.6 92 L60.4 92"),
        ],
    },
    Subject {
        name: "anchor",
        group: "travel",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "ship", "boat", "sea", "ocean", "nautical", "sailor", "harbour",
        ],
        parts: &[
            ring(NAVY, 5.5, 50.0, 14.0, 8.0),
            body(
                NAVY,
                path(
                    "M46 22 L54 22 L54 82 C64 80 74 74 78 66 L70 66 L86 48 L95 68 L88 67 C82 84 \
                     66 94 50 94 C34 94 18 84 12 67 L5 68 L14 48 L30 66 L22 66 C26 74 36 80 46 82Z",
                ),
            ),
            body(NAVY, rect(30.0, 30.0, 40.0, 8.0, 4.0)),
        ],
    },
];
