//! Measures the encoder of pictures alone, at several sizes of batches, as a share of the speed of
//! one large matrix product in the same run.
//!
//! Run with `cargo bench --profile dev --workspace --bench encoder`. Without further settings it
//! measures ViT-B-32 with random weights on the CPU. `benches/encoder.py` runs it beside other
//! programs with the same weights, and `benches/gpu.sh` on a GPU. Printed as JSON lines.
//!
//! | variable | meaning |
//! |---|---|
//! | `CLIPPY_ENCODER_MODEL` | a model's folder, or an architecture for random weights |
//! | `CLIPPY_ENCODER_DEVICE` | `cpu` or `cuda:N` |
//! | `CLIPPY_ENCODER_THREADS` | threads of the CPU |
//! | `CLIPPY_ENCODER_BATCHES` | numbers of pictures, with commas |
//!
//! A share can be above 1: the product is libtorch's own, which does not pack its operands in
//! advance, and of the last block only one token is computed.

use std::path::Path;
use std::time::{Duration, Instant};

use clippy_clip::config::{ModelConfig, VisionNetwork};
use clippy_clip::device::cpu_multiplies_bf16;
use clippy_clip::{Device, DeviceChoice, LoadedModel, ModelSource, Precision};
use clippy_core::embedding::ModelPixels;
use serde_json::json;
use tch::{Kind, Tensor};

/// The side of the matrices of the product.
const SIDE: i64 = 2048;
/// The same on a GPU, which a small product does not fill.
const SIDE_ON_GPU: i64 = 8192;
/// Each measurement is the fastest of the runs in this time, three at least.
const TIME: Duration = Duration::from_secs(3);
const LEAST_RUNS: usize = 3;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let setting = |name: &str, default: &str| {
        std::env::var(format!("CLIPPY_ENCODER_{name}")).unwrap_or_else(|_| default.to_owned())
    };
    let device = setting("DEVICE", "cpu")
        .parse::<DeviceChoice>()?
        .resolve()?;
    if let Ok(threads) = setting("THREADS", "").parse() {
        tch::set_num_threads(threads);
    }
    let batches = setting("BATCHES", "1,2,4,16,32");
    let batches: Vec<usize> = batches
        .split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let precisions: &[Precision] = match device {
        Device::Cpu if cpu_multiplies_bf16() => &[Precision::Fp32, Precision::Bf16],
        Device::Cpu => &[Precision::Fp32],
        _ => &[Precision::Fp16, Precision::Bf16],
    };
    for &precision in precisions {
        measure(&setting("MODEL", "ViT-B-32"), device, precision, &batches)?;
    }
    Ok(())
}

fn measure(
    name: &str,
    device: Device,
    precision: Precision,
    batches: &[usize],
) -> Result<(), AnyError> {
    let product = product(device, precision)?;
    println!(
        "{}",
        json!({"measure": "product", "precision": precision.to_string(),
            "gflops": product.round()})
    );
    let model = load(name, device, precision)?;
    // All differ, since equal pictures would be computed once.
    let largest = batches.iter().copied().max().unwrap_or_default();
    let made: Vec<ModelPixels> = (0..largest)
        .map(|seed| picture(model.info.transform.side, seed))
        .collect();
    for &batch in batches {
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
    Ok(())
}

fn load(name: &str, device: Device, precision: Precision) -> Result<LoadedModel, AnyError> {
    let folder = Path::new(name);
    let model = if folder.is_dir() {
        let source = ModelSource::Folder(folder.to_owned());
        LoadedModel::load(&source, device, Some(precision))?
    } else {
        LoadedModel::random(name, device, Some(precision), 7)?
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
fn product(device: Device, precision: Precision) -> Result<f64, AnyError> {
    let kind = match precision {
        Precision::Fp32 => Kind::Float,
        Precision::Fp16 => Kind::Half,
        Precision::Bf16 => Kind::BFloat16,
    };
    let side = if device == Device::Cpu {
        SIDE
    } else {
        SIDE_ON_GPU
    };
    let matrix = || Tensor::randn([side, side], (Kind::Float, device)).to_kind(kind);
    let (left, right) = (matrix(), matrix());
    // Reading a value waits for the device.
    let seconds = fastest(|| Ok(left.f_matmul(&right)?.double_value(&[0, 0])))?;
    Ok(2.0 * (side as f64).powi(3) / seconds / 1e9)
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
