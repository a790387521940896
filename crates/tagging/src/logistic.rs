//! Logistic regression: from evidence to the logarithm of the odds.

use serde::{Deserialize, Serialize};

/// How much large weights are penalised, in units of one example.
const RIDGE: f64 = 1.0;
/// Newton's method converges in about ten steps.
const MOST_STEPS: usize = 30;

/// A fitted regression over `N` features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logistic {
    /// For each feature: its mean, its deviation, and its weight after both are removed.
    features: Vec<Feature>,
    bias: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Feature {
    mean: f64,
    deviation: f64,
    weight: f64,
}

/// The probability of these log odds.
pub(crate) fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

impl Logistic {
    /// Fits the regression to examples: their features, and whether the tag is right.
    pub(crate) fn fit<const N: usize>(examples: &[([f64; N], bool)]) -> Self {
        let count = examples.len().max(1) as f64;
        let mut scale = [(0.0, 1.0); N];
        for (index, (mean, deviation)) in scale.iter_mut().enumerate() {
            let values = || examples.iter().map(|(features, _)| features[index]);
            *mean = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - *mean).powi(2)).sum::<f64>() / count;
            *deviation = variance.sqrt().max(1e-9);
        }
        let scaled = |features: &[f64; N]| -> Vec<f64> {
            let each = features.iter().zip(&scale);
            each.map(|(value, (mean, deviation))| (value - mean) / deviation)
                .chain([1.0])
                .collect()
        };
        // The last parameter is the bias, which is not penalised.
        let mut weights = vec![0.0; N + 1];
        for _ in 0..MOST_STEPS {
            let mut gradient: Vec<f64> = weights.iter().map(|weight| -RIDGE * weight).collect();
            gradient[N] = 0.0;
            let mut curvature = vec![vec![0.0; N + 1]; N + 1];
            for (index, row) in curvature.iter_mut().enumerate() {
                row[index] = if index < N { RIDGE } else { 1e-9 };
            }
            for (features, right) in examples {
                let row = scaled(features);
                let odds: f64 = row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
                let stated = probability(odds);
                let error = f64::from(u8::from(*right)) - stated;
                let certainty = stated * (1.0 - stated);
                for (index, x) in row.iter().enumerate() {
                    gradient[index] += error * x;
                    for (other, y) in row.iter().enumerate() {
                        curvature[index][other] += certainty * x * y;
                    }
                }
            }
            let step = solve(curvature, gradient);
            let length = step.iter().map(|value| value.abs()).fold(0.0, f64::max);
            // A long step overshoots if the examples can be separated perfectly.
            let share = if length > 4.0 { 4.0 / length } else { 1.0 };
            for (weight, step) in weights.iter_mut().zip(&step) {
                *weight += share * step;
            }
            if length < 1e-6 {
                break;
            }
        }
        let features = scale.iter().zip(&weights);
        Self {
            features: features
                .map(|((mean, deviation), weight)| Feature {
                    mean: *mean,
                    deviation: *deviation,
                    weight: *weight,
                })
                .collect(),
            bias: weights[N],
        }
    }

    /// The log odds of this evidence.
    pub(crate) fn odds(&self, features: &[f64]) -> f64 {
        let each = self.features.iter().zip(features);
        let sum: f64 = each
            .map(|(known, value)| known.weight * (value - known.mean) / known.deviation)
            .sum();
        self.bias + sum
    }
}

/// Solves a system of linear equations by elimination, with the largest pivot first.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for column in 0..size {
        let largest = |row: &usize| matrix[*row][column].abs();
        let pivot = (column..size)
            .max_by(|left, right| largest(left).total_cmp(&largest(right)))
            .unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let divisor = matrix[column][column];
        if divisor.abs() < 1e-12 {
            continue;
        }
        for row in column + 1..size {
            let factor = matrix[row][column] / divisor;
            let pivot = matrix[column].clone();
            for (value, above) in matrix[row].iter_mut().zip(&pivot).skip(column) {
                *value -= factor * above;
            }
            right[row] -= factor * right[column];
        }
    }
    let mut solution = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size)
            .map(|column| matrix[row][column] * solution[column])
            .sum();
        let divisor = matrix[row][row];
        if divisor.abs() >= 1e-12 {
            solution[row] = (right[row] - known) / divisor;
        }
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let solved = solve(vec![vec![0.0, 2.0], vec![4.0, 1.0]], vec![6.0, 11.0]);
        assert!((solved[0] - 2.0).abs() < 1e-9 && (solved[1] - 3.0).abs() < 1e-9);
    }

    #[test]
    fn examples_that_can_be_told_apart_do_not_make_infinite_weights() {
        let examples: Vec<([f64; 1], bool)> = (0..100).map(|n| ([f64::from(n)], n >= 50)).collect();
        let fitted = Logistic::fit(&examples);
        assert!(fitted.odds(&[99.0]).is_finite() && fitted.odds(&[99.0]) > 2.0);
        assert!(fitted.odds(&[0.0]) < -2.0);
    }
}
