//! Arranges vectors in the plane, so that similar ones lie near each other.
//!
//! A few thousand vectors, the landmarks, are arranged by t-SNE. Every other vector is placed
//! between the landmarks that are most similar to it, which takes a time that is proportional to
//! their number. The same landmarks in the same order get nearly the same places.

mod directions;

use bhtsne::tSNE;

/// The number of landmarks that are worth the time: seconds, and a few megabytes.
pub const MOST_LANDMARKS: usize = 4_000;
/// Fewer landmarks are placed by their two main directions alone.
const FEWEST_FOR_TSNE: usize = 16;
/// How many neighbours of each landmark count.
const PERPLEXITY: f32 = 30.0;
/// How often all landmarks are moved.
const EPOCHS: usize = 750;
/// The accuracy of the forces between far groups; 0 is exact.
const THETA: f32 = 0.5;
/// The spread of the landmarks before they are moved.
const BEGINNING: f32 = 1e-2;
/// How many landmarks a vector is placed between.
const BETWEEN: usize = 5;
/// A landmark with a cosine that is lower by this counts a third as much.
const FADING: f32 = 0.03;
/// How much of the plane stays empty at each edge.
const MARGIN: f32 = 0.03;

/// A place in the plane: x and y between 0 and 1.
pub type Place = [f32; 2];

/// Landmarks with their places.
#[derive(Debug, Clone)]
pub struct Layout {
    landmarks: Vec<Vec<f32>>,
    places: Vec<Place>,
    /// The typical distance between two landmarks beside each other.
    gap: f32,
}

impl Layout {
    /// Arranges landmarks: unit vectors of one length. Takes seconds for [`MOST_LANDMARKS`], on half
    /// of the cores.
    #[must_use]
    pub fn of(landmarks: Vec<Vec<f32>>) -> Self {
        let mut places = directions::main_two(&landmarks);
        if landmarks.len() >= FEWEST_FOR_TSNE {
            places = arranged(&landmarks, &places);
        }
        fit(&mut places);
        let gap = 0.5 / (landmarks.len().max(1) as f32).sqrt();
        Self {
            landmarks,
            places,
            gap,
        }
    }

    /// The places of the landmarks, in their order.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Returns the place of another vector. Without landmarks it is the middle. Vectors with
    /// different salts do not cover each other, even if they are equal.
    #[must_use]
    pub fn place(&self, vector: &[f32], salt: u64) -> Place {
        let mut nearest: Vec<(f32, usize)> = Vec::with_capacity(BETWEEN + 1);
        for (index, landmark) in self.landmarks.iter().enumerate() {
            let cosine = dot(landmark, vector);
            if nearest.len() < BETWEEN || nearest.last().is_some_and(|last| cosine > last.0) {
                let at = nearest.partition_point(|known| known.0 >= cosine);
                nearest.insert(at, (cosine, index));
                nearest.truncate(BETWEEN);
            }
        }
        let Some(&(best, _)) = nearest.first() else {
            return [0.5, 0.5];
        };
        let (mut sum, mut place) = (0.0, [0.0, 0.0]);
        for (cosine, index) in nearest {
            let weight = ((cosine - best) / FADING).exp();
            sum += weight;
            place[0] += weight * self.places[index][0];
            place[1] += weight * self.places[index][1];
        }
        // A spiral of the golden angle spreads consecutive salts evenly.
        let turn = (salt % 4_096) as f32;
        let (angle, radius) = (2.399_963 * turn, self.gap * (turn / 4_096.0).sqrt());
        [
            (place[0] / sum + radius * angle.cos()).clamp(0.0, 1.0),
            (place[1] / sum + radius * angle.sin()).clamp(0.0, 1.0),
        ]
    }
}

/// Arranges landmarks by t-SNE, beginning at these places.
fn arranged(landmarks: &[Vec<f32>], places: &[Place]) -> Vec<Place> {
    let count = landmarks.len();
    let spread = spread_of(places).max(f32::MIN_POSITIVE);
    let beginning: Vec<f32> = places
        .iter()
        .flatten()
        .map(|value| value / spread * BEGINNING)
        .collect();
    let run = || {
        tSNE::<f32, Vec<f32>, 2>::new(landmarks)
            .perplexity(PERPLEXITY.min((count as f32 - 2.0) / 3.0))
            .epochs(EPOCHS)
            .initial_embedding(beginning)
            .barnes_hut(THETA, |one: &Vec<f32>, other: &Vec<f32>| {
                distance(one, other)
            })
            .embedding()
    };
    // Searches go on meanwhile.
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let embedding = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(run),
        Err(_) => run(),
    };
    embedding
        .chunks_exact(2)
        .map(|pair| [pair[0], pair[1]])
        .collect()
}

/// Moves and scales places into the plane.
fn fit(places: &mut [Place]) {
    let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
    for place in places.iter() {
        for axis in 0..2 {
            low[axis] = low[axis].min(place[axis]);
            high[axis] = high[axis].max(place[axis]);
        }
    }
    let extent = (high[0] - low[0]).max(high[1] - low[1]);
    for place in places {
        for axis in 0..2 {
            let middle = f32::midpoint(low[axis], high[axis]);
            let from_middle = if extent > 0.0 {
                (place[axis] - middle) / extent
            } else {
                0.0
            };
            place[axis] = 0.5 + from_middle * (1.0 - 2.0 * MARGIN);
        }
    }
}

/// The standard deviation of the first coordinate, which is the wider one.
fn spread_of(places: &[Place]) -> f32 {
    let count = places.len().max(1) as f32;
    let mean = places.iter().map(|place| place[0]).sum::<f32>() / count;
    let squares = places.iter().map(|place| (place[0] - mean).powi(2));
    (squares.sum::<f32>() / count).sqrt()
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums at once, so that the compiler uses the vector unit.
    let mut sums = [0.0_f32; 8];
    let (left, right) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f32 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in left.zip(right) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The distance of two unit vectors.
fn distance(one: &[f32], other: &[f32]) -> f32 {
    (2.0 - 2.0 * dot(one, other)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests;
