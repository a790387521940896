//! Puts a graph together from the sections of a template.

use std::collections::{BTreeMap, BTreeSet};

use clippy_core::Result;
use serde_json::{Map, Value};

use super::fill::{ReferenceSlots, SlotValues, sets};
use super::filling::SlotFiller;
use super::section::{Nodes, Section};

/// Builds a graph.
pub(super) struct GraphBuilder<'a> {
    fill: &'a SlotValues,
    /// The nodes so far.
    pub(super) graph: Map<String, Value>,
    wires: BTreeMap<String, Value>,
}

impl<'a> GraphBuilder<'a> {
    pub(super) fn new(fill: &'a SlotValues) -> Self {
        Self {
            fill,
            graph: Map::new(),
            wires: BTreeMap::new(),
        }
    }

    pub(super) fn add_chain(
        &mut self,
        section: &Section,
        references: &[ReferenceSlots],
    ) -> Result<()> {
        references
            .iter()
            .enumerate()
            .try_for_each(|(round, one)| self.add_nodes(&section.nodes, round, Some(one)))
    }

    pub(super) fn add_sets(
        &mut self,
        section: &Section,
        references: &[ReferenceSlots],
    ) -> Result<()> {
        let mut round = 0;
        for (number, set) in sets(references).into_iter().enumerate() {
            for (index, reference) in set.iter().enumerate() {
                for part in section.each.iter().filter(|part| part.turn.takes(index)) {
                    self.add_nodes(&part.nodes, round, Some(reference))?;
                }
                round += 1;
            }
            self.add_nodes(&section.nodes, number, set.first().copied())?;
        }
        Ok(())
    }

    pub(super) fn add_nodes(
        &mut self,
        section: &Nodes,
        round: usize,
        reference: Option<&ReferenceSlots>,
    ) -> Result<()> {
        // The first copy keeps its node ids, so that a graph with one reference looks like the
        // template.
        let name = |id: &str| {
            if round == 0 {
                id.to_owned()
            } else {
                format!("{id}_{}", round + 1)
            }
        };
        let own: BTreeSet<&str> = section.nodes.keys().map(String::as_str).collect();
        let put = SlotFiller {
            fill: self.fill,
            reference,
            wires: &self.wires,
            own: &own,
            name: &name,
        };
        for (id, node) in &section.nodes {
            let mut node = node.clone();
            node["inputs"] = put.value(&node["inputs"])?;
            self.graph.insert(name(id), node);
        }
        let given = section
            .wires
            .iter()
            .map(|(wire, output)| Ok((wire.clone(), put.value(output)?)));
        let given: Vec<(String, Value)> = given.collect::<Result<_>>()?;
        self.wires.extend(given);
        Ok(())
    }
}
