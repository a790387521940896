//! Things to carry and wear.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "umbrella",
        group: "things",
        tilt: 12.0,
        free_colours: true,
        tags: &["parasol", "rain", "weather", "brolly", "rainy_day"],
        parts: &[
            rod(CHARCOAL, 3.4, "M50 4 L50 16"),
            rod(WOOD, 4.4, "M50 46 L50 84 C50 97 33 97 33 84"),
            body(
                RED,
                path(
                    "M4 54 C6 28 26 12 50 12 C74 12 94 28 96 54 C90 46 80 46 73 54 C67 46 57 46 \
                     50 54 C43 46 33 46 27 54 C20 46 10 46 4 54Z",
                ),
            ),
            patch(GOLD, path("M50 12 C38 18 28 36 27 54 C33 46 43 46 50 54Z")),
            patch(
                GOLD,
                path("M50 12 C74 12 94 28 96 54 C90 46 80 46 73 54 C72 36 62 18 50 12Z"),
            ),
            mark("M50 13 C38 19 28 36 27 53 M50 13 L50 52 M50 13 C62 19 72 36 73 53"),
        ],
    },
    Subject {
        name: "key",
        group: "things",
        tilt: -38.0,
        free_colours: false,
        tags: &["lock", "door", "gold", "secret", "unlock", "security"],
        parts: &[
            body(
                GOLD,
                path(
                    "M44 45 L95 45 L95 70 L87 70 L87 60 L81 60 L81 66 L73 66 L73 55 L44 55 A22 22 \
                     0 1 1 44 45Z M14 50 A8 8 0 1 0 30 50 A8 8 0 1 0 14 50Z",
                ),
            ),
            shine(path(
                "M7 44 C10 37 16 33 22 33 C23 35 22 36 20 37 C15 38 12 42 10 46 C8 48 6 47 7 44Z",
            )),
            mark("M50 50 L68 50"),
        ],
    },
    Subject {
        name: "hat",
        group: "things",
        tilt: -6.0,
        free_colours: true,
        tags: &[
            "top_hat",
            "clothing",
            "magician",
            "gentleman",
            "fashion",
            "accessory",
        ],
        parts: &[
            body(
                NAVY,
                path(
                    "M4 76 C4 68 20 66 50 66 C80 66 96 68 96 76 C96 86 76 90 50 90 C24 90 4 86 4 \
                     76Z",
                ),
            ),
            body(
                NAVY,
                path("M22 18 C26 36 27 58 26 74 C36 80 64 80 74 74 C73 58 74 36 78 18Z"),
            ),
            body(SLATE, oval(50.0, 18.0, 28.0, 7.0)),
            patch(
                RED,
                path("M26.8 58 C36 63 64 63 73.2 58 L74 74 C64 80 36 80 26 74Z"),
            ),
            shine(path(
                "M31 30 L36 31 C37 40 37 48 36.6 54 L33 53 C33 45 32 38 31 30Z",
            )),
        ],
    },
    Subject {
        name: "camera",
        group: "things",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "photo",
            "photography",
            "picture",
            "lens",
            "travel",
            "snapshot",
        ],
        parts: &[
            body(RED, rect(16.0, 22.0, 12.0, 10.0, 2.0)),
            body(SLATE, path("M34 30 L40 18 L62 18 L68 30Z")),
            body(SLATE, rect(4.0, 28.0, 92.0, 56.0, 8.0)),
            patch(
                SILVER,
                path("M4 40 L4 36 C4 31 8 28 12 28 L88 28 C92 28 96 31 96 36 L96 40Z"),
            ),
            body(WHITE, circle(50.0, 58.0, 23.0)),
            body(CHARCOAL, circle(50.0, 58.0, 18.0)),
            body(SKY, circle(50.0, 58.0, 10.0)),
            patch(WHITE, circle(46.0, 54.0, 3.4)),
            body(YELLOW, rect(78.0, 32.0, 11.0, 7.0, 1.5)),
        ],
    },
    Subject {
        name: "crown",
        group: "things",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "king", "queen", "royal", "gold", "jewels", "prince", "princess",
        ],
        parts: &[
            body(
                GOLD,
                path("M14 84 L6 30 L30 54 L50 16 L70 54 L94 30 L86 84Z"),
            ),
            body(RED, circle(50.0, 14.0, 6.0)),
            body(SKY, circle(6.0, 28.0, 5.0)).twice(),
            body(
                ORANGE,
                path("M14 72 C36 77 64 77 86 72 L84 88 C62 92 38 92 16 88Z"),
            ),
            body(RED, path("M50 52 L57 61 L50 70 L43 61Z")),
            patch(SKY, circle(29.0, 82.0, 3.4)).twice(),
            patch(WHITE, circle(50.0, 83.0, 3.4)),
        ],
    },
    Subject {
        name: "pencil",
        group: "things",
        tilt: 40.0,
        free_colours: false,
        tags: &[
            "drawing",
            "writing",
            "school",
            "art",
            "stationery",
            "sketch",
        ],
        parts: &[
            body(PINK, path("M38 12 L38 4 C38 -4 62 -4 62 4 L62 12Z")),
            body(SILVER, rect(37.0, 10.0, 26.0, 10.0, 1.0)),
            body(
                GOLD,
                path("M38 20 L62 20 L62 76 C58 72 54 72 50 76 C46 72 42 72 38 76Z"),
            ),
            patch(ORANGE, path("M54 20 L62 20 L62 76 C59 73 57 72.6 54 73.4Z")),
            body(
                CREAM,
                path("M38 76 C42 72 46 72 50 76 C54 72 58 72 62 76 L50 104Z"),
            ),
            dot(path("M46 95 L54 95 L50 104Z")),
            mark("M46 21 L46 72"),
            mark("M37 15 L63 15"),
        ],
    },
    Subject {
        name: "guitar",
        group: "things",
        tilt: 34.0,
        free_colours: false,
        tags: &[
            "music",
            "instrument",
            "acoustic",
            "strings",
            "song",
            "musician",
        ],
        parts: &[
            body(BROWN, path("M44 -16 L56 -16 L57 0 L43 0Z")),
            dot(circle(42.0, -12.0, 2.0)).twice(),
            dot(circle(42.0, -5.0, 2.0)).twice(),
            body(
                ORANGE,
                path(
                    "M50 38 C60 34 72 38 71 50 C70 57 66 59 68 64 C76 72 78 82 73 92 C68 101 58 \
                     103 50 103 C42 103 32 101 27 92 C22 82 24 72 32 64 C34 59 30 57 29 50 C28 38 \
                     40 34 50 38Z",
                ),
            ),
            body(BROWN, rect(46.0, -1.0, 8.0, 50.0, 0.0)),
            body(CHARCOAL, circle(50.0, 58.0, 9.0)),
            body(BROWN, rect(39.0, 83.0, 22.0, 6.0, 1.5)),
            mark("M48 0 L48 84 M52 0 L52 84"),
            mark("M46 10 L54 10 M46 20 L54 20 M46 30 L54 30"),
        ],
    },
    Subject {
        name: "gift",
        group: "things",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "present",
            "box",
            "birthday",
            "christmas",
            "ribbon",
            "surprise",
            "party",
        ],
        parts: &[
            body(PURPLE, rect(14.0, 46.0, 72.0, 48.0, 2.0)),
            patch(GOLD, rect(43.0, 46.0, 14.0, 48.0, 0.0)),
            body(PURPLE, rect(8.0, 30.0, 84.0, 18.0, 2.0)),
            patch(GOLD, rect(43.0, 30.0, 14.0, 18.0, 0.0)),
            body(GOLD, path("M50 30 C40 32 20 32 18 20 C18 6 38 4 50 30Z")).twice(),
            patch(
                ORANGE,
                path("M44 26 C36 27 26 25 25 19 C27 13 36 13 44 26Z"),
            )
            .twice(),
            body(GOLD, oval(50.0, 28.0, 6.0, 5.0)),
        ],
    },
];
