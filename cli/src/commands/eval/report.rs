//! The report of `clippy eval`: one HTML file that loads and runs nothing.

use std::fmt::{Arguments, Write as _};

use serde_json::Value;

use super::misses::{KindMisses, Miss, Shown};

/// The text of a report without fitted weights.
pub(super) const TOO_FEW: &str =
    "Weights were not tried: there are too few queries whose ranking depends on them.";

const STYLE: &str = include_str!("report.css");

/// The beginning of a table. On a narrow screen it scrolls apart from the page, also with the
/// keyboard.
const TABLE: &str = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";

/// The columns of the figures: their field, and whether they are shares.
const COLUMNS: [(&str, &str, bool); 7] = [
    ("queries", "queries", false),
    ("recall@1", "recall@1", true),
    ("recall@10", "recall@10", true),
    ("recall@50", "recall@50", true),
    ("mrr", "MRR", false),
    ("precision@10", "precision@10", true),
    ("map", "MAP", false),
];

/// What the figures mean.
const MEANINGS: [(&str, &str); 5] = [
    (
        "recall@10",
        "how many queries have a right picture among the first 10 results",
    ),
    (
        "MRR",
        "mean reciprocal rank: 1 if the right picture is always first, 0.5 if it is always second",
    ),
    (
        "precision@10",
        "how many of the first 10 results are right; low if few pictures are right at all",
    ),
    (
        "MAP",
        "mean average precision: 1 if all right pictures come before all others",
    ),
    (
        "score",
        "the mean of the kinds' MRR, by which weights are compared",
    ),
];

/// Renders the report: `figures` as `clippy eval --json` prints them, and the worst misses.
pub(super) fn html(figures: &Value, misses: &[KindMisses]) -> String {
    let mut page = Page::default();
    page.add(format_args!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         img-src data:; style-src 'unsafe-inline'\">\
         <title>Search quality</title><style>\n{STYLE}</style></head><body><main>\
         <h1>Search quality</h1>"
    ));
    let own = &figures["own"];
    if let Some(pictures) = own["pictures"].as_u64() {
        page.add(format_args!(
            "<p class=\"soft\">Measured on {pictures} pictures of your gallery. Kinds that begin \
             with <em>own</em> are queries made from these pictures.</p>"
        ));
    }
    for note in texts(&own["notes"]) {
        page.add(format_args!("<p class=\"note\">{}</p>", prose(note)));
    }
    page.add_figures(&figures["kinds"]);
    page.add_meanings();
    if !own.is_null() {
        page.add_weights(&figures["weights"]);
    }
    for kind in misses {
        page.add_misses(kind);
    }
    page.add(format_args!("</main></body></html>\n"));
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn add(&mut self, text: Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(text);
    }

    fn add_figures(&mut self, kinds: &Value) {
        self.add(format_args!("{TABLE}<th>kind, style</th>"));
        for (_, title, _) in COLUMNS {
            self.add(format_args!("<th>{title}</th>"));
        }
        self.add(format_args!("</tr></thead><tbody>"));
        for (kind, figures) in kinds.as_object().into_iter().flatten() {
            self.add_row("", kind, figures);
            for (style, figures) in figures["styles"].as_object().into_iter().flatten() {
                self.add_row(" class=\"part\"", style, figures);
            }
        }
        self.add(format_args!("</tbody></table></div>"));
    }

    fn add_row(&mut self, class: &str, name: &str, figures: &Value) {
        self.add(format_args!("<tr{class}><td>{}</td>", escape(name)));
        for (field, _, is_share) in COLUMNS {
            let figure = &figures[field];
            match figure.as_f64() {
                Some(share) if is_share => {
                    self.add(format_args!("<td>{:.1}\u{a0}%</td>", 100.0 * share));
                }
                Some(mean) if !figure.is_u64() => self.add(format_args!("<td>{mean:.3}</td>")),
                Some(count) => self.add(format_args!("<td>{count}</td>")),
                None => self.add(format_args!("<td></td>")),
            }
        }
        self.add(format_args!("</tr>"));
    }

    fn add_meanings(&mut self) {
        self.add(format_args!("<dl>"));
        for (name, meaning) in MEANINGS {
            self.add(format_args!("<dt>{name}</dt><dd>{meaning}</dd>"));
        }
        self.add(format_args!("</dl>"));
    }

    fn add_weights(&mut self, fit: &Value) {
        self.add(format_args!("<h2>Which weights fit</h2>"));
        if fit.is_null() {
            self.add(format_args!("<p>{TOO_FEW}</p>"));
            return;
        }
        let (present, best) = (&fit["present"], &fit["best"]);
        self.add(format_args!(
            "<p class=\"advice\">{}</p><p class=\"soft\">Weights were chosen by {} of the queries \
             with a drawing, and checked on the other {}: there the best ones rank {} queries \
             better than the present ones, and {} worse.</p>",
            prose(fit["advice"].as_str().unwrap_or_default()),
            fit["tried_on"],
            fit["checked_on"],
            fit["better"],
            fit["worse"]
        ));
        self.add(format_args!(
            "<h3>On the other queries</h3>{TABLE}<th>kind</th>\
             <th>MRR, present</th><th>MRR, best tried</th><th>recall@10, present</th>\
             <th>recall@10, best tried</th></tr></thead><tbody>"
        ));
        for (kind, figures) in present["kinds"].as_object().into_iter().flatten() {
            let others = &best["kinds"][kind];
            let number = |figures: &Value, field: &str| figures[field].as_f64().unwrap_or_default();
            self.add(format_args!(
                "<tr><td>{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.1}\u{a0}%</td>\
                 <td>{:.1}\u{a0}%</td></tr>",
                escape(kind),
                number(figures, "mrr"),
                number(others, "mrr"),
                100.0 * number(figures, "recall@10"),
                100.0 * number(others, "recall@10")
            ));
        }
        let score = |checked: &Value| checked["score"].as_f64().unwrap_or_default();
        self.add(format_args!(
            "<tr class=\"marked\"><td>score</td><td>{:.3}</td><td>{:.3}</td><td></td><td></td>\
             </tr></tbody></table></div>",
            score(present),
            score(best)
        ));
        self.add_tried(fit);
    }

    fn add_tried(&mut self, fit: &Value) {
        let mut tried: Vec<&Value> = fit["tried"].as_array().into_iter().flatten().collect();
        let score = |weights: &Value| weights["score"].as_f64().unwrap_or_default();
        tried.sort_by(|left, right| score(right).total_cmp(&score(left)));
        let is = |weights: &Value, other: &Value| {
            let fields = ["w_img", "w_edge", "w_txt"];
            fields.iter().all(|field| weights[field] == other[field])
        };
        self.add(format_args!(
            "<h3>What was tried</h3>{TABLE}<th>weights</th>\
             <th>w_img</th><th>w_edge</th><th>w_txt</th><th>score</th></tr></thead><tbody>"
        ));
        for weights in tried {
            let (is_present, is_best) = (is(weights, &fit["present"]), is(weights, &fit["best"]));
            let (class, name) = match (is_best, is_present) {
                (true, true) => (" class=\"marked\"", "best tried, present"),
                (true, false) => (" class=\"marked\"", "best tried"),
                (false, true) => (" class=\"marked\"", "present"),
                (false, false) => ("", ""),
            };
            self.add(format_args!(
                "<tr{class}><td>{name}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.3}</td></tr>",
                weights["w_img"],
                weights["w_edge"],
                weights["w_txt"],
                score(weights)
            ));
        }
        self.add(format_args!("</tbody></table></div>"));
    }

    fn add_misses(&mut self, kind: &KindMisses) {
        self.add(format_args!(
            "<h2>{}: the worst misses</h2>",
            escape(&kind.kind)
        ));
        if kind.missed == 0 {
            self.add(format_args!(
                "<p class=\"soft\">None: all {} queries have a right picture first.</p>",
                kind.queries
            ));
            return;
        }
        self.add(format_args!(
            "<p class=\"soft\">{} of {} queries have a right picture first; {} of the others are \
             shown.</p>",
            kind.queries - kind.missed,
            kind.queries,
            kind.worst.len()
        ));
        for miss in &kind.worst {
            self.add_miss(miss);
        }
    }

    fn add_miss(&mut self, miss: &Miss) {
        self.add(format_args!(
            "<section class=\"miss\"><div class=\"group\"><h3>Asked for</h3>\
             <div class=\"pictures\">"
        ));
        if let Some(shown) = &miss.drawing {
            self.add_picture(shown, "drawing");
        }
        if let Some(words) = &miss.words {
            self.add(format_args!(
                "<span class=\"words\">{}</span>",
                escape(words)
            ));
        }
        if let Some(shown) = &miss.style {
            self.add_picture(shown, "style");
        }
        let rank = match miss.rank {
            Some(rank) => format!("Wanted, at {rank}"),
            None => "Wanted, <span class=\"lost\">not found</span>".to_owned(),
        };
        self.add(format_args!(
            "</div></div><div class=\"group wanted\"><h3>{rank}</h3><div class=\"pictures\">"
        ));
        if let Some(shown) = &miss.wanted {
            self.add_picture(shown, &shown.label);
        }
        self.add(format_args!(
            "</div></div><div class=\"group\"><h3>Found first</h3><div class=\"pictures\">"
        ));
        for (place, shown) in miss.found.iter().enumerate() {
            self.add_picture(shown, &(place + 1).to_string());
        }
        self.add(format_args!("</div></div></section>\n"));
    }

    fn add_picture(&mut self, shown: &Shown, caption: &str) {
        let label = escape(&shown.label);
        self.add(format_args!("<figure>"));
        match &shown.address {
            Some(address) => self.add(format_args!(
                "<img alt=\"{label}\" title=\"{label}\" src=\"{}\">",
                escape(address)
            )),
            None => self.add(format_args!("<span class=\"gone\">{label}: no file</span>")),
        }
        self.add(format_args!(
            "<figcaption>{}</figcaption></figure>",
            escape(caption)
        ));
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Escapes text in which `backticks` are around commands.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(place, part)| match place % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

/// Escapes words of users and of tags, for text and for attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "</td><script>alert('1')</script>\" onload=\"x";

    fn shown() -> Shown {
        Shown {
            label: HOSTILE.to_owned(),
            address: None,
        }
    }

    fn misses() -> Vec<KindMisses> {
        vec![KindMisses {
            kind: HOSTILE.to_owned(),
            queries: 9,
            missed: 2,
            worst: vec![Miss {
                words: Some(HOSTILE.to_owned()),
                drawing: Some(shown()),
                style: Some(shown()),
                rank: Some(37),
                wanted: Some(shown()),
                found: vec![Shown {
                    label: HOSTILE.to_owned(),
                    address: Some(HOSTILE.to_owned()),
                }],
            }],
        }]
    }

    #[test]
    fn nothing_in_a_report_is_markup_of_users() {
        let kinds = json!({ HOSTILE: {
            "queries": 9, "recall@1": 0.5, "mrr": 0.25, "styles": { HOSTILE: {"queries": 3} }
        }});
        let checked = json!({"w_img": 0.7, "w_edge": 0.3, "w_txt": 0.2, "score": 0.5,
            "kinds": kinds});
        let figures = json!({
            "kinds": kinds,
            "own": {"pictures": 9, "notes": [HOSTILE]},
            "weights": {"tried": [checked], "present": checked, "best": checked,
                "tried_on": 4, "checked_on": 5, "better": 1, "worse": 0, "advice": HOSTILE},
        });
        let page = html(&figures, &misses());
        assert!(
            !page.contains("<script") && !page.contains("\" onload"),
            "{page}"
        );
        // The kind thrice, its style, the note, the advice, the words, and the pictures' labels.
        assert!(page.matches("&lt;script&gt;").count() >= 10, "{page}");
        for part in [
            "50.0\u{a0}%",
            "0.250",
            "Wanted, at 37",
            "best tried, present",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(
            !page.contains("http:") && !page.contains("https:"),
            "it loads nothing"
        );
    }

    #[test]
    fn a_report_without_misses_or_weights_says_so() {
        let figures = json!({"kinds": {"sketch": {"queries": 3, "recall@1": 1.0}},
            "own": {"pictures": 3, "notes": []}, "weights": null});
        let none = [KindMisses {
            kind: "sketch".to_owned(),
            queries: 3,
            missed: 0,
            worst: Vec::new(),
        }];
        let page = html(&figures, &none);
        assert!(
            page.contains("None: all 3 queries") && page.contains(TOO_FEW),
            "{page}"
        );
        let of_a_file = html(&json!({"kinds": {}}), &[]);
        assert!(!of_a_file.contains("Which weights fit"), "{of_a_file}");
    }
}
