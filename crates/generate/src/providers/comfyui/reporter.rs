//! Reports progress that a person can follow: it never decreases, only samplers count as painting,
//! and no message is repeated.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::Value;

use super::events::NodeProgress;
use crate::contract::{GenerationContext, GenerationProgress};

/// The phases of a picture, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Other prompts are before it.
    Waiting,
    /// Models are loaded, the prompt and references are encoded.
    Preparing,
    /// The sampler is running.
    Painting,
    /// The picture is decoded and written.
    Finishing,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Painting => "painting",
            Self::Finishing => "finishing",
        }
    }
}

/// Reports the progress of one generation.
pub struct ProgressReporter<'a> {
    context: &'a GenerationContext,
    count: u32,
    reported: Mutex<ReportedProgress>,
}

#[derive(Default)]
struct ReportedProgress {
    index: u32,
    phase: Option<Phase>,
    /// The progress of each sampler of the graph, 0 to 1.
    samplers: BTreeMap<String, f32>,
    /// The largest fraction that was reported.
    share: f32,
    last: Option<GenerationProgress>,
}

impl ReportedProgress {
    /// The finished part of this picture, 0 to 1.
    fn painted(&self) -> f32 {
        self.samplers.values().sum::<f32>() / self.samplers.len().max(1) as f32
    }
}

/// The samplers of a graph. Loaders, encoders and decoders report steps, too, but do not count.
fn samplers(graph: &Value) -> BTreeMap<String, f32> {
    let nodes = graph.as_object().into_iter().flatten();
    let paints = |class: &str| class.contains("Sampler") && !class.contains("Select");
    let named = nodes.filter(|(_, node)| node["class_type"].as_str().is_some_and(paints));
    named.map(|(id, _)| (id.clone(), 0.0)).collect()
}

impl<'a> ProgressReporter<'a> {
    /// A reporter for a generation of this number of pictures.
    pub fn new(context: &'a GenerationContext, count: u32) -> Self {
        Self {
            context,
            count,
            reported: Mutex::default(),
        }
    }

    /// Starts a picture, or starts it again.
    pub fn begin_picture(&self, index: u32, graph: &Value) {
        self.change(|reported| {
            reported.index = index;
            reported.phase = None;
            reported.samplers = samplers(graph);
            None
        });
    }

    /// Reports how many prompts are before the picture.
    pub fn report_waiting(&self, before: usize) {
        self.change(|reported| {
            if reported.phase.is_some_and(|phase| phase > Phase::Waiting) {
                return None;
            }
            reported.phase = Some(Phase::Waiting);
            Some(match before {
                1 => "1 picture is before this one at ComfyUI".to_owned(),
                before => format!("{before} pictures are before this one at ComfyUI"),
            })
        });
    }

    /// Reports that the server has started the prompt.
    pub fn report_running(&self) {
        self.enter_phase(Phase::Preparing);
    }

    /// Reports that the server does not answer and is polled again.
    pub fn report_unreachable(&self) {
        self.change(|_| Some("ComfyUI does not answer, trying again".to_owned()));
    }

    /// Reports the node that is running.
    pub fn report_node(&self, node: &str) {
        let phase = {
            let reported = self.reported.lock();
            match reported.samplers.get(node) {
                Some(_) => Phase::Painting,
                None if !reported.samplers.is_empty() && reported.painted() >= 1.0 => {
                    Phase::Finishing
                }
                None => Phase::Preparing,
            }
        };
        self.enter_phase(phase);
    }

    /// Reports nodes whose output is cached.
    pub fn report_cached(&self, nodes: &[String]) {
        self.change(|reported| {
            for node in nodes {
                reported
                    .samplers
                    .entry(node.clone())
                    .and_modify(|share| *share = 1.0);
            }
            reported.phase = reported.phase.max(Some(Phase::Preparing));
            let index = reported.index;
            reported.phase.map(|phase| self.message(phase, index))
        });
    }

    /// Reports the progress of nodes.
    pub fn report_steps(&self, nodes: &[NodeProgress]) {
        self.change(|reported| {
            let mut painted = false;
            for NodeProgress { node, value, most } in
                nodes.iter().filter(|progress| progress.most > 1.0)
            {
                let share = (value / most).clamp(0.0, 1.0);
                if reported.samplers.is_empty() && share > 0.0 {
                    // The graph has no known sampler: the first node with steps counts as one.
                    reported.samplers.insert(node.clone(), 0.0);
                }
                if let Some(known) = reported
                    .samplers
                    .get_mut(node)
                    .filter(|known| **known < share)
                {
                    (*known, painted) = (share, true);
                }
            }
            if !painted {
                return None;
            }
            reported.phase = reported.phase.max(Some(Phase::Painting));
            let index = reported.index;
            reported.phase.map(|phase| self.message(phase, index))
        });
    }

    fn enter_phase(&self, phase: Phase) {
        self.change(|reported| {
            if reported.phase >= Some(phase) {
                return None;
            }
            reported.phase = Some(phase);
            Some(self.message(phase, reported.index))
        });
    }

    fn message(&self, phase: Phase, index: u32) -> String {
        let which = format!("picture {} of {}", index + 1, self.count);
        match phase {
            Phase::Waiting => format!("ComfyUI has {which} in its queue"),
            Phase::Preparing => format!("ComfyUI loads what {which} needs"),
            Phase::Painting => format!("ComfyUI paints {which}"),
            Phase::Finishing => format!("ComfyUI finishes {which}"),
        }
    }

    /// Updates the state, and reports it if there is a new message.
    fn change(&self, work: impl FnOnce(&mut ReportedProgress) -> Option<String>) {
        let news = {
            let mut reported = self.reported.lock();
            let Some(message) = work(&mut reported) else {
                return;
            };
            let phase = reported.phase.unwrap_or(Phase::Waiting);
            let share = (reported.index as f32 + reported.painted()) / self.count.max(1) as f32;
            reported.share = reported.share.max(share);
            let known = reported.share > 0.0 || phase > Phase::Waiting;
            let fraction = known.then_some(reported.share);
            let news = GenerationProgress {
                phase: phase.name().to_owned(),
                fraction,
                message,
            };
            if reported.last.as_ref() == Some(&news) {
                return;
            }
            reported.last = Some(news.clone());
            news
        };
        self.context.progress.progress(news);
    }
}
