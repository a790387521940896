//! Edits pictures: fields, tags, and the vector of the sentence made from the tags.

use clippy_core::changes::PictureEdit;
use clippy_core::gallery::{Payload, Point, Space, With, check_vector, tags_of};
use clippy_core::ids::PointId;
use clippy_core::sentences::{self, Underscores, sentence};
use clippy_core::trash::{KeptKind, KeptState};
use clippy_core::{Result, embedding::EmbedInput};
use clippy_tagging::{embed, note_sentence, take_turn};

use crate::Keeper;

/// What happens to the text vector of a picture.
enum Text {
    Kept,
    Removed,
    Made(String),
}

impl Keeper<'_> {
    /// Edits pictures. Payload and text vector change in one write. Returns how many changed:
    /// pictures that do not exist, and those that the edit leaves as they are, do not count.
    ///
    /// # Errors
    /// Those of the collection, the model and the trash. Repeating the call completes it.
    pub async fn edit(&self, ids: &[PointId], edit: &PictureEdit, template: &str) -> Result<u64> {
        let _turn = take_turn().await;
        let points = self.gallery.retrieve(ids, With::ALL).await?;
        let form = sentences::read_form(self.gallery).await?;
        let (mut before, mut after, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for point in points {
            let Some(mut payload) = edit.apply(&point.payload) else {
                continue;
            };
            texts.push(text_after(&point.payload, &mut payload, template, form));
            after.push(Point {
                payload,
                ..point.clone()
            });
            before.push(point);
        }
        if after.is_empty() {
            return Ok(0);
        }
        self.embed_texts(&mut after, &texts).await?;
        let ids: Vec<PointId> = after.iter().map(|point| point.id).collect();
        self.undoable()
            .keep(before, KeptKind::Edited, KeptState::Done)
            .await?;
        let changed = after.len() as u64;
        self.gallery.upsert(after).await?;
        // Another process may have deleted some of them meanwhile.
        let gone = self.trash.tombstones(&ids).await?;
        if !gone.is_empty() {
            let gone: Vec<PointId> = gone.iter().map(|stone| stone.id).collect();
            self.gallery.delete(&gone).await?;
        }
        Ok(changed)
    }

    async fn embed_texts(&self, points: &mut [Point], texts: &[Text]) -> Result<()> {
        let inputs = texts.iter().filter_map(|text| match text {
            Text::Made(sentence) => Some(EmbedInput::Text(sentence.clone())),
            Text::Kept | Text::Removed => None,
        });
        let inputs: Vec<EmbedInput> = inputs.collect();
        let mut made = if inputs.is_empty() {
            Vec::new().into_iter()
        } else {
            embed(self.embedder, inputs).await?.into_iter()
        };
        let dimension = self.embedder.info().dimension;
        for (point, text) in points.iter_mut().zip(texts) {
            point.vectors.text = match text {
                Text::Kept => continue,
                Text::Removed => None,
                Text::Made(_) => made.next(),
            };
            if let Some(vector) = &point.vectors.text {
                check_vector(Space::Text, vector, dimension)?;
            }
        }
        Ok(())
    }
}

/// Decides on the text vector, and notes the sentence that it is made from.
fn text_after(before: &Payload, after: &mut Payload, template: &str, form: Underscores) -> Text {
    let of = |payload: &Payload| {
        let tags: Vec<&str> = tags_of(payload).collect();
        sentence(&tags, template, form)
    };
    let now = of(after);
    if of(before) == now {
        return Text::Kept;
    }
    note_sentence(after, now.as_deref());
    now.map_or(Text::Removed, Text::Made)
}
