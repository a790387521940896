//! Progress that a person can follow: it never runs backwards, only the sampler paints, and nothing
//! is said twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::events::NodeProgress;
use crate::provider::{GenerationContext, Progress};

/// What is being done with a picture, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It waits for other prompts.
    Waiting,
    /// Models are loaded, words and references are read.
    Preparing,
    /// The sampler works.
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

/// Tells how far the pictures of one generation are.
pub struct Teller<'a> {
    context: &'a GenerationContext,
    count: u32,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    index: u32,
    phase: Option<Phase>,
    /// How far each sampler of the graph is, 0 to 1.
    samplers: BTreeMap<String, f32>,
    /// The largest share that was told.
    share: f32,
    last: Option<Progress>,
}

impl Told {
    /// The share of this picture that is painted.
    fn painted(&self) -> f32 {
        self.samplers.values().sum::<f32>() / self.samplers.len().max(1) as f32
    }
}

/// The nodes of a graph that paint in steps. A loader, an encoder or a decoder does not, whatever
/// it says.
fn samplers(graph: &Value) -> BTreeMap<String, f32> {
    let nodes = graph.as_object().into_iter().flatten();
    let paints = |class: &str| class.contains("Sampler") && !class.contains("Select");
    let named = nodes.filter(|(_, node)| node["class_type"].as_str().is_some_and(paints));
    named.map(|(id, _)| (id.clone(), 0.0)).collect()
}

impl<'a> Teller<'a> {
    /// For so many pictures.
    pub fn new(context: &'a GenerationContext, count: u32) -> Self {
        Self {
            context,
            count,
            told: Mutex::default(),
        }
    }

    /// Another picture begins, or the same one once more.
    pub fn begins(&self, index: u32, graph: &Value) {
        self.change(|told| {
            told.index = index;
            told.phase = None;
            told.samplers = samplers(graph);
            None
        });
    }

    /// The picture waits behind so many others.
    pub fn waits(&self, before: usize) {
        self.change(|told| {
            if told.phase.is_some_and(|phase| phase > Phase::Waiting) {
                return None;
            }
            told.phase = Some(Phase::Waiting);
            Some(match before {
                1 => "1 picture is before this one at ComfyUI".to_owned(),
                before => format!("{before} pictures are before this one at ComfyUI"),
            })
        });
    }

    /// The server has begun with it.
    pub fn runs(&self) {
        self.reached(Phase::Preparing);
    }

    /// The server does not answer, and is asked again.
    pub fn is_away(&self) {
        self.change(|_| Some("ComfyUI does not answer: it is asked again".to_owned()));
    }

    /// This node works now.
    pub fn works(&self, node: &str) {
        let phase = {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            match told.samplers.get(node) {
                Some(_) => Phase::Painting,
                None if !told.samplers.is_empty() && told.painted() >= 1.0 => Phase::Finishing,
                None => Phase::Preparing,
            }
        };
        self.reached(phase);
    }

    /// These nodes need no work.
    pub fn cached(&self, nodes: &[String]) {
        self.change(|told| {
            for node in nodes {
                told.samplers
                    .entry(node.clone())
                    .and_modify(|share| *share = 1.0);
            }
            told.phase = told.phase.max(Some(Phase::Preparing));
            let index = told.index;
            told.phase.map(|phase| self.message(phase, index))
        });
    }

    /// So far nodes are.
    pub fn steps(&self, nodes: &[NodeProgress]) {
        self.change(|told| {
            let mut painted = false;
            for NodeProgress { node, value, most } in
                nodes.iter().filter(|progress| progress.most > 1.0)
            {
                let share = (value / most).clamp(0.0, 1.0);
                if told.samplers.is_empty() && share > 0.0 {
                    // A graph without a node that is known to paint: the first one with steps does.
                    told.samplers.insert(node.clone(), 0.0);
                }
                if let Some(known) = told.samplers.get_mut(node).filter(|known| **known < share) {
                    (*known, painted) = (share, true);
                }
            }
            if !painted {
                return None;
            }
            told.phase = told.phase.max(Some(Phase::Painting));
            let index = told.index;
            told.phase.map(|phase| self.message(phase, index))
        });
    }

    fn reached(&self, phase: Phase) {
        self.change(|told| {
            if told.phase >= Some(phase) {
                return None;
            }
            told.phase = Some(phase);
            Some(self.message(phase, told.index))
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

    /// Changes what is known, and tells it when there is a message that was not told before.
    fn change(&self, work: impl FnOnce(&mut Told) -> Option<String>) {
        let news = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(message) = work(&mut told) else {
                return;
            };
            let phase = told.phase.unwrap_or(Phase::Waiting);
            let share = (told.index as f32 + told.painted()) / self.count.max(1) as f32;
            told.share = told.share.max(share);
            let known = told.share > 0.0 || phase > Phase::Waiting;
            let fraction = known.then_some(told.share);
            let news = Progress {
                phase: phase.name().to_owned(),
                fraction,
                message,
            };
            if told.last.as_ref() == Some(&news) {
                return;
            }
            told.last = Some(news.clone());
            news
        };
        self.context.progress.progress(news);
    }
}
