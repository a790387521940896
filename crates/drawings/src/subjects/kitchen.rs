//! Things on the table and in the room.

use crate::colour::paint::*;
use crate::subject::*;

pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        name: "cup",
        group: "household",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "mug",
            "coffee",
            "tea",
            "drink",
            "hot",
            "breakfast",
            "kitchen",
        ],
        parts: &[
            rod(BLUE, 7.0, "M68 44 C90 38 92 72 66 70"),
            body(
                BLUE,
                path("M20 36 L72 36 L69 82 C68 88 64 90 58 90 L34 90 C28 90 24 88 23 82Z"),
            ),
            body(CREAM, oval(46.0, 36.0, 26.0, 7.0)),
            patch(BROWN, oval(46.0, 37.0, 21.0, 4.6)),
            patch(
                WHITE,
                path(
                    "M46 76 C37 69 34 65 34.5 60 C35 55 42 54 46 60 C50 54 57 55 57.5 60 C58 65 \
                     55 69 46 76Z",
                ),
            ),
            mark("M34 24 C29 18 38 14 33 7"),
            mark("M46 22 C41 16 50 12 45 4"),
            mark("M58 24 C53 18 62 14 57 7"),
            shine(path("M26 48 L30 48 L31.5 76 L28 76Z")),
        ],
    },
    Subject {
        name: "teapot",
        group: "household",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "tea",
            "pot",
            "kettle",
            "drink",
            "hot",
            "kitchen",
            "afternoon",
        ],
        parts: &[
            rod(TEAL, 6.0, "M24 48 C4 40 2 76 28 74"),
            body(
                TEAL,
                path("M72 60 C82 60 80 44 90 38 L98 43 C90 52 92 78 70 79Z"),
            ),
            body(TEAL, rect(34.0, 82.0, 32.0, 8.0, 2.5)),
            body(
                TEAL,
                path(
                    "M50 36 C72 36 81 48 81 61 C81 76 68 86 50 86 C32 86 19 76 19 61 C19 48 28 36 \
                     50 36Z",
                ),
            ),
            body(CREAM, path("M31 40 C34 27 66 27 69 40 C62 44 38 44 31 40Z")),
            body(GOLD, circle(50.0, 25.0, 5.5)),
            patch(CREAM, circle(50.0, 56.0, 4.2)),
            patch(CREAM, circle(43.0, 62.0, 4.2)).twice(),
            patch(CREAM, circle(46.0, 70.0, 4.2)).twice(),
            patch(GOLD, circle(50.0, 64.0, 3.6)),
            shine(path(
                "M25 62 C24 54 29 48 35 46 C37 47 36 49 34 51 C31 54 29 58 29 62 C29 65 26 65 25 \
                 62Z",
            )),
        ],
    },
    Subject {
        name: "lamp",
        group: "household",
        tilt: 0.0,
        free_colours: true,
        tags: &["table_lamp", "light", "furniture", "bedroom", "home"],
        parts: &[
            body(
                WOOD,
                path("M46 50 L54 50 L54 60 C62 66 62 78 54 84 L46 84 C38 78 38 66 46 60Z"),
            ),
            body(WOOD, path("M30 92 C30 86 38 83 50 83 C62 83 70 86 70 92Z")),
            mark("M66 52 L66 68"),
            dot(circle(66.0, 70.0, 2.2)),
            body(GOLD, path("M34 10 L66 10 L82 50 C72 55 28 55 18 50Z")),
            patch(CREAM, path("M42 11 L50 11 L46 53.4 C39 53 34 52.6 29 52Z")),
            mark("M19.5 46 C30 51 70 51 80.5 46"),
        ],
    },
    Subject {
        name: "clock",
        group: "household",
        tilt: 0.0,
        free_colours: true,
        tags: &["alarm_clock", "time", "watch", "morning", "wake_up", "hour"],
        parts: &[
            rod(CHARCOAL, 5.0, "M28 80 L20 92"),
            rod(CHARCOAL, 5.0, "M72 80 L80 92"),
            rod(CHARCOAL, 4.0, "M50 22 L50 12 M44 11 L56 11"),
            body(GOLD, path("M12 36 C6 22 20 8 36 14Z")).twice(),
            body(RED, circle(50.0, 56.0, 35.0)),
            body(WHITE, circle(50.0, 56.0, 26.0)),
            mark("M50 33 L50 37 M50 75 L50 79 M27 56 L31 56 M69 56 L73 56"),
            rod(INK, 3.0, "M50 56 L50 40"),
            rod(INK, 3.0, "M50 56 L61 63"),
            dot(circle(50.0, 56.0, 3.2)),
        ],
    },
    Subject {
        name: "book",
        group: "household",
        tilt: 0.0,
        free_colours: true,
        tags: &[
            "open_book",
            "reading",
            "story",
            "library",
            "pages",
            "school",
            "study",
        ],
        parts: &[
            body(
                RED,
                path("M4 26 L50 32 L96 26 L96 84 L54 86 C52 89 48 89 46 86 L4 84Z"),
            ),
            body(
                CREAM,
                path("M9 22 C22 17 40 18 50 27 L50 82 C40 74 22 74 9 78Z"),
            ),
            body(
                WHITE,
                path("M91 22 C78 17 60 18 50 27 L50 82 C60 74 78 74 91 78Z"),
            ),
            mark(
                "M16 34 C25 31 35 32 43 37 M16 44 C25 41 35 42 43 47 M16 54 C25 51 35 52 43 57 \
                 M16 64 C22 62 28 62 34 64",
            ),
            mark("M84 34 C75 31 65 32 57 37 M84 44 C75 41 65 42 57 47 M84 54 C75 51 65 52 57 57"),
        ],
    },
    Subject {
        name: "house",
        group: "buildings",
        tilt: 0.0,
        free_colours: false,
        tags: &[
            "home",
            "building",
            "cottage",
            "architecture",
            "roof",
            "village",
        ],
        parts: &[
            body(TERRACOTTA, rect(66.0, 14.0, 11.0, 26.0, 0.0)),
            body(CREAM, path("M18 46 L50 20 L82 46 L82 90 L18 90Z")),
            body(RED, path("M50 10 L96 48 L90 55 L50 24 L10 55 L4 48Z")),
            body(WOOD, path("M41 90 L41 68 C41 57 59 57 59 68 L59 90Z")),
            dot(circle(55.0, 76.0, 1.8)),
            body(SKY, rect(24.0, 60.0, 12.0, 13.0, 0.0)).twice(),
            mark("M30 60 L30 73 M24 66.5 L36 66.5 M70 60 L70 73 M64 66.5 L76 66.5"),
            body(SKY, circle(50.0, 42.0, 6.0)),
            mark("M50 36 L50 48 M44 42 L56 42"),
        ],
    },
    Subject {
        name: "candle",
        group: "household",
        tilt: 0.0,
        free_colours: true,
        tags: &["flame", "light", "wax", "fire", "birthday", "cosy"],
        parts: &[
            body(
                GOLD,
                path("M18 82 L82 82 C82 90 72 94 50 94 C28 94 18 90 18 82Z"),
            ),
            rod(GOLD, 4.5, "M80 84 C98 82 96 66 84 72"),
            body(CREAM, path("M34 40 C36 36 64 36 66 40 L66 84 L34 84Z")),
            body(
                PURPLE,
                path(
                    "M34 40 C36 36 64 36 66 40 L66 56 C66 62 60 62 60 56 C60 50 55 50 55 56 L55 \
                     66 C55 72 48 72 48 66 L48 54 C48 49 43 49 43 54 C43 60 34 60 34 52Z",
                ),
            ),
            rod(CHARCOAL, 2.4, "M50 38 L50 30"),
            body(
                ORANGE,
                path(
                    "M50 4 C56 14 61 19 61 26 C61 33 56 36 50 36 C44 36 39 33 39 26 C39 19 45 14 \
                     50 4Z",
                ),
            ),
            patch(
                YELLOW,
                path(
                    "M50 17 C53 22 55.5 25 55.5 29 C55.5 33 53 35 50 35 C47 35 44.5 33 44.5 29 \
                     C44.5 25 47 22 50 17Z",
                ),
            ),
        ],
    },
];
