//! Computes the figures of `clippy eval`: ranks, recall, precision, mean average precision and
//! mean reciprocal rank.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// The depths that recall is reported at.
const DEPTHS: [usize; 3] = [1, 10, 50];
/// The number of results that precision is reported of.
const FIRST_RESULTS: usize = 10;

/// The ranks of one query's answers in its results, counted from 1; `None` for an answer that was
/// not found.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranks {
    /// The best answer.
    best: Option<usize>,
    /// The best answer in each style that an answer has.
    by_style: BTreeMap<String, Option<usize>>,
    /// The share of answers among the first ten results; the lower, the fewer answers there are.
    precision: f64,
    /// The mean of the precisions at each answer's rank (average precision); answers that were not
    /// found count 0.
    average_precision: f64,
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
            precision: 0.0,
            average_precision: 0.0,
        };
        let mut found = 0;
        let mut depth = 0;
        for style in relevant.values().flatten() {
            ranks.by_style.insert((*style).to_owned(), None);
        }
        for (index, id) in results.enumerate() {
            depth = index + 1;
            let Some(style) = relevant.get(id) else {
                continue;
            };
            found += 1;
            ranks.average_precision += f64::from(found) / (index + 1) as f64;
            if index < FIRST_RESULTS {
                ranks.precision += 1.0 / FIRST_RESULTS as f64;
            }
            ranks.best.get_or_insert(index + 1);
            if let Some(rank) = style.and_then(|style| ranks.by_style.get_mut(style)) {
                rank.get_or_insert(index + 1);
            }
        }
        // No more answers than results can be found.
        ranks.average_precision /= relevant.len().min(depth).max(1) as f64;
        ranks
    }

    /// The rank of the best answer.
    pub fn best(&self) -> Option<usize> {
        self.best
    }
}

/// Sums over many queries.
#[derive(Debug, Clone, Default, PartialEq)]
struct Figures {
    queries: usize,
    within: [usize; DEPTHS.len()],
    reciprocal: f64,
    precision: f64,
    average_precision: f64,
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

    fn add_precision(&mut self, ranks: &Ranks) {
        self.precision += ranks.precision;
        self.average_precision += ranks.average_precision;
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

    /// Of all answers together; those of one style are not told apart.
    fn precision_to_json(&self, figures: &mut Value) {
        figures["precision@10"] = round(self.precision / self.queries as f64).into();
        figures["map"] = round(self.average_precision / self.queries as f64).into();
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
            all.add_precision(&ranks);
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
            all.precision_to_json(&mut figures);
            figures["styles"] = styles
                .iter()
                .map(|(style, figures)| (style.clone(), figures.to_json()))
                .collect();
            (kind.clone(), figures)
        });
        json!({ "kinds": kinds.collect::<serde_json::Map<_, _>>() })
    }

    /// The mean of the kinds' mean reciprocal ranks, so that a kind with many queries counts as
    /// much as one with few. 0 without queries.
    pub fn score(&self) -> f64 {
        let means = self.kinds.values();
        let sum: f64 = means
            .map(|(all, _)| all.reciprocal / all.queries as f64)
            .sum();
        sum / self.kinds.len().max(1) as f64
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<32} {:>7} {:>8} {:>9} {:>9} {:>7} {:>12} {:>7}",
            "kind, style",
            "queries",
            "recall@1",
            "recall@10",
            "recall@50",
            "MRR",
            "precision@10",
            "MAP"
        )?;
        let mut row = |name: String, figures: &Figures, precision: String| {
            let percent = |index| format!("{:.1} %", 100.0 * figures.recall(index));
            let mean = figures.reciprocal / figures.queries as f64;
            writeln!(
                formatter,
                "{name:<32} {:>7} {:>8} {:>9} {:>9} {mean:>7.3}{precision}",
                figures.queries,
                percent(0),
                percent(1),
                percent(2)
            )
        };
        for (kind, (all, styles)) in &self.kinds {
            let mean = |sum: f64| sum / all.queries as f64;
            let precision = format!(
                " {:>10.1} % {:>7.3}",
                100.0 * mean(all.precision),
                mean(all.average_precision)
            );
            row(kind.clone(), all, precision)?;
            for (style, figures) in styles {
                row(format!("  {style}"), figures, String::new())?;
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
    fn precision_counts_the_first_ten_and_average_precision_all_answers() {
        let found = ranks(
            &["1", "x", "2", "x", "x", "x", "x", "x", "x", "x", "3"],
            &[("1", None), ("2", None), ("3", None), ("4", None)],
        );
        assert!((found.precision - 0.2).abs() < 1e-9);
        let expected = (1.0 + 2.0 / 3.0 + 3.0 / 11.0) / 4.0;
        assert!((found.average_precision - expected).abs() < 1e-9);
        assert_eq!(ranks(&[], &[("1", None)]).average_precision, 0.0);
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
