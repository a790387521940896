//! Checks before queueing that the server has the nodes and model files that a graph needs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::template::{RequiredFile, SlotValues, Template};
use crate::contract::GenerateError;

/// File name endings of model weights. A node that loads one kind also loads the others.
const WEIGHTS: [&str; 7] = [
    ".safetensors",
    ".bin",
    ".ckpt",
    ".pt",
    ".pth",
    ".sft",
    ".gguf",
];

/// The server's names of files, by node, input and the name in the graph.
pub type FileNames = BTreeMap<(String, String, String), String>;

/// The server's nodes, as far as they have been asked for.
pub struct NodeCatalogue<'a> {
    client: &'a Client,
    known: BTreeMap<String, Option<Value>>,
}

/// The result of checking a graph.
#[derive(Debug, Default)]
pub struct PreflightReport {
    /// What the server lacks, each with how to provide it.
    pub missing: Vec<String>,
    /// Files that it has in a subfolder or with another ending.
    pub names: FileNames,
}

impl<'a> NodeCatalogue<'a> {
    /// An empty catalogue.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self {
            client,
            known: BTreeMap::new(),
        }
    }

    /// Describes a node's inputs; `None` if the server does not have the node.
    async fn info(&mut self, class: &str) -> Result<Option<Value>, GenerateError> {
        if let Some(known) = self.known.get(class) {
            return Ok(known.clone());
        }
        let info = self.client.node(class).await?;
        self.known.insert(class.to_owned(), info.clone());
        Ok(info)
    }

    /// Checks every node of a graph, and the files that its nodes load.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn inspect(
        &mut self,
        template: &Template,
        fill: &SlotValues,
        graph: &Value,
    ) -> Result<PreflightReport, GenerateError> {
        let mut report = PreflightReport::default();
        for node in graph
            .as_object()
            .into_iter()
            .flat_map(|nodes| nodes.values())
        {
            let class = node["class_type"].as_str().unwrap_or_default();
            let Some(info) = self.info(class).await? else {
                report.add_missing(format!("the node {class} ({})", source_of(class)));
                continue;
            };
            if class.starts_with("LoadImage") {
                // Its list of files does not include our upload.
                continue;
            }
            for (input, value) in node["inputs"].as_object().into_iter().flatten() {
                let (Some(value), Some(choices)) = (value.as_str(), choices(&info, input)) else {
                    continue;
                };
                if choices.iter().any(|choice| choice == value) {
                    continue;
                }
                match same_file(value, &choices) {
                    Some(file) => {
                        let place = (class.to_owned(), input.clone(), value.to_owned());
                        report.names.insert(place, file.to_owned());
                    }
                    None => report.add_missing(format!(
                        "\"{value}\" as {input} of {class} ({})",
                        offered(class, &choices)
                    )),
                }
            }
        }
        for need in template.needs(fill) {
            // Without the node that lists these files they cannot be checked. If the graph uses
            // that node, it has been reported already.
            let Some(info) = self.info(&need.class).await? else {
                continue;
            };
            let listed = choices(&info, &need.input).unwrap_or_default();
            if !listed.iter().any(|choice| need.is_met_by(choice)) {
                report.add_missing(format!(
                    "the file {} (put it into {} or a subfolder; .bin files work, too)",
                    need.file, need.folder
                ));
            }
        }
        Ok(report)
    }
}

impl PreflightReport {
    fn add_missing(&mut self, what: String) {
        if !self.missing.contains(&what) {
            self.missing.push(what);
        }
    }
}

impl RequiredFile {
    /// Whether the node would accept this file.
    fn is_met_by(&self, file: &str) -> bool {
        file_name(file).eq_ignore_ascii_case(&self.file)
            || self.like.iter().any(|like| is_like(like, file))
    }
}

/// Checks a graph, and returns the server's names of its files.
///
/// # Errors
/// [`crate::FailureClass::Permanent`] that lists all missing nodes and files, and how to provide
/// them.
pub async fn check(
    client: &Client,
    template: &Template,
    fill: &SlotValues,
    graph: &Value,
) -> Result<FileNames, GenerateError> {
    let PreflightReport { missing, names } = NodeCatalogue::new(client)
        .inspect(template, fill, graph)
        .await?;
    if missing.is_empty() {
        return Ok(names);
    }
    Err(GenerateError::permanent(format!(
        "ComfyUI at {} lacks {}",
        client.address(),
        missing.join("; ")
    )))
}

/// Replaces the names of files in a graph by the server's.
#[must_use]
pub fn rename_files(mut graph: Value, names: &FileNames) -> Value {
    for node in graph
        .as_object_mut()
        .into_iter()
        .flat_map(|nodes| nodes.values_mut())
    {
        let class = node["class_type"].as_str().unwrap_or_default().to_owned();
        for (input, value) in node["inputs"].as_object_mut().into_iter().flatten() {
            let Some(named) = value.as_str() else {
                continue;
            };
            if let Some(name) = names.get(&(class.clone(), input.clone(), named.to_owned())) {
                *value = Value::from(name.clone());
            }
        }
    }
    graph
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Finds a file in a subfolder or with another ending.
fn same_file<'a>(wanted: &str, choices: &'a [String]) -> Option<&'a str> {
    fn stem(path: &str) -> Option<String> {
        let lower = file_name(path).to_lowercase();
        WEIGHTS
            .iter()
            .find_map(|ending| lower.strip_suffix(ending))
            .map(str::to_owned)
    }
    let wanted_stem = stem(wanted)?;
    let by_name = choices
        .iter()
        .find(|choice| file_name(choice).eq_ignore_ascii_case(file_name(wanted)));
    by_name
        .or_else(|| {
            choices
                .iter()
                .find(|choice| stem(choice).as_ref() == Some(&wanted_stem))
        })
        .map(String::as_str)
}

/// Whether a text matches a pattern, in which `*` is any text and `?` any character. Case does not
/// matter.
fn is_like(pattern: &str, text: &str) -> bool {
    fn like(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
            [one, rest @ ..] => {
                text.first()
                    .is_some_and(|letter| *one == '?' || one == letter)
                    && like(rest, &text[1..])
            }
        }
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    like(&letters(pattern), &letters(text))
}

fn source_of(class: &str) -> &'static str {
    if class.starts_with("IPAdapter") || class == "PrepImageForClipVision" {
        "install the custom nodes ComfyUI_IPAdapter_plus"
    } else {
        "update ComfyUI, or install the custom nodes that bring it"
    }
}

fn offered(class: &str, choices: &[String]) -> String {
    let place = match class {
        "CheckpointLoaderSimple" => "put it into models/checkpoints or set COMFYUI_CHECKPOINT; ",
        "ControlNetLoader" => "put it into models/controlnet or set COMFYUI_CONTROLNET; ",
        _ => "",
    };
    if choices.is_empty() {
        return format!("{place}it has none");
    }
    let few: Vec<&str> = choices.iter().take(8).map(String::as_str).collect();
    format!(
        "{place}it has {}{}",
        few.join(", "),
        if choices.len() > 8 { ", …" } else { "" }
    )
}

/// The values that an input may have, in the older form (`[["a","b"]]`) or the newer
/// (`["COMBO",{"options":[…]}]`).
fn choices(info: &Value, input: &str) -> Option<Vec<String>> {
    let spec = [
        &info["input"]["required"][input],
        &info["input"]["optional"][input],
    ]
    .into_iter()
    .find(|spec| spec.is_array())?;
    let list = spec[0]
        .as_array()
        .or_else(|| spec[1]["options"].as_array())?;
    Some(
        list.iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_found_in_folders_and_with_other_endings() {
        let choices =
            ["sdxl/Base_1.0.safetensors", "win\\other.ckpt", "base_2.bin"].map(str::to_owned);
        for (wanted, expected) in [
            ("base_1.0.safetensors", Some("sdxl/Base_1.0.safetensors")),
            ("other.ckpt", Some("win\\other.ckpt")),
            ("base_2.safetensors", Some("base_2.bin")),
            ("base_3.safetensors", None),
            ("euler", None),
        ] {
            assert_eq!(same_file(wanted, &choices), expected, "{wanted}");
        }
    }

    #[test]
    fn files_that_the_adapter_loads_itself_are_matched_as_its_node_matches_them() {
        let template = Template::built_in().expect("built in");
        let fill = SlotValues {
            styles: vec![super::super::template::ReferenceSlots::default()],
            ..SlotValues::default()
        };
        let needs: Vec<&RequiredFile> = template.needs(&fill).collect();
        let meets = |index: usize, file: &str| needs[index].is_met_by(file);
        for good in [
            "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
            "sdxl/clip-vit-h-14-laion2b-s32b-b79k.bin",
            "SDXL\\CLIP-ViT-H-14-s32B-b79K.safetensors",
            "ipadapter/sd15.safetensors",
        ] {
            assert!(meets(0, good), "{good}");
        }
        assert!(!meets(0, "CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors"));
        assert!(
            meets(1, "x/ip-adapter-plus_sdxl_vit-h.bin") && meets(1, "plus-sdxl-vit-h.safetensors")
        );
        assert!(
            !meets(1, "ip-adapter-plus-face_sdxl_vit-h.safetensors")
                && !meets(1, "ip-adapter_sdxl_vit-h.bin")
        );
    }
}
