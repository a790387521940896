//! What the log warns of. All tests of this program share one log, so each looks for names that
//! only its own warnings have.

use std::fmt::{Debug, Write as _};
use std::sync::Once;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

static STARTED: Once = Once::new();
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Starts the log, if no test has yet. Call it before what may warn.
pub fn record() {
    STARTED.call_once(|| {
        tracing::subscriber::set_global_default(Log).unwrap();
        // A place in the code that logged meanwhile, in another test, may have found no log and
        // would stay silent. A further log makes all of them look again.
        drop(Dispatch::new(Log));
    });
}

/// The warnings so far that have all these parts.
pub fn with(parts: &[&str]) -> Vec<String> {
    let mut warnings = WARNINGS.lock().clone();
    warnings.retain(|warning| parts.iter().all(|part| warning.contains(*part)));
    warnings
}

struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        WARNINGS.lock().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
