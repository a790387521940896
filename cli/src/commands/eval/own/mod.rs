//! Queries made from the user's own gallery, so that anybody can measure searches without writing a
//! queries file.
//!
//! Their answers are known from the pictures: a tag names the pictures that have it, a simulated
//! sketch of a picture should find that picture, and a style should find others of its group.

mod choice;
mod drawing;
mod gallery;

use std::collections::HashSet;

use futures::StreamExt;
use serde_json::Value;

use super::measuring::{CONCURRENCY, DEPTH};
use super::query::{Drawing, Half, Query, StyleExample};
use crate::arguments::WeightArguments;
use crate::client::{Client, SearchForm, id_text};
use crate::failure::Failure;
use gallery::{Gallery, hash};

/// Most pictures that are drawn.
const MOST_DRAWN: usize = 100;
/// The most pictures that are tried. Some cannot be drawn, since files may be missing.
const MOST_TRIED: usize = 200;
/// Width of the copies that sketches are made from.
const WIDTH: u32 = 512;
/// How many of the first results are looked through for copies of a picture.
const MOST_COPIES: usize = 24;
/// In a smaller gallery, most pictures are among the first results of any query.
const SMALL_GALLERY: usize = 200;

/// Queries that were made from a gallery.
#[derive(Debug, Default)]
pub(super) struct OwnQueries {
    /// The queries.
    pub(super) queries: Vec<Query>,
    /// How many pictures were looked at.
    pub(super) pictures: usize,
    /// What a reader of the figures should know.
    pub(super) notes: Vec<String>,
}

/// Makes the queries.
pub(super) async fn make(
    client: &Client,
    weights: &WeightArguments,
) -> Result<OwnQueries, Failure> {
    let gallery = Gallery::fetch(client, weights).await?;
    let mut own = OwnQueries {
        pictures: gallery.pictures.len(),
        ..OwnQueries::default()
    };
    match own.pictures {
        0 => {
            return Err(Failure::run(
                "the gallery has no pictures yet: add some with `clippy add FOLDER`",
            ));
        }
        1 => {
            return Err(Failure::run(
                "the gallery has one picture, which every search finds: add more with `clippy add \
                 FOLDER`",
            ));
        }
        few if few < SMALL_GALLERY => own.notes.push(format!(
            "The gallery has only {few} pictures, so most are among the first results whatever is \
             asked for. The figures say little."
        )),
        _ => {}
    }
    if !gallery.is_whole {
        own.notes.push(format!(
            "The gallery is large: the queries are made from {} of its pictures.",
            own.pictures
        ));
    }
    own.add_names(client, weights, &gallery).await?;
    own.add_sketches(client, weights, &gallery).await?;
    own.add_styles(&gallery);
    own.add_pairs(client, &gallery).await?;
    if own.queries.is_empty() {
        return Err(Failure::run(format!(
            "no queries can be made from this gallery. {}",
            own.notes.join(" ")
        )));
    }
    Ok(own)
}

impl OwnQueries {
    /// Adds queries with a name as words. The pictures that have the name are right.
    async fn add_names(
        &mut self,
        client: &Client,
        weights: &WeightArguments,
        gallery: &Gallery,
    ) -> Result<(), Failure> {
        let chosen = choice::names(gallery);
        for (name, places) in &chosen {
            let relevant = if gallery.is_whole {
                gallery.ids(places)
            } else {
                // Pictures that were not looked at may have the name, too.
                let tagged = tagged(client, weights, name).await?;
                if tagged.len() < 2 || tagged.len() >= DEPTH {
                    continue;
                }
                tagged
            };
            self.queries.push(Query {
                kind: "own text".to_owned(),
                words: Some(name.replace('_', " ")),
                relevant,
                ..Query::default()
            });
        }
        if gallery.named.is_empty() {
            self.notes.push(
                "No queries by words: no picture has tags, or words in the name of its file."
                    .to_owned(),
            );
        } else if chosen.is_empty() {
            self.notes.push(
                "No queries by words: no tag is shared by some, but not too many pictures."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Adds queries with simulated sketches, alone and with a word. The drawn picture is right; its
    /// copies do not count.
    async fn add_sketches(
        &mut self,
        client: &Client,
        weights: &WeightArguments,
        gallery: &Gallery,
    ) -> Result<(), Failure> {
        let (mut drawn, mut missing, mut tried) = (0, 0, 0);
        let mut sketches = futures::stream::iter(0..gallery.pictures.len().min(MOST_TRIED))
            .map(|place| async move { (place, draw(client, gallery, place).await) })
            .buffered(CONCURRENCY);
        while drawn < MOST_DRAWN
            && let Some((place, sketch)) = sketches.next().await
        {
            tried += 1;
            let (file, sketch) = match sketch? {
                Sketch::Missing => {
                    missing += 1;
                    continue;
                }
                Sketch::Blank => continue,
                Sketch::Drawn { file, sketch } => (file, sketch),
            };
            drawn += 1;
            let id = &gallery.pictures[place].id;
            let query = Query {
                kind: "own sketch".to_owned(),
                drawing: Some(Drawing::Made(sketch)),
                relevant: vec![id.clone()],
                exclude: copies(client, weights, id, file).await?,
                half: Some(Half::at(drawn)),
                ..Query::default()
            };
            if let Some(name) = choice::shared_name(gallery, place) {
                self.queries.push(Query {
                    kind: "own sketch+text".to_owned(),
                    words: Some(name.replace('_', " ")),
                    ..query.clone()
                });
            }
            self.queries.push(query);
        }
        if missing > 0 {
            self.notes.push(format!(
                "The files of {missing} of {tried} pictures are missing or cannot be read."
            ));
        }
        if drawn == 0 {
            self.notes.push(
                "No queries by sketch: none of the pictures that were tried can be drawn."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Adds queries with the style of a picture. The pictures of its group that show another
    /// subject are right.
    fn add_styles(&mut self, gallery: &Gallery) {
        if gallery.groups.is_empty() {
            self.notes.push(
                "No queries by style: the gallery's styles are not known. `clippy styles --find` \
                 finds them."
                    .to_owned(),
            );
            return;
        }
        let queries = choice::styles(gallery).into_iter().map(|choice| Query {
            kind: "own style".to_owned(),
            style: Some(StyleExample::Stored(
                gallery.pictures[choice.example].id.clone(),
            )),
            relevant: gallery.ids(&choice.relevant),
            exclude: gallery.ids(&choice.same_subject),
            ..Query::default()
        });
        self.queries.extend(queries);
    }

    /// Adds queries with a sketch of a subject and with a style. Pictures of the subject in that
    /// style are right.
    async fn add_pairs(&mut self, client: &Client, gallery: &Gallery) -> Result<(), Failure> {
        let pairs = choice::pairs(gallery);
        if pairs.is_empty() && !gallery.groups.is_empty() {
            self.notes.push(
                "No queries by sketch and style: no subject is there in two styles, by its tags."
                    .to_owned(),
            );
        }
        let mut sketches = futures::stream::iter(pairs)
            .map(|pair| async move {
                let sketch = draw(client, gallery, pair.drawn).await;
                (pair, sketch)
            })
            .buffered(CONCURRENCY);
        let mut place = 0;
        while let Some((pair, sketch)) = sketches.next().await {
            let Sketch::Drawn { sketch, .. } = sketch? else {
                continue;
            };
            place += 1;
            self.queries.push(Query {
                kind: "own sketch+style".to_owned(),
                drawing: Some(Drawing::Made(sketch)),
                style: Some(StyleExample::Stored(
                    gallery.pictures[pair.example].id.clone(),
                )),
                relevant: gallery.ids(&pair.relevant),
                exclude: gallery.ids(&[pair.drawn, pair.example]),
                half: Some(Half::at(place)),
                ..Query::default()
            });
        }
        Ok(())
    }
}

/// Finds the pictures with a tag, up to the number of results that count.
async fn tagged(
    client: &Client,
    weights: &WeightArguments,
    tag: &str,
) -> Result<Vec<Value>, Failure> {
    let form = SearchForm::new(weights, DEPTH)
        .field("query_text", tag.replace('_', " "))
        .field("tag_filters", tag.to_owned())
        .field("collapse", "false".to_owned())
        .field("personalize", "false".to_owned());
    let hits = Client::results(&client.search(form).await?)?;
    Ok(hits.into_iter().map(|hit| hit.id).collect())
}

/// A simulated sketch.
enum Sketch {
    /// The picture has no file that can be read.
    Missing,
    /// The picture has no lines.
    Blank,
    /// The copy of the file that was drawn, and its drawing.
    Drawn { file: Vec<u8>, sketch: Vec<u8> },
}

async fn draw(client: &Client, gallery: &Gallery, place: usize) -> Result<Sketch, Failure> {
    let id = &gallery.pictures[place].id;
    let Some(file) = client.image(id, WIDTH).await? else {
        return Ok(Sketch::Missing);
    };
    let seed = hash(&id_text(id));
    let drawing = tokio::task::spawn_blocking(move || {
        let sketch = drawing::draw(&file, seed);
        (file, sketch)
    });
    match drawing.await {
        Ok((file, Some(sketch))) => Ok(Sketch::Drawn { file, sketch }),
        Ok((_, None)) => Ok(Sketch::Blank),
        Err(error) => Err(Failure::run(format!("a sketch cannot be made: {error}"))),
    }
}

/// Finds the known copies of a picture: those that a search by its file reports as its duplicates.
async fn copies(
    client: &Client,
    weights: &WeightArguments,
    id: &Value,
    file: Vec<u8>,
) -> Result<Vec<Value>, Failure> {
    let weights = WeightArguments {
        w_img: 1.0,
        ..*weights
    };
    let form = SearchForm::new(&weights, MOST_COPIES)
        .field("personalize", "false".to_owned())
        .field("collapse", "true".to_owned())
        .file("image", file);
    let hits = Client::results(&client.search(form).await?)?;
    let itself = id_text(id);
    for hit in hits {
        let mut same = hit.duplicates;
        same.push(hit.id);
        let ids: HashSet<String> = same.iter().map(id_text).collect();
        if ids.contains(&itself) {
            same.retain(|other| id_text(other) != itself);
            return Ok(same);
        }
    }
    Ok(Vec::new())
}
