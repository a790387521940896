//! Changes to a graph that is sent again.

use std::collections::BTreeSet;

use serde_json::Value;

/// Makes a repeated graph differ from its first attempt. Otherwise a server that caches results
/// would answer with a file that no longer exists.
#[must_use]
pub fn mark_attempt(mut graph: Value, attempt: u32) -> Value {
    if attempt == 0 {
        return graph;
    }
    let Some(nodes) = graph.as_object_mut() else {
        return graph;
    };
    let used: BTreeSet<String> = nodes
        .values()
        .flat_map(|node| node["inputs"].as_object().into_iter().flatten())
        .filter_map(|(_, value)| {
            value
                .as_array()
                .filter(|link| link.len() == 2)?
                .first()?
                .as_str()
        })
        .map(str::to_owned)
        .collect();
    for (_, node) in nodes.iter_mut().filter(|(id, _)| !used.contains(*id)) {
        let Some(inputs) = node["inputs"].as_object_mut() else {
            continue;
        };
        match inputs.get_mut("filename_prefix") {
            Some(Value::String(prefix)) => prefix.push_str(&format!("_again{attempt}")),
            // An unknown input changes the server's cache key and has no other effect.
            _ => drop(inputs.insert("clippy_again".to_owned(), Value::from(attempt))),
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_graph_that_is_sent_again_gives_its_picture_another_name() {
        let graph = json!({
            "1": {"class_type": "KSampler", "inputs": {"seed": 7}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0],
            "filename_prefix": "mine"}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        });
        assert_eq!(mark_attempt(graph.clone(), 0), graph);
        let again = mark_attempt(graph.clone(), 2);
        assert_eq!(again["1"], graph["1"]);
        assert_eq!(again["2"]["inputs"]["filename_prefix"], "mine_again2");
        assert_eq!(
            again["3"]["inputs"],
            json!({"images": ["1", 0], "clippy_again": 2})
        );
    }
}
