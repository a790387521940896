//! `clippy eval`: measures the quality of searches on queries with known answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use clippy_core::settings::Settings;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::Value;

use crate::arguments::EvalArguments;
use crate::client::{Client, SearchForm, id_text};
use crate::evaluation::{Ranks, Report};
use crate::failure::Failure;
use crate::local_services::with_server;

/// How many results are considered. An answer beyond them counts as not found.
const DEPTH: usize = 200;
/// Queries that run at once.
const CONCURRENCY: usize = 8;

/// One line of a queries file.
#[derive(Debug, Deserialize)]
struct Line {
    /// The group of its figures; `sketch` or `text` by default.
    kind: Option<String>,
    /// A drawing, relative to the file. It makes the line a sketch query.
    image: Option<PathBuf>,
    /// A picture whose style is asked for, relative to the file; beside an image or words, or
    /// alone.
    style_image: Option<PathBuf>,
    /// Words. With an image they are only the drawing's name, and not searched for, unless the kind
    /// begins with `mixed`.
    text: Option<String>,
    /// The pictures that answer the query.
    relevant: Vec<Value>,
    /// Pictures that are not counted, such as the query itself.
    #[serde(default)]
    exclude: Vec<Value>,
}

/// Runs all queries and prints the figures.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &EvalArguments,
) -> Result<(), Failure> {
    let lines = read(&arguments.queries)?;
    let folder = arguments
        .queries
        .parent()
        .unwrap_or_else(|| Path::new("."))
        .to_owned();
    let report = with_server(settings, server, async |client| {
        measure(client, &lines, &folder, arguments).await
    })
    .await?;
    if arguments.json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", path.display())))?;
    let lines: Vec<Line> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                Failure::run(format!("{} line {}: {error}", path.display(), number + 1))
            })
        })
        .collect::<Result<_, _>>()?;
    if lines.is_empty() {
        return Err(Failure::run(format!(
            "{} contains no queries",
            path.display()
        )));
    }
    Ok(lines)
}

async fn measure(
    client: &Client,
    lines: &[Line],
    folder: &Path,
    arguments: &EvalArguments,
) -> Result<Report, Failure> {
    let styles = styles(client, lines).await?;
    let hidden: HashSet<&str> = arguments.exclude_style.iter().map(String::as_str).collect();
    let ranked: Vec<(String, Ranks)> = futures::stream::iter(lines)
        .map(|line| async {
            let found = search(client, line, folder, arguments).await?;
            let excluded: HashSet<String> = line.exclude.iter().map(id_text).collect();
            let counted = found
                .iter()
                .filter(|(id, style)| {
                    !excluded.contains(id)
                        && !style.as_deref().is_some_and(|style| hidden.contains(style))
                })
                .map(|(id, _)| id.as_str());
            let relevant: BTreeMap<String, Option<&str>> = line
                .relevant
                .iter()
                .map(id_text)
                .map(|id| (id.clone(), styles.get(&id).and_then(Option::as_deref)))
                .filter(|(_, style)| !style.is_some_and(|style| hidden.contains(style)))
                .collect();
            Ok::<_, Failure>((kind(line), Ranks::of(counted, &relevant)))
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(Report::of(ranked))
}

fn kind(line: &Line) -> String {
    line.kind.clone().unwrap_or_else(|| {
        match (line.image.is_some(), line.style_image.is_some()) {
            (true, true) => "sketch+style",
            (true, false) => "sketch",
            (false, true) if line.text.is_none() => "style",
            (false, true) => "text+style",
            (false, false) => "text",
        }
        .to_owned()
    })
}

/// Whether a query uses both its drawing and its words.
fn is_mixed(line: &Line) -> bool {
    line.kind
        .as_deref()
        .is_some_and(|kind| kind.starts_with("mixed"))
}

/// Fetches the styles of all pictures that answer a query, as far as the collection has them.
async fn styles(
    client: &Client,
    lines: &[Line],
) -> Result<HashMap<String, Option<String>>, Failure> {
    let mut ids: Vec<Value> = lines
        .iter()
        .flat_map(|line| line.relevant.iter().cloned())
        .collect();
    ids.sort_by_key(id_text);
    ids.dedup();
    let pictures = client.pictures(&ids).await?;
    if pictures.is_empty() {
        return Err(Failure::run(
            "the collection has none of the pictures that answer the queries: ingest their \
             manifest first",
        ));
    }
    Ok(pictures
        .into_iter()
        .map(|picture| (id_text(&picture.id), picture.payload.style))
        .collect())
}

async fn read_picture(folder: &Path, name: &Path) -> Result<Vec<u8>, Failure> {
    let path = folder.join(name);
    tokio::fs::read(&path)
        .await
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", path.display())))
}

/// Runs a query. Returns the ids of the results, best first, with their styles.
async fn search(
    client: &Client,
    line: &Line,
    folder: &Path,
    arguments: &EvalArguments,
) -> Result<Vec<(String, Option<String>)>, Failure> {
    // Copies of a picture count as separate results here.
    let mut form = SearchForm::new(&arguments.weights, DEPTH)
        .field("personalize", "false".to_owned())
        .field("collapse", "false".to_owned())
        .field("calibrated", (!arguments.raw).to_string());
    if let Some(diversity) = arguments.diversity {
        form = form.field("diversity", diversity.to_string());
    }
    if let Some(style) = &line.style_image {
        form = form.file("style_image", read_picture(folder, style).await?);
    }
    let form = match (&line.image, &line.text) {
        (Some(image), _) => {
            let form = form.file("sketch", read_picture(folder, image).await?);
            match &line.text {
                Some(text) if is_mixed(line) => form.field("query_text", text.clone()),
                None if is_mixed(line) => {
                    return Err(Failure::run("a mixed query has an image but no text"));
                }
                _ => form,
            }
        }
        (None, Some(_)) if is_mixed(line) => {
            return Err(Failure::run("a mixed query has text but no image"));
        }
        (None, Some(text)) => form.field("query_text", text.clone()),
        (None, None) if line.style_image.is_some() => form,
        (None, None) => {
            return Err(Failure::run(
                "a query has neither image nor text nor style_image",
            ));
        }
    };
    let answer = client.search(form).await?;
    let found = Client::results(&answer)?;
    Ok(found
        .into_iter()
        .map(|found| (id_text(&found.id), found.payload.style))
        .collect())
}
