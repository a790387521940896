//! Measures the encoder of pictures alone, at several sizes of batches, as a share of the speed of
//! one large matrix product in the same run.
//!
//! Run with `cargo bench --profile dev --workspace --bench encoder`. It measures ViT-B-32 with
//! random weights, or the model in the folder `CLIPPY_ENCODER_MODEL`. `benches/encoder.py` runs it
//! beside other programs, with the same weights. Printed as JSON lines.
//!
//! A share can be above 1: the product is libtorch's own, which does not pack its operands in
//! advance, and of the last block only one token is computed.

use std::time::{Duration, Instant};

use clippy_clip::config::{ModelConfig, VisionNetwork};
use clippy_clip::device::cpu_multiplies_bf16;
use clippy_clip::{Device, LoadedModel, ModelSource, Precision};
use clippy_core::embedding::ModelPixels;
use serde_json::json;
use tch::{Kind, Tensor};

const BATCHES: [usize; 5] = [1, 2, 4, 16, 32];
/// The side of the matrices of the product.
const SIDE: i64 = 2048;
/// Each measurement is the fastest of the runs in this time, three at least.
const TIME: Duration = Duration::from_secs(3);
const LEAST_RUNS: usize = 3;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let threads = std::env::var("CLIPPY_ENCODER_THREADS").ok();
    if let Some(threads) = threads {
        tch::set_num_threads(threads.parse()?);
    }
    let mut precisions = vec![Precision::Fp32];
    if cpu_multiplies_bf16() {
        precisions.push(Precision::Bf16);
    }
    for precision in precisions {
        let product = product(precision)?;
        println!(
            "{}",
            json!({"measure": "product", "precision": precision.to_string(),
                "gflops": product.round()})
        );
        let model = load(precision)?;
        // All differ, since equal pictures would be computed once.
        let largest = BATCHES.into_iter().max().unwrap_or_default();
        let made: Vec<ModelPixels> = (0..largest)
            .map(|seed| picture(model.info.transform.side, seed))
            .collect();
        for batch in BATCHES {
            let pictures: Vec<&ModelPixels> = made.iter().take(batch).collect();
            let seconds = fastest(|| Ok(model.model.embed_images(&pictures)?))?;
            let rate = operations(&model.config) * batch as f64 / seconds / 1e9;
            println!(
                "{}",
                json!({
                    "measure": "encoder",
                    "precision": precision.to_string(),
                    "batch": batch,
                    "pictures_per_second": rounded(batch as f64 / seconds, 1),
                    "gflops": rate.round(),
                    "share_of_product": rounded(rate / product, 2),
                })
            );
        }
    }
    Ok(())
}

fn load(precision: Precision) -> Result<LoadedModel, AnyError> {
    let model = match std::env::var_os("CLIPPY_ENCODER_MODEL") {
        Some(folder) => {
            let source = ModelSource::Folder(folder.into());
            LoadedModel::load(&source, Device::Cpu, Some(precision))?
        }
        None => LoadedModel::random("ViT-B-32", Device::Cpu, Some(precision), 7)?,
    };
    Ok(model)
}

fn picture(side: u32, seed: usize) -> ModelPixels {
    let values = side as usize * side as usize * 3;
    ModelPixels {
        side,
        rgb: (0..values).map(|at| ((at + seed) % 251) as u8).collect(),
    }
}

/// The speed of a product of two square matrices, in 10⁹ operations a second.
fn product(precision: Precision) -> Result<f64, AnyError> {
    let kind = match precision {
        Precision::Fp32 => Kind::Float,
        Precision::Fp16 => Kind::Half,
        Precision::Bf16 => Kind::BFloat16,
    };
    let matrix = || Tensor::randn([SIDE, SIDE], (Kind::Float, Device::Cpu)).to_kind(kind);
    let (left, right) = (matrix(), matrix());
    let seconds = fastest(|| Ok(left.f_matmul(&right)?))?;
    Ok(2.0 * (SIDE as f64).powi(3) / seconds / 1e9)
}

/// The operations for one picture: products and sums of all tokens in all blocks.
fn operations(config: &ModelConfig) -> f64 {
    let vision = &config.vision;
    let VisionNetwork::Transformer {
        layers,
        patch_size,
        mlp_ratio,
        ..
    } = vision.network
    else {
        return 0.0;
    };
    let patches = (vision.image_size / patch_size).pow(2) as f64;
    let (tokens, width) = (patches + 1.0, vision.width as f64);
    let of_patches = patches * 3.0 * (patch_size * patch_size) as f64 * width;
    // Queries, keys, values and the output; then the two layers of the perceptron.
    let of_layers = tokens * width * width * (4.0 + 2.0 * mlp_ratio);
    let of_attention = 2.0 * tokens * tokens * width;
    2.0 * (of_patches + layers as f64 * (of_layers + of_attention))
}

/// The seconds of the fastest run.
fn fastest<T>(mut run: impl FnMut() -> Result<T, AnyError>) -> Result<f64, AnyError> {
    run()?;
    let (began, mut best, mut runs) = (Instant::now(), f64::MAX, 0);
    while runs < LEAST_RUNS || began.elapsed() < TIME {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    Ok(best)
}

fn rounded(value: f64, digits: i32) -> f64 {
    let unit = 10_f64.powi(digits);
    (value * unit).round() / unit
}
