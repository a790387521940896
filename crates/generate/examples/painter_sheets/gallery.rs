//! The pictures that the sheets are painted from: the demo gallery's drawings, or a folder with a
//! manifest.

use std::error::Error;
use std::path::{Path, PathBuf};

use clippy_drawings::{Style, render, sketch, subject, subjects};
use clippy_imaging::{DecodeLimits, decode};
use image::RgbImage;
use serde::Deserialize;

/// A picture of the gallery.
pub struct Entry {
    pub subject: String,
    pub style: String,
    pub tags: Vec<String>,
    source: Source,
}

enum Source {
    Drawing(Style),
    File(PathBuf),
}

/// A line of a manifest.
#[derive(Deserialize)]
struct Line {
    local_path: String,
    #[serde(default)]
    tags_all: Vec<String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    style: String,
}

pub struct Gallery {
    pub entries: Vec<Entry>,
    /// Subjects of which there is a sketch.
    pub sketched: Vec<String>,
    folder: Option<PathBuf>,
}

impl Gallery {
    pub fn open(folder: Option<&str>) -> Result<Self, Box<dyn Error>> {
        folder.map_or_else(
            || Ok(Self::drawn()),
            |folder| Self::of_folder(folder.as_ref()),
        )
    }

    fn drawn() -> Self {
        let entries = subjects()
            .iter()
            .flat_map(|subject| Style::ALL.map(|style| (subject, style)))
            .map(|(subject, style)| Entry {
                subject: subject.name.to_owned(),
                style: style.tag().to_owned(),
                tags: vec![subject.name.to_owned()],
                source: Source::Drawing(style),
            })
            .collect();
        Self {
            entries,
            sketched: subjects().iter().map(|own| own.name.to_owned()).collect(),
            folder: None,
        }
    }

    fn of_folder(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let manifest = std::fs::read_to_string(folder.join("manifest.jsonl"))?;
        let entries = manifest
            .lines()
            .map(|line| {
                let line: Line = serde_json::from_str(line)?;
                Ok(Entry {
                    source: Source::File(folder.join(&line.local_path)),
                    subject: line.subject,
                    style: line.style,
                    tags: line.tags_all,
                })
            })
            .collect::<Result<_, serde_json::Error>>()?;
        let mut sketched = Vec::new();
        for file in std::fs::read_dir(folder.join("sketches"))? {
            if let Some(name) = file?.path().file_stem().and_then(|name| name.to_str()) {
                sketched.push(name.to_owned());
            }
        }
        sketched.sort();
        Ok(Self {
            entries,
            sketched,
            folder: Some(folder.to_owned()),
        })
    }

    pub fn picture(&self, index: usize) -> Result<RgbImage, Box<dyn Error>> {
        let entry = &self.entries[index];
        match &entry.source {
            Source::Drawing(style) => {
                let drawn = subject(&entry.subject).ok_or("no such subject")?;
                Ok(render(drawn, *style)?)
            }
            Source::File(path) => {
                let bytes = std::fs::read(path)?;
                Ok(decode(&bytes, &DecodeLimits::default())?.into_pixels())
            }
        }
    }

    pub fn sketch(&self, name: &str) -> Result<RgbImage, Box<dyn Error>> {
        let Some(folder) = &self.folder else {
            let pad = sketch(subject(name).ok_or("no such subject")?, 1)?;
            return Ok(clippy_imaging::trim_sketch(&pad).unwrap_or(pad));
        };
        let bytes = std::fs::read(folder.join("sketches").join(format!("{name}.png")))?;
        Ok(decode(&bytes, &DecodeLimits::default())?.into_pixels())
    }

    /// One of the pictures that a search would find first: those that show what a word names, then
    /// those that have most of the words among their tags. `turn` says which of them.
    pub fn closest(&self, words: &str, turn: usize) -> Option<usize> {
        let words: Vec<String> = words.split(' ').map(str::to_lowercase).collect();
        let score = |entry: &Entry| {
            let shows = words.contains(&entry.subject.to_lowercase());
            let tagged = words.iter().filter(|word| entry.tags.contains(word));
            (usize::from(shows), tagged.count())
        };
        let best = self
            .entries
            .iter()
            .map(score)
            .max()
            .filter(|best| *best > (0, 0))?;
        let found: Vec<usize> = (0..self.entries.len())
            .filter(|index| score(&self.entries[*index]) == best)
            .collect();
        found.get(turn % found.len()).copied()
    }

    /// The pictures that a search for a subject would find: those of it, then others.
    pub fn search(&self, subject: &str, turn: usize) -> Vec<usize> {
        let (mut own, mut others): (Vec<usize>, Vec<usize>) =
            (0..self.entries.len()).partition(|index| self.entries[*index].subject == subject);
        let turned = |list: &mut Vec<usize>, steps: usize| {
            let steps = steps % list.len().max(1);
            list.rotate_left(steps);
        };
        turned(&mut own, turn * 3);
        turned(&mut others, turn * 37);
        own.extend(others.into_iter().step_by(11).take(60));
        own
    }
}
