//! Inspects finished pictures: their number, their aspect ratio, and whether an edit stayed within
//! its mask.
//!
//! The receipt was planned before the pictures existed. It is only downgraded here: what was
//! approximated stays approximated.

use std::sync::Arc;

use clippy_common::run_blocking;
use clippy_imaging::{DecodeLimits, decode};
use image::{GrayImage, RgbImage};

use crate::contract::{Generated, GeneratedImage, Generation, Receipt, Treatment};

/// A deviation of the ratio below this counts as exact, because models round sides to multiples of
/// 32 or 64 pixels.
const RATIO_OFF: f32 = 0.03;
/// If the channels of the masked part differ from the base by less than this on average, of 255,
/// nothing was painted there.
const SAME: f64 = 1.0;
/// The fraction of pixels outside of the mask that may differ.
const OUTSIDE: f64 = 0.001;

/// Corrects the receipt by what the pictures show.
pub(super) async fn inspect(generation: &Arc<Generation>, generated: &mut Generated) {
    let Generated {
        images, receipt, ..
    } = generated;
    inspect_count(generation, images, receipt);
    inspect_ratio(generation, images, receipt);
    inspect_seed(generation, images, receipt);
    if generation.mask.is_some() && receipt.line("mask").is_some() {
        inspect_mask(generation, images, receipt).await;
    }
}

fn inspect_count(generation: &Generation, images: &[GeneratedImage], receipt: &mut Receipt) {
    let honoured = receipt
        .line("count")
        .is_some_and(|line| line.treatment == Treatment::Honoured);
    if honoured && images.len() as u64 != u64::from(generation.count) {
        let reason = "the provider sent another number of pictures";
        receipt.add_approximated(
            "count",
            format!("{} of {} pictures", images.len(), generation.count),
            reason,
        );
    }
}

fn inspect_ratio(generation: &Generation, images: &[GeneratedImage], receipt: &mut Receipt) {
    let (Some(asked), None) = (generation.aspect_ratio, &generation.mask) else {
        return;
    };
    let Some(line) = receipt
        .line("aspect_ratio")
        .filter(|line| line.treatment != Treatment::Dropped)
    else {
        return;
    };
    let before = line.clone();
    let off = |image: &GeneratedImage| {
        let is = image.width as f32 / image.height.max(1) as f32;
        (is / asked.value()).ln().abs()
    };
    let Some(worst) = images.iter().max_by(|a, b| off(a).total_cmp(&off(b))) else {
        return;
    };
    let size = format!("{}x{} pixels", worst.width, worst.height);
    match before.treatment {
        Treatment::Honoured if off(worst) <= RATIO_OFF => {
            receipt.add_honoured("aspect_ratio", size)
        }
        Treatment::Honoured => {
            let reason = format!("{asked} was asked for, but the picture has another ratio");
            receipt.add_approximated("aspect_ratio", size, reason);
        }
        _ => receipt.add_approximated("aspect_ratio", size, before.reason),
    }
}

fn inspect_seed(generation: &Generation, images: &[GeneratedImage], receipt: &mut Receipt) {
    if generation.seed.is_none()
        && let Some(seed) = images.first().and_then(|image| image.seed)
    {
        receipt.add_honoured("seed", format!("{seed}, chosen for this job"));
    }
}

/// How an edited picture differs from its base.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MaskDifference {
    /// The mean difference of a channel within the mask, of 255.
    inside: f64,
    /// The fraction of the pixels outside that differ.
    outside: f64,
}

async fn inspect_mask(
    generation: &Arc<Generation>,
    images: &[GeneratedImage],
    receipt: &mut Receipt,
) {
    let mut worst: Option<MaskDifference> = None;
    for image in images {
        let (generation, bytes) = (Arc::clone(generation), image.bytes.clone());
        let compare = move || {
            let (base, mask) = generation.base.as_ref().zip(generation.mask.as_ref())?;
            let picture = decode(&bytes, &DecodeLimits::bulk()).ok()?;
            (picture.dimensions() == base.dimensions()).then(|| difference(base, mask, &picture))
        };
        let Ok(change) = run_blocking(move || compare().ok_or(()), |_| ()).await else {
            let reason = "the picture has another size than its base, so they cannot be compared";
            return receipt.add_approximated("mask", "the whole picture was repainted", reason);
        };
        let seen = worst.get_or_insert(change);
        seen.inside = seen.inside.min(change.inside);
        seen.outside = seen.outside.max(change.outside);
    }
    let Some(MaskDifference { inside, outside }) = worst else {
        return;
    };
    if outside > OUTSIDE {
        let sent = format!(
            "{:.1} % of the pixels outside of the mask changed, too",
            outside * 100.0
        );
        receipt.add_approximated(
            "mask",
            sent,
            "pixels outside of the mask should not have changed",
        );
    } else if inside < SAME {
        let sent = format!(
            "the masked part shows the base again (a mean difference of {inside:.2} of 255)"
        );
        let reason =
            "nothing was painted there: say what to show, or send a sketch or a reference for it";
        receipt.add_approximated("mask", sent, reason);
    }
}

fn difference(base: &RgbImage, mask: &GrayImage, picture: &RgbImage) -> MaskDifference {
    let (mut inside, mut inside_pixels, mut changed, mut outside_pixels) = (0u64, 0u64, 0u64, 0u64);
    for ((base, picture), mask) in base.pixels().zip(picture.pixels()).zip(mask.pixels()) {
        let differences = base.0.iter().zip(&picture.0).map(|(a, b)| a.abs_diff(*b));
        if mask.0[0] > 0 {
            inside += differences.map(u64::from).sum::<u64>();
            inside_pixels += 1;
        } else {
            changed += u64::from(differences.max().unwrap_or_default() > 2);
            outside_pixels += 1;
        }
    }
    MaskDifference {
        inside: inside as f64 / (inside_pixels * 3).max(1) as f64,
        outside: changed as f64 / outside_pixels.max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use clippy_imaging::{Encoding, encode};
    use image::{Luma, Rgb};

    use super::*;
    use crate::contract::{AspectRatio, GenerationMeta};

    fn made(picture: &RgbImage, receipt: Receipt) -> Generated {
        let image = GeneratedImage {
            bytes: encode(picture, Encoding::Png).expect("a PNG").into(),
            media_type: "image/png".to_owned(),
            width: picture.width(),
            height: picture.height(),
            seed: Some(7),
        };
        Generated {
            images: vec![image],
            meta: GenerationMeta::default(),
            receipt,
        }
    }

    async fn inspect_picture(
        generation: Generation,
        picture: &RgbImage,
        input: &str,
    ) -> (Treatment, String, String) {
        let mut receipt = Receipt::new("test");
        receipt.add_honoured(input, "as asked");
        let mut generated = made(picture, receipt);
        inspect(
            &Arc::new(Generation {
                count: 1,
                ..generation
            }),
            &mut generated,
        )
        .await;
        let line = generated.receipt.line(input).expect("a line").clone();
        (line.treatment, line.sent, line.reason)
    }

    #[tokio::test]
    async fn a_ratio_is_honoured_when_the_picture_has_it() {
        let wide = || Generation {
            aspect_ratio: Some(AspectRatio {
                width: 16,
                height: 9,
            }),
            ..Generation::default()
        };
        let (treatment, sent, _) =
            inspect_picture(wide(), &RgbImage::new(168, 96), "aspect_ratio").await;
        assert_eq!(
            (treatment, sent.as_str()),
            (Treatment::Honoured, "168x96 pixels")
        );
        let (treatment, sent, reason) =
            inspect_picture(wide(), &RgbImage::new(100, 100), "aspect_ratio").await;
        assert_eq!(
            (treatment, sent.as_str()),
            (Treatment::Approximated, "100x100 pixels")
        );
        assert!(reason.contains("16:9"), "{reason}");
    }

    #[tokio::test]
    async fn a_mask_is_honoured_when_only_its_inside_changed() {
        let base = RgbImage::from_pixel(40, 40, Rgb([90, 20, 20]));
        let mask = GrayImage::from_fn(40, 40, |x, _| Luma([if x < 20 { 255 } else { 0 }]));
        let edit = || Generation {
            base: Some(Arc::new(base.clone())),
            mask: Some(Arc::new(mask.clone())),
            ..Generation::default()
        };
        let painted = |from: u32, to: u32| {
            let mut picture = base.clone();
            for (x, _, pixel) in picture.enumerate_pixels_mut() {
                if (from..to).contains(&x) {
                    *pixel = Rgb([0, 200, 0]);
                }
            }
            picture
        };
        let (treatment, _, _) = inspect_picture(edit(), &painted(0, 20), "mask").await;
        assert_eq!(treatment, Treatment::Honoured);
        let (treatment, sent, _) = inspect_picture(edit(), &base, "mask").await;
        assert!(
            treatment == Treatment::Approximated && sent.contains("the base again"),
            "{sent}"
        );
        let (treatment, sent, _) = inspect_picture(edit(), &painted(0, 30), "mask").await;
        assert!(
            treatment == Treatment::Approximated && sent.contains("50.0 %"),
            "{sent}"
        );
        let (treatment, _, reason) = inspect_picture(edit(), &RgbImage::new(10, 10), "mask").await;
        assert!(
            treatment == Treatment::Approximated && reason.contains("another size"),
            "{reason}"
        );
    }

    #[tokio::test]
    async fn a_chosen_seed_and_missing_pictures_are_reported() {
        let (treatment, sent, _) =
            inspect_picture(Generation::default(), &RgbImage::new(4, 4), "seed").await;
        assert_eq!(
            (treatment, sent.as_str()),
            (Treatment::Honoured, "7, chosen for this job")
        );
        let mut receipt = Receipt::new("test");
        receipt.add_honoured("count", "3 pictures in 3 calls");
        let mut generated = made(&RgbImage::new(4, 4), receipt);
        inspect(
            &Arc::new(Generation {
                count: 3,
                ..Generation::default()
            }),
            &mut generated,
        )
        .await;
        let line = generated.receipt.line("count").expect("a line");
        assert_eq!(
            (line.treatment, line.sent.as_str()),
            (Treatment::Approximated, "1 of 3 pictures")
        );
    }
}
