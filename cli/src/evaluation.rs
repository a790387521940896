//! Computes the figures of `clippy eval`: ranks, recall and mean reciprocal rank.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// The depths that recall is reported at.
const DEPTHS: [usize; 3] = [1, 10, 50];

/// The ranks of one query's answers in its results, counted from 1; `None` for an answer that was
/// not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranks {
    /// The best answer.
    best: Option<usize>,
    /// The best answer in each style that an answer has.
    by_style: BTreeMap<String, Option<usize>>,
}

impl Ranks {
    /// Ranks the answers (id and style) in the results that count.
    pub fn of<'a>(
        results: impl Iterator<Item = &'a str>,
        relevant: &BTreeMap<String, Option<&str>>,
    ) -> Self {
        let mut ranks = Self {
            best: None,
            by_style: BTreeMap::new(),
        };
        for style in relevant.values().flatten() {
            ranks.by_style.insert((*style).to_owned(), None);
        }
        for (index, id) in results.enumerate() {
            let Some(style) = relevant.get(id) else {
                continue;
            };
            ranks.best.get_or_insert(index + 1);
            if let Some(rank) = style.and_then(|style| ranks.by_style.get_mut(style)) {
                rank.get_or_insert(index + 1);
            }
        }
        ranks
    }
}

/// Sums over many queries.
#[derive(Debug, Clone, Default, PartialEq)]
struct Figures {
    queries: usize,
    within: [usize; DEPTHS.len()],
    reciprocal: f64,
}

impl Figures {
    fn add(&mut self, rank: Option<usize>) {
        self.queries += 1;
        if let Some(rank) = rank {
            self.reciprocal += 1.0 / rank as f64;
            for (count, depth) in self.within.iter_mut().zip(DEPTHS) {
                *count += usize::from(rank <= depth);
            }
        }
    }

    fn recall(&self, index: usize) -> f64 {
        self.within[index] as f64 / self.queries as f64
    }

    fn to_json(&self) -> Value {
        let mut figures =
            json!({ "queries": self.queries, "mrr": round(self.reciprocal / self.queries as f64) });
        for (index, depth) in DEPTHS.iter().enumerate() {
            figures[format!("recall@{depth}")] = round(self.recall(index)).into();
        }
        figures
    }
}

fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// The figures of every kind of query, and of every style within a kind.
#[derive(Debug, Default)]
pub struct Report {
    kinds: BTreeMap<String, (Figures, BTreeMap<String, Figures>)>,
}

impl Report {
    /// Sums up the queries, each with its kind.
    pub fn of(ranked: impl IntoIterator<Item = (String, Ranks)>) -> Self {
        let mut report = Self::default();
        for (kind, ranks) in ranked {
            let (all, styles) = report.kinds.entry(kind).or_default();
            all.add(ranks.best);
            for (style, rank) in ranks.by_style {
                styles.entry(style).or_default().add(rank);
            }
        }
        report
    }

    /// Returns the report as `clippy eval --json` prints it.
    pub fn to_json(&self) -> Value {
        let kinds = self.kinds.iter().map(|(kind, (all, styles))| {
            let mut figures = all.to_json();
            figures["styles"] = styles
                .iter()
                .map(|(style, figures)| (style.clone(), figures.to_json()))
                .collect();
            (kind.clone(), figures)
        });
        json!({ "kinds": kinds.collect::<serde_json::Map<_, _>>() })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<32} {:>7} {:>8} {:>9} {:>9} {:>7}",
            "kind, style", "queries", "recall@1", "recall@10", "recall@50", "MRR"
        )?;
        let mut row = |name: String, figures: &Figures| {
            let percent = |index| format!("{:.1} %", 100.0 * figures.recall(index));
            let mean = figures.reciprocal / figures.queries as f64;
            writeln!(
                formatter,
                "{name:<32} {:>7} {:>8} {:>9} {:>9} {mean:>7.3}",
                figures.queries,
                percent(0),
                percent(1),
                percent(2)
            )
        };
        for (kind, (all, styles)) in &self.kinds {
            row(kind.clone(), all)?;
            for (style, figures) in styles {
                row(format!("  {style}"), figures)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(results: &[&str], relevant: &[(&str, Option<&'static str>)]) -> Ranks {
        let relevant = relevant
            .iter()
            .map(|(id, style)| ((*id).to_owned(), *style))
            .collect();
        Ranks::of(results.iter().copied(), &relevant)
    }

    #[test]
    fn the_best_rank_counts_overall_and_for_each_style() {
        let found = ranks(
            &["9", "2", "8", "1"],
            &[
                ("1", Some("neon")),
                ("2", Some("ink")),
                ("7", Some("oil")),
                ("5", None),
            ],
        );
        assert_eq!(found.best, Some(2));
        assert_eq!(found.by_style["ink"], Some(2));
        assert_eq!(found.by_style["neon"], Some(4));
        assert_eq!(found.by_style["oil"], None);
    }

    #[test]
    fn figures_are_means_over_all_queries_including_those_without_a_hit() {
        let queries = [Some(1), Some(4), None, Some(60)].map(|rank| {
            let mut results = vec!["x"; 100];
            if let Some(rank) = rank {
                results[rank - 1] = "1";
            }
            ("sketch".to_owned(), ranks(&results, &[("1", None)]))
        });
        let json = Report::of(queries).to_json();
        let sketch = &json["kinds"]["sketch"];
        assert_eq!(sketch["queries"], 4);
        assert_eq!(
            (
                &sketch["recall@1"],
                &sketch["recall@10"],
                &sketch["recall@50"]
            ),
            (&0.25.into(), &0.5.into(), &0.5.into())
        );
        assert_eq!(sketch["mrr"], 0.3167);
    }
}
