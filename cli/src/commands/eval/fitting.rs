//! Finds weights that fit the queries: chooses them on one half of the queries, and checks them on
//! the other half.

use std::fmt;

use serde_json::{Value, json};

use super::measuring::{Measurement, Outcome, report_of};
use super::query::{Half, Query};
use crate::arguments::WeightArguments;
use crate::evaluation::Report;
use crate::failure::Failure;

/// The weights of pictures and edges that are tried.
const IMAGE_AND_EDGE: [(f32, f32); 5] =
    [(1.0, 0.0), (0.85, 0.15), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7)];
/// The weights of words that are tried with each of them.
const WORDS: [f32; 4] = [0.1, 0.2, 0.4, 0.8];
/// The least number of queries in a half. With fewer, a difference may be chance.
const FEWEST: usize = 8;
/// The least gain in score that counts. A smaller one may be chance.
const LEAST_GAIN: f64 = 0.01;

/// Which weights fit the queries.
#[derive(Debug)]
pub(super) struct Fit {
    /// What was tried, with its score on the first half.
    tried: Vec<(WeightArguments, f64)>,
    present: Checked,
    best: Checked,
    /// Queries of the first half.
    chosen_by: usize,
    /// Queries of the other half.
    checked_by: usize,
    /// Queries of the other half whose answer has a better rank with the best weights.
    better: usize,
    /// Queries of the other half whose answer has a worse rank with the best weights.
    worse: usize,
}

/// Weights with their figures on the other half.
#[derive(Debug)]
struct Checked {
    weights: WeightArguments,
    report: Report,
}

/// Tries weights. `None` if there are too few queries whose ranking depends on them.
pub(super) async fn fit(
    measurement: &Measurement<'_>,
    queries: &[Query],
    present: &WeightArguments,
    report_step: impl Fn(usize, usize),
) -> Result<Option<Fit>, Failure> {
    let half = |half: Half| -> Vec<&Query> {
        let queries = queries.iter();
        queries.filter(|query| query.half == Some(half)).collect()
    };
    let (choose, check) = (half(Half::Choose), half(Half::Check));
    if choose.len() < FEWEST || check.len() < FEWEST {
        return Ok(None);
    }
    let (with_words, without_words): (Vec<&Query>, Vec<&Query>) = choose
        .iter()
        .copied()
        .partition(|query| query.words.is_some());
    let grid = grid(present);
    let mut tried: Vec<(WeightArguments, f64)> = Vec::new();
    // The weight of words has no effect on a query without words. Such a query runs once for each
    // pair of the other weights. Equal pairs are next to each other in the grid.
    let mut last: Option<((f32, f32), Vec<Outcome>)> = None;
    for (step, weights) in grid.iter().enumerate() {
        report_step(step, grid.len());
        let look = (weights.w_img, weights.w_edge);
        let plain = match last.take() {
            Some((known, outcomes)) if known == look => outcomes,
            _ => {
                measurement
                    .run(without_words.iter().copied(), weights)
                    .await?
            }
        };
        let worded = measurement.run(with_words.iter().copied(), weights).await?;
        tried.push((*weights, report_of(plain.iter().chain(&worded)).score()));
        last = Some((look, plain));
    }
    let best = best_of(&tried).unwrap_or(*present);
    let with_present = measurement.run(check.iter().copied(), present).await?;
    let with_best = if best == *present {
        with_present.clone()
    } else {
        measurement.run(check.iter().copied(), &best).await?
    };
    let rank = |outcome: &Outcome| outcome.ranks.best().unwrap_or(usize::MAX);
    let ranks = || {
        with_present
            .iter()
            .map(rank)
            .zip(with_best.iter().map(rank))
    };
    Ok(Some(Fit {
        tried,
        chosen_by: choose.len(),
        checked_by: check.len(),
        better: ranks().filter(|(present, best)| best < present).count(),
        worse: ranks().filter(|(present, best)| best > present).count(),
        present: Checked {
            weights: *present,
            report: report_of(&with_present),
        },
        best: Checked {
            weights: best,
            report: report_of(&with_best),
        },
    }))
}

/// The weights to try: the present ones, then the rest. Weights with the same pair of
/// `IMAGE_AND_EDGE` are next to each other.
fn grid(present: &WeightArguments) -> Vec<WeightArguments> {
    let mut grid = vec![*present];
    for (w_img, w_edge) in IMAGE_AND_EDGE {
        let with_words = WORDS.map(|w_txt| WeightArguments {
            w_img,
            w_edge,
            w_txt,
            ..*present
        });
        grid.extend(with_words.into_iter().filter(|weights| weights != present));
    }
    grid
}

/// Returns the weights with the highest score: the first ones if several have it.
fn best_of(tried: &[(WeightArguments, f64)]) -> Option<WeightArguments> {
    let mut best: Option<&(WeightArguments, f64)> = None;
    for candidate in tried {
        if best.is_none_or(|best| candidate.1 > best.1) {
            best = Some(candidate);
        }
    }
    best.map(|(weights, _)| *weights)
}

impl Fit {
    /// What the figures mean for the user.
    pub(super) fn advice(&self) -> String {
        let (present, best) = (self.present.report.score(), self.best.report.score());
        if self.best.weights == self.present.weights {
            "None of the tried weights is better than the present ones: keep them.".to_owned()
        } else if best - present >= LEAST_GAIN && self.better > self.worse {
            format!(
                "These weights fit this gallery better: `{}`. Set them on the page under Tune, or \
                 give them to `clippy search`. Nothing was changed.",
                flags(&self.best.weights)
            )
        } else {
            "The weights that are best on one half of the queries are not better on the other: \
             keep the present ones."
                .to_owned()
        }
    }

    /// The fit as `clippy eval --json` prints it.
    pub(super) fn to_json(&self) -> Value {
        let checked = |checked: &Checked| {
            let mut json = weights_json(&checked.weights);
            json["score"] = round(checked.report.score()).into();
            json["kinds"] = checked.report.to_json()["kinds"].take();
            json
        };
        let tried = self.tried.iter().map(|(weights, score)| {
            let mut json = weights_json(weights);
            json["score"] = round(*score).into();
            json
        });
        json!({
            "tried": tried.collect::<Vec<_>>(),
            "tried_on": self.chosen_by,
            "present": checked(&self.present),
            "best": checked(&self.best),
            "checked_on": self.checked_by,
            "better": self.better,
            "worse": self.worse,
            "advice": self.advice(),
        })
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "\nWeights: {} were tried on {} queries. On the other {} queries:",
            self.tried.len(),
            self.chosen_by,
            self.checked_by
        )?;
        for (name, checked) in [("present", &self.present), ("best tried", &self.best)] {
            writeln!(
                formatter,
                "  {name:<10}  {:<42} score {:.3}",
                flags(&checked.weights),
                checked.report.score()
            )?;
        }
        writeln!(
            formatter,
            "  The best tried ones rank {} queries better and {} worse.\n{}",
            self.better,
            self.worse,
            self.advice()
        )
    }
}

fn flags(weights: &WeightArguments) -> String {
    format!(
        "--w-img {} --w-edge {} --w-txt {}",
        weights.w_img, weights.w_edge, weights.w_txt
    )
}

fn weights_json(weights: &WeightArguments) -> Value {
    // Converted through text, since 0.7 as `f32` becomes 0.699999988 as `f64`.
    let number = |weight: f32| weight.to_string().parse::<f64>().unwrap_or_default();
    json!({
        "w_img": number(weights.w_img),
        "w_edge": number(weights.w_edge),
        "w_txt": number(weights.w_txt),
    })
}

fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Ranks;

    const PRESENT: WeightArguments = WeightArguments {
        w_img: 0.7,
        w_edge: 0.3,
        w_txt: 0.2,
        w_style: 0.5,
    };

    fn report(rank: usize) -> Report {
        let mut results = vec!["x"; rank];
        results[rank - 1] = "1";
        let relevant = [("1".to_owned(), None)].into();
        Report::of([(
            "own sketch".to_owned(),
            Ranks::of(results.into_iter(), &relevant),
        )])
    }

    fn fit(best: WeightArguments, rank: usize, better: usize, worse: usize) -> Fit {
        Fit {
            tried: vec![(PRESENT, 0.5), (best, 0.6)],
            present: Checked {
                weights: PRESENT,
                report: report(2),
            },
            best: Checked {
                weights: best,
                report: report(rank),
            },
            chosen_by: 10,
            checked_by: 10,
            better,
            worse,
        }
    }

    #[test]
    fn the_grid_has_the_present_weights_once_and_keeps_looks_together() {
        let weights = grid(&PRESENT);
        assert_eq!(weights.len(), IMAGE_AND_EDGE.len() * WORDS.len());
        let of_present = weights.iter().filter(|weights| **weights == PRESENT);
        assert_eq!((of_present.count(), weights[0]), (1, PRESENT));
        let other = WeightArguments {
            w_txt: 0.3,
            ..PRESENT
        };
        assert_eq!(grid(&other).len(), IMAGE_AND_EDGE.len() * WORDS.len() + 1);
        assert!(grid(&other).iter().all(|weights| weights.w_style == 0.5));
    }

    #[test]
    fn of_equal_scores_the_present_weights_win() {
        let other = WeightArguments {
            w_img: 1.0,
            ..PRESENT
        };
        assert_eq!(best_of(&[(PRESENT, 0.5), (other, 0.5)]), Some(PRESENT));
        assert_eq!(best_of(&[(PRESENT, 0.5), (other, 0.6)]), Some(other));
        assert_eq!(best_of(&[]), None);
    }

    #[test]
    fn other_weights_are_advised_only_if_the_other_half_agrees() {
        let other = WeightArguments {
            w_edge: 0.5,
            ..PRESENT
        };
        let agreed = fit(other, 1, 3, 1).advice();
        assert!(
            agreed.contains("--w-img 0.7 --w-edge 0.5 --w-txt 0.2"),
            "{agreed}"
        );
        for kept in [
            fit(other, 2, 1, 1),
            fit(other, 1, 1, 1),
            fit(PRESENT, 2, 0, 0),
        ] {
            assert!(kept.advice().contains("keep"), "{}", kept.advice());
        }
        let json = fit(other, 1, 3, 1).to_json();
        assert_eq!(json["present"]["w_img"], 0.7);
        assert_eq!(json["best"]["score"], 1.0);
        assert_eq!(json["best"]["kinds"]["own sketch"]["recall@1"], 1.0);
    }
}
