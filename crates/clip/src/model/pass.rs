//! Plans a pass through the tower: which pictures are computed, and for which views.

use std::collections::HashMap;

use clippy_core::embedding::{Embedding, ModelPixels};

use super::PictureView;

/// The different pictures of a batch, and the views that are wanted of them.
pub(super) struct PicturePass<'p> {
    /// The pictures, each once.
    pub(super) pictures: Vec<&'p ModelPixels>,
    /// The indexes of the pictures whose content embedding is wanted, ascending.
    pub(super) content: Vec<i64>,
    /// The indexes of the pictures whose style embedding is wanted, ascending.
    pub(super) style: Vec<i64>,
    /// For each input of the batch: its view, and its index among the embeddings of that view.
    places: Vec<(PictureView, usize)>,
}

impl<'p> PicturePass<'p> {
    /// Plans the pass for a batch of inputs. Pictures with the same pixels are computed once.
    pub(super) fn new(inputs: &[(&'p ModelPixels, PictureView)]) -> Self {
        let mut pass = Self {
            pictures: Vec::new(),
            content: Vec::new(),
            style: Vec::new(),
            places: Vec::with_capacity(inputs.len()),
        };
        let mut known: HashMap<&[u8], i64> = HashMap::new();
        for (pixels, _) in inputs {
            let pictures = &mut pass.pictures;
            known.entry(&pixels.rgb).or_insert_with(|| {
                pictures.push(pixels);
                pictures.len() as i64 - 1
            });
        }
        for (pixels, view) in inputs {
            let rows = pass.rows_mut(*view);
            rows.push(known[&pixels.rgb[..]]);
        }
        for view in [PictureView::Content, PictureView::Style] {
            let rows = pass.rows_mut(view);
            rows.sort_unstable();
            rows.dedup();
        }
        for (pixels, view) in inputs {
            let rows = match view {
                PictureView::Content => &pass.content,
                PictureView::Style => &pass.style,
            };
            let place = rows.partition_point(|row| *row < known[&pixels.rgb[..]]);
            pass.places.push((*view, place));
        }
        pass
    }

    fn rows_mut(&mut self, view: PictureView) -> &mut Vec<i64> {
        match view {
            PictureView::Content => &mut self.content,
            PictureView::Style => &mut self.style,
        }
    }

    /// Returns the embedding of each input, given the embeddings of both views.
    pub(super) fn distribute(&self, content: &[Embedding], style: &[Embedding]) -> Vec<Embedding> {
        let embedding = |(view, place): &(PictureView, usize)| match view {
            PictureView::Content => content[*place].clone(),
            PictureView::Style => style[*place].clone(),
        };
        self.places.iter().map(embedding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_computed_once_and_every_input_gets_its_embedding() {
        let picture = |value: u8| ModelPixels {
            side: 1,
            rgb: vec![value; 3],
        };
        let (a, b, c, copy_of_b) = (picture(1), picture(2), picture(3), picture(2));
        let inputs = [
            (&c, PictureView::Style),
            (&b, PictureView::Content),
            (&a, PictureView::Content),
            (&copy_of_b, PictureView::Style),
            (&copy_of_b, PictureView::Content),
        ];
        let pass = PicturePass::new(&inputs);
        let values: Vec<u8> = pass.pictures.iter().map(|picture| picture.rgb[0]).collect();
        assert_eq!(values, [3, 2, 1]);
        assert_eq!(
            (&pass.content[..], &pass.style[..]),
            (&[1, 2][..], &[0, 1][..])
        );
        let made = |rows: &[i64], sign: f32| -> Vec<Embedding> {
            let of = |row: &i64| vec![sign * f32::from(values[*row as usize])];
            rows.iter().map(of).collect()
        };
        let answers = pass.distribute(&made(&pass.content, 1.0), &made(&pass.style, -1.0));
        assert_eq!(answers, [[-3.0], [2.0], [1.0], [-2.0], [2.0]]);
    }
}
