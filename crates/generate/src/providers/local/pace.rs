//! How long the painter takes, from what its pictures took on this machine.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;

use clippy_painter::size_for;
use parking_lot::Mutex;

use super::size;
use crate::contract::{AspectRatio, GenerateRequest, Generation, Role};
use crate::pictures::picture_bytes;

/// Seconds of a picture of the usual size, and of each further megapixel, on [`CORES`] cores.
/// Those of the usual size are rough measurements of a busy machine; those of megapixels are estimated
/// from the steps that work at the picture's own size. The first picture corrects them.
const DRAWN: Seconds = Seconds {
    usual: 0.7,
    megapixel: 2.5,
};
/// The same with style references, whose patches it places.
const PATCHED: Seconds = Seconds {
    usual: 5.0,
    megapixel: 5.0,
};
/// The same where it only recolours what is under a mask.
const RECOLOURED: Seconds = Seconds {
    usual: 0.1,
    megapixel: 0.3,
};
const CORES: f32 = 2.0;
/// The weight of the last picture in the pace.
const LAST: f32 = 0.5;
/// The pixels of the usual size.
const USUAL: f32 = 512.0 * 512.0;

struct Seconds {
    usual: f32,
    megapixel: f32,
}

/// How many times longer than expected pictures take here, once one was painted: for each kind of
/// [`Work`].
static PACE: LazyLock<Mutex<[Option<f32>; 3]>> = LazyLock::new(Mutex::default);

/// What one picture takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Work {
    size: (usize, usize),
    styled: bool,
    recoloured: bool,
}

impl Work {
    pub(super) fn of_generation(generation: &Generation) -> Self {
        let styled = generation.with_role(Role::Style).next().is_some();
        let painted = styled || generation.sketch.is_some() || !generation.style_tags.is_empty();
        let recoloured = generation.mask.is_some() && !painted;
        let base = generation.base.as_ref().filter(|_| recoloured);
        let size = base.map_or_else(
            || size_for(generation.ratio(), size::long_side(generation)),
            |base| (base.width() as usize, base.height() as usize),
        );
        Self {
            size,
            styled,
            recoloured,
        }
    }

    /// The same before any picture is fetched. Without a size, the ratio does not matter.
    fn of_request(request: &GenerateRequest) -> Self {
        let has = |role: Role| {
            let mut all = 0..request.refs.len();
            all.any(|index| request.role(index).is_ok_and(|own| own == role))
        };
        let styled = has(Role::Style);
        let painted = styled || request.sketch.is_some() || !request.style_tags.is_empty();
        let recoloured = request.mask.is_some() && !painted;
        let ratio: Option<AspectRatio> = request
            .aspect_ratio
            .as_deref()
            .and_then(|ratio| ratio.parse().ok());
        let size = match (&request.mask, &request.base) {
            (Some(_), Some(base)) => base_size(base, recoloured),
            _ => ratio.map_or_else(
                || size_for(1.0, None),
                |ratio| size_for(ratio.value(), ratio.long_side().map(|side| side as usize)),
            ),
        };
        Self {
            size,
            styled,
            recoloured,
        }
    }

    /// The place of its kind in [`PACE`]: drawn, patched, recoloured.
    fn kind(&self) -> usize {
        match (self.recoloured, self.styled) {
            (false, false) => 0,
            (false, true) => 1,
            (true, _) => 2,
        }
    }

    /// The seconds on [`CORES`] cores.
    fn seconds(&self) -> f32 {
        let Seconds { usual, megapixel } = [DRAWN, PATCHED, RECOLOURED][self.kind()];
        let pixels = (self.size.0 * self.size.1) as f32;
        let further = (pixels - USUAL).max(0.0) / 1e6;
        usual * (pixels / USUAL).min(1.0) + megapixel * further
    }
}

/// The size at which an edit of this base is painted, or its own where it is only recoloured; the
/// usual one if it cannot be read here.
fn base_size(base: &str, recoloured: bool) -> (usize, usize) {
    let probe = picture_bytes(base)
        .ok()
        .and_then(|bytes| clippy_imaging::probe(&bytes).ok());
    let Some(probe) = probe.filter(|probe| probe.width > 0 && probe.height > 0) else {
        return size_for(1.0, None);
    };
    if recoloured {
        return (probe.width as usize, probe.height as usize);
    }
    let ratio = (probe.width as f32 / probe.height as f32).clamp(0.125, 8.0);
    let usual = size_for(ratio, None);
    let long = probe.width.max(probe.height) as usize;
    if long > usual.0.max(usual.1) {
        size_for(ratio, Some(long))
    } else {
        usual
    }
}

/// Learns from a picture that was painted.
pub(super) fn measured(work: &Work, took: Duration) {
    let own = took.as_secs_f32() / work.seconds().max(0.01);
    let mut pace = PACE.lock();
    let pace = &mut pace[work.kind()];
    *pace = Some(pace.map_or(own, |before| before + LAST * (own - before)));
}

/// The time that a request would take, in words.
pub(super) fn in_words(request: &GenerateRequest) -> String {
    let work = Work::of_request(request);
    let pace = PACE.lock()[work.kind()];
    let cores = available_parallelism().map_or(1, NonZero::get) as f32;
    let seconds = work.seconds() * request.count as f32 * pace.unwrap_or(CORES / cores);
    let basis = if pace.is_some() {
        "as long as the last ones took here"
    } else {
        "guessed from the number of cores until a picture was painted here"
    };
    let (width, height) = work.size;
    let pictures = match request.count {
        1 => "a picture".to_owned(),
        count => format!("{count} pictures"),
    };
    format!(
        "about {} for {pictures} of {width} x {height} pixels, {basis}",
        rounded(seconds)
    )
}

/// A duration without more digits than are known.
fn rounded(seconds: f32) -> String {
    match seconds {
        ..1.0 => "a second".to_owned(),
        ..10.0 => format!("{:.0} s", seconds.ceil()),
        ..120.0 => format!("{:.0} s", (seconds / 5.0).ceil() * 5.0),
        _ => format!("{:.0} min", (seconds / 60.0).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(ratio: &str, count: u32) -> GenerateRequest {
        GenerateRequest {
            prompt: Some("red hills".into()),
            aspect_ratio: Some(ratio.into()),
            count,
            ..GenerateRequest::default()
        }
    }

    #[test]
    fn more_pixels_and_pictures_take_longer_and_it_learns_from_pictures() {
        let work = |ratio| Work::of_request(&asking(ratio, 1));
        assert_eq!(work("1:1").size, (512, 512));
        assert_eq!(work("1536:1024").size, (1536, 1024));
        let times = work("1536:1536").seconds() / work("1:1").seconds();
        assert!((3.0..12.0).contains(&times), "{times}");
        let large = asking("1536:1536", 4);
        let text = in_words(&large);
        assert!(text.contains("4 pictures of 1536 x 1536 pixels"), "{text}");
        // A machine that needs 100 s for what should take a few.
        for _ in 0..12 {
            measured(&Work::of_request(&large), Duration::from_secs(100));
        }
        let text = in_words(&large);
        assert!(text.starts_with("about 7 min for 4"), "{text}");
        assert!(text.contains("the last ones took here"), "{text}");
    }

    #[test]
    fn durations_have_the_digits_that_are_known() {
        let texts = [0.2, 3.2, 12.1, 300.0].map(rounded);
        assert_eq!(texts, ["a second", "4 s", "15 s", "5 min"]);
    }
}
